//! Plans, as commands spell them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::alerts::{alerts, standard};
use super::prices::increment;
use super::{INVALID, credit_type, limits};
use crate::model::calendar::Period;
use crate::model::catalog::{Allotment, Closes, Plan, Rollover};
use crate::model::fields::{self, Object, needed};
use crate::model::{LARGEST, Reason};

/// What a version of a plan says.
pub(super) fn plan(data: &Object) -> Result<Plan, Reason> {
    let known = [
        "id",
        "version",
        "effective_from",
        "rate_card",
        "increment",
        "when_exhausted",
        "alerts",
        "cycle",
        "allotments",
        "overage_at_reset",
        "unmetered",
        "limits",
        "past_limit",
        "calls",
    ];
    fields::only(data, &known)?;
    let plan = Plan {
        card: needed(fields::text(data, "rate_card")?)?,
        increment: increment(data)?,
        reject: fields::word(data, "when_exhausted", &["overage", "reject"])? == Some("reject"),
        alerts: alerts(data)?.unwrap_or_else(standard),
        cycle: period(data, "cycle")?,
        allotments: allotments(data)?,
        drop_overage: fields::word(data, "overage_at_reset", &["keep", "drop"])? == Some("drop"),
        unmetered: fields::boolean(data, "unmetered")?.unwrap_or(false),
        limits: limits::of_plan(data)?,
        reject_past_limit: fields::word(data, "past_limit", &["charge", "reject"])? == Some("reject"),
        closes: closes(data)?,
    };
    let idle = plan.cycle.is_none() && !plan.allotments.is_empty();
    if idle { Err(INVALID) } else { Ok(plan) }
}

/// `"month"`, `"quarter"`, `"year"` or `{"days": 1 to 366}`.
pub(super) fn period(data: &Object, name: &str) -> Result<Option<Period>, Reason> {
    if data.get(name).is_some_and(Value::is_object) {
        let days = needed(fields::object(data, name)?)?;
        fields::only(days, &["days"])?;
        let days = needed(fields::integer(days, "days", 1..=366)?)?;
        return Ok(Some(Period::Days(i64::try_from(days).map_err(|_| INVALID)?)));
    }
    Ok(fields::word(data, name, &["month", "quarter", "year"])?.map(|word| match word {
        "month" => Period::Months(1),
        "quarter" => Period::Months(3),
        _ => Period::Months(12),
    }))
}

/// When calls are closed. What else a plan says of calls moves no credits.
fn closes(data: &Object) -> Result<Closes, Reason> {
    let none = Object::new();
    let calls = fields::object(data, "calls")?.unwrap_or(&none);
    let ranges = [("slice_s", 1..=86_400), ("hold_s", 1..=3_600), ("warn_before_s", 0..=3_600)];
    for (name, range) in ranges {
        fields::integer(calls, name, range)?;
    }
    for name in ["overdraft", "failure_cap"] {
        fields::amount(calls, name)?;
    }
    fields::word(calls, "on_failure", &["refuse", "allow"])?;
    let known = [
        "slice_s",
        "hold_s",
        "warn_before_s",
        "overdraft",
        "on_failure",
        "failure_cap",
        "longest_s",
        "silence_s",
    ];
    fields::only(calls, &known)?;
    let micros = |seconds: i128| i64::try_from(seconds * 1_000_000).map_err(|_| INVALID);
    let longest = fields::integer(calls, "longest_s", 60..=604_800)?.unwrap_or(14_400);
    let silence = fields::integer(calls, "silence_s", 10..=86_400)?;
    Ok(Closes { longest: micros(longest)?, silence: silence.map(micros).transpose()? })
}

fn allotments(data: &Object) -> Result<BTreeMap<String, Allotment>, Reason> {
    let mut allotments = BTreeMap::new();
    for value in fields::list(data, "allotments")?.into_iter().flatten() {
        let data = value.as_object().ok_or(INVALID)?;
        fields::only(data, &["amount", "credit_type", "priority", "rollover"])?;
        let allotment = Allotment {
            amount: needed(fields::amount(data, "amount")?)?,
            priority: fields::integer(data, "priority", 0..=255)?.unwrap_or(100),
            rollover: rollover(data)?,
        };
        let credit_type = credit_type(data)?.unwrap_or("credits".to_string());
        let twice = allotments.insert(credit_type, allotment).is_some();
        if twice || allotment.amount == 0 || allotments.len() > 16 {
            return Err(INVALID);
        }
    }
    Ok(allotments)
}

/// Between what something is brought at a reset.
pub(super) fn rollover(data: &Object) -> Result<Option<Rollover>, Reason> {
    let Some(data) = fields::object(data, "rollover")? else { return Ok(None) };
    fields::only(data, &["min", "max"])?;
    let min = fields::amount(data, "min")?.unwrap_or(0);
    let max = fields::amount(data, "max")?.unwrap_or(LARGEST);
    if min > max { Err(INVALID) } else { Ok(Some(Rollover { min, max })) }
}
