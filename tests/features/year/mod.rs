//! The year: what happened in it, made from a fixed seed, and the books as they are kept by hand meanwhile.

mod deeds;
mod end;
mod others;
pub(crate) mod people;
mod random;

use jiff::civil::Weekday;
use serde_json::{Value, json};

use crate::books::Books;
use crate::civil::{self, DAY, HOUR, utc};
use crate::event::{Call, Event, Who};
use people::{BUSY, BY_HAND, ENTITIES, USERS};
use random::Random;

pub(crate) use end::LIVE;
pub(crate) use others::OTHERS;

/// What was sent.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Event(usize),
    /// An event once more: it changes nothing.
    Again(usize),
    /// An event is taken back by another of that id.
    Void(usize, String),
    /// A request that is no event: its method, path and body.
    Request(&'static str, String, Value),
}

/// All that happened.
#[derive(Debug)]
pub(crate) struct Year {
    pub(crate) events: Vec<Event>,
    /// What was sent, and when.
    pub(crate) deeds: Vec<(i64, Deed)>,
    pub(crate) books: Books,
    random: Random,
    /// Events that have yet to arrive, and when.
    late: Vec<(i64, Event)>,
    /// What is to be taken back, or sent again, with the next events.
    doubted: Vec<Deed>,
    done_by_hand: usize,
}

/// So often what happened is sent.
const STEP: i64 = 6 * HOUR;

impl Year {
    pub(crate) fn lived() -> Year {
        let at = civil::instant(civil::BEGIN);
        let (events, deeds, late, doubted) = Default::default();
        let random = Random::new(20_260_917);
        let mut year =
            Year { events, deeds, books: Books::of_acme(), random, late, doubted, done_by_hand: 0 };
        year.open();
        let mut next = at + STEP;
        while next < civil::now() - 2 * HOUR {
            year.step(next);
            next += STEP;
        }
        year.end();
        year.others();
        // The sort is stable: what was sent at one instant stays in its order.
        year.deeds.sort_by_key(|(at, _)| *at);
        year
    }

    /// A quarter of a day.
    fn step(&mut self, at: i64) {
        self.books.advance(at);
        while BY_HAND.get(self.done_by_hand).is_some_and(|(when, _)| civil::instant(when) <= at) {
            self.do_by_hand(BY_HAND[self.done_by_hand].1);
            self.done_by_hand += 1;
        }
        self.answer_requests();
        let (late, waits) = self.late.drain(..).partition(|(arrives, _)| *arrives <= at);
        self.late = waits;
        for (_, event) in late {
            self.charge(Event { at, ..event });
        }
        let first = self.events.len();
        for _ in 0..self.how_many(at) {
            let event = self.some_event(at);
            if self.random.is(3) {
                let arrives = at + self.random.from(1, 4) * DAY;
                self.late.push((arrives, event));
            } else {
                self.charge(event);
            }
        }
        self.busy(at);
        for deed in std::mem::take(&mut self.doubted) {
            self.doubt(deed, at);
        }
        for number in first..self.events.len() {
            if self.random.is(2) {
                self.doubted.push(Deed::Void(number, format!("void-{number}")));
            } else if self.random.is(1) {
                self.doubted.push(Deed::Again(number));
            }
        }
    }

    fn how_many(&mut self, at: i64) -> i64 {
        let begin = civil::local(at - STEP);
        let most = match (begin.weekday(), begin.hour()) {
            (Weekday::Saturday | Weekday::Sunday, _) => 6,
            (_, 6..18) => 20,
            _ => 6,
        };
        self.random.from(0, most)
    }

    fn charge(&mut self, mut event: Event) {
        let (number, at) = (self.events.len(), event.at);
        self.books.charge(number, &mut event);
        self.events.push(event);
        self.deeds.push((at, Deed::Event(number)));
    }

    fn doubt(&mut self, deed: Deed, at: i64) {
        if let Deed::Void(number, _) = deed {
            let event = &mut self.events[number];
            if !self.books.is_simple(event) {
                return;
            }
            event.voided = Some(at);
            let event = self.events[number].clone();
            self.books.void(number, &event, at);
        }
        self.deeds.push((at, deed));
    }

    /// Now and then far more is used than usual.
    fn busy(&mut self, at: i64) {
        for (day, user, campaign) in BUSY {
            let day = civil::begin(day.parse().unwrap());
            if (day + 14 * HOUR..day + 20 * HOUR).contains(&at) {
                for _ in 0..4 {
                    let account = people::find("campaign", campaign).account;
                    let entity = Some(("campaign", campaign));
                    let who = Who { account, user: Some(user), entity, ..Who::default() };
                    let quantity = self.random.from(180, 260);
                    let event = self.event(at, "email_sent", quantity, who);
                    self.charge(event);
                }
            }
        }
    }

    fn event(&mut self, at: i64, action: &'static str, quantity: i64, who: Who) -> Event {
        let time = at - self.random.below(STEP);
        let id = format!("e{:x}", self.random.below(i64::MAX));
        let (org, lines, position) = ("acme", Vec::new(), String::new());
        Event { org, id, time, at, action, quantity, call: None, who, lines, voided: None, position }
    }

    fn some_event(&mut self, at: i64) -> Event {
        let (user, _, team) = self.random.one(&USERS);
        let user = self.random.is(85).then_some(user);
        let team = user.filter(|_| self.random.is(80)).map(|_| team);
        let places = [Some("Platform"), Some("Extension"), Some("API"), Some("Workspace"), None];
        let who = Who { user, team, feature: self.random.one(&places), ..Who::default() };
        match self.random.below(100) {
            0..35 => self.outreach(at, who),
            35..58 => self.call(at, who),
            58..74 => self.prospecting(at, who),
            74..84 => {
                let who = Who { feature: Some("AI Copilot"), ..who };
                let (action, quantity) = match self.random.is(50) {
                    true => ("copilot_answer", 1),
                    false => ("ai_tokens", self.random.from(50, 20_000)),
                };
                self.event(at, action, quantity, who)
            }
            84..93 => {
                let who = self.of_entity(Who { feature: Some("Smart Flows"), ..who }, &["flow"]);
                let (action, most) =
                    self.random.one(&[("flow_step", 60), ("ai_tokens", 9_000), ("execution_steps", 350)]);
                let quantity = self.random.from(1, most);
                self.event(at, action, quantity, who)
            }
            _ => {
                let who = self
                    .of_entity(Who { feature: Some("AI Pilots"), user: None, team: None, ..who }, &["pilot"]);
                let quantity = self.random.from(1, 6);
                self.event(at, "pilot_task", quantity, who)
            }
        }
    }

    fn of_entity(&mut self, who: Who, kinds: &[&str]) -> Who {
        let all: Vec<_> = ENTITIES.iter().filter(|entity| kinds.contains(&entity.kind)).collect();
        let entity = self.random.one(&all);
        Who { entity: Some((entity.kind, entity.id)), account: entity.account, ..who }
    }

    fn outreach(&mut self, at: i64, who: Who) -> Event {
        let who = self.of_entity(who, &["campaign"]);
        let (action, most) = self.random.one(&[
            ("email_sent", 25),
            ("email_sent", 40),
            ("profile_view", 12),
            ("reaction", 6),
            ("linkedin_message", 4),
            ("connection_request", 4),
            ("person_enrichment", 3),
            ("company_enrichment", 3),
            ("lead_sourced", 10),
        ]);
        let quantity = self.random.from(1, most);
        self.event(at, action, quantity, who)
    }

    fn call(&mut self, at: i64, who: Who) -> Event {
        let who = self.of_entity(who, &["campaign", "assistant", "test_call"]);
        let mut event = self.event(at, "phone_call", 1, who);
        let talked_ms = if self.random.is(4) { 0 } else { self.random.from(1, 420_000) };
        let (answered, translated) = (self.random.is(92), self.random.is(25));
        let direction = if self.random.is(65) { "outbound" } else { "inbound" };
        event.call = Some(Call { direction, talked_ms, answered, translated });
        event
    }

    fn prospecting(&mut self, at: i64, who: Who) -> Event {
        let (action, most) = self.random.one(&[
            ("email_reveal", 8),
            ("email_reveal", 5),
            ("phone_reveal", 3),
            ("mobile_reveal", 1),
            ("export_row", 120),
            ("api_lookup", 30),
        ]);
        let quantity = self.random.from(1, most);
        self.event(at, action, quantity, who)
    }
}

impl Event {
    /// What takes it back.
    pub(crate) fn void(&self, id: &str, at: i64) -> Value {
        let voids = json!({ "id": self.id, "time": utc(self.time) });
        json!({ "type": "void", "org": self.org, "source": "year", "id": id, "time": utc(at), "voids": voids, "reason": "by mistake" })
    }
}
