//! That a switch was started anew: what is asked for all organizations, and the event that each of them is told.

use serde::Deserialize;
use serde_json::{Value, json};

use super::object::Object;
use super::text::LONGEST_TEXT;
use super::time;
use crate::ledger::entry::{CLOCK_SKEW, OLDEST_EVENT};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::Timestamp;

/// A request that says so, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    source: Option<String>,
    time: Option<String>,
}

/// A switch that was started anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRestart {
    /// Who told of its calls.
    pub source: String,
    /// When it was started.
    pub time: Timestamp,
}

impl SourceRestart {
    /// Reads a request, an empty one too where the source is `named` already. It was started at `now` where no time is given.
    ///
    /// # Errors
    /// A refusal with the field at fault.
    pub fn read(payload: &[u8], named: Option<&str>, now: Timestamp) -> Result<SourceRestart, Rejection> {
        let written = match payload {
            [] => Ok(Object(Written::default())),
            payload => serde_json::from_slice(payload),
        };
        let Object(written) = written.map_err(|error| {
            let why = format!("{error}; send a JSON object with source and time");
            Rejection::new(Reason::NotJson, "", why)
        })?;
        let source = match (named, written.source) {
            (Some(named), Some(other)) if named != other => {
                let why = format!("the body names {other:?}, the path {named:?}; leave it out of the body");
                return Err(Rejection::new(Reason::InvalidField, "source", why));
            }
            (Some(named), _) => named.to_owned(),
            (None, Some(source)) => source,
            (None, None) => {
                let why = "the request has no source; add the source that the events of its calls name";
                return Err(Rejection::new(Reason::MissingField, "source", why));
            }
        };
        if source.is_empty() || source.len() > LONGEST_TEXT {
            let why = format!("{} bytes long; write 1 to {LONGEST_TEXT}", source.len());
            return Err(Rejection::new(Reason::InvalidField, "source", why));
        }
        let time = match &written.time {
            Some(text) => {
                time::parse(text).map_err(|why| Rejection::new(Reason::InvalidField, "time", why))?
            }
            None => now,
        };
        if time < now.minus(OLDEST_EVENT) || time > now.plus(CLOCK_SKEW) {
            let (time, now) = (time::format(time), time::format(now));
            let why =
                format!("{time} is not within 400 days before and 5 minutes after {now}; check the clock");
            return Err(Rejection::new(Reason::TimeOutOfRange, "time", why));
        }
        Ok(SourceRestart { source, time })
    }

    /// The answer: how many organizations were told, and how many of their calls that closes.
    #[must_use]
    pub fn answer(&self, orgs: usize, calls: usize) -> Value {
        json!({ "source": self.source, "time": time::format(self.time), "orgs": orgs, "calls": calls })
    }
}

/// The event that an organization is told.
#[must_use]
pub fn source_restarted(source: &str, time: Timestamp) -> Value {
    json!({ "type": "creditd.source.restarted.v1", "source": source, "time": time::format(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

    fn refused(payload: &str, named: Option<&str>) -> (Reason, String) {
        let rejection = SourceRestart::read(payload.as_bytes(), named, NOW).unwrap_err();
        (rejection.reason, rejection.field.into_owned())
    }

    #[test]
    fn a_path_names_the_switch_or_the_body_does() {
        let read = |payload: &str, named| SourceRestart::read(payload.as_bytes(), named, NOW).unwrap();
        let sbc = SourceRestart { source: "sbc".to_owned(), time: NOW };
        assert_eq!(read("", Some("sbc")), sbc);
        assert_eq!(read(r#"{"source":"sbc"}"#, Some("sbc")), sbc);
        let earlier = read(r#"{"source":"sbc","time":"2026-01-05T09:59:59Z"}"#, None);
        assert_eq!(earlier.time.plus(crate::ledger::units::Millis(1_000)), NOW);
        let answer = earlier.answer(2, 17).to_string();
        assert_eq!(answer, r#"{"calls":17,"orgs":2,"source":"sbc","time":"2026-01-05T09:59:59Z"}"#);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let of = |reason, field: &str| (reason, field.to_owned());
        assert_eq!(refused("{}", None), of(Reason::MissingField, "source"));
        assert_eq!(refused("", Some("")), of(Reason::InvalidField, "source"));
        assert_eq!(refused(r#"{"source":"b"}"#, Some("a")), of(Reason::InvalidField, "source"));
        assert_eq!(refused("[", Some("a")), of(Reason::NotJson, ""));
        assert_eq!(refused(r#"{"when":1}"#, Some("a")), of(Reason::NotJson, ""));
        assert_eq!(refused(r#"{"time":"today"}"#, Some("a")), of(Reason::InvalidField, "time"));
        let ahead = r#"{"time":"2026-01-05T10:05:01Z"}"#;
        assert_eq!(refused(ahead, Some("a")), of(Reason::TimeOutOfRange, "time"));
    }
}
