//! Calls that are told while they run, in words.
//!
//! ```text
//! acme: call c1 starts, outbound, to +4930123456
//! acme: call c1 is answered, with translation, user ana
//! acme: call c1 goes on for 61 s
//! acme: call c1 fails
//! acme: call c1 ends                                    (it says nothing itself)
//! acme: call c1 ends after 61 s as e1, outbound, answered 2026-01-05 10:00, unanswered
//! acme: switch nats is restarted, at 2026-01-05 10:00
//! ```
//!
//! What else may be said of a call stands behind commas, as of a call that ended. `=> noted` is what becomes of most of it.

use serde_json::{Value, json};

use super::words::{Words, unknown};

/// `61 s`
pub(crate) fn duration_ms(words: &mut Words<'_>) -> Result<u64, String> {
    let length = words.number("a duration")?;
    match words.next("a unit")? {
        "ms" => Ok(length),
        "s" => Ok(length * 1_000),
        "min" => Ok(length * 60_000),
        "h" => Ok(length * 3_600_000),
        word => Err(unknown(word)),
    }
}

/// What is told of a call that has a name.
pub(crate) fn told(words: &mut Words<'_>) -> Result<Value, String> {
    let name = words.next("a call")?;
    let (kind, length) = match words.next("what happens to the call")? {
        "starts" => ("call.started", None),
        "is" if words.take("answered") => ("call.answered", None),
        "goes" if words.take("on for") => ("call.progress", Some(duration_ms(words)?)),
        "fails" => ("call.failed", None),
        "ends" if words.take("after") => ("call.ended", Some(duration_ms(words)?)),
        "ends" => ("call.ended", None),
        word => return Err(unknown(word)),
    };
    let mut item = json!({ "type": kind, "call_id": name });
    if let Some(length) = length {
        item["duration_ms"] = json!(length);
    }
    Ok(item)
}

/// `nats is restarted`
pub(crate) fn restarted(words: &mut Words<'_>) -> Result<Value, String> {
    let source = words.next("a source")?;
    if words.take("is restarted") {
        Ok(json!({ "type": "source.restarted", "source": source }))
    } else {
        Err(format!("write \"switch {source} is restarted\""))
    }
}
