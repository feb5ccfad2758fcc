//! Auto-recharges, as commands put them, take them away and tell of failures.

use serde::Deserialize;

use super::org::note;
use super::{invalid, name};
use crate::ledger::entry::RechargeFailure;
use crate::ledger::limits::Window;
use crate::ledger::price::CreditType;
use crate::ledger::recharge::{Cap, MOST_CAPS, Recharge, RechargeOrder, Refill};
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{Credits, Millis};
use crate::wire::catalog::Amount;

/// The longest cooling down, and the longest time to answer in: thirty days, in seconds.
const LONGEST_WAIT: u64 = 2_592_000;

/// The shortest time to answer in, and the cooling down where nothing is said, in seconds.
const MINUTE: u64 = 60;

/// The time to answer in where nothing is said, in seconds.
const DAY: u64 = 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRecharge {
    #[serde(default)]
    credit_type: Option<CreditType>,
    below: Amount,
    #[serde(default)]
    amount: Option<Amount>,
    #[serde(default)]
    up_to: Option<Amount>,
    #[serde(default)]
    min: Option<Amount>,
    #[serde(default)]
    max: Option<Amount>,
    #[serde(default)]
    caps: Vec<WrittenCap>,
    #[serde(default)]
    cooldown_s: Option<u64>,
    #[serde(default)]
    answer_within_s: Option<u64>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCap {
    window: Window,
    #[serde(default)]
    credits: Option<Amount>,
    #[serde(default)]
    times: Option<u64>,
}

impl WrittenRecharge {
    pub(super) fn check(mut self) -> Result<RechargeOrder, Rejection> {
        let note = note(self.reason.take(), self.by.take())?;
        let credit_type = self.credit_type.unwrap_or_default();
        let below = self.below.0;
        let refill = self.refill()?;
        let (min, max) = (above_zero("min", self.min)?, above_zero("max", self.max)?);
        if let (Some(min), Some(max)) = (min, max)
            && max < min
        {
            return Err(invalid("max", format!("{max} is below min, {min}; swap them")));
        }
        if let (Refill::Steps(step), Some(max)) = (refill, max)
            && max < step
        {
            return Err(invalid("max", format!("{max} is below amount, {step}; give at least as much")));
        }
        let cooldown = seconds("cooldown_s", self.cooldown_s, MINUTE, 0)?;
        let answer_within = seconds("answer_within_s", self.answer_within_s, DAY, MINUTE)?;
        let (caps, enabled) = (check_caps(self.caps)?, self.enabled.unwrap_or(true));
        let recharge = Recharge { below, refill, min, max, caps, cooldown, answer_within, enabled };
        Ok(RechargeOrder { credit_type, recharge, note })
    }

    fn refill(&self) -> Result<Refill, Rejection> {
        let one = "give exactly one of amount and up_to";
        let below = self.below.0;
        match (above_zero("amount", self.amount)?, self.up_to) {
            (Some(step), None) => Ok(Refill::Steps(step)),
            (None, Some(Amount(level))) if level > below => Ok(Refill::UpTo(level)),
            (None, Some(Amount(level))) => {
                let why = format!("{level} is not above below, {below}; there would be nothing to ask for");
                Err(invalid("up_to", why))
            }
            (None, None) => Err(invalid("amount", one)),
            (Some(_), Some(_)) => Err(invalid("up_to", one)),
        }
    }
}

fn above_zero(field: &'static str, amount: Option<Amount>) -> Result<Option<Credits>, Rejection> {
    match amount {
        Some(Amount(Credits::ZERO)) => Err(invalid(field, "0 is nothing; write an amount above it")),
        amount => Ok(amount.map(|Amount(amount)| amount)),
    }
}

fn seconds(field: &'static str, given: Option<u64>, usual: u64, shortest: u64) -> Result<Millis, Rejection> {
    let seconds = given.unwrap_or(usual);
    if !(shortest..=LONGEST_WAIT).contains(&seconds) {
        return Err(invalid(field, format!("{seconds} s; write {shortest} to {LONGEST_WAIT}")));
    }
    Ok(Millis(seconds.saturating_mul(1_000)))
}

/// The caps in the order of their windows.
fn check_caps(written: Vec<WrittenCap>) -> Result<Vec<Cap>, Rejection> {
    if written.len() > MOST_CAPS {
        return Err(invalid("caps", format!("{} caps; list up to {MOST_CAPS}", written.len())));
    }
    let cap = |WrittenCap { window, credits, times }| {
        let credits = above_zero("caps", credits)?;
        match (credits, times) {
            (None, None) => Err(invalid("caps", "a cap caps nothing; give it credits, times or both")),
            (_, Some(0)) => Err(invalid("caps", "0 times is never; switch the recharge off instead")),
            _ => Ok(Cap { window, credits, times }),
        }
    };
    let mut caps = written.into_iter().map(cap).collect::<Result<Vec<Cap>, Rejection>>()?;
    caps.sort_unstable_by_key(|cap| cap.window);
    if caps.is_sorted_by(|one, next| one.window < next.window) {
        Ok(caps)
    } else {
        Err(invalid("caps", "two caps have the same window; make them one with credits and times"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRechargeRemoval {
    #[serde(default)]
    credit_type: Option<CreditType>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

impl WrittenRechargeRemoval {
    pub(super) fn check(self) -> Result<CreditType, Rejection> {
        note(self.reason, self.by)?;
        Ok(self.credit_type.unwrap_or_default())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRechargeFailure {
    id: Box<str>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

impl WrittenRechargeFailure {
    pub(super) fn check(self) -> Result<RechargeFailure, Rejection> {
        Ok(RechargeFailure { id: name("id", self.id)?, note: note(self.reason, self.by)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{AnyCommand, decode_one};
    use super::*;
    use crate::ledger::entry::Command;
    use crate::ledger::rejection::Reason;
    use crate::wire::Subject;

    fn decode(kind: &str, data: Value) -> Result<Command, Rejection> {
        let text = json!({ "type": kind, "data": data }).to_string();
        match decode_one(Subject::Commands("acme"), &text)? {
            AnyCommand::Org(command) => Ok(command),
            AnyCommand::Catalog(_) => unreachable!("it was sent to an organization"),
        }
    }

    fn put(data: Value) -> Result<RechargeOrder, Rejection> {
        match decode("creditd.recharge.put.v1", data)? {
            Command::PutRecharge(order) => Ok(*order),
            other => panic!("{other:?}"),
        }
    }

    fn credits(n: i64) -> Credits {
        Credits::from_micros(n * 1_000_000)
    }

    #[test]
    fn a_recharge_is_read_with_what_it_says_and_what_it_leaves_out() {
        let RechargeOrder { credit_type, recharge, note } =
            put(json!({ "below": "0", "up_to": "1" })).unwrap();
        assert_eq!((credit_type, note), Default::default());
        let expected = Recharge {
            below: Credits::ZERO,
            refill: Refill::UpTo(credits(1)),
            min: None,
            max: None,
            caps: vec![],
            cooldown: Millis(60_000),
            answer_within: Millis(86_400_000),
            enabled: true,
        };
        assert_eq!(recharge, expected);
        let full = json!({
            "credit_type": "email", "below": 100, "amount": "500", "min": "500", "max": "2000",
            "caps": [{ "window": "month", "credits": "5000", "times": null }, { "window": "day", "times": 3 }],
            "cooldown_s": 0, "answer_within_s": 2_592_000, "enabled": false, "reason": "r", "by": "ana",
        });
        let RechargeOrder { credit_type, recharge, note } = put(full).unwrap();
        assert_eq!((credit_type.name(), note.by.as_deref()), ("email", Some("ana")));
        let caps = [
            Cap { window: Window::Day, credits: None, times: Some(3) },
            Cap { window: Window::Month, credits: Some(credits(5_000)), times: None },
        ];
        assert_eq!((&*recharge.caps, recharge.enabled, recharge.cooldown), (&caps[..], false, Millis(0)));
        assert_eq!((recharge.min, recharge.max), (Some(credits(500)), Some(credits(2_000))));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        let cases = [
            ("below", json!("-1")),
            ("amount", json!("0")),
            ("up_to", json!("200")),
            ("min", json!(0)),
            ("max", json!("0")),
            ("max", json!("4")),
            ("caps", json!([{ "window": "day" }])),
            ("caps", json!([{ "window": "day", "times": 0 }])),
            ("caps", json!([{ "window": "day", "credits": "0" }])),
            ("caps", json!([{ "window": "day", "times": 1 }, { "window": "day", "credits": "1" }])),
            (
                "caps",
                json!(["day", "week", "month", "cycle", "life"].map(|w| json!({ "window": w, "times": 1 }))),
            ),
            ("caps", json!([{ "window": "year", "times": 1 }])),
            ("cooldown_s", json!(2_592_001)),
            ("answer_within_s", json!(59)),
            ("enabled", json!("no")),
            ("credit_type", json!("E-mail")),
            ("by", json!("")),
            ("above", json!("1")),
        ];
        for (field, value) in cases {
            let mut data = json!({ "below": "100", "amount": "5" });
            data[field] = value;
            let rejection = put(data).unwrap_err();
            assert_eq!((rejection.reason, &*rejection.field), (Reason::InvalidField, field), "{rejection}");
        }
        for (data, field) in [
            (json!({ "below": "1" }), "amount"),
            (json!({ "below": "1", "up_to": "1" }), "up_to"),
            (json!({ "below": "1", "up_to": "5", "min": "3", "max": "2" }), "max"),
        ] {
            assert_eq!(&*put(data).unwrap_err().field, field);
        }
        let missing = put(json!({ "amount": "1" })).unwrap_err();
        assert_eq!((missing.reason, &*missing.field), (Reason::MissingField, "below"));
    }

    #[test]
    fn a_removal_and_a_failure_are_read() {
        let removed = decode("recharge.remove", json!({ "by": "ana" })).unwrap();
        assert!(matches!(removed, Command::RemoveRecharge(of) if of == CreditType::default()));
        let failed = decode("recharge.failed", json!({ "id": "recharge.credits.3", "reason": "declined" }));
        let Ok(Command::FailRecharge(failure)) = failed else { panic!("{failed:?}") };
        assert_eq!((&*failure.id, failure.note.reason.as_deref()), ("recharge.credits.3", Some("declined")));
        let missing = decode("creditd.recharge.failed.v1", json!({ "reason": "declined" })).unwrap_err();
        assert_eq!((missing.reason, &*missing.field), (Reason::MissingField, "id"));
    }

    #[test]
    fn an_adjustment_does_not_take_the_name_of_a_request() {
        let adjusted = decode("adjust", json!({ "id": "recharge.credits.1", "amount": "1", "reason": "r" }));
        let rejection = adjusted.unwrap_err();
        assert_eq!((rejection.reason, &*rejection.field), (Reason::InvalidField, "id"));
    }
}
