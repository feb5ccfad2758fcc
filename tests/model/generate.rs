//! Logs to check the daemon with: realistic, and nasty. The same recipe always gives the same log.

mod alerts;
mod calls;
pub mod catalog;
mod cycles;
pub mod drafts;
pub mod faults;
mod limits;
mod names;
pub mod random;
mod recharges;
mod terms;

use serde_json::{Value, json};

use super::{Instant, Record};
use calls::Calls;
use drafts::{Draft, Spelling, spell};
use random::Random;
use recharges::Payments;

const MINUTE: Instant = 60_000_000;
const DAY: Instant = 1_440 * MINUTE;

/// What log to make.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The same seed gives the same log.
    pub seed: u64,
    /// How many organizations.
    pub orgs: i64,
    /// How many records follow those that set up the catalog and the organizations.
    pub records: usize,
    /// The log time of the first record.
    pub start: Instant,
    /// The longest time between two records.
    pub step: Instant,
    /// How many of a hundred items are bad.
    pub bad_percent: i64,
    /// Whether plans, price lists and terms change on the way.
    pub changes: bool,
    /// How many calls are told while they run.
    pub live_calls: usize,
    /// Over how many years, more or less, with all that cycles bring; if not given `step` rules, and nothing is reset.
    pub years: Option<i64>,
}

impl Recipe {
    /// A log of a few organizations and some weeks, with everything in it.
    pub fn nasty(seed: u64) -> Recipe {
        let start = 1_767_600_000 * 1_000_000;
        let step = 90 * MINUTE;
        let records = 600;
        Recipe {
            seed,
            orgs: 4,
            records,
            start,
            step,
            bad_percent: 10,
            changes: true,
            live_calls: 0,
            years: None,
        }
    }

    /// A log of so many records over some years, with cycles and everything that belongs to them.
    pub fn years(seed: u64, records: usize, years: i64) -> Recipe {
        Recipe { records, years: Some(years), bad_percent: 4, ..Recipe::nasty(seed) }
    }

    /// The records of the log.
    pub fn log(&self) -> Vec<Record> {
        let mut writer = Writer {
            recipe: self.clone(),
            random: Random::new(self.seed),
            now: self.start,
            records: Vec::new(),
            sent: Vec::new(),
            later: Vec::new(),
            grants: Vec::new(),
            versions: [1, 1],
            plans: Vec::new(),
            adjustments: Vec::new(),
            payments: Payments::default(),
            calls: Calls::default(),
        };
        writer.open();
        for done in 0..self.records {
            writer.begin_calls(self.live_calls * (done + 1) / self.records);
            writer.record();
        }
        writer.records
    }
}

/// An event that was sent.
struct Sent {
    org: i64,
    at: Instant,
    time: Option<Instant>,
    draft: Draft,
}

struct Writer {
    recipe: Recipe,
    random: Random,
    now: Instant,
    records: Vec<Record>,
    sent: Vec<Sent>,
    /// Events whose void went ahead of them.
    later: Vec<Sent>,
    grants: Vec<(i64, Value)>,
    /// The last version of the plan `base` and of the card `outreach`.
    versions: [i64; 2],
    /// The plans with cycles: the last version of each, and since when it counts.
    plans: Vec<(Value, Instant)>,
    adjustments: Vec<(i64, Value)>,
    payments: Payments,
    calls: Calls,
}

impl Writer {
    fn push(&mut self, subject: String, headers: Vec<(String, String)>, payload: Vec<u8>) {
        let seq = u64::try_from(self.records.len()).unwrap_or(u64::MAX) + 1;
        // Brokers stamp with their wall clock, which is set back now and then.
        let back = if self.random.chance(3) { self.random.between(0, 2 * MINUTE) } else { 0 };
        self.records.push(Record { seq, at: self.now - back, subject, headers, payload });
        self.see_requests();
    }

    fn command(&mut self, org: &str, kind: &str, data: &Value) {
        let structured = json!({ "specversion": "1.0", "type": format!("creditd.{kind}.v1"), "source": "billing",
                                 "id": "any", "data": data });
        let mut plain = data.clone();
        plain["type"] = structured["type"].clone();
        let payload = if self.random.chance(50) { structured } else { plain };
        self.push(format!("credits.commands.{org}"), Vec::new(), payload.to_string().into_bytes());
    }

    /// The catalog, the organizations and their first grants.
    fn open(&mut self) {
        for card in catalog::cards() {
            self.command("_catalog", "rate_card.put", &card);
        }
        for plan in catalog::plans() {
            self.command("_catalog", "plan.put", &plan);
        }
        for org in 0..self.recipe.orgs {
            let plan = ["base", "prepaid", "callers"][usize::try_from(org % 3).unwrap_or_default()];
            self.command(&name(org), "org.put", &json!({ "plan": plan }));
            self.grant(org);
            self.grant(org);
        }
        if self.recipe.years.is_some() {
            self.open_cycles();
        }
    }

    fn record(&mut self) {
        let next = self.now + self.gap();
        self.tell_calls(next);
        self.now = next;
        let org = self.random.between(0, self.recipe.orgs - 1);
        let years = self.recipe.years.is_some();
        if years && self.random.chance(16) {
            return self.cycle_command(org);
        }
        if years && self.random.chance(4) {
            return self.limit_command(org);
        }
        if years && self.random.chance(60) && self.answer() {
            return;
        }
        match self.random.between(1, 100) {
            1..=3 if years => return self.recharge_command(org),
            4..=5 if years => return self.name_command(org),
            _ => {}
        }
        match self.random.between(1, 100) {
            1..=11 if !years => self.grant(org),
            1..=2 => self.grant(org),
            12..=13 if self.recipe.changes => self.change(org),
            14..=16 if self.recipe.bad_percent > 0 => self.bad_record(org),
            _ => self.events(org),
        }
    }

    /// The time until the next record.
    fn gap(&mut self) -> Instant {
        match self.recipe.years {
            Some(years) => self.gap_of_years(years),
            None => self.random.between(0, self.recipe.step),
        }
    }

    fn bad_record(&mut self, org: i64) {
        let subject = format!("credits.events.{}", name(org));
        match self.random.between(1, 10) {
            1..=4 => {
                let payload = self.random.pick(&faults::GARBAGE).to_vec();
                self.push(subject, Vec::new(), payload);
            }
            5 => {
                let item = self.fresh(org).draft.item(Spelling::Plain);
                self.push("credits.events.nobody".to_string(), Vec::new(), item.to_string().into_bytes());
            }
            6..=7 => {
                let payload = self.random.pick(&catalog::BAD_FOR_CATALOG).as_bytes().to_vec();
                self.push("credits.commands._catalog".to_string(), Vec::new(), payload);
            }
            _ => {
                let payload = self.random.pick(&catalog::BAD_FOR_ORG).as_bytes().to_vec();
                self.push(format!("credits.commands.{}", name(org)), Vec::new(), payload);
            }
        }
    }

    /// A record of one event, or of several in one of the batch forms.
    fn events(&mut self, org: i64) {
        let count = if self.random.chance(75) { 1 } else { self.random.between(1, 7) };
        let drafts: Vec<Draft> = (0..count).map(|_| self.event(org)).collect();
        self.send(org, &drafts);
    }

    /// Some events in one record.
    fn send(&mut self, org: i64, drafts: &[Draft]) {
        let subject = format!("credits.events.{}", name(org));
        if let [draft] = drafts
            && self.random.chance(25)
        {
            let (headers, payload) = draft.binary();
            return self.push(subject, headers, payload.to_string().into_bytes());
        }
        let spellings = [Spelling::Plain, Spelling::Short, Spelling::Structured];
        let items: Vec<String> =
            drafts.iter().map(|draft| draft.item(*self.random.pick(&spellings)).to_string()).collect();
        let payload = match self.random.between(1, 3) {
            1 => format!("[{}]", items.join(", ")),
            2 => items.join("\r\n") + "\n",
            _ if items.len() == 1 => items.concat(),
            _ => items.join("\n\n"),
        };
        let named = self.random.chance(20);
        let headers = if named {
            vec![("Nats-Msg-Id".to_string(), format!("msg-{}", self.records.len()))]
        } else {
            vec![]
        };
        self.push(subject, headers, payload.into_bytes());
    }

    fn event(&mut self, org: i64) -> Draft {
        let bad = self.recipe.bad_percent;
        match self.random.between(1, 100) {
            n if n <= bad => {
                let sound = self.fresh(org).draft;
                let which = self.random.index(faults::KINDS);
                return faults::spoil(&sound, which);
            }
            n if n <= bad + 7 => {
                if let Some(known) = self.earlier(org) {
                    return known;
                }
            }
            n if n <= bad + 14 => return self.void(org),
            n if n <= bad + 16 => {
                if let Some(index) = self.later.iter().position(|late| late.org == org) {
                    return self.later.swap_remove(index).draft;
                }
            }
            _ => {}
        }
        let sent = self.fresh(org);
        let draft = sent.draft.clone();
        self.sent.push(sent);
        draft
    }

    fn fresh(&mut self, org: i64) -> Sent {
        let call = self.random.chance(40);
        let mut data = if call { drafts::call(&mut self.random) } else { drafts::action(&mut self.random) };
        drafts::dimensions(&mut data, &mut self.random);
        if self.recipe.years.is_some() {
            cycles::spice(&mut data, &mut self.random);
            names::spice(&mut data, &mut self.random);
        }
        let late = *self.random.pick(&[-4 * MINUTE, 0, 90 * MINUTE, 3 * DAY]);
        let time = self.random.chance(60).then(|| self.now - self.random.between(late.min(0), late.max(0)));
        if let Some(time) = time
            && call
            && self.random.chance(30)
        {
            let answered = spell(time - self.random.between(0, 60 * MINUTE), &mut self.random);
            data.insert("answered_at".to_string(), json!(answered));
        }
        let draft = Draft {
            kind: if call { "creditd.call.ended.v1" } else { "creditd.action.v1" },
            source: *self.random.pick(&[None, Some("dialer"), Some("crm")]),
            id: Some(format!("e{}-{}", self.records.len(), self.random.between(0, 1_000_000_000))),
            time: time.map(|time| spell(time, &mut self.random)),
            data,
            specversion: "1.0",
        };
        Sent { org, at: self.now, time, draft }
    }

    /// An event sent before, however long ago; without a time of its own, one of the last minutes.
    fn recall(&mut self, org: i64) -> Option<usize> {
        let recent = self.now - 20 * MINUTE;
        for _ in 0..20 {
            let last = self.sent.len().checked_sub(1)?;
            let back = if self.random.chance(50) { last.min(50) } else { last };
            let index = last - self.random.index(back + 1);
            let sent = &self.sent[index];
            if sent.org == org && (sent.time.is_some() || sent.at >= recent) {
                return Some(index);
            }
        }
        None
    }

    fn earlier(&mut self, org: i64) -> Option<Draft> {
        self.recall(org).map(|index| self.sent[index].draft.clone())
    }

    fn void(&mut self, org: i64) -> Draft {
        let ahead = self.random.chance(15);
        let target = if ahead { None } else { self.recall(org) };
        let (draft, time) = match target {
            Some(index) => (self.sent[index].draft.clone(), self.sent[index].time),
            None => {
                let mut unsent = self.fresh(org);
                unsent.time = Some(self.now - MINUTE);
                unsent.draft.time = Some(spell(self.now - MINUTE, &mut self.random));
                unsent.draft.data.remove("answered_at");
                let (draft, time) = (unsent.draft.clone(), unsent.time);
                self.later.push(unsent);
                (draft, time)
            }
        };
        let mut voids = json!({ "source": draft.source.unwrap_or("nats"), "id": draft.id });
        if let Some(time) = time {
            voids["time"] = json!(spell(time, &mut self.random));
        }
        let id = Some(format!("v{}-{}", self.records.len(), self.random.between(0, 1_000_000_000)));
        let data = drafts::object(json!({ "voids": voids, "reason": "taken back" }));
        let void =
            Draft { kind: "creditd.void.v1", source: draft.source, id, time: None, data, specversion: "1.0" };
        self.sent.push(Sent { org, at: self.now, time: None, draft: void.clone() });
        void
    }
}

/// The name of an organization.
pub fn name(org: i64) -> String {
    format!("org-{org}")
}
