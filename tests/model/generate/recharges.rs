//! What generated logs of years hold about auto-recharge: orders, and a payment side that answers as payment sides do: late,
//! twice, with other amounts, with failures, or never.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::drafts::spell;
use super::{DAY, MINUTE, Writer, name};
use crate::model::{Instant, Micros, Model};

/// Orders as they are mostly stated; now and then a figure is another.
const ORDERS: [&str; 9] = [
    r#"{"below":"20","amount":"50"}"#,
    r#"{"below":"0","amount":"100","max":"300","caps":[{"window":"day","times":2},{"window":"month","credits":"1000"}]}"#,
    r#"{"below":"50.5","up_to":"200","min":"10","max":"150","cooldown_s":0}"#,
    r#"{"below":"10","amount":"7.5","min":"20","max":"90","caps":[{"window":"week","credits":"100","times":5}],"answer_within_s":3600}"#,
    r#"{"below":"100","up_to":"100.000001","caps":[{"window":"life","times":40}],"cooldown_s":3600}"#,
    r#"{"below":"30","up_to":"333.333333","min":"60","caps":[{"window":"cycle","credits":"500"},{"window":"day","credits":"350"}]}"#,
    r#"{"below":"5","amount":"25","credit_type":"email","caps":[{"window":"cycle","credits":"60"}],"answer_within_s":60}"#,
    r#"{"below":"1","up_to":"40","credit_type":"phone","cooldown_s":2592000,"answer_within_s":2592000}"#,
    r#"{"below":"7","amount":"0.75","credit_type":"phone","caps":[{"window":"month","times":1}]}"#,
];

/// Commands for an organization that must be rejected, whatever its state.
const BAD: [&str; 29] = [
    r#"{"type":"creditd.recharge.put.v1","amount":"5"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"-1","amount":"5"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"0"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"5","up_to":"50"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","up_to":"5"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","up_to":"50","min":"0"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","up_to":"50","max":"0"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","up_to":"50","min":"10","max":"9.999999"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","max":"49"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","cooldown_s":-1}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","cooldown_s":2592001}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","answer_within_s":59}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","answer_within_s":"60"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","enabled":"no"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","credit_type":"creditz"}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","cap":[]}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","caps":[{"window":"day"}]}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","caps":[{"window":"day","times":0}]}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","caps":[{"window":"day","credits":"0"}]}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","caps":[{"window":"hour","times":1}]}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","caps":[{"window":"day","times":1},{"window":"day","times":2}]}"#,
    r#"{"type":"creditd.recharge.put.v1","below":"5","amount":"50","org":"somebody-else"}"#,
    r#"{"type":"creditd.recharge.remove.v1","credit_type":"creditz"}"#,
    r#"{"type":"creditd.recharge.remove.v1","below":"5"}"#,
    r#"{"type":"creditd.recharge.failed.v1","reason":"the card was declined"}"#,
    r#"{"type":"creditd.recharge.failed.v1","id":"recharge.credits.999999","reason":"declined"}"#,
    r#"{"type":"creditd.recharge.failed.v1","id":"invoice-7","reason":"declined"}"#,
    r#"{"type":"creditd.grant.v1","id":"recharge.credits.999999","amount":"5"}"#,
    r#"{"type":"creditd.grant.v1","id":"recharge.once","amount":"5"}"#,
];

/// Answers that are to come, and what was asked for so far.
#[derive(Default)]
pub(super) struct Payments {
    /// Whoever pays knows what was asked for: the books as they stand.
    books: Model,
    asked: BTreeMap<(i64, String), usize>,
    due: Vec<(Instant, i64, &'static str, Value)>,
}

fn shown(micros: Micros) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

impl Writer {
    /// Sees what the last record has asked for, and decides how that is answered.
    pub(super) fn see_requests(&mut self) {
        let (Some(record), Some(_)) = (self.records.last(), self.recipe.years) else { return };
        self.payments.books.apply(record);
        let org = record.subject.rsplit('-').next().and_then(|number| number.parse().ok());
        let Some(org) = org else { return };
        for (credit_type, (number, amount)) in self.payments.books.asked_of(&name(org)) {
            let known = self.payments.asked.entry((org, credit_type.clone())).or_default();
            if *known < number {
                *known = number;
                self.decide(org, &credit_type, number, amount);
            }
        }
    }

    fn decide(&mut self, org: i64, credit_type: &str, number: usize, amount: Micros) {
        let id = format!("recharge.{credit_type}.{number}");
        let other = amount * Micros::from(self.random.between(10, 250)) / 100 + 1;
        let paid = |amount| json!({ "id": id, "credit_type": credit_type, "amount": shown(amount) });
        let failed = json!({ "id": id, "reason": "the card was declined", "by": "payments" });
        let (soon, late) = (self.random.between(0, 10 * MINUTE), self.random.between(0, 40 * DAY));
        let (now, most) = (self.now, 60 * DAY);
        let mut due = |after: Instant, kind, data| self.payments.due.push((now + after, org, kind, data));
        match self.random.between(1, 20) {
            1..=7 => due(soon, "grant", paid(amount)),
            8..=9 => due(soon, "grant", paid(other)),
            10 => due(late, "grant", paid(amount)),
            11..=12 => {
                due(soon, "grant", paid(amount));
                due(late, "grant", paid(amount));
                due(most, "recharge.failed", failed);
            }
            13 => {
                due(soon, "grant", paid(amount));
                due(late, "grant", paid(other));
            }
            14..=16 => due(soon, "recharge.failed", failed),
            17 => {
                due(soon, "recharge.failed", failed.clone());
                due(late, "recharge.failed", failed);
                due(most, "grant", paid(other));
            }
            18 => {
                let wrong = if credit_type == "email" { "credits" } else { "email" };
                due(soon, "grant", json!({ "id": id, "credit_type": wrong, "amount": "5" }));
                due(late, "grant", paid(amount));
            }
            _ => {}
        }
    }

    /// Sends an answer whose time has come.
    pub(super) fn answer(&mut self) -> bool {
        let Some(place) = self.payments.due.iter().position(|(at, ..)| *at <= self.now) else { return false };
        let (_, org, kind, mut data) = self.payments.due.swap_remove(place);
        if kind == "grant" && self.random.chance(10) {
            data["expires"] = json!(spell(self.now + self.random.between(DAY, 90 * DAY), &mut self.random));
        }
        self.command(&name(org), kind, &data);
        true
    }

    /// An order stated, stated again, switched off or taken away, and mistakes in it.
    pub(super) fn recharge_command(&mut self, org: i64) {
        let mut order: Value = serde_json::from_str(self.random.pick::<&str>(&ORDERS)).unwrap_or_default();
        match self.random.between(1, 12) {
            1 => {
                return self.command(
                    &name(org),
                    "recharge.remove",
                    &json!({ "credit_type": order["credit_type"] }),
                );
            }
            2 => order["enabled"] = json!(false),
            3 if self.recipe.bad_percent > 0 => {
                let bad = self.random.pick(&BAD).as_bytes().to_vec();
                return self.push(format!("credits.commands.{}", name(org)), Vec::new(), bad);
            }
            4..=6 => order["below"] = json!(self.random.between(0, 29).to_string()),
            _ => {}
        }
        if self.random.chance(20) {
            order["reason"] = json!("never without");
            order["by"] = json!("ana");
        }
        if self.random.chance(15) {
            order["caps"] = json!([{ "window": self.random.pick(&["day", "week", "month", "cycle"]),
                                     "credits": self.random.between(50, 900).to_string() }]);
        }
        self.command(&name(org), "recharge.put", &order);
    }
}
