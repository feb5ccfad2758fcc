//! The alert rules of generated logs of years, and mistakes in them.

use serde_json::{Value, json};

use super::random::Random;

/// Lists of rules, for plans and for organizations.
const RULES: [&str; 6] = [
    r#"[{"below_percent":60},{"below_percent":30},{"below_percent":10},{"below_percent":0},{"expires_within_days":7},{"expires_within_days":30},{"runs_out_within_hours":48},{"spike_percent":300,"at_least":"5"},{"cycle_reset":true}]"#,
    r#"[{"runs_out_within_hours":8784},{"runs_out_within_hours":24},{"runs_out_within_hours":1},{"cycle_reset":true},{"cycle_reset":true}]"#,
    r#"[{"spike_percent":101},{"spike_percent":1000,"credit_type":"email"},{"spike_percent":10000,"at_least":"0.5"},{"below":"25"}]"#,
    r#"[{"expires_within_days":1},{"expires_within_days":366},{"expires_within_days":3,"credit_type":"phone"},{"runs_out_within_hours":240,"credit_type":"email"}]"#,
    r#"[{"cycle_reset":true},{"below_percent":30},{"below_percent":30},{"below":"12.5"},{"runs_out_within_hours":100}]"#,
    r#"[{"below_percent":80},{"below_percent":50},{"below":"100"},{"below":"50"},{"spike_percent":200,"at_least":"10","credit_type":"credits"},{"expires_within_days":14}]"#,
];

/// Plans that must be rejected for their rules.
pub(super) const BAD_FOR_CATALOG: [&str; 10] = [
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"expires_within_days":0}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"expires_within_days":367}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"runs_out_within_hours":8785}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"spike_percent":100}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"below":"5","at_least":"5"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"cycle_reset":false}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"cycle_reset":true,"credit_type":"email"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"below":"5","below_percent":5}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"odd","version":1,"rate_card":"voice","alerts":[{"expires_within_days":5,"credit_type":"creditz"}]}"#,
];

/// Some list of rules.
pub(super) fn some(random: &mut Random) -> Value {
    serde_json::from_str(random.pick::<&str>(&RULES)).unwrap_or_default()
}

/// Gives a plan its rules: of most kinds, or those of a plan that names none.
pub(super) fn of_plan(plan: &mut Value, random: &mut Random) {
    if plan["id"] == "monthly" {
        plan["alerts"] = serde_json::from_str(RULES[0]).unwrap_or_default();
    } else if random.chance(70) {
        plan["alerts"] = some(random);
    }
    if plan["id"] == "bare" {
        plan["alerts"] = json!([{ "spike_percent": 150 }, { "expires_within_days": 2 }]);
    }
}
