//! Limits as JSON: what they are on, and their alerts.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::time;
use crate::ledger::effect::LimitAlert;
use crate::ledger::limits::{Field, On, Unit};
use crate::ledger::units::Timestamp;

/// What stands for each value by itself.
const EACH: &str = "*";

/// What a token does not hold as it is.
const NOT_IN_A_TOKEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A text as a part of an id that is made of parts: percent-encoded but for letters, digits, `-` and `_`.
#[must_use]
pub fn token(text: &str) -> String {
    utf8_percent_encode(text, NOT_IN_A_TOKEN).to_string()
}

/// Whose use a limit is about, as a command says it.
#[must_use]
pub fn on_json(on: &On) -> Value {
    let parts = on.parts().iter().map(|part| {
        let value = part.value.as_deref().unwrap_or(EACH);
        let value = match &part.field {
            Field::Entity(kind) => json!({ "type": kind, "id": value }),
            _ => json!(value),
        };
        (part.field.name().to_owned(), value)
    });
    Value::Object(parts.collect::<Map<_, _>>())
}

/// The stable id of an alert about a limit: a replay raises it under the same one.
#[must_use]
pub fn limit_alert_id(org: &str, alert: &LimitAlert) -> String {
    let value = match alert.value.as_deref() {
        None => "-".to_owned(),
        // Not to be taken for none.
        Some("-") => "%2D".to_owned(),
        Some(value) => token(value),
    };
    let (limit, begin) = (token(&alert.limit.id), time::format(alert.begin));
    format!("{org}.limit.{limit}.{value}.{begin}.{}", alert.level.slug())
}

/// An alert about a limit as a CloudEvent.
#[must_use]
pub fn limit_alert_json(org: &str, alert: &LimitAlert) -> Value {
    let (limit, level) = (&alert.limit, alert.level.slug());
    let credit_type = match limit.unit {
        Unit::Credits(credit_type) => Some(credit_type),
        Unit::Quantity => None,
    };
    json!({
        "specversion": "1.0",
        "type": format!("creditd.alert.limit_{level}.v1"),
        "source": "creditd",
        "subject": org,
        "id": limit_alert_id(org, alert),
        "time": time::format(alert.at),
        "datacontenttype": "application/json",
        "data": {
            "org": org,
            "limit": limit.id,
            "on": on_json(&limit.on),
            "value": alert.value,
            "level": level,
            "unit": if credit_type.is_some() { "credits" } else { "quantity" },
            "credit_type": credit_type,
            "used": limit.unit.show(alert.used),
            "max": limit.unit.show(limit.max),
            "hard": limit.hard,
            "window": limit.window,
            "window_start": time::format(alert.start),
            "resets_at": Some(alert.end).filter(|end| *end != Timestamp::MAX).map(time::format),
            "position": alert.position.to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::limits::{Level, Limit, Measure, Part, Window};
    use crate::ledger::price::CreditType;
    use crate::ledger::units::Position;

    fn alert(id: &str, value: Option<&str>) -> LimitAlert {
        let user = Part { field: Field::User, value: None };
        let entity = Part { field: Field::Entity("campaign".into()), value: Some("c7".into()) };
        let limit = Limit {
            id: id.into(),
            on: On::new(vec![entity, user]).unwrap(),
            unit: Unit::Credits(CreditType::default()),
            max: Measure::of_quantity(12_500_000),
            window: Window::Life,
            hard: true,
        };
        LimitAlert {
            limit: Arc::new(limit),
            value: value.map(Box::from),
            level: Level::Near,
            used: Measure::of_quantity(10_000_000),
            begin: Timestamp::default(),
            start: Timestamp::default(),
            end: Timestamp::MAX,
            at: Timestamp::default(),
            position: Position { seq: 3, item: 1 },
        }
    }

    #[test]
    fn the_id_of_an_alert_has_as_many_parts_as_it_should() {
        let id = |id: &str, value: Option<&str>| limit_alert_id("acme", &alert(id, value));
        assert_eq!(id("each-user", Some("ana")), "acme.limit.each-user.ana.1970-01-01T00:00:00Z.near");
        assert_eq!(id("total", None), "acme.limit.total.-.1970-01-01T00:00:00Z.near");
        assert_ne!(id("total", None), id("total", Some("-")));
        let odd = id("a.b c", Some("ana@x.org\r\nü"));
        assert_eq!(odd, "acme.limit.a%2Eb%20c.ana%40x%2Eorg%0D%0A%C3%BC.1970-01-01T00:00:00Z.near");
    }

    #[test]
    fn an_alert_says_whose_use_of_what_it_is() {
        let data = limit_alert_json("acme", &alert("each-user", Some("ana")))["data"].take();
        let expected = json!({
            "org": "acme", "limit": "each-user", "value": "ana", "level": "near", "hard": true,
            "on": { "user": "*", "entity": { "type": "campaign", "id": "c7" } },
            "unit": "credits", "credit_type": "credits", "used": "10", "max": "12.5",
            "window": "life", "window_start": "1970-01-01T00:00:00Z", "resets_at": null, "position": "3.1",
        });
        assert_eq!(data, expected);
    }
}
