//! What generated logs of years hold beside the rest: plans with cycles, changes of them, grants of every make, voids of
//! grants and adjustments, and mistakes in them.

use serde_json::{Value, json};

use super::drafts::spell;
use super::random::Random;
use super::{DAY, MINUTE, Writer, alerts, limits, name};
use crate::model::Instant;
use crate::model::fields::Object;

const FEATURES: [&str; 3] = ["Smart Flows", "AI Copilot", "Platform"];
const ZONES: [&str; 5] =
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Pacific/Kiritimati"];
/// On the last days of months, at hours that clocks skip and repeat, in the past and in the future.
const ANCHORS: [&str; 9] = [
    "2024-02-29T02:30:00+01:00",
    "2025-10-31T00:00:00Z",
    "2026-01-29T12:00:00Z",
    "2026-01-30T23:30:00+11:00",
    "2026-03-29T02:30:00+01:00",
    "2026-10-25T02:30:00+01:00",
    "2026-11-01T01:30:00-05:00",
    "2027-08-31T23:59:59.999999Z",
    "2031-12-31T02:00:00-05:00",
];

/// Plans with cycles, their first versions.
fn plans() -> [Value; 8] {
    [
        json!({ "id": "monthly", "version": 1, "rate_card": "voice", "cycle": "month",
                "allotments": [{ "amount": "300", "rollover": { "max": "100" } }, { "amount": "50", "credit_type": "email" }] }),
        json!({ "id": "monthly-more", "version": 1, "rate_card": "voice", "cycle": "month", "overage_at_reset": "drop",
                "allotments": [{ "amount": "612.345678", "rollover": { "min": "20", "max": "250" } },
                               { "amount": "40", "credit_type": "phone", "priority": 50, "rollover": {} }] }),
        json!({ "id": "quarterly", "version": 1, "rate_card": "outreach", "cycle": "quarter", "when_exhausted": "reject",
                "allotments": [{ "amount": "900", "rollover": {} }] }),
        json!({ "id": "yearly", "version": 1, "rate_card": "outreach", "cycle": "year", "overage_at_reset": "drop",
                "allotments": [{ "amount": "4000" }], "alerts": [{ "below_percent": 50 }, { "below": "100" }] }),
        json!({ "id": "ten-days", "version": 1, "rate_card": "voice", "cycle": { "days": 10 },
                "allotments": [{ "amount": "90", "rollover": { "min": "5", "max": "60" } },
                               { "amount": "10", "credit_type": "email", "rollover": { "min": "12" } }] }),
        json!({ "id": "daily", "version": 1, "rate_card": "outreach", "cycle": { "days": 1 }, "overage_at_reset": "drop",
                "allotments": [{ "amount": "12.5", "priority": 200, "rollover": { "max": "0.000001" } }] }),
        json!({ "id": "free", "version": 1, "rate_card": "voice", "cycle": "month", "unmetered": true,
                "allotments": [{ "amount": "10" }] }),
        json!({ "id": "bare", "version": 1, "rate_card": "outreach", "overage_at_reset": "drop" }),
    ]
}

/// Commands for an organization that must be rejected, whatever its state.
const BAD: [&str; 24] = [
    r#"{"type":"creditd.adjust.v1","amount":"5"}"#,
    r#"{"type":"creditd.adjust.v1","amount":"0","reason":"nothing"}"#,
    r#"{"type":"creditd.adjust.v1","amount":"-0.0000001","reason":"too fine"}"#,
    r#"{"type":"creditd.adjust.v1","amount":"--5","reason":"signs"}"#,
    r#"{"type":"creditd.adjust.v1","amount":-1.5,"reason":"a float"}"#,
    r#"{"type":"creditd.adjust.v1","amount":"5","reason":"odd","credit_type":"creditz"}"#,
    r#"{"type":"creditd.adjust.v1","amount":"-1000000000","reason":"more than there is"}"#,
    r#"{"type":"creditd.adjust.v1","id":"plan.1.credits","amount":"5","reason":"a name of the cycles"}"#,
    r#"{"type":"creditd.grant.void.v1"}"#,
    r#"{"type":"creditd.grant.void.v1","id":"never-given"}"#,
    r#"{"type":"creditd.grant.void.v1","id":"plan.999999.credits"}"#,
    r#"{"type":"creditd.grant.v1","id":"plan.7.credits","amount":"5"}"#,
    r#"{"type":"creditd.grant.v1","id":"rollover.x","amount":"5"}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","scope":{"actions":[]}}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","scope":{"action":["message"]}}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","scope":{"entities":[{"id":"c7"}]}}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","recurrence":{"every":"week"}}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","recurrence":{"every":{"days":367}}}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","recurrence":{"anchor":"2026-01-31T00:00:00Z"}}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","rollover":{"min":"5","max":"4.999999"}}"#,
    r#"{"type":"creditd.org.put.v1","plan":"monthly","time_zone":"Europe/Bielefeld"}"#,
    r#"{"type":"creditd.org.put.v1","plan":"monthly","change":"later"}"#,
    r#"{"type":"creditd.org.put.v1","plan":"monthly","prorate":"yes"}"#,
    r#"{"type":"creditd.org.put.v1","plan":"monthly","cycle_anchor":"the first"}"#,
];

/// Commands for the catalog that must be rejected.
const BAD_FOR_CATALOG: [&str; 8] = [
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","cycle":"week"}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","cycle":{"days":0}}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","cycle":{"days":1,"months":1}}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","allotments":[{"amount":"5"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","cycle":"month","allotments":[{"amount":"0"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","cycle":"month","allotments":[{"amount":"5"},{"amount":"6","credit_type":"credits"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","cycle":"month","allotments":[{"amount":"5","credit_type":"creditz"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","cycle":"month","overage_at_reset":"forget"}"#,
];

/// A product area and a team, sometimes; and now and then so much of an action that credits run out.
pub(super) fn spice(data: &mut Object, random: &mut Random) {
    if random.chance(50) {
        data.insert("feature".to_string(), json!(random.pick(&FEATURES)));
    }
    if random.chance(40) {
        data.insert("team".to_string(), json!(random.pick(&["sales", "support"])));
    }
    if data.get("action").is_some_and(|action| action == "message") && random.chance(40) {
        data.insert("quantity".to_string(), json!(random.between(20, 400)));
    }
}

fn credits(random: &mut Random, most: i64) -> String {
    let micros = random.between(1, most * 1_000_000);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

impl Writer {
    /// Mostly seconds, often some hours, now and then days or until a midnight; some twenty times in a log up to four months.
    pub(super) fn gap_of_years(&mut self, years: i64) -> Instant {
        let records = i64::try_from(self.recipe.records.max(1)).unwrap_or(i64::MAX);
        let mean = years * 365 * DAY / records;
        if self.random.between(0, records) < 20 {
            return self.random.between(DAY, 120 * DAY);
        }
        match self.random.between(1, 100) {
            1..=3 => self.until_midnight(),
            4..=45 => self.random.between(0, MINUTE),
            46..=60 => self.random.between(0, 180 * MINUTE),
            61..=85 => self.random.between(0, mean),
            _ => self.random.between(0, 8 * mean),
        }
    }

    /// The plans with cycles, and most organizations on one.
    pub(super) fn open_cycles(&mut self) {
        for mut plan in plans() {
            limits::of_plan(&mut plan);
            alerts::of_plan(&mut plan, &mut self.random);
            self.command("_catalog", "plan.put", &plan);
            self.plans.push((plan, Instant::MIN));
        }
        for org in 0..self.recipe.orgs {
            self.put(org);
        }
    }

    /// One command about plans, terms, grants or adjustments.
    pub(super) fn cycle_command(&mut self, org: i64) {
        match self.random.between(1, 16) {
            1..=4 if self.recipe.changes => self.put(org),
            5 if self.recipe.changes => self.next_version(),
            6..=10 => self.rich_grant(org),
            11 => self.end_of_grant(org),
            12..=14 => self.adjust(org),
            15 if self.recipe.bad_percent > 0 => {
                let bad = self.random.pick(&BAD).as_bytes().to_vec();
                self.push(format!("credits.commands.{}", name(org)), Vec::new(), bad);
            }
            16 if self.recipe.bad_percent > 0 => {
                let all = [&BAD_FOR_CATALOG[..], &alerts::BAD_FOR_CATALOG[..]].concat();
                let bad = self.random.pick(&all).as_bytes().to_vec();
                self.push("credits.commands._catalog".to_string(), Vec::new(), bad);
            }
            _ => self.rich_grant(org),
        }
    }

    /// New terms of an organization: at once or later, another calendar, another plan, or the same again.
    fn put(&mut self, org: i64) {
        let plan = if self.random.chance(10) {
            json!("base")
        } else {
            self.random.pick(&self.plans).0["id"].clone()
        };
        let mut data = json!({ "plan": plan });
        if self.random.chance(25) {
            data["time_zone"] = json!(self.random.pick(&ZONES));
        }
        if self.random.chance(20) {
            data["cycle_anchor"] = json!(self.random.pick(&ANCHORS));
        }
        if self.random.chance(35) {
            data["change"] = json!(self.random.pick(&["next_cycle", "next_cycle", "now"]));
        }
        if self.random.chance(40) {
            data["prorate"] = json!(self.random.chance(80));
        }
        if self.random.chance(20) {
            let own = json!({ "message": { "per_action": credits(&mut self.random, 6) } });
            data["overrides"] =
                json!({ "prices": own, "alerts": [{ "below_percent": self.random.between(0, 99) }] });
        } else if self.random.chance(15) {
            data["overrides"] = json!({ "alerts": alerts::some(&mut self.random) });
        }
        if self.random.chance(10) {
            data["name"] = json!(self.random.pick(&["Acme", "Acme Corporation"]));
        }
        if self.random.chance(20) {
            data["reason"] = json!("wanted more");
            data["by"] = json!("sales");
        }
        self.command(&name(org), "org.put", &data);
    }

    /// A further version of a plan: other amounts, now and then another cycle or another end of it.
    fn next_version(&mut self) {
        let index = self.random.index(self.plans.len());
        let (mut plan, last) = self.plans[index].clone();
        plan["version"] = json!(plan["version"].as_i64().unwrap_or_default() + 1);
        if self.random.chance(20) && plan["id"] != "bare" {
            plan["cycle"] =
                self.random.pick(&[json!("month"), json!("quarter"), json!({ "days": 31 })]).clone();
        }
        if self.random.chance(30) {
            plan["overage_at_reset"] = json!(self.random.pick(&["keep", "drop"]));
        }
        if self.random.chance(10) {
            plan["when_exhausted"] = json!(self.random.pick(&["overage", "reject"]));
        }
        for allotment in plan["allotments"].as_array_mut().into_iter().flatten() {
            if self.random.chance(60) {
                allotment["amount"] = json!(credits(&mut self.random, 700));
            }
            if self.random.chance(30) {
                allotment["rollover"] = json!({ "max": self.random.between(0, 200).to_string() });
            }
        }
        limits::of_version(&mut plan, &mut self.random);
        if self.random.chance(25) {
            plan["alerts"] = alerts::some(&mut self.random);
        }
        let from = last.max(self.now + self.random.between(0, 40 * DAY));
        plan["effective_from"] = json!(spell(from, &mut self.random));
        self.plans[index] = (plan.clone(), from);
        self.command("_catalog", "plan.put", &plan);
    }

    /// A grant of every make.
    fn rich_grant(&mut self, org: i64) {
        let credit_type = *self.random.pick(&["credits", "credits", "email", "phone"]);
        let mut data = json!({ "amount": credits(&mut self.random, 150), "credit_type": credit_type,
                               "kind": self.random.pick(&["plan", "purchased", "bonus"]) });
        if self.random.chance(30) {
            data["priority"] = json!(self.random.pick(&[0, 50, 100, 255]));
        }
        let mut starts = self.now;
        if self.random.chance(35) {
            starts += self.random.between(-20 * DAY, 60 * DAY);
            data["effective"] = json!(spell(starts, &mut self.random));
        }
        if self.random.chance(40) {
            data["scope"] = self.scope();
        }
        let recurs = self.random.chance(35);
        if recurs {
            let every = [json!("month"), json!("quarter"), json!({ "days": 7 }), json!({ "days": 30 })];
            data["recurrence"] = json!({ "every": self.random.pick(&every) });
            if self.random.chance(40) {
                data["recurrence"]["anchor"] = json!(self.random.pick(&ANCHORS));
            }
        }
        if self.random.chance(30) {
            let (min, more) = (self.random.between(0, 20), self.random.between(0, 100));
            data["rollover"] = json!({ "min": min.to_string(), "max": (min + more).to_string() });
        }
        // What recurs would do so for ever, and the log be of nothing else.
        if recurs || self.random.chance(80) {
            let ends = starts.max(self.now) + self.random.between(MINUTE, 300 * DAY);
            data["expires"] = json!(spell(ends, &mut self.random));
        }
        if self.random.chance(80) {
            data["id"] = json!(format!("rich-{}", self.records.len()));
            self.grants.push((org, data.clone()));
        }
        self.command(&name(org), "grant", &data);
    }

    fn scope(&mut self) -> Value {
        let mut scope = json!({});
        if self.random.chance(50) {
            scope["features"] = json!([self.random.pick(&FEATURES)]);
        }
        if self.random.chance(40) {
            let actions = ["email_sent", "message", "ai_tokens", "phone_call", "translation", "support_call"];
            scope["actions"] = json!([self.random.pick(&actions), self.random.pick(&actions)]);
        }
        if self.random.chance(30) || scope == json!({}) {
            let id = if self.random.chance(50) {
                json!(format!("c{}", self.random.between(1, 9)))
            } else {
                Value::Null
            };
            scope["entities"] = json!([{ "type": "campaign", "id": id }]);
        }
        scope
    }

    /// The end of a grant: one that was given, or one of a cycle, which may not have been yet.
    fn end_of_grant(&mut self, org: i64) {
        let (org, id) = if self.random.chance(60) && !self.grants.is_empty() {
            let (org, known) = self.random.pick(&self.grants);
            (*org, known["id"].clone())
        } else {
            let kind = *self.random.pick(&["plan", "plan", "rollover"]);
            (org, json!(format!("{kind}.{}.credits", self.random.between(1, 24))))
        };
        self.command(&name(org), "grant.void", &json!({ "id": id, "reason": "cancelled" }));
    }

    /// Credits moved by hand, both ways; sent again now and then, and not always the same.
    fn adjust(&mut self, org: i64) {
        if self.random.chance(15) && !self.adjustments.is_empty() {
            let (org, mut known) = self.random.pick(&self.adjustments).clone();
            if self.random.chance(40) {
                known["amount"] = json!("-0.5");
            }
            return self.command(&name(org), "adjust", &known);
        }
        let sign = *self.random.pick(&["", "-", "-"]);
        let amount = format!("{sign}{}", credits(&mut self.random, 60));
        let credit_type = *self.random.pick(&["credits", "credits", "email"]);
        let mut data =
            json!({ "amount": amount, "credit_type": credit_type, "reason": "by hand", "by": "ana" });
        if self.random.chance(80) {
            data["id"] = json!(format!("ticket-{}", self.records.len()));
            self.adjustments.push((org, data.clone()));
        }
        self.command(&name(org), "adjust", &data);
    }
}
