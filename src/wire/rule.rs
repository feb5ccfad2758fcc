//! Alert rules as people write them: each names one of the things to watch for.

use serde::Deserialize;

use super::catalog::Amount;
use crate::ledger::alerts::{Days, Hours, MOST_RULES, Rule, Spike, Threshold, When};
use crate::ledger::price::CreditType;
use crate::ledger::rejection::{Reason, Rejection};

/// An alert rule as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenRule {
    below_percent: Option<u64>,
    below: Option<Amount>,
    expires_within_days: Option<u64>,
    runs_out_within_hours: Option<u64>,
    spike_percent: Option<u64>,
    at_least: Option<Amount>,
    cycle_reset: Option<bool>,
    credit_type: Option<CreditType>,
}

fn invalid(why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::InvalidField, "alerts", why)
}

/// A number of a rule, within its bounds.
fn number(field: &str, written: u64, least: u16, most: u16) -> Result<u16, Rejection> {
    let fits = u16::try_from(written).ok().filter(|number| (least..=most).contains(number));
    fits.ok_or_else(|| invalid(format!("{field} is {written}; write {least} to {most}")))
}

impl WrittenRule {
    fn check(&self) -> Result<Rule, Rejection> {
        let named = [
            self.below_percent.is_some(),
            self.below.is_some(),
            self.expires_within_days.is_some(),
            self.runs_out_within_hours.is_some(),
            self.spike_percent.is_some(),
            self.cycle_reset.is_some(),
        ];
        if named.into_iter().filter(|yes| *yes).count() != 1 {
            let why = "give exactly one of below_percent, below, expires_within_days, \
                       runs_out_within_hours, spike_percent and cycle_reset";
            return Err(invalid(why));
        }
        if self.at_least.is_some() && self.spike_percent.is_none() {
            return Err(invalid("at_least goes with spike_percent"));
        }
        if self.credit_type.is_some() && self.cycle_reset.is_some() {
            return Err(invalid("a cycle is that of all credit types; leave credit_type out"));
        }
        Ok(Rule { when: self.when()?, credit_type: self.credit_type })
    }

    /// What it watches for, of which there is exactly one.
    fn when(&self) -> Result<When, Rejection> {
        if let Some(percent) = self.below_percent {
            let percent = u8::try_from(percent).ok().filter(|percent| *percent <= 100);
            let percent = percent.ok_or_else(|| invalid("below_percent is 0 to 100"))?;
            return Ok(When::Below(Threshold::Percent(percent)));
        }
        if let Some(amount) = self.below {
            return Ok(When::Below(Threshold::Amount(amount.0)));
        }
        if let Some(days) = self.expires_within_days {
            return Ok(When::ExpiresWithin(Days(number("expires_within_days", days, 1, Days::MOST)?)));
        }
        if let Some(hours) = self.runs_out_within_hours {
            return Ok(When::RunsOutWithin(Hours(number("runs_out_within_hours", hours, 1, Hours::MOST)?)));
        }
        if let Some(percent) = self.spike_percent {
            let percent = number("spike_percent", percent, Spike::LEAST, Spike::MOST)?;
            return Ok(When::Spike(Spike { percent, at_least: self.at_least.unwrap_or_default().0 }));
        }
        if self.cycle_reset == Some(true) {
            return Ok(When::CycleReset);
        }
        Err(invalid("cycle_reset is true or left out"))
    }
}

/// Checks a list of alert rules.
pub(super) fn check_rules(written: Vec<WrittenRule>) -> Result<Vec<Rule>, Rejection> {
    if written.len() > MOST_RULES {
        return Err(invalid(format!("list up to {MOST_RULES} rules")));
    }
    written.iter().map(WrittenRule::check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Vec<Rule>, String> {
        let written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_rules(written).map_err(|rejection| rejection.detail.to_string())
    }

    #[test]
    fn every_kind_of_rule_is_read() {
        let rules = check(
            r#"[{"below_percent":0},{"below":"1.5","credit_type":"email"},{"expires_within_days":366},
                {"runs_out_within_hours":1},{"spike_percent":101,"at_least":"7"},{"cycle_reset":true}]"#,
        )
        .unwrap();
        let spike = Spike { percent: 101, at_least: "7".parse().unwrap() };
        assert_eq!(
            rules.iter().map(|rule| rule.when).collect::<Vec<_>>(),
            [
                When::Below(Threshold::Percent(0)),
                When::Below(Threshold::Amount("1.5".parse().unwrap())),
                When::ExpiresWithin(Days(366)),
                When::RunsOutWithin(Hours(1)),
                When::Spike(spike),
                When::CycleReset,
            ]
        );
        assert_eq!(rules[1].credit_type, CreditType::new("email"));
    }

    #[test]
    fn a_rule_that_is_none_says_why() {
        for (bad, why) in [
            ("{}", "exactly one"),
            (r#"{"below_percent":10,"below":"5"}"#, "exactly one"),
            (r#"{"spike_percent":200,"cycle_reset":true}"#, "exactly one"),
            (r#"{"below_percent":101}"#, "0 to 100"),
            (r#"{"below":"-1"}"#, "negative"),
            (r#"{"expires_within_days":0}"#, "expires_within_days is 0; write 1 to 366"),
            (r#"{"expires_within_days":367}"#, "expires_within_days is 367; write 1 to 366"),
            (r#"{"runs_out_within_hours":8785}"#, "write 1 to 8784"),
            (r#"{"spike_percent":100}"#, "write 101 to 10000"),
            (r#"{"spike_percent":10001}"#, "write 101 to 10000"),
            (r#"{"spike_percent":70000}"#, "spike_percent is 70000"),
            (r#"{"at_least":"1"}"#, "exactly one"),
            (r#"{"below":"1","at_least":"1"}"#, "at_least goes with spike_percent"),
            (r#"{"cycle_reset":false}"#, "true or left out"),
            (r#"{"cycle_reset":true,"credit_type":"email"}"#, "leave credit_type out"),
            (r#"{"runs_out":3}"#, "unknown field"),
        ] {
            let error = check(&format!("[{bad}]")).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
