//! Any bytes as a record of events: every item is decoded or refused, none is lost, and what is JSON is not called otherwise.
#![no_main]

use creditd::ledger::rejection::Reason;
use creditd::ledger::units::Timestamp;
use creditd::wire::{Decoder, MOST_ITEMS, item_text};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// 2026-01-05T10:00:00Z.
const AT: i64 = 1_767_607_200_000_000;

/// The items that a slow reader finds, each a JSON object or not; none where the record is refused as a whole.
fn items(payload: &[u8]) -> Option<Vec<bool>> {
    let text = std::str::from_utf8(payload).ok()?;
    let blank = [' ', '\t', '\r', '\n'];
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(items)) if items.is_empty() => None,
        Ok(Value::Array(items)) => Some(items.iter().map(Value::is_object).collect()),
        Ok(value) => Some(vec![value.is_object()]),
        Err(_) if text.trim_matches(blank).starts_with('[') => None,
        Err(_) => {
            let lines = text.split('\n').filter(|line| !line.trim_matches(blank).is_empty());
            let read = lines.map(|line| serde_json::from_str::<Value>(line).is_ok_and(|v| v.is_object()));
            Some(read.collect::<Vec<bool>>()).filter(|lines| !lines.is_empty())
        }
    }
}

fn decode(headers: &[(String, String)], payload: &[u8]) -> Vec<Result<(), Reason>> {
    let decoder = Decoder { org: "acme", headers, at: Timestamp::from_micros(AT) };
    let mut decoded = Vec::new();
    decoder.decode(payload, &mut |item, event| {
        assert_eq!(item as usize, decoded.len(), "items come in order, each once");
        decoded.push(event.map(|_| ()).map_err(|rejection| {
            assert!(!rejection.detail.is_empty());
            rejection.reason
        }));
    });
    decoded
}

fuzz_target!(|input: &[u8]| {
    // The first line, where it begins with `#`, is the value of each header.
    let (headers, payload) = match input.strip_prefix(b"#") {
        Some(rest) => {
            let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            let value = String::from_utf8_lossy(&rest[..end]).into_owned();
            let names = ["ce-specversion", "ce-type", "ce-source", "ce-id", "ce-time", "Nats-Msg-Id"];
            let values = value.split('|').map(str::to_owned);
            let headers = names.into_iter().map(str::to_owned).zip(values).collect::<Vec<_>>();
            (headers, rest.get(end + 1..).unwrap_or_default())
        }
        None => (Vec::new(), input),
    };
    let decoded = decode(&headers, payload);
    assert!(!decoded.is_empty(), "every record is answered");
    assert_eq!(decoded, decode(&headers, payload), "the same bytes are always read the same");
    for item in 0..decoded.len() {
        assert!(!item_text(payload, item as u32).contains('\0') || payload.contains(&0));
    }
    if !headers.is_empty() {
        return assert_eq!(decoded.len(), 1, "binary mode holds one event");
    }
    // The tree of values is read with limits (depth, size of numbers) that fields nobody looks at are not held to:
    // what the tree takes the decoder must take for JSON, not the other way round.
    match items(payload) {
        Some(expected) if expected.len() > MOST_ITEMS => assert_eq!(decoded, [Err(Reason::TooMany)]),
        Some(expected) if expected.len() == decoded.len() => {
            for (place, (is_object, decoded)) in expected.iter().zip(&decoded).enumerate() {
                let not_json = *decoded == Err(Reason::NotJson);
                assert!(!(*is_object && not_json), "item {place} is an object, and called no JSON");
            }
        }
        Some(expected) => {
            let strict = serde_json::from_slice::<Value>(payload).is_ok();
            assert!(!strict, "{} items were read as {}", expected.len(), decoded.len());
        }
        None => {
            let taken = decoded.iter().filter(|item| item.is_ok()).count();
            let loose = serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok();
            assert!(taken == 0 || loose, "{taken} events were read from what is no JSON");
        }
    }
});
