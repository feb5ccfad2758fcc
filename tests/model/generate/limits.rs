//! What generated logs of years hold about limits: those of plans, an organization's own, and mistakes in them.

use serde_json::{Value, json};

use super::random::Random;
use super::{DAY, MINUTE, Writer, name};
use crate::model::Instant;

/// What limits measure, by their names; now and then a name measures something else.
const MEASURES: [(&str, &str); 10] = [
    ("all", r#"{"window":"month","credits":"60"}"#),
    ("each-user", r#"{"on":{"user":"*"},"window":"day","quantity":10,"hard":true}"#),
    ("each-action", r#"{"on":{"action":"*"},"window":"week","credits":"20.5","hard":true}"#),
    (
        "campaign",
        r#"{"on":{"entity":{"type":"campaign","id":"*"}},"window":"cycle","quantity":15,"hard":true}"#,
    ),
    ("pair", r#"{"on":{"user":"*","entity":{"type":"campaign","id":"c3"}},"window":"life","quantity":20}"#),
    ("team", r#"{"on":{"feature":"AI Copilot","team":"*"},"window":"month","credits":"25"}"#),
    ("words", r#"{"on":{"action":"translation"},"window":"day","credits":"6","hard":true}"#),
    (
        "mails",
        r#"{"on":{"account":"emea"},"window":"cycle","credits":"20","credit_type":"email","hard":true}"#,
    ),
    ("calls", r#"{"on":{"action":"phone_call","user":"*"},"window":"week","quantity":3}"#),
    ("none", r#"{"on":{"user":"user-4"},"window":"day","quantity":0,"hard":true}"#),
];

/// The names of the limits that a plan has.
const OF_PLANS: [(&str, &[&str]); 5] = [
    ("monthly", &["each-user", "all"]),
    ("monthly-more", &["each-user", "campaign", "mails"]),
    ("ten-days", &["campaign", "each-action", "none"]),
    ("daily", &["each-user", "words", "pair"]),
    ("free", &["each-user", "campaign", "all"]),
];

/// Commands for an organization that must be rejected, whatever its state.
const BAD: [&str; 18] = [
    r#"{"type":"creditd.limit.put.v1","window":"day","quantity":5}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","quantity":5}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day"}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"hour","quantity":5}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":5,"credits":"5"}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":-1}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":"5"}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","credits":"-5"}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","credits":"5","credit_type":"creditz"}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":5,"on":{"user":"*","team":"*","action":"*"}}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":5,"on":{"users":"*"}}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":5,"on":{"entity":{"type":"campaign"}}}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":5,"hard":1}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":5,"max":9}"#,
    r#"{"type":"creditd.limit.put.v1","id":"odd","window":"day","quantity":5,"org":"somebody-else"}"#,
    r#"{"type":"creditd.limit.remove.v1"}"#,
    r#"{"type":"creditd.limit.remove.v1","id":"never-put"}"#,
    r#"{"type":"creditd.limit.remove.v1","id":"all","window":"month"}"#,
];

/// Commands for the catalog that must be rejected.
const BAD_FOR_CATALOG: [&str; 5] = [
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","limits":[{"id":"a","window":"day"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","limits":[{"id":"a","window":"day","quantity":5,"off":true}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","limits":[{"id":"a","window":"day","quantity":5},{"id":"a","window":"week","quantity":5}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","limits":[{"id":"a","window":"day","credits":"5","credit_type":"creditz"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","past_limit":"overage"}"#,
];

/// How far the clocks of the zones in these logs are behind UTC, in minutes, in summer and in winter.
const BEHIND: [i64; 8] = [0, -60, -120, 240, 300, -630, -660, -840];

/// The limit of this name as it mostly is.
fn limit(id: &str) -> Value {
    let measure = MEASURES.iter().find(|(name, _)| *name == id).map_or("{}", |(_, measure)| measure);
    let mut limit: Value = serde_json::from_str(measure).unwrap_or_default();
    limit["id"] = json!(id);
    limit
}

/// Another maximum, now and then one that was passed long ago.
fn other_maximum(limit: &mut Value, random: &mut Random) {
    if limit["quantity"].is_null() {
        let micros = random.between(0, 80_000_000);
        limit["credits"] = json!(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000));
    } else {
        limit["quantity"] = json!(random.between(0, 25));
    }
}

/// Gives a plan its limits.
pub(super) fn of_plan(plan: &mut Value) {
    let names = OF_PLANS.iter().find(|(id, _)| plan["id"] == *id).map(|(_, names)| *names);
    plan["limits"] = names.unwrap_or_default().iter().map(|id| limit(id)).collect();
    if plan["id"] == "monthly-more" || plan["id"] == "ten-days" || plan["id"] == "free" {
        plan["past_limit"] = json!("reject");
    }
}

/// Other limits for a further version of a plan, sometimes.
pub(super) fn of_version(plan: &mut Value, random: &mut Random) {
    for limit in plan["limits"].as_array_mut().into_iter().flatten() {
        if random.chance(30) {
            other_maximum(limit, random);
        }
    }
    if random.chance(10) {
        plan["past_limit"] = json!(random.pick(&["charge", "reject"]));
    }
    if random.chance(10) {
        plan["limits"] = json!([limit(random.pick(&MEASURES).0)]);
    }
}

impl Writer {
    /// The time until the clocks of some place show midnight, or a microsecond less.
    pub(super) fn until_midnight(&mut self) -> Instant {
        let shown = self.now - self.random.pick(&BEHIND) * MINUTE;
        (DAY - shown.rem_euclid(DAY) - self.random.between(0, 1)).max(0)
    }

    /// A limit stated, stated again, switched off or taken away, and mistakes in it.
    pub(super) fn limit_command(&mut self, org: i64) {
        let id = self.random.pick(&MEASURES).0;
        match self.random.between(1, 20) {
            1..=3 => self.command(&name(org), "limit.remove", &json!({ "id": id, "by": "ana" })),
            4..=5 => self.command(&name(org), "limit.put", &json!({ "id": id, "off": true })),
            6..=7 if self.recipe.bad_percent > 0 => {
                let bad = self.random.pick(&BAD).as_bytes().to_vec();
                self.push(format!("credits.commands.{}", name(org)), Vec::new(), bad);
            }
            8 if self.recipe.bad_percent > 0 => {
                let bad = self.random.pick(&BAD_FOR_CATALOG).as_bytes().to_vec();
                self.push("credits.commands._catalog".to_string(), Vec::new(), bad);
            }
            _ => self.state_limit(org, id),
        }
    }

    fn state_limit(&mut self, org: i64, id: &str) {
        let mut limit = limit(id);
        if self.random.chance(70) {
            other_maximum(&mut limit, &mut self.random);
        }
        if self.random.chance(25) {
            limit["hard"] = json!(self.random.chance(50));
        }
        if self.random.chance(15) {
            limit["window"] = json!(self.random.pick(&["day", "week", "month", "cycle", "life"]));
        }
        if self.random.chance(10) {
            limit["on"] =
                self.random.pick(&[json!({ "user": "*", "action": "*" }), json!({}), Value::Null]).clone();
        }
        if self.random.chance(20) {
            limit["reason"] = json!("asked for it");
        }
        self.command(&name(org), "limit.put", &limit);
    }
}
