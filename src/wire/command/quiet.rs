//! Quiet hours, as commands put them.

use serde::Deserialize;

use super::invalid;
use super::org::zone;
use crate::ledger::calendar::Zone;
use crate::ledger::quiet::{Days, Hours, Minute};
use crate::ledger::rejection::Rejection;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenQuiet {
    from: String,
    to: String,
    #[serde(default)]
    days: Option<Vec<String>>,
    #[serde(default)]
    time_zone: Option<String>,
}

impl WrittenQuiet {
    /// The hours, and the zone where one is named.
    pub(super) fn check(self) -> Result<(Hours, Option<Zone>), Rejection> {
        let (from, to) = (minute("quiet.from", &self.from)?, minute("quiet.to", &self.to)?);
        if from == to {
            let why = format!("it is {to} like from; write another, or switch the webhook off");
            return Err(invalid("quiet.to", why));
        }
        let days = self.days.map_or(Ok(Days::ALL), |days| check_days(&days))?;
        let zone = self.time_zone.map(|name| zone("quiet.time_zone", &name)).transpose()?;
        Ok((Hours { from, to, days }, zone))
    }
}

fn minute(field: &'static str, text: &str) -> Result<Minute, Rejection> {
    Minute::parse(text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        invalid(field, format!("{shown:?} is not a time of day; write one from \"00:00\" to \"23:59\""))
    })
}

fn check_days(days: &[String]) -> Result<Days, Rejection> {
    let most = Days::NAMES.len();
    if !(1..=most).contains(&days.len()) {
        let why = format!("{} days; list 1 to {most}, or leave them out for every day", days.len());
        return Err(invalid("quiet.days", why));
    }
    Days::named(days.iter().map(String::as_str)).map_err(|other| {
        let shown: String = other.chars().take(40).collect();
        invalid("quiet.days", format!("{shown:?} is no day; write some of {}", Days::NAMES.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{AnyCommand, decode_one};
    use super::*;
    use crate::ledger::entry::Command;
    use crate::ledger::rejection::Reason;
    use crate::wire::Subject;

    fn decode(quiet: Value) -> Result<Option<(Hours, Option<Zone>)>, Rejection> {
        let data = json!({ "id": "ops", "url": "https://example.com/", "quiet": quiet });
        let text = json!({ "type": "webhook.put", "data": data }).to_string();
        match decode_one(Subject::Commands("acme"), &text)? {
            AnyCommand::Org(Command::PutWebhook(order)) => Ok(order.quiet),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn quiet_hours_are_read_with_what_they_leave_out() {
        let (hours, zone) = decode(json!({ "from": "22:00", "to": "08:00" })).unwrap().unwrap();
        assert_eq!((hours.from.to_string(), hours.to.to_string()), ("22:00".to_owned(), "08:00".to_owned()));
        assert_eq!((hours.days, zone), (Days::ALL, None));
        let full =
            json!({ "from": "18:00", "to": "00:00", "days": ["sun", "fri"], "time_zone": "Europe/Berlin" });
        let (hours, zone) = decode(full).unwrap().unwrap();
        assert_eq!(hours.days.names().collect::<Vec<_>>(), ["fri", "sun"]);
        assert_eq!(zone, Zone::named("Europe/Berlin"));
        assert_eq!(decode(Value::Null).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        let all = json!(["mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon"]);
        for (field, value) in [
            ("from", json!("24:00")),
            ("from", json!("9:00")),
            ("to", json!("22:00")),
            ("to", json!("08:00:00")),
            ("days", json!([])),
            ("days", json!(["monday"])),
            ("days", all),
            ("time_zone", json!("Berlin")),
        ] {
            let mut quiet = json!({ "from": "22:00", "to": "08:00" });
            quiet[field] = value;
            let rejection = decode(quiet).unwrap_err();
            assert_eq!(rejection.reason, Reason::InvalidField, "{rejection}");
            assert_eq!(&*rejection.field, format!("quiet.{field}"), "{rejection}");
        }
        for (reason, field, quiet) in [
            (Reason::InvalidField, "quiet", json!("at night")),
            (Reason::InvalidField, "untill", json!({ "from": "22:00", "to": "08:00", "untill": "x" })),
            (Reason::MissingField, "to", json!({ "from": "22:00" })),
        ] {
            let rejection = decode(quiet).unwrap_err();
            assert_eq!((rejection.reason, &*rejection.field), (reason, field), "{rejection}");
        }
    }
}
