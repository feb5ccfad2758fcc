//! Golden scenarios: what happens to an organization's credits, one behaviour a file, readable without knowing the program.
//!
//! Every `tests/scenarios/<topic>/<behaviour>.txt` is folded through the product's own partition. Their language is told in
//! the files beside them. After every line the books of
//! every organization must add up; at the end the log is folded again, cut at every record and without the looks in
//! between, and must end with the same bytes.
//! `SCENARIO=<part of a path> cargo test --test scenarios` runs only some.

pub mod model;

#[path = "scenarios/accountant.rs"]
mod accountant;
#[path = "scenarios/calls.rs"]
mod calls;
#[path = "scenarios/catalog.rs"]
mod catalog;
#[path = "scenarios/expectation.rs"]
mod expectation;
#[path = "scenarios/language.rs"]
mod language;
#[path = "scenarios/limits.rs"]
mod limits;
#[path = "scenarios/meter.rs"]
mod meter;
#[path = "scenarios/names.rs"]
mod names;
#[path = "scenarios/recharges.rs"]
mod recharges;
#[path = "scenarios/restarts.rs"]
mod restarts;
#[path = "scenarios/script.rs"]
mod script;
#[path = "scenarios/words.rs"]
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use creditd::log::Record;
use creditd::wire::Subject;
use expectation::{Answer, Fact};
use meter::{Meter, record};
use script::{Act, Script, Step};
use serde_json::{Value, json};

/// How many scenarios there are, at least: one that is lost is noticed.
const SCENARIOS: usize = 521;

/// A scenario being folded.
struct Run {
    meter: Meter,
    log: Vec<Record>,
    /// How many alerts had been raised at the last look.
    seen: usize,
    failures: Vec<String>,
}

impl Run {
    fn of(script: &Script) -> Result<Run, String> {
        let mut run = Run { meter: Meter::new(), log: Vec::new(), seen: 0, failures: Vec::new() };
        for step in &script.steps {
            run.step(step).map_err(|why| format!("line {}: {why}", step.line))?;
        }
        Ok(run)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let told = self.meter.told.outcomes.len();
        match &step.act {
            Act::Send { subject, item, ends } => {
                self.apply(step, subject, item)?;
                let differs = ends.differs(&self.meter.told.outcomes[told..]);
                self.fail(step, differs);
            }
            Act::Pass => self.apply(step, &Subject::Tick.to_string(), &json!(null))?,
            Act::Look { org, facts } => self.look(step, org, facts)?,
        }
        let breaches = self.meter.breaches()?;
        breaches.into_iter().for_each(|breach| self.fail(step, Some(breach)));
        Ok(())
    }

    fn apply(&mut self, step: &Step, subject: &str, item: &Value) -> Result<(), String> {
        let seq = self.log.len() as u64 + 1;
        self.log.push(record(seq, step.at, subject, item));
        self.log.last().map_or(Ok(()), |next| self.meter.apply(next))
    }

    fn look(&mut self, step: &Step, org: &str, facts: &[Fact]) -> Result<(), String> {
        let foretold = self.meter.balance(org, step.at)?;
        self.apply(step, &Subject::Tick.to_string(), &json!(null))?;
        let (balance, state) = (self.meter.balance(org, step.at)?, self.meter.state(org)?);
        if foretold != balance {
            self.fail(step, Some(format!("whoever asked just before was told {foretold}, not {balance}")));
        }
        let raised = self.meter.told.alerts[self.seen..].iter().filter(|(of, _)| of == org);
        let alerts: Vec<Value> = raised.map(|(_, alert)| alert.clone()).collect();
        self.seen = self.meter.told.alerts.len();
        let answer = Answer { balance: &balance, state: &state, alerts: &alerts };
        facts.iter().for_each(|fact| self.fail(step, fact.differs(org, &answer)));
        Ok(())
    }

    fn fail(&mut self, step: &Step, why: Option<String>) {
        self.failures.extend(why.map(|why| format!("line {}, {}: {why}", step.line, script::shown(step.at))));
    }
}

/// What is wrong with a scenario.
fn failures(text: &str) -> Vec<String> {
    let script = match Script::read(text) {
        Ok(script) => script,
        Err((line, why)) => return vec![format!("line {line}: {why}")],
    };
    let run = match Run::of(&script) {
        Ok(run) => run,
        Err(why) => return vec![why],
    };
    if !run.failures.is_empty() {
        return run.failures;
    }
    let again =
        [restarts::without_looking(&run.log, &run.meter), restarts::cut_anywhere(&run.log, &run.meter)];
    again.into_iter().filter_map(Result::err).collect()
}

/// The files of all scenarios, in order.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let inside = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let topics = inside(&root).into_iter().filter(|path| path.is_dir());
    let mut files: Vec<PathBuf> = topics.flat_map(|topic| inside(&topic)).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_holds() {
    let files = files();
    assert!(files.len() >= SCENARIOS, "{} scenarios are left of {SCENARIOS}", files.len());
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let files: Vec<_> = files.iter().filter(|path| path.to_string_lossy().contains(&wanted)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let text = fs::read_to_string(path).unwrap();
            let found = failures(&text);
            if !found.is_empty() {
                let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path);
                failed.push(format!("{}\n  {}", name.display(), found.join("\n  ")));
            }
        }
        failed
    };
    let mut failed: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    failed.sort();
    assert!(
        failed.is_empty(),
        "\n{}\n\n{} of {} scenarios fail",
        failed.join("\n"),
        failed.len(),
        files.len()
    );
}

/// The accountant never forgets an identity.
const FORGETTING: [&str; 2] = ["a-repeat-without-a-time.txt", "at-another-time-is-another-event.txt"];

#[test]
fn the_accountant_finds_the_same() {
    let mut failed = Vec::new();
    for path in files().iter().filter(|path| !FORGETTING.iter().any(|name| path.ends_with(name))) {
        if let Ok(script) = Script::read(&fs::read_to_string(path).unwrap()) {
            let wrong = accountant::differs(&script);
            if !wrong.is_empty() {
                failed.push(format!("{}\n  {}", path.display(), wrong.join("\n  ")));
            }
        }
    }
    assert!(failed.is_empty(), "\n{}\n\n{} scenarios", failed.join("\n"), failed.len());
}

const SOUND: &str = "\
It is only here to be broken.

card: email costs 1
plan base: no cycle
2026-01-01   acme joins base
             acme buys 100 as a
             acme: 40 email     => costs 40
             expect available 60, grant a 60 of 100 for ever, alerts p60.1, no cycle
";

#[test]
fn a_sound_scenario_passes_and_a_wrong_one_names_line_and_figure() {
    assert_eq!(failures(SOUND), Vec::<String>::new());
    for (right, wrong, expected) in [
        (
            "available 60",
            "available 61",
            "line 8, 2026-01-01T00:00:00Z: available 61 credits was expected; it is \"60\"",
        ),
        ("a 60 of 100", "a 60 of 1", "amount 1 was expected"),
        ("alerts p60.1", "no alerts", "alerts [] were expected; they are [\"p60.1\"]"),
        ("costs 40", "costs 41", "line 7"),
        ("40 email ", "40 emails ", "unknown_action"),
        ("=> costs 40", "=> rejected conflict", "rejected conflict was expected"),
        ("=> costs 40", "=> rejected conflict all", "rejected conflict all was expected"),
        ("available 60", "limit all: used 3 of 5", "limit all for - was expected"),
        ("available 60", "recharge armed", "a recharge of credits was expected"),
        ("available 60", "knows user ana team sales", "Field(\"team\", Some(\"sales\"))"),
        ("available 60", "told cycle.2", "[\"cycle.2\"] was expected to be told; it is []"),
        ("available 60", "asks 50", "they are []"),
        ("available 60", "burn 30 in 3 running 5", "burn 30 in 3 running 5 was expected"),
        ("alerts p60.1", "one alert p30.1 p60.1", "one alert of [\"p30.1\", \"p60.1\"] was expected"),
        (
            "available 60",
            "limit alerts near all for ana",
            "[\"near all for ana\"] were expected; they are []",
        ),
        ("grant a 60", "grant b 60", "grant b was expected"),
    ] {
        let found = failures(&SOUND.replace(right, wrong)).join("\n");
        assert!(found.contains(expected), "{wrong}: {found}");
    }
}

#[test]
fn what_is_not_understood_is_an_error_that_names_its_line() {
    for (right, wrong, expected) in [
        ("acme buys", "acme purchases", "line 6: the word \"purchases\" is not known here"),
        ("costs 1", "costs", "line 3: an amount is missing at the end"),
        ("available 60", "availible 60", "line 8: the word \"availible\" is not known here"),
        (
            "acme buys 100 as a",
            "acme sets limit all 5 things hourly",
            "line 6: the word \"hourly\" is not known here",
        ),
        (
            "acme buys 100 as a",
            "acme sets limit all 0.5 things a day",
            "line 6: the word \"0.5\" is not known here",
        ),
        ("available 60", "limit all: used", "line 8: an amount is missing at the end"),
        ("available 60", "limit all", "line 8: say what is seen of the limit"),
        ("alerts p60.1", "limit alerts all", "line 8: the word \"all\" is not known here"),
        ("acme buys 100 as a", "acme recharges above 5", "line 6: write below what"),
        ("acme buys 100 as a", "acme recharges below 5 to 10", "line 6: write by how much, or up to what"),
        ("available 60", "burn 30", "line 8: write in how many"),
        ("as a", "as a b", "line 6: the word \"b\" is not known here"),
        ("no cycle", "no cycle at all", "line 4: the word \"at\" is not known here"),
        ("2026-01-01 ", "2026-13-01 ", "line 5: \"2026-13-01T00:00:00Z\" is not an instant"),
        ("It is only here to be broken.\n", "", "line 1: say first what it shows"),
        ("=> costs 40\n             expect ", "# ", "it expects nothing"),
    ] {
        let found = failures(&SOUND.replacen(right, wrong, 1)).join("\n");
        assert!(found.starts_with(expected) || found.ends_with(expected), "{wrong}: {found}");
    }
}
