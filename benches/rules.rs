//! What limits and alert rules cost: `Org::apply` of organizations with ten limits and five alert rules, beside the same
//! organizations without any, turn by turn within one run.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

use creditd::clock::Stopwatch;
use creditd::ledger::catalog::Catalog;
use creditd::ledger::effect::{Effect, Outcome, Recall};
use creditd::ledger::entry::{Dimensions, Entry, Event, Kind, What};
use creditd::ledger::org::Org;
use creditd::ledger::units::{EventId, Position, Timestamp};
use creditd::wire::{AnyCommand, Subject, decode_command};

const ORGS: usize = 4_000;
const PER_ROUND: usize = 1_000_000;
const ROUNDS: usize = 8;
const WARM_ROUNDS: usize = 2;
const START: i64 = 1_767_607_200_000_000;
/// A round is an hour, so that ids of closed hours can go.
const HOUR: i64 = 3_600_000_000;

const CARD: &str =
    r#"{"type":"rate_card.put","id":"card","version":1,"prices":{"email_sent":{"per_action":"1"}}}"#;
const PLAIN: &str =
    r#"{"type":"plan.put","id":"plain","version":1,"rate_card":"card","cycle":"month","alerts":[]}"#;
const RULED: &str = r#"{"type":"plan.put","id":"ruled","version":1,"rate_card":"card","cycle":"month",
    "alerts":[{"below_percent":30},{"below":"50"},{"expires_within_days":7},{"runs_out_within_hours":24},{"spike_percent":900}],
    "limits":[
        {"id":"a","credits":"900000000","window":"month"},
        {"id":"b","credits":"900000000","window":"day","hard":true},
        {"id":"c","on":{"user":"*"},"credits":"900000000","window":"month"},
        {"id":"d","on":{"team":"*"},"credits":"900000000","window":"week"},
        {"id":"e","on":{"entity":{"type":"campaign","id":"*"}},"quantity":900000000,"window":"life"},
        {"id":"f","on":{"action":"*"},"quantity":900000000,"window":"cycle"},
        {"id":"g","on":{"feature":"Platform"},"credits":"900000000","window":"month"},
        {"id":"h","on":{"account":"emea","action":"email_sent"},"quantity":900000000,"window":"day"},
        {"id":"i","on":{"user":"*","action":"*"},"quantity":900000000,"window":"day"},
        {"id":"j","on":{"user":"ana"},"credits":"900000000","window":"cycle","hard":true}]}"#;

fn main() {
    let mut catalog = Catalog::default();
    for text in [CARD, PLAIN, RULED] {
        let AnyCommand::Catalog(command) = command(Subject::Catalog, text) else { panic!("of the catalog") };
        catalog.apply(command, Timestamp::from_micros(START)).expect("it is sound");
    }
    let mut plain = orgs("plain", &catalog);
    let mut ruled = orgs("ruled", &catalog);
    let mut seconds = [0.0, 0.0];
    for round in 0..ROUNDS {
        // Who is first changes: neither gains by it.
        let turns = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for turn in turns {
            let spent = run(if turn == 0 { &mut plain } else { &mut ruled }, round, &catalog);
            if round >= WARM_ROUNDS {
                seconds[turn] += spent;
            }
        }
    }
    let each = seconds.map(|seconds| seconds / (ROUNDS - WARM_ROUNDS) as f64 / PER_ROUND as f64 * 1e9);
    println!(
        "Org::apply, {ORGS} organizations: {:.0} ns without limits and rules, {:.0} ns with ten limits and five rules: {:.2} ×",
        each[0],
        each[1],
        each[1] / each[0]
    );
}

/// The seconds that a round of events takes.
fn run(orgs: &mut [Org], round: usize, catalog: &Catalog) -> f64 {
    let ids: Vec<EventId> = (0..PER_ROUND).map(|n| EventId::of("bench", &format!("{round}-{n}"))).collect();
    let users = ["ana", "ben", "cho", "dia", "eva", "fin", "gus", "hal"];
    let (mut effects, recall): (Vec<Effect>, _) = (Vec::new(), Recall::default());
    let mut at = START;
    let watch = Stopwatch::start();
    for (n, id) in ids.iter().enumerate() {
        at = START + signed(round) * HOUR + signed(n) * HOUR / signed(PER_ROUND);
        let user = users[n / ORGS % users.len()];
        let dimensions = Dimensions {
            account: Some("emea"),
            entity_type: Some("campaign"),
            entity_id: Some("c7"),
            user: Some(user),
            team: Some("sales"),
            feature: Some("Platform"),
            ..Dimensions::default()
        };
        let at = Timestamp::from_micros(at);
        let kind = Kind::Action { action: "email_sent", quantity: 1 };
        let event = Event { id: *id, time: at, dimensions, kind };
        let position = Position { seq: position(round, n), item: 0 };
        let entry = Entry { position, at, what: What::Event(event) };
        let org = &mut orgs[n % ORGS];
        let outcome = org.apply(&entry, catalog, &recall, &mut effects);
        assert!(matches!(outcome, Outcome::Charged(_)), "{outcome:?}");
        effects.clear();
    }
    let spent = watch.elapsed().as_secs_f64();
    let closed = Timestamp::from_micros(at).hour().back(1);
    for org in orgs {
        org.forget_ids(closed, Position { seq: u64::MAX, item: 0 });
    }
    spent
}

fn position(round: usize, n: usize) -> u64 {
    10 + (round * PER_ROUND + n) as u64
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn orgs(plan: &str, catalog: &Catalog) -> Vec<Org> {
    let put = format!(r#"{{"type":"org.put","plan":"{plan}"}}"#);
    let grant = r#"{"type":"grant","id":"g","amount":"1000000","expires":"2030-01-01T00:00:00Z"}"#;
    let make = |_| {
        let mut org = Org::default();
        for (item, text) in (0..).zip([put.as_str(), grant]) {
            let AnyCommand::Org(command) = command(Subject::Commands("acme"), text) else {
                panic!("of an organization")
            };
            let position = Position { seq: 1, item };
            let entry = Entry { position, at: Timestamp::from_micros(START), what: What::Command(command) };
            let outcome = org.apply(&entry, catalog, &Recall::default(), &mut Vec::new());
            assert_eq!(outcome, Outcome::Done);
        }
        org
    };
    (0..ORGS).map(make).collect()
}

fn command(subject: Subject<'_>, text: &str) -> AnyCommand {
    let mut found = None;
    decode_command(subject, text.as_bytes(), &mut |_, command| found = Some(command.expect("it is sound")));
    found.expect("one command")
}
