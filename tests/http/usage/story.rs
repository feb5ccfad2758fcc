//! What an organization did in the last months, and what that comes to, reckoned here from the events alone.

use std::collections::BTreeMap;

use creditd::clock;
use creditd::ledger::units::Timestamp;
use creditd::wire::time;
use serde_json::{Value, json};

use crate::Daemon;

/// The kinds of what pays, in the order in which they burn; what none pays is overage.
const PAYING: [&str; 3] = ["plan", "bonus", "purchased"];

/// What each of them gives, in credits and in voice credits.
const GIVEN: [(&str, [i64; 3]); 2] = [("credits", [150, 90, 60]), ("voice", [200, 0, 120])];

const DAY: i64 = 86_400_000_000;

/// The part of an event that was taken for one action from one kind of grant.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// When the event happened, in microseconds.
    pub(super) time: i64,
    /// The value of each dimension.
    pub(super) of: BTreeMap<&'static str, String>,
    pub(super) figures: Figures,
    /// The event.
    id: usize,
}

/// Sums: micro-credits of each kind, quantity, calls, calls made, calls received, billed seconds, milliseconds talked, charges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) credits: BTreeMap<String, i64>,
    pub(super) counted: [i64; 7],
}

impl Figures {
    pub(super) fn add(&mut self, other: &Figures) {
        for (kind, micros) in &other.credits {
            *self.credits.entry(kind.clone()).or_default() += micros;
        }
        for (sum, more) in self.counted.iter_mut().zip(other.counted) {
            *sum += more;
        }
    }
}

/// The story, as it went on so far.
pub(super) struct Story {
    pub(super) parts: Vec<Part>,
    /// What is left, by kind of credits, in the order of [`PAYING`].
    left: BTreeMap<&'static str, [i64; 3]>,
    /// The instant from which times are counted back.
    now: i64,
    next: usize,
    chance: u64,
}

impl Story {
    /// Publishes prices and a plan, and gives `acme` credits of every kind.
    pub(super) async fn begin(daemon: &Daemon) -> Story {
        let card = json!({ "version": 1, "prices": {
            "email_sent": { "per_action": "1" },
            "ai_tokens": { "per_units": "0.7", "units": 1000 },
            "ping": { "per_action": "0" },
            "phone_call": { "per_minute": "6", "increment": "60/60", "credit_type": "voice" },
            "translation": { "per_minute": "1.5", "credit_type": "credits" },
        }});
        assert_eq!(daemon.put("/v1/rate-cards/standard", card).await.status, 200);
        let [credits, voice] = GIVEN.map(|(_, [plan, _, _])| plan.to_string());
        let allotments = json!([{ "amount": credits }, { "amount": voice, "credit_type": "voice" }]);
        let plan =
            json!({ "version": 1, "rate_card": "standard", "cycle": "month", "allotments": allotments });
        assert_eq!(daemon.put("/v1/plans/starter", plan).await.status, 200);
        let org = json!({ "plan": "starter", "time_zone": "Europe/Berlin", "cycle_anchor": "2026-01-10T00:00:00+01:00" });
        assert_eq!(daemon.put("/v1/orgs/acme", org).await.status, 201);
        for (credit_type, given) in GIVEN {
            for (kind, amount) in PAYING.into_iter().zip(given).skip(1).filter(|(_, amount)| *amount > 0) {
                let id = format!("{kind}-{credit_type}");
                let grant = json!({ "id": id, "amount": amount.to_string(), "kind": kind, "credit_type": credit_type });
                assert_eq!(daemon.post("/v1/orgs/acme/grants", grant).await.status, 201);
            }
        }
        assert_eq!(daemon.put("/v1/orgs/acme/users/ana", json!({ "name": "Ana Gray" })).await.status, 201);
        assert_eq!(daemon.put("/v1/orgs/acme/users/bo", json!({ "name": "Abe" })).await.status, 201);
        assert_eq!(daemon.put("/v1/orgs/acme/teams/sales", json!({ "name": "=SUM(A1)" })).await.status, 201);
        let left = GIVEN.map(|(of, given)| (of, given.map(|credits| credits * 1_000_000)));
        // Whole seconds: what is told of events is read back exactly.
        let now = clock::now().micros() / 1_000_000 * 1_000_000;
        Story { parts: Vec::new(), left: left.into(), now, next: 0, chance: 7 }
    }

    /// A story of 150 days: 300 events in any order of time, some of them voided while the grants still pay.
    pub(super) async fn of_months(daemon: &Daemon) -> Story {
        let mut story = Story::begin(daemon).await;
        for _ in 0..6 {
            story.go_on(daemon, 10, 150).await;
            let voided = story.next - 4;
            story.void(daemon, voided).await;
        }
        story.go_on(daemon, 240, 150).await;
        let paid_by = |kind: &str| {
            story.parts.iter().any(|part| part.of.get("grant_kind").is_some_and(|of| of == kind))
        };
        assert!(
            [&PAYING[..], &["overage"]].concat().into_iter().all(paid_by),
            "some kind of grants paid for nothing"
        );
        story
    }

    /// Sends so many further events of the last days.
    pub(super) async fn go_on(&mut self, daemon: &Daemon, events: usize, days: i64) {
        let events: Vec<Value> = (0..events).map(|_| self.event(days)).collect();
        let many = events.len();
        let answer = daemon.post("/v1/events", json!(events)).await;
        assert_eq!(answer.statuses(), vec!["accepted"; many], "{}", answer.json);
    }

    /// Voids an event that nothing but overage paid, and of which no grant gets anything back: one of the last.
    pub(super) async fn take_back_late(&mut self, daemon: &Daemon) {
        let paid = |id: usize| self.parts.iter().filter(move |part| part.id == id);
        let is_owed =
            |id: &usize| paid(*id).all(|part| part.of.get("grant_kind").is_none_or(|kind| kind == "overage"));
        let id = (1..=self.next).rev().filter(|id| paid(*id).next().is_some()).find(is_owed).unwrap();
        let event = json!({ "type": "void", "org": "acme", "id": format!("v{id}"), "voids": { "id": id.to_string() } });
        assert_eq!(daemon.post("/v1/events", event).await.statuses(), ["accepted"]);
        self.parts.retain(|part| part.id != id);
    }

    async fn void(&mut self, daemon: &Daemon, id: usize) {
        let event = json!({ "type": "void", "org": "acme", "id": format!("v{id}"), "voids": { "id": id.to_string() } });
        assert_eq!(daemon.post("/v1/events", event).await.statuses(), ["accepted"]);
        let (gone, kept) = self.parts.drain(..).partition::<Vec<_>, _>(|part| part.id == id);
        self.parts = kept;
        assert!(!gone.is_empty());
        for part in gone {
            let credits = part.figures.credits.iter().next();
            let (Some((of, micros)), Some(kind)) = (credits, part.of.get("grant_kind")) else { continue };
            let place = PAYING
                .iter()
                .position(|paying| paying == kind)
                .unwrap_or_else(|| panic!("void before overage"));
            self.left.get_mut(&**of).unwrap()[place] += micros;
        }
    }

    fn any<T: Copy>(&mut self, of: &[T]) -> T {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        of[usize::try_from(self.chance >> 33).unwrap() % of.len()]
    }

    fn number(&mut self, below: i64) -> i64 {
        self.any(&[()]);
        i64::try_from(self.chance >> 33).unwrap() % below
    }

    /// The next event, and what it comes to.
    fn event(&mut self, days: i64) -> Value {
        let time = self.now - self.number(days * 86_400) * 1_000_000;
        let who = [
            ("account", self.any(&[Some("emea"), Some("apac"), None])),
            ("user", self.any(&[Some("ana"), Some("bo"), Some("-cy"), None])),
            ("team", self.any(&[Some("sales"), Some("care"), None])),
            ("feature", self.any(&[Some("outreach"), Some("inbox")])),
        ];
        let entity =
            self.any(&[Some(("campaign", "c1")), Some(("campaign", "c2")), Some(("assistant", "c1")), None]);
        let action = self.any(&["email_sent", "ai_tokens", "phone_call", "phone_call", "ping"]);
        self.next += 1;
        let mut event = json!({ "type": "action", "org": "acme", "id": self.next.to_string(),
            "time": time::format(Timestamp::from_micros(time)), "action": action });
        let mut of: BTreeMap<&'static str, String> = BTreeMap::new();
        for (name, value) in who.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            event[name] = json!(value);
            of.insert(name, value.to_owned());
        }
        if let Some((kind, id)) = entity {
            event["entity"] = json!({ "type": kind, "id": id, "name": format!("The {kind} {id}") });
            of.insert("entity_type", kind.to_owned());
            of.insert("entity", format!("{kind}/{id}"));
        }
        match action {
            "phone_call" => self.call(&mut event, time, &of),
            _ => {
                let quantity = 1 + self.number(if action == "ai_tokens" { 4_000 } else { 4 });
                event["quantity"] = json!(quantity);
                // 0.7 for 1,000 tokens are 700 micro-credits for each.
                let micros = quantity
                    * match action {
                        "ai_tokens" => 700,
                        "email_sent" => 1_000_000,
                        _ => 0,
                    };
                self.charge(time, &of, action, "credits", micros, [quantity, 0, 0, 0, 0, 0, 1]);
            }
        }
        event
    }

    fn call(&mut self, event: &mut Value, time: i64, of: &BTreeMap<&'static str, String>) {
        let duration = self.any(&[0, 1]) * (1 + self.number(200_000));
        let minutes = (duration + 59_999) / 60_000;
        let translated = self.any(&[true, false]);
        event["type"] = json!("call.ended");
        let received = self.any(&[true, false, false]);
        event["direction"] = json!(if received { "inbound" } else { "outbound" });
        event["duration_ms"] = json!(duration);
        let talked = |condition: bool| i64::from(duration > 0 && condition);
        let counted = [1, talked(true), talked(!received), talked(received), minutes * 60, duration, 1];
        self.charge(time, of, "phone_call", "voice", minutes * 6_000_000, counted);
        if translated {
            event["add_ons"] = json!(["translation"]);
            self.charge(time, of, "translation", "credits", minutes * 1_500_000, [1, 0, 0, 0, 0, 0, 0]);
        }
    }

    /// Takes an amount from what is left, in burn order.
    fn charge(
        &mut self,
        time: i64,
        of: &BTreeMap<&'static str, String>,
        action: &str,
        credit_type: &'static str,
        micros: i64,
        counted: [i64; 7],
    ) {
        let mut of = of.clone();
        of.insert("action", action.to_owned());
        of.insert("credit_type", credit_type.to_owned());
        let left = self.left.get_mut(credit_type).unwrap();
        let mut missing = micros;
        let mut paid: Vec<(&str, i64)> = Vec::new();
        for (kind, left) in PAYING.into_iter().zip(left) {
            let part = missing.min(*left);
            *left -= part;
            missing -= part;
            paid.extend((part > 0).then_some((kind, part)));
        }
        paid.extend((missing > 0).then_some(("overage", missing)));
        let mut parts: Vec<(Option<&str>, i64)> =
            paid.into_iter().map(|(kind, part)| (Some(kind), part)).collect();
        if parts.is_empty() {
            parts.push((None, 0));
        }
        for (nth, (kind, part)) in parts.into_iter().enumerate() {
            let mut of = of.clone();
            of.extend(kind.map(|kind| ("grant_kind", kind.to_owned())));
            let counted = if nth == 0 { counted } else { [0; 7] };
            let figures = Figures { credits: [(credit_type.to_owned(), part)].into(), counted };
            self.parts.push(Part { time, of, figures, id: self.next });
        }
    }

    /// What the parts of a span come to that pass, by their values in some dimensions; what has no value has an empty one.
    pub(super) fn grouped(
        &self,
        (from, to): (i64, i64),
        group_by: &[&str],
        passes: impl Fn(&Part) -> bool,
    ) -> BTreeMap<Vec<String>, Figures> {
        let mut groups: BTreeMap<Vec<String>, Figures> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| from <= part.time && part.time < to && passes(part)) {
            let value = |name: &&str| part.of.get(*name).cloned().unwrap_or_default();
            groups.entry(group_by.iter().map(value).collect()).or_default().add(&part.figures);
        }
        groups
    }

    /// An instant so many days before the story's last.
    pub(super) fn ago(&self, days: i64) -> i64 {
        self.now - days * DAY
    }
}

/// How long an organization may have been told of at most: everything.
pub(super) const EVER: (i64, i64) = (i64::MIN, i64::MAX);

/// An instant as a parameter.
pub(super) fn instant(micros: i64) -> String {
    time::format(Timestamp::from_micros(micros))
}
