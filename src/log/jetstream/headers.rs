//! Headers of a record, to and from NATS.

use async_nats::{HeaderMap, HeaderName, HeaderValue};

use crate::log::{Draft, Headers, LogError};

/// Carries [`Draft::request`] as hexadecimal digits.
const REQUEST: &str = "Creditd-Request";
/// By this one the server recognises a repeated publication.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// The headers under which a draft is published; `None` when it needs none.
///
/// # Errors
/// [`LogError::Refused`] when a header cannot be written, or would steer the broker (`Nats-Rollup`,
/// `Nats-Expected-…`): only `Nats-Msg-Id` may pass.
pub(super) fn encode(draft: &Draft) -> Result<Option<HeaderMap>, LogError> {
    if draft.headers.is_none() && draft.request == 0 {
        return Ok(None);
    }
    let mut map = HeaderMap::new();
    for (name, value) in draft.headers.iter().flat_map(|headers| headers.iter()) {
        // Names are in lower case here, but the server knows its own by their exact spelling.
        let name = if name.eq_ignore_ascii_case(MESSAGE_ID) { MESSAGE_ID } else { name };
        if name != MESSAGE_ID && has_prefix(name, "nats-") {
            return Err(LogError::Refused(format!("the header {name:?} steers NATS itself; leave it out")));
        }
        let wrong = |what, text: &str| LogError::Refused(format!("{text:?} is not a header {what}"));
        let key: HeaderName = name.parse().map_err(|_| wrong("name", name))?;
        let value: HeaderValue = value.parse().map_err(|_| wrong("value", value))?;
        map.append(key, value);
    }
    if draft.request != 0 {
        map.insert(REQUEST, format!("{:x}", draft.request));
    }
    Ok(Some(map))
}

/// The request token and the other headers of a message, sorted by name: NATS clients keep no order.
pub(super) fn decode(map: &HeaderMap) -> (u64, Option<Box<Headers>>) {
    let mut request = 0;
    let mut headers = Headers::new();
    for (name, values) in map.iter() {
        let name: &str = name.as_ref();
        if name.eq_ignore_ascii_case(REQUEST) {
            let token = values.first().and_then(|value| u64::from_str_radix(value.as_str(), 16).ok());
            request = token.unwrap_or(0);
            continue;
        }
        headers.extend(values.iter().map(|value| (name.to_ascii_lowercase(), value.as_str().to_owned())));
    }
    headers.sort();
    (request, (!headers.is_empty()).then(|| Box::new(headers)))
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(headers: &[(&str, &str)], request: u64) -> Draft {
        let headers: Headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Draft { headers: (!headers.is_empty()).then(|| Box::new(headers)), request, ..Draft::default() }
    }

    #[test]
    fn a_plain_draft_has_no_headers() {
        assert_eq!(encode(&draft(&[], 0)).unwrap(), None);
    }

    #[test]
    fn headers_and_token_come_back() {
        let sent = draft(&[("ce-id", "1"), ("ce-type", "creditd.action.v1"), ("nats-msg-id", "a")], u64::MAX);
        let map = encode(&sent).unwrap().unwrap();
        assert_eq!(map.get("Nats-Msg-Id").unwrap().as_str(), "a");
        assert_eq!(map.get("Creditd-Request").unwrap().as_str(), "ffffffffffffffff");
        assert_eq!(decode(&map), (u64::MAX, sent.headers));
    }

    #[test]
    fn a_foreign_token_is_none() {
        let mut map = HeaderMap::new();
        map.insert(REQUEST, "not hex");
        assert_eq!(decode(&map), (0, None));
    }

    #[test]
    fn headers_that_steer_the_broker_or_break_the_frame_are_refused() {
        for (name, value) in
            [("nats-rollup", "all"), ("Nats-Expected-Stream", "X"), ("ce id", "1"), ("ce-id", "1\r\nx: y")]
        {
            let refused = encode(&draft(&[(name, value)], 0));
            assert!(matches!(refused, Err(LogError::Refused(_))), "{name}: {value:?} gives {refused:?}");
        }
    }
}
