//! Spikes beside those that are found here, naively, from the events alone.

use std::collections::BTreeMap;

use creditd::clock;
use creditd::ledger::units::{Credits, Timestamp};
use creditd::wire::time;
use serde_json::{Value, json};

use crate::Daemon;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// The dimensions of causes that these events tell something of.
const DIMENSIONS: [&str; 3] = ["entity", "user", "action"];

/// An event as it was sent.
struct Event {
    time: i64,
    credit_type: &'static str,
    micros: i128,
    of: BTreeMap<&'static str, String>,
}

/// A spike: its begin, the kind of credits, the credits, the usual, of how many points, and its causes as text.
type Found = (i64, String, i128, i128, usize, Vec<String>);

struct Scene {
    daemon: Daemon,
    events: Vec<Event>,
    chance: u64,
    now: i64,
}

impl Scene {
    async fn new() -> Scene {
        let daemon = Daemon::empty().await;
        let prices =
            json!({ "mail": { "per_action": "1" }, "sms": { "per_action": "0.3", "credit_type": "voice" } });
        let card = json!({ "version": 1, "prices": prices });
        assert_eq!(daemon.put("/v1/rate-cards/standard", card).await.status, 200);
        let plan = json!({ "version": 1, "rate_card": "standard", "when_exhausted": "overage" });
        assert_eq!(daemon.put("/v1/plans/starter", plan).await.status, 200);
        assert_eq!(daemon.put("/v1/orgs/acme", json!({ "plan": "starter" })).await.status, 201);
        assert_eq!(daemon.put("/v1/orgs/acme/users/bo", json!({ "name": "Bo Reed" })).await.status, 201);
        let now = clock::now().micros() / 1_000_000 * 1_000_000;
        Scene { daemon, events: Vec::new(), chance: 11, now }
    }

    fn number(&mut self, below: i64) -> i64 {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.chance >> 33).unwrap() % below
    }

    /// Sends events of the last days: few an hour, and now and then many.
    async fn use_some(&mut self, days: i64) {
        let mut all = Vec::new();
        for hour in 0..days * 24 {
            if self.number(3) == 0 {
                continue;
            }
            let is_busy = self.number(40) == 0 || (hour / 24 == days - 3 && self.number(2) == 0);
            let quantity = if is_busy { 60 + self.number(90) } else { 1 + self.number(6) };
            let begin = (self.now / HOUR - days * 24 + hour) * HOUR;
            let time = (begin + self.number(3_600) * 1_000_000).min(self.now);
            all.push(self.event(time, quantity, is_busy));
        }
        for events in all.chunks(500) {
            let answer = self.daemon.post("/v1/events", json!(events)).await;
            assert_eq!(answer.statuses(), vec!["accepted"; events.len()], "{}", answer.json);
        }
    }

    fn event(&mut self, time: i64, quantity: i64, is_busy: bool) -> Value {
        let action = ["mail", "sms"][usize::try_from(self.number(2)).unwrap()];
        let user = if is_busy { "bo" } else { ["ana", "bo", "cy"][usize::try_from(self.number(3)).unwrap()] };
        let campaign = ["c1", "c2", "c3", "c4", "c5"][usize::try_from(self.number(5)).unwrap()];
        let (credit_type, price) = if action == "mail" { ("credits", 1_000_000) } else { ("voice", 300_000) };
        let mut of = BTreeMap::from([("user", user.to_owned()), ("action", action.to_owned())]);
        let mut event = json!({ "type": "action", "org": "acme", "id": self.events.len().to_string(),
            "time": time::format(Timestamp::from_micros(time)), "action": action, "quantity": quantity, "user": user });
        if self.number(4) > 0 {
            event["entity"] = json!({ "type": "campaign", "id": campaign });
            of.insert("entity", format!("campaign/{campaign}"));
        }
        self.events.push(Event { time, credit_type, micros: i128::from(quantity * price), of });
        event
    }

    async fn ask(&self, query: &str) -> Value {
        let answer = self.daemon.get(&format!("/v1/orgs/acme/spikes?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.json);
        answer.json
    }

    /// What events came to in the points from one number up to another.
    fn sum(&self, length: i64, points: std::ops::Range<i64>, passes: &dyn Fn(&Event) -> bool) -> i128 {
        let within = |event: &&Event| points.contains(&(event.time / length)) && passes(event);
        self.events.iter().filter(within).map(|event| event.micros).sum()
    }

    /// The spikes among the points of UTC that touch a span, newest first.
    fn expected(&self, length: i64, from: i64, percent: i128, at_least: i128) -> Vec<Found> {
        let (most, least) = if length == DAY { (28, 7) } else { (168, 24) };
        let mut found = Vec::new();
        for point in (from / length..=self.now / length).rev() {
            for kind in ["credits", "voice"] {
                let of_kind = |event: &Event| event.credit_type == kind;
                let used = |at: i64| self.sum(length, at..at + 1, &of_kind);
                let Some(since) = (point - most..point).find(|at| used(*at) > 0) else { continue };
                let (here, before) = (used(point), self.sum(length, since..point, &of_kind));
                let many = i128::from(point - since);
                if point - since < least || here < at_least.max(1) || here * many * 100 <= before * percent {
                    continue;
                }
                let causes = self.causes(length, kind, since, point);
                let usual = (before + many / 2) / many;
                found.push((
                    point * length,
                    kind.to_owned(),
                    here,
                    usual,
                    usize::try_from(many).unwrap(),
                    causes,
                ));
            }
        }
        found
    }

    /// `user bo 120 12.5`: the three by each dimension that used most more, in the whole and what of it was usual.
    fn causes(&self, length: i64, kind: &str, since: i64, point: i64) -> Vec<String> {
        let many = i128::from(point - since);
        let mut causes = Vec::new();
        for dimension in DIMENSIONS {
            let mut groups: BTreeMap<Option<&String>, (i128, i128)> = BTreeMap::new();
            for event in self.events.iter().filter(|event| event.credit_type == kind) {
                let sums = groups.entry(event.of.get(dimension)).or_default();
                let at = event.time / length;
                sums.0 += if at == point { event.micros } else { 0 };
                sums.1 += if (since..point).contains(&at) { event.micros } else { 0 };
            }
            let more = |(now, before): (i128, i128)| now * many - before;
            let mut groups: Vec<_> = groups.into_iter().filter(|(_, sums)| more(*sums) > 0).collect();
            groups.sort_by_key(|(name, sums)| (-more(*sums), *name));
            groups.truncate(3);
            if groups.iter().any(|(name, _)| name.is_some()) {
                causes.extend(groups.into_iter().map(|(name, (now, before))| {
                    let name = name.map_or("none", String::as_str);
                    format!("{dimension} {name} {now} {}", (before + many / 2) / many)
                }));
            }
        }
        causes
    }
}

fn micros(amount: &Value) -> i128 {
    i128::from(amount.as_str().unwrap().parse::<Credits>().unwrap().micros())
}

fn instant(text: &Value) -> i64 {
    time::parse(text.as_str().unwrap()).unwrap().micros()
}

/// What an answer tells, in the form of what is expected.
fn told(answer: &Value) -> Vec<Found> {
    let cause = |cause: &Value| {
        let (dimension, value) = cause["group"].as_object().unwrap().iter().next().unwrap();
        let id = match value {
            Value::Null => "none".to_owned(),
            Value::String(id) => id.clone(),
            named => match (named["type"].as_str(), named["id"].as_str().unwrap()) {
                (Some(kind), id) => format!("{kind}/{id}"),
                (None, id) => id.to_owned(),
            },
        };
        assert_eq!(micros(&cause["more"]), micros(&cause["credits"]) - micros(&cause["usual"]));
        format!("{dimension} {id} {} {}", micros(&cause["credits"]), micros(&cause["usual"]))
    };
    let spike = |spike: &Value| {
        let causes = spike["causes"].as_array().unwrap().iter().map(cause).collect();
        let usual_of = usize::try_from(spike["usual_of"].as_u64().unwrap()).unwrap();
        let kind = spike["credit_type"].as_str().unwrap().to_owned();
        (instant(&spike["from"]), kind, micros(&spike["credits"]), micros(&spike["usual"]), usual_of, causes)
    };
    answer["data"].as_array().unwrap().iter().map(spike).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn spikes_and_their_causes_are_those_that_the_events_tell() {
    let mut scene = Scene::new().await;
    scene.use_some(60).await;
    let from = |days: i64| (scene.now / DAY - days) * DAY;
    let day = |days: i64| time::format(Timestamp::from_micros(from(days)))[..10].to_owned();
    let mut most = 0;
    for (interval, length, days, percent, at_least) in [
        ("day", DAY, 58, 101, 0),
        ("day", DAY, 30, 200, 0),
        ("day", DAY, 30, 150, 90),
        ("hour", HOUR, 10, 200, 0),
        ("hour", HOUR, 20, 1_000, 30),
    ] {
        let query = format!(
            "from={}&zone=UTC&interval={interval}&percent={percent}&at_least={at_least}&limit=50",
            day(days)
        );
        let answer = scene.ask(&query).await;
        let mut expected = scene.expected(length, from(days), percent, at_least * 1_000_000);
        assert_eq!(answer["meta"]["spikes"], expected.len(), "{query}");
        expected.truncate(50);
        // In the same point, kinds of credits come in either order.
        let sorted = |mut all: Vec<Found>| {
            all.sort();
            all
        };
        assert_eq!(sorted(told(&answer)), sorted(expected), "{query}");
        let begins: Vec<i64> = told(&answer).iter().map(|spike| spike.0).collect();
        assert!(begins.is_sorted_by(|one, other| one >= other), "{query}: the newest come first");
        most = most.max(begins.len());
    }
    assert!(most > 5, "there are too few spikes to tell anything: {most}");
    let few = scene.ask(&format!("from={}&zone=UTC&percent=101&limit=1", day(58))).await;
    let all = scene.ask(&format!("from={}&zone=UTC&percent=101&limit=50", day(58))).await;
    assert_eq!(
        (few["data"].as_array().unwrap().len(), &few["meta"], &few["data"][0]),
        (1, &all["meta"], &all["data"][0])
    );
    // All time is from the first charge on.
    let ever = scene.ask("range=all&zone=UTC&percent=101&limit=50").await;
    assert_eq!(
        told(&ever),
        told(&scene.ask(&format!("from={}&zone=UTC&percent=101&limit=50", day(60))).await)
    );
    // What is filtered is measured by itself.
    let of_bo = scene.ask(&format!("from={}&zone=UTC&percent=200&user=bo&limit=50", day(30))).await;
    scene.events.retain(|event| event.of["user"] == "bo");
    let expected = scene.expected(DAY, from(30), 200, 0);
    let without_causes = |all: Vec<Found>| -> Vec<_> {
        let mut all: Vec<_> =
            all.into_iter().map(|(from, kind, credits, usual, ..)| (from, kind, credits, usual)).collect();
        all.sort();
        all
    };
    assert_eq!(without_causes(told(&of_bo)), without_causes(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spike_is_told_with_names_shares_and_as_a_table() {
    let mut scene = Scene::new().await;
    let mut send = Vec::new();
    for days in 1..=10 {
        // Ten a day by ana, and once eighty by bo beside them.
        send.push((days, 10, "ana", "c1"));
        if days == 2 {
            send.push((days, 80, "bo", "c2"));
        }
    }
    let events: Vec<Value> = send
        .iter()
        .enumerate()
        .map(|(id, (days, quantity, user, campaign))| {
            json!({ "type": "action", "org": "acme", "id": id.to_string(), "action": "mail", "quantity": quantity, "user": user,
                "entity": { "type": "campaign", "id": campaign, "name": "=1+1" },
                "time": time::format(Timestamp::from_micros((scene.now / DAY - days) * DAY + HOUR)) })
        })
        .collect();
    assert_eq!(scene.daemon.post("/v1/events", json!(events)).await.statuses(), vec!["accepted"; 11]);
    scene.now -= scene.now % DAY;
    let answer = scene.ask("range=all&zone=UTC").await;
    let begin = time::format(Timestamp::from_micros(scene.now - 2 * DAY));
    let end = time::format(Timestamp::from_micros(scene.now - DAY));
    let action = json!({ "group": { "action": "mail" }, "credits": "90", "usual": "10", "more": "80", "share": "100" });
    let expected = json!([{ "from": begin, "to": end, "credit_type": "credits", "credits": "90", "usual": "10",
        "usual_of": 8, "percent": "900", "causes": [
            { "group": { "entity": { "type": "campaign", "id": "c2", "name": "=1+1" } }, "credits": "80", "usual": "0",
              "more": "80", "share": "100" },
            { "group": { "user": { "id": "bo", "name": "Bo Reed" } }, "credits": "80", "usual": "0", "more": "80", "share": "100" },
            action ] }]);
    assert_eq!(answer["data"], expected, "{answer}");
    assert_eq!(answer["meta"], json!({ "spikes": 1 }));
    let url = format!("{}/v1/orgs/acme/spikes?range=all&zone=UTC", scene.daemon.running.url);
    let table = scene.daemon.client.get(url).header("accept", "text/csv").send().await.unwrap();
    assert_eq!(table.headers()["creditd-zone"], "UTC");
    let text = table.text().await.unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 4, "{text}");
    assert_eq!(rows[1], format!("{begin},{end},credits,90,10,900,entity,campaign,c2,'=1+1,80,0,80,100"));
    for (query, field, part) in [
        ("percent=100", "percent", "\"100\" is not possible; write a whole number from 101 to 10000"),
        ("at_least=-1", "at_least", "\"-1\" is not possible; write an amount of credits"),
        ("interval=week", "interval", "write one of hour, day"),
        ("limit=51", "limit", "from 1 to 50"),
        ("group_by=user", "group_by", "\"group_by\" is no parameter"),
    ] {
        let refused = scene.daemon.get(&format!("/v1/orgs/acme/spikes?{query}")).await;
        assert_eq!(refused.json["field"], field, "{query}: {}", refused.json);
        assert!(refused.problem(400, "invalid_parameter").contains(part), "{query}: {}", refused.json);
    }
    scene.daemon.get("/v1/orgs/nobody/spikes").await.problem(404, "unknown_org");
}
