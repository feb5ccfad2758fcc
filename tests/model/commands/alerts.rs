//! Alert rules, as plans and organizations spell them.

use serde_json::Value;

use super::{INVALID, credit_type};
use crate::model::Reason;
use crate::model::fields::{self, Object};
use crate::model::rules::{Kind, Rule};
use crate::model::watch::Threshold;

/// The most rules in a list.
const MOST: usize = 32;

/// The rules of a plan that names none.
pub(super) fn standard() -> Vec<Rule> {
    let below = |percent| Rule { kind: Kind::Below(Threshold::Percent(percent)), credit_type: None };
    [60, 30, 10, 0].map(below).to_vec()
}

/// The list of rules, if it is there.
pub(super) fn alerts(data: &Object) -> Result<Option<Vec<Rule>>, Reason> {
    let Some(list) = fields::list(data, "alerts")? else { return Ok(None) };
    if list.len() > MOST {
        return Err(INVALID);
    }
    list.iter().map(rule).collect::<Result<_, _>>().map(Some)
}

fn rule(value: &Value) -> Result<Rule, Reason> {
    let data = value.as_object().ok_or(INVALID)?;
    let kinds = [
        fields::integer(data, "below_percent", 0..=100)?
            .map(|percent| Kind::Below(Threshold::Percent(percent))),
        fields::amount(data, "below")?.map(|amount| Kind::Below(Threshold::Amount(amount))),
        whole(data, "expires_within_days", 1, 366)?.map(Kind::Expires),
        whole(data, "runs_out_within_hours", 1, 8_784)?.map(Kind::RunsOut),
        spike(data)?,
        fields::boolean(data, "cycle_reset")?.map(|_| Kind::CycleReset),
    ];
    let mut named = kinds.into_iter().flatten();
    let (Some(kind), None) = (named.next(), named.next()) else { return Err(INVALID) };
    fields::only(
        data,
        match kind {
            Kind::Below(Threshold::Percent(_)) => &["below_percent", "credit_type"],
            Kind::Below(Threshold::Amount(_)) => &["below", "credit_type"],
            Kind::Expires(_) => &["expires_within_days", "credit_type"],
            Kind::RunsOut(_) => &["runs_out_within_hours", "credit_type"],
            Kind::Spike(..) => &["spike_percent", "at_least", "credit_type"],
            Kind::CycleReset => &["cycle_reset"],
        },
    )?;
    if kind == Kind::CycleReset && data.get("cycle_reset") != Some(&Value::Bool(true)) {
        return Err(INVALID);
    }
    Ok(Rule { kind, credit_type: credit_type(data)? })
}

fn whole(data: &Object, name: &str, least: i128, most: i128) -> Result<Option<i64>, Reason> {
    let number = fields::integer(data, name, least..=most)?;
    number.map(|number| i64::try_from(number).map_err(|_| INVALID)).transpose()
}

fn spike(data: &Object) -> Result<Option<Kind>, Reason> {
    let at_least = fields::amount(data, "at_least")?.unwrap_or(0);
    let percent = fields::integer(data, "spike_percent", 101..=10_000)?;
    Ok(percent.map(|percent| Kind::Spike(percent, at_least)))
}
