//! Calls that are told while they run: in disorder, twice, late or never, with ends that disagree and ends that are voided, on switches that are started anew.

use serde_json::{Value, json};

use super::drafts::{self, Draft, spell};
use super::{MINUTE, Sent, Writer, cycles, names};
use crate::model::Instant;
use crate::model::fields::Object;

const SECOND: Instant = 1_000_000;
const HOUR: Instant = 60 * MINUTE;
const STARTED: &str = "creditd.call.started.v1";
const ANSWERED: &str = "creditd.call.answered.v1";
const PROGRESS: &str = "creditd.call.progress.v1";
const FAILED: &str = "creditd.call.failed.v1";
const ENDED: &str = "creditd.call.ended.v1";
const RESTARTED: &str = "creditd.source.restarted.v1";

/// What is still to come of the calls that were begun.
#[derive(Default)]
pub(super) struct Calls {
    begun: usize,
    due: Vec<Due>,
}

/// Something that comes at its time.
struct Due {
    at: Instant,
    org: i64,
    what: What,
}

enum What {
    /// An event of this time, or of the time at which it comes.
    Event(Draft, Option<Instant>),
    /// Other terms or prices.
    Change,
    /// Nothing but the time.
    Tick,
}

/// A call as it really was.
struct Truth {
    org: i64,
    call_id: String,
    source: Option<&'static str>,
    answer: Instant,
    end: Instant,
    /// All that could be said of it.
    facts: Object,
}

impl Writer {
    /// Begins calls until there were so many.
    pub(super) fn begin_calls(&mut self, until: usize) {
        while self.calls.begun < until {
            self.calls.begun += 1;
            let org = self.random.between(0, self.recipe.orgs - 1);
            self.begin_call(org);
        }
    }

    /// Sends what comes of the calls until then, each at its time.
    pub(super) fn tell_calls(&mut self, until: Instant) {
        loop {
            let due = self.calls.due.iter().enumerate().filter(|(_, due)| due.at <= until);
            let Some((index, _)) = due.min_by_key(|(_, due)| due.at) else { return };
            let Due { at, org, what } = self.calls.due.swap_remove(index);
            self.now = self.now.max(at);
            match what {
                What::Tick => self.push("credits.commands._tick".to_string(), Vec::new(), Vec::new()),
                What::Change => self.change(org),
                What::Event(draft, time) => {
                    let drafts = [draft];
                    self.send(org, &drafts);
                    let [draft] = drafts;
                    if draft.kind == ENDED {
                        self.sent.push(Sent { org, at: self.now, time, draft });
                    }
                }
            }
        }
    }

    fn begin_call(&mut self, org: i64) {
        let mut facts = drafts::call(&mut self.random);
        drafts::dimensions(&mut facts, &mut self.random);
        if self.recipe.years.is_some() {
            cycles::spice(&mut facts, &mut self.random);
            names::spice(&mut facts, &mut self.random);
        }
        let odd = *self.random.pick(&[0, 0, 1, 999, 1_000, 123_456]);
        let start = self.now + self.random.between(0, 20) * SECOND + odd;
        let ring = *self.random.pick(&[0, 7 * SECOND, 30 * SECOND, 30 * SECOND + 1, 10 * MINUTE]);
        let length = facts.get("duration_ms").and_then(Value::as_i64).unwrap_or_default();
        let length = if self.random.chance(5) { length + 7_200_000 } else { length };
        facts.insert("duration_ms".to_string(), json!(length));
        // Now and then a name comes again while it may still be remembered.
        let number = self.calls.begun - if self.random.chance(12) { 1 } else { 0 };
        let call_id = format!("call-{number}");
        let source = *self.random.pick(&[None, Some("sbc")]);
        let truth =
            Truth { org, call_id, source, answer: start + ring, end: start + ring + length * 1_000, facts };
        if self.random.chance(85) {
            self.tell(&truth, STARTED, start, &[]);
        }
        if self.random.chance(75) {
            self.tell(&truth, ANSWERED, truth.answer, &[]);
        }
        for _ in 0..self.random.between(0, 3) {
            let so_far = self.random.between(0, length);
            let said = *self.random.pick(&[so_far, so_far, so_far, so_far / 2, so_far + 1]);
            self.tell(&truth, PROGRESS, truth.answer + so_far * 1_000, &[("duration_ms", json!(said))]);
        }
        for _ in 0..self.random.between(0, 3) {
            let blocks = self.random.between(0, 4) * *self.random.pick(&[1, 6, 30, 36, 60]);
            let at = truth.answer + blocks * SECOND + self.random.pick(&[-1, 0, 1, 1_000]);
            self.due(at, org, What::Tick);
        }
        if self.random.chance(15) && self.recipe.changes {
            let at = self.random.between(start, truth.end);
            self.due(at, org, What::Change);
        }
        if self.random.chance(6) {
            self.restart(&truth);
        }
        self.finish(&truth, length);
    }

    /// The switch that tells of the call is started anew, some time while it lives or a little off.
    fn restart(&mut self, truth: &Truth) {
        let at = self.random.between(truth.answer - MINUTE, truth.end + MINUTE);
        let time = self.random.chance(80).then(|| spell(at, &mut self.random));
        let source = Some(truth.source.unwrap_or("nats")).filter(|_| !self.random.chance(5));
        let draft =
            Draft { kind: RESTARTED, source, id: None, time, data: Object::new(), specversion: "1.0" };
        for _ in 0..self.random.between(1, 2) {
            let comes = at + self.delay();
            self.due(comes, truth.org, What::Event(draft.clone(), Some(at)));
        }
    }

    /// What ends a call, as far as anything does.
    fn finish(&mut self, truth: &Truth, length: i64) {
        if self.random.chance(12) {
            self.tell(truth, FAILED, truth.end, &[]);
        }
        if self.random.chance(90) {
            let mut said = vec![];
            if self.random.chance(50) {
                said.push(("duration_ms", json!(length)));
            }
            if self.random.chance(20) {
                said.push(("answered_at", json!(spell(truth.answer, &mut self.random))));
            }
            self.end(truth, &said);
        }
        if self.random.chance(20) {
            // Another end: of the same length, another one, or of none.
            let other = json!(self.random.pick(&[length, length + 1, length / 2]));
            let said = if self.random.chance(60) { vec![("duration_ms", other)] } else { vec![] };
            self.end(truth, &said);
        }
    }

    /// An end, and sometimes its void, before it or after.
    fn end(&mut self, truth: &Truth, said: &[(&str, Value)]) {
        let (comes, draft) = self.tell(truth, ENDED, truth.end, said);
        if self.random.chance(15) {
            // A call that is begun again at the very moment at which its end is forgotten.
            let again = comes + 125 * MINUTE + self.random.pick(&[-1, 0, 1]);
            let draft = Draft { kind: STARTED, time: None, ..draft.clone() };
            self.due(again, truth.org, What::Event(draft, None));
        }
        if self.random.chance(20) {
            let mut voids = json!({ "source": draft.source.unwrap_or("nats"), "id": draft.id });
            if self.random.chance(80) {
                voids["time"] = json!(spell(truth.end, &mut self.random));
            }
            let id = Some(format!("{}-void", draft.id.clone().unwrap_or_default()));
            let data = drafts::object(json!({ "voids": voids }));
            let void = Draft { kind: "creditd.void.v1", id, time: None, data, ..draft };
            let at = comes + *self.random.pick(&[-MINUTE, -SECOND, SECOND, 10 * MINUTE, 3 * HOUR]);
            self.due(at, truth.org, What::Event(void, None));
        }
    }

    /// An event of a call, sent once or twice. Answers when it comes first, and what it is.
    fn tell(
        &mut self,
        truth: &Truth,
        kind: &'static str,
        time: Instant,
        said: &[(&str, Value)],
    ) -> (Instant, Draft) {
        let mut data = self.said(truth, if kind == STARTED { 85 } else { 45 });
        data.extend(said.iter().map(|(field, value)| (field.to_string(), value.clone())));
        let number = self.random.between(0, 1_000_000_000);
        let named = kind == ENDED || self.random.chance(30);
        let timed = kind == ENDED || self.random.chance(85);
        let draft = Draft {
            kind,
            source: truth.source,
            id: named.then(|| format!("{}-{number}", truth.call_id)),
            time: timed.then(|| spell(time, &mut self.random)),
            data,
            specversion: "1.0",
        };
        let comes = time + self.delay();
        for at in [Some(comes), self.random.chance(15).then(|| time + self.delay())].into_iter().flatten() {
            self.due(at, truth.org, What::Event(draft.clone(), timed.then_some(time)));
        }
        (comes, draft)
    }

    /// Some of what there is to say of a call, each with this chance, and now and then wrong.
    fn said(&mut self, truth: &Truth, chance: i64) -> Object {
        let mut data = Object::new();
        let mut other = drafts::call(&mut self.random);
        for (field, value) in &truth.facts {
            if field == "duration_ms" || !self.random.chance(chance) {
                continue;
            }
            let wrong = other.remove(field).filter(|_| self.random.chance(10));
            data.insert(field.clone(), wrong.unwrap_or(value.clone()));
        }
        data.insert("call_id".to_string(), json!(truth.call_id));
        data
    }

    /// How long after its time an event comes.
    fn delay(&mut self) -> Instant {
        match self.random.between(1, 100) {
            1..=66 => self.random.between(0, 2 * SECOND),
            67..=80 => self.random.between(0, 5 * MINUTE),
            81..=88 => self.random.between(0, 2 * HOUR),
            89..=92 => *self.random.pick(&[120 * MINUTE, 125 * MINUTE]) + self.random.between(-1, 1),
            93..=94 => *self.random.pick(&[3 * HOUR, 5 * HOUR, 26 * HOUR]),
            // Its clock is ahead of the log's, by what is still taken or by more.
            95..=99 => -self.random.between(0, 5 * MINUTE),
            _ => -self.random.between(5 * MINUTE, 6 * MINUTE),
        }
    }

    fn due(&mut self, at: Instant, org: i64, what: What) {
        self.calls.due.push(Due { at, org, what });
    }
}
