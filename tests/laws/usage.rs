//! What the cells add up to is what the rows add up to: whatever happened, came late, was taken back or crashed, however files were made,
//! merged and lost, whatever is asked, and on every page.

#[path = "usage/partition.rs"]
mod partition;

use creditd::ledger::units::{Millis, Timestamp};
use creditd::wire::time;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::partition::Stepped;

/// 2026-03-28T09:07:17.000123Z: the clocks of Europe are set on the next day, and cycles begin within quarters of an hour.
const START: Timestamp = Timestamp::from_micros(1_774_688_837_000_123);
const ZONES: [&str; 5] =
    ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"];
const DIMENSIONS: [&str; 9] =
    ["account", "entity_type", "entity", "user", "team", "feature", "action", "credit_type", "grant_kind"];

#[derive(Clone, Debug)]
enum Step {
    /// Events of one record, each so many minutes ago: which, by whom, how many.
    Events(Vec<(i64, usize, usize, u64)>),
    /// A call is answered; it is closed unless its end comes in time.
    Answered(usize),
    /// The end of a call, so many minutes ago.
    Ended(usize, i64),
    /// A call had failed.
    Failed(usize),
    /// The event of that number is taken back; whether its time is told.
    Void(usize, bool),
    Grant(usize, i64),
    /// Minutes pass.
    Wait(i64),
    Runs(bool),
    /// Records between the cut and the seal.
    Checkpoint(usize),
    Crash,
    Replay(usize),
    /// So many files are made or merged, if there are as many to do.
    Tend(usize),
    Harm(usize, Option<usize>),
    Ask(Question),
    /// The next page of what was asked so many questions before.
    Page(usize),
}

#[derive(Clone, Debug)]
struct Question {
    range: usize,
    zone: usize,
    group_by: Vec<usize>,
    filter: Option<(usize, usize)>,
    interval: Option<usize>,
    compare: Option<usize>,
    search: bool,
    limit: usize,
}

fn question() -> impl Strategy<Value = Question> {
    let group_by = prop::sample::subsequence((0..9).collect::<Vec<usize>>(), 0..=2);
    let filter = prop::option::weighted(0.3, (0..9_usize, 0..5_usize));
    let interval = prop::option::of(0..4_usize);
    let compare = prop::option::weighted(0.3, 0..2_usize);
    (0..9_usize, 0..5_usize, group_by, filter, interval, compare, prop::bool::weighted(0.2), 1..4_usize)
        .prop_map(|(range, zone, group_by, filter, interval, compare, search, limit)| Question {
            range,
            zone,
            group_by,
            filter,
            interval,
            compare,
            search,
            limit,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let ago = prop_oneof![4 => 0_i64..30, 2 => 0_i64..3_000, 1 => 0_i64..90_000];
    let event = (ago.clone(), 0..5_usize, 0..12_usize, 1_u64..9);
    prop_oneof![
        8 => prop::collection::vec(event, 1..6).prop_map(Step::Events),
        2 => (0..6_usize).prop_map(Step::Answered),
        2 => (0..6_usize, 0_i64..200).prop_map(|(call, ago)| Step::Ended(call, ago)),
        1 => (0..6_usize).prop_map(Step::Failed),
        4 => (0..40_usize, any::<bool>()).prop_map(|(event, timed)| Step::Void(event, timed)),
        2 => (0..3_usize, 1_i64..30).prop_map(|(kind, amount)| Step::Grant(kind, amount)),
        3 => prop_oneof![0_i64..40, 0_i64..2_000].prop_map(Step::Wait),
        3 => any::<bool>().prop_map(Step::Runs),
        3 => (0..3_usize).prop_map(Step::Checkpoint),
        1 => Just(Step::Crash),
        2 => (1..30_usize).prop_map(Step::Replay),
        5 => prop_oneof![1..4_usize, Just(1_000)].prop_map(Step::Tend),
        1 => (0..64_usize, prop::option::of(0..100_000_usize)).prop_map(|(file, byte)| Step::Harm(file, byte)),
        8 => question().prop_map(Step::Ask),
        4 => (0..4_usize).prop_map(Step::Page),
    ]
}

impl Question {
    fn query(&self, now: Timestamp) -> Vec<(String, String)> {
        let mut query = Vec::new();
        let mut say = |name: &str, value: &str| query.push((name.to_owned(), value.to_owned()));
        let day = |days: u64| time::format(now.minus(Millis(days * 86_400_000)))[..10].to_owned();
        let hour = |hours: u64| {
            let quarter = now.micros().div_euclid(900_000_000) * 900_000_000;
            time::format(Timestamp::from_micros(quarter).minus(Millis(hours * 3_600_000)))
        };
        match self.range {
            0 => say("range", "this_month"),
            1 => say("range", "last_7_days"),
            2 => say("range", "this_year"),
            3 => say("range", "all"),
            4 => say("from", &day(3)),
            5 => ["from", "to"].iter().zip([day(40), day(1)]).for_each(|(name, day)| say(name, &day)),
            6 => ["from", "to"].iter().zip([hour(30), hour(1)]).for_each(|(name, at)| say(name, &at)),
            7 => say("range", "cycle"),
            _ => say("from", &time::format(now.minus(Millis(100_000_123)))),
        }
        say("zone", ZONES[self.zone]);
        let names: Vec<&str> = self.group_by.iter().map(|at| DIMENSIONS[*at]).collect();
        say("group_by", &names.join(","));
        if let Some((dimension, value)) = self.filter {
            let values = match DIMENSIONS[dimension] {
                "entity" => ["campaign/c0", "campaign/c1", "pilot/c0", "", "pilot/c2"],
                "entity_type" => ["campaign", "pilot", "", "none", "campaign"],
                "user" => ["u0", "u1", "", "u2", "none"],
                "action" => ["mail", "phone_call", "tokens", "ping", "add_on"],
                "credit_type" => ["credits", "voice", "none", "credits", "voice"],
                "grant_kind" => ["plan", "bonus", "purchased", "overage", ""],
                _ => ["a", "t0", "", "t1", "f"],
            };
            say(DIMENSIONS[dimension], values[value]);
        }
        if let Some(interval) = self.interval {
            say("interval", ["hour", "day", "week", "month"][interval]);
        }
        if let Some(compare) = self.compare.filter(|_| self.range != 3) {
            say("compare", ["previous_period", "previous_year"][compare]);
        }
        if self.search && !self.group_by.is_empty() {
            say("search", "c");
        }
        say("limit", &self.limit.to_string());
        query
    }
}

/// An event that may be taken back.
struct Sent {
    source: &'static str,
    id: String,
    time: Timestamp,
}

/// What happened, and what was asked.
struct World {
    stepped: Stepped,
    now: Timestamp,
    events: Vec<Sent>,
    /// Questions whose answers had further pages.
    open: Vec<(Question, Vec<(String, String)>)>,
    next: usize,
    by_cells: usize,
}

impl World {
    fn begin() -> World {
        let mut stepped = Stepped::new();
        let card = json!({ "type": "rate_card.put", "data": { "id": "card", "version": 1, "prices": {
            "mail": { "per_action": "1" }, "ping": { "per_action": "0" },
            "tokens": { "per_units": "0.7", "units": 7 },
            "phone_call": { "per_minute": "3", "increment": "30/6", "credit_type": "voice" },
            "add_on": { "per_minute": "1.5", "credit_type": "credits" } } } });
        let plan = json!({ "type": "plan.put", "data": { "id": "plan", "version": 1, "rate_card": "card", "cycle": "month",
            "calls": { "longest_s": 1800 }, "allotments": [{ "amount": "20" }, { "amount": "9", "credit_type": "voice" }] } });
        stepped.write("credits.commands._catalog", START, &[card]);
        stepped.write("credits.commands._catalog", START, &[plan]);
        let org = json!({ "type": "org.put", "data": { "plan": "plan", "time_zone": "Europe/Berlin" } });
        stepped.write("credits.commands.acme", START, &[org]);
        World { stepped, now: START, events: Vec::new(), open: Vec::new(), next: 0, by_cells: 0 }
    }

    fn ago(&self, minutes: i64) -> Timestamp {
        Timestamp::from_micros(self.now.micros() - minutes * 60_000_000 + 1_234_567)
    }

    fn event(&mut self, mut event: Value, source: &'static str, time: Timestamp) -> Value {
        let id = format!("e{}", self.next);
        self.next += 1;
        event["id"] = json!(id);
        event["source"] = json!(source);
        event["time"] = json!(time::format(time));
        self.events.push(Sent { source, id, time });
        event
    }

    fn action(&mut self, (ago, which, who, many): (i64, usize, usize, u64)) -> Value {
        let mut event = match which {
            0 => json!({ "type": "action", "action": "mail", "quantity": many }),
            1 => json!({ "type": "action", "action": "tokens", "quantity": many * 3 }),
            2 => json!({ "type": "action", "action": "ping" }),
            _ => json!({ "type": "call.ended", "direction": "outbound",
                         "duration_ms": many * 17_000, "add_ons": if which == 3 { vec!["add_on"] } else { Vec::new() } }),
        };
        let options = event.as_object_mut().unwrap();
        if who % 4 > 0 {
            options.insert("user".into(), json!(format!("u{}", who % 4)));
        }
        if who % 3 > 0 {
            let kind = if who % 2 == 0 { "campaign" } else { "pilot" };
            options.insert("entity".into(), json!({ "type": kind, "id": format!("c{}", who % 3) }));
        }
        if who % 5 > 2 {
            options.insert("team".into(), json!(format!("t{}", who % 2)));
            options.insert("account".into(), json!("a"));
        }
        let time = self.ago(ago);
        self.event(event, "law", time)
    }

    fn ended(&mut self, call: usize, ago: i64) {
        let time = self.ago(ago);
        let end = json!({ "type": "call.ended", "call_id": format!("call-{call}"), "duration_ms": 100_000, "user": "u2",
                          "direction": "outbound" });
        let end = self.event(end, "sbc", time);
        self.send(&[end]);
    }

    fn void(&mut self, event: usize, timed: bool) {
        let Some(Sent { source, id, time }) = self.events.iter().rev().nth(event) else { return };
        let mut voids = json!({ "id": id, "source": source });
        if timed {
            voids["time"] = json!(time::format(*time));
        }
        let id = format!("v{}", self.next);
        self.next += 1;
        self.send(&[json!({ "type": "void", "id": id, "source": "law", "voids": voids })]);
    }

    fn send(&mut self, items: &[Value]) {
        self.stepped.write("credits.events.acme", self.now, items);
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Events(events) => {
                let items: Vec<Value> = events.into_iter().map(|event| self.action(event)).collect();
                self.send(&items);
            }
            Step::Answered(call) => {
                let (id, time) = (format!("call-{call}"), time::format(self.ago(0)));
                self.send(&[
                    json!({ "type": "call.answered", "source": "sbc", "call_id": id, "direction": "outbound",
                                    "user": "u1", "time": time, "add_ons": ["add_on"] }),
                ]);
            }
            Step::Ended(call, ago) => self.ended(call, ago),
            Step::Failed(call) => {
                let time = time::format(self.ago(0));
                self.send(&[json!({ "type": "call.failed", "source": "sbc", "call_id": format!("call-{call}"), "time": time })]);
            }
            Step::Void(event, timed) => self.void(event, timed),
            Step::Grant(kind, amount) => {
                let kind = ["plan", "bonus", "purchased"][kind];
                let data = json!({ "amount": amount.to_string(), "kind": kind });
                self.stepped.write(
                    "credits.commands.acme",
                    self.now,
                    &[json!({ "type": "grant", "data": data })],
                );
            }
            Step::Wait(minutes) => {
                self.now = self.now.plus(Millis(minutes.unsigned_abs() * 60_000));
                self.stepped.write("credits.commands._tick", self.now, &[]);
            }
            Step::Runs(all) => self.stepped.write_runs(all),
            Step::Checkpoint(records) => self.stepped.checkpoint(records),
            Step::Crash => self.stepped.crash(),
            Step::Replay(most) => self.stepped.replay(most),
            Step::Tend(most) => self.stepped.tend(most),
            Step::Harm(file, byte) => self.stepped.harm(file, byte),
            Step::Ask(question) => {
                let query = question.query(self.now);
                return self.ask(question, query);
            }
            Step::Page(back) => {
                let Some(place) = self.open.len().checked_sub(back + 1) else { return Ok(()) };
                let (question, query) = self.open.remove(place);
                return self.ask(question, query);
            }
        }
        Ok(())
    }

    fn ask(&mut self, question: Question, mut query: Vec<(String, String)>) -> Result<(), TestCaseError> {
        if !self.stepped.knows_acme() {
            return Ok(());
        }
        let ([by_cells, by_rows], from) = self.stepped.ask(&query, self.now);
        prop_assert_eq!(&by_cells, &by_rows, "{:?}, from {}", query, from);
        self.by_cells += usize::from(from == "cells");
        let next = by_cells.ok().and_then(|answer| answer["meta"]["next"].as_str().map(str::to_owned));
        query.retain(|(name, _)| name != "cursor");
        if let Some(next) = next {
            query.push(("cursor".to_owned(), next));
            self.open.push((question, query));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cells_add_up_to_what_rows_add_up_to(steps in prop::collection::vec(step(), 20..120)) {
        let mut world = World::begin();
        for step in steps {
            world.step(step)?;
        }
        // In the end, everything is asked of merged files alone.
        world.stepped.replay(usize::MAX);
        world.stepped.checkpoint(0);
        world.stepped.tend(1_000);
        for range in 0..9 {
            let question = Question { range, zone: range % 5, group_by: vec![range, (range + 3) % 9], filter: None,
                                      interval: Some(range % 4), compare: None, search: false, limit: 3 };
            let query = question.query(world.now);
            let before = world.by_cells;
            // A file that was harmed is found out when it is read, and made again.
            for _ in 0..20 {
                world.ask(question.clone(), query.clone())?;
                if world.by_cells > before {
                    break;
                }
                world.stepped.tend(1_000);
            }
            prop_assert!(world.by_cells > before, "range {} was not told by the cells", range);
        }
    }
}
