//! Auto-recharge as JSON: the requests, and what came of them.

use serde_json::{Map, Value, json};

use super::time;
use crate::ledger::effect::{RechargeAlert, RechargeNews};
use crate::ledger::recharge::request_name;

/// The stable id of an alert about a request: a replay raises it under the same one.
#[must_use]
pub fn recharge_alert_id(org: &str, alert: &RechargeAlert) -> String {
    format!("{org}.{}.{}", request_name(alert.credit_type, alert.number), alert.news.slug())
}

/// An alert about a request as a CloudEvent.
#[must_use]
pub fn recharge_alert_json(org: &str, alert: &RechargeAlert) -> Value {
    let mut data = json!({
        "org": org,
        "credit_type": alert.credit_type,
        "request": request_name(alert.credit_type, alert.number),
        "amount": alert.amount,
        "available": alert.available,
        "below": alert.below,
        "position": alert.position.to_string(),
    });
    if let Some(data) = data.as_object_mut() {
        add_news(data, &alert.news);
    }
    json!({
        "specversion": "1.0",
        "type": format!("creditd.alert.recharge_{}.v1", alert.news.slug()),
        "source": "creditd",
        "subject": org,
        "id": recharge_alert_id(org, alert),
        "time": time::format(alert.at),
        "datacontenttype": "application/json",
        "data": data,
    })
}

fn add_news(data: &mut Map<String, Value>, news: &RechargeNews) {
    let mut add = |field: &str, value: Value| drop(data.insert(field.to_owned(), value));
    match news {
        RechargeNews::Requested { deadline } => add("deadline", json!(time::format(*deadline))),
        RechargeNews::Succeeded { granted } => add("granted", json!(granted)),
        RechargeNews::Failed { note, next_attempt } => {
            add("reason", json!(note.reason));
            add("by", json!(note.by));
            add("next_attempt", json!(next_attempt.map(time::format)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::movement::Note;
    use crate::ledger::price::CreditType;
    use crate::ledger::units::{Credits, Position, Timestamp};

    fn alert(news: RechargeNews) -> Value {
        let credits = |n: i64| Credits::from_micros(n * 1_000_000);
        let alert = RechargeAlert {
            credit_type: CreditType::new("email").unwrap(),
            number: 3,
            news,
            amount: Some(credits(500)),
            below: Some(credits(100)),
            available: credits(-2),
            at: Timestamp::default(),
            position: Position { seq: 7, item: 2 },
        };
        recharge_alert_json("acme", &alert)
    }

    #[test]
    fn each_alert_says_what_its_reader_needs() {
        let requested = alert(RechargeNews::Requested { deadline: Timestamp::from_micros(60_000_000) });
        assert_eq!(requested["id"], "acme.recharge.email.3.requested");
        assert_eq!(requested["type"], "creditd.alert.recharge_requested.v1");
        let common = json!({
            "org": "acme", "credit_type": "email", "request": "recharge.email.3", "amount": "500",
            "available": "-2", "below": "100", "position": "7.2",
        });
        let with = |own: Value| {
            let mut data = common.clone();
            data.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
            data
        };
        assert_eq!(requested["data"], with(json!({ "deadline": "1970-01-01T00:01:00Z" })));
        let succeeded = alert(RechargeNews::Succeeded { granted: Credits::from_micros(400) });
        assert_eq!(succeeded["data"], with(json!({ "granted": "0.0004" })));
        let note = Note { reason: Some("declined".into()), by: None };
        let failed = alert(RechargeNews::Failed { note, next_attempt: Some(Timestamp::default()) });
        assert_eq!(failed["id"], "acme.recharge.email.3.failed");
        let own = json!({ "reason": "declined", "by": null, "next_attempt": "1970-01-01T00:00:00Z" });
        assert_eq!(failed["data"], with(own));
    }
}
