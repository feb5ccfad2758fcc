//! Sorting a body of events by organization: one record of the log holds events of one organization alone.
//!
//! A body is one event, an array or one event a line, of one organization or of many. Each item is read just far
//! enough to know that it is JSON and whose it is; everything else about it is the decoder's, when the record is applied.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::items::{Layout, layout, lines};
use super::text::Text;
use super::{MOST_ITEMS, org_id};
use crate::ledger::rejection::{Reason, Rejection};

/// The most bytes of events that go into one record: below the 1 MiB that a NATS server takes by default.
pub const RECORD_BYTES: usize = 512 << 10;

/// A body, sorted.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Whether the body is one event by itself, not a batch.
    pub single: bool,
    /// How many items there are.
    pub items: usize,
    /// What goes into the log, organization by organization, in the order in which they first appear.
    pub lots: Vec<Lot>,
    /// The items that cannot go into the log, and why.
    pub refused: Vec<(usize, Rejection)>,
}

/// The events of one organization, in the order in which they came.
#[derive(Debug)]
pub struct Lot {
    /// The organization, a sound name.
    pub org: String,
    /// Records, to be appended one after the other.
    pub parcels: Vec<Parcel>,
}

/// What goes into one record.
#[derive(Debug)]
pub struct Parcel {
    /// The payload.
    pub payload: Bytes,
    /// Which item of the body each item of the payload is.
    pub items: Vec<usize>,
}

/// Sorts a body. `org` names the organization of all events; without it each must name its own, in `org` or `data.org`.
///
/// # Errors
/// A refusal of the whole body: not UTF-8, an array that is not JSON or is empty, or more than [`MOST_ITEMS`] items.
pub fn sort(body: &Bytes, org: Option<&str>) -> Result<Sorted, Rejection> {
    let text = std::str::from_utf8(body).map_err(|error| {
        not_json(format!("byte {} of the body is not UTF-8; send JSON in UTF-8", error.valid_up_to()))
    })?;
    let (single, items) = split(text)?;
    if items.len() > MOST_ITEMS {
        let why = format!("a body holds up to {MOST_ITEMS} events; send several bodies");
        return Err(Rejection::new(Reason::TooMany, "", why));
    }
    let mut sorted = Sorted { single, items: items.len(), ..Sorted::default() };
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut piles: Vec<(String, Vec<(usize, &str)>)> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let owner = match owner(item, org) {
            Ok(owner) => owner,
            Err(rejection) => {
                sorted.refused.push((index, rejection));
                continue;
            }
        };
        let place = places.get(&*owner).copied().unwrap_or_else(|| {
            piles.push((owner.to_string(), Vec::new()));
            places.insert(owner.into_owned(), piles.len() - 1);
            piles.len() - 1
        });
        if let Some((_, pile)) = piles.get_mut(place) {
            pile.push((index, item));
        }
    }
    sorted.lots = piles.into_iter().map(|(org, pile)| Lot { org, parcels: pack(body, &pile) }).collect();
    Ok(sorted)
}

/// The items of a body, and whether it is one event by itself.
fn split(text: &str) -> Result<(bool, Vec<&str>), Rejection> {
    match layout(text) {
        // What stands before the event stays, so that an error tells the right line.
        Layout::Single => Ok((true, vec![text.trim_ascii_end()])),
        Layout::Lines => Ok((false, lines(text).take(MOST_ITEMS.saturating_add(1)).collect())),
        Layout::Array => {
            let items: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|error| not_json(format!("the array is not JSON: {error}; send a JSON array")))?;
            if items.is_empty() {
                return Err(not_json("the array is empty; send at least one event"));
            }
            Ok((false, items.into_iter().map(RawValue::get).collect()))
        }
    }
}

/// What of an item says whose it is.
#[derive(Deserialize)]
struct Addressed<'a> {
    #[serde(borrow, default)]
    org: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// Whose an item is.
fn owner<'a>(item: &'a str, given: Option<&'a str>) -> Result<Cow<'a, str>, Rejection> {
    if item.len() > RECORD_BYTES {
        let why = format!("the event has {} bytes, the most is {RECORD_BYTES}; send less", item.len());
        return Err(Rejection::new(Reason::TooLarge, "", why));
    }
    let addressed = addressed(item)?;
    let owner = match (given, addressed.org, addressed.data) {
        (Some(org), _, _) => return Ok(org.into()),
        (None, Some(org), _) => org,
        (None, None, Some(data)) if data.get().starts_with('{') => {
            let data: Addressed<'a> = serde_json::from_str(data.get()).map_err(|error| wrong_org(&error))?;
            data.org.ok_or_else(no_org)?
        }
        (None, None, _) => return Err(no_org()),
    };
    org_id(owner.as_str()).map_err(|error| Rejection::new(Reason::InvalidField, "org", error.to_string()))?;
    Ok(owner.0)
}

/// Reads an item, which must be a JSON object.
fn addressed(item: &str) -> Result<Addressed<'_>, Rejection> {
    match serde_json::from_str(item) {
        Err(error) if !error.is_data() => {
            Err(not_json(format!("not JSON: {error}; send one object, an array or one object a line")))
        }
        _ if !item.trim_ascii_start().starts_with('{') => {
            Err(not_json("not an event: the item is no JSON object; send a JSON object"))
        }
        read => read.map_err(|error| wrong_org(&error)),
    }
}

/// The records of one organization's events.
fn pack(body: &Bytes, pile: &[(usize, &str)]) -> Vec<Parcel> {
    if let [(index, item)] = pile
        && memchr::memchr(b'\n', item.as_bytes()).is_none()
    {
        return vec![Parcel { payload: body.slice_ref(item.as_bytes()), items: vec![*index] }];
    }
    let mut parcels = Vec::new();
    let mut payload: Vec<u8> = vec![b'['];
    let mut items = Vec::new();
    for (index, item) in pile {
        if !items.is_empty() {
            if payload.len().saturating_add(item.len()) > RECORD_BYTES {
                payload.push(b']');
                let full = std::mem::replace(&mut payload, vec![b'[']);
                parcels.push(Parcel { payload: full.into(), items: std::mem::take(&mut items) });
            } else {
                payload.push(b',');
            }
        }
        payload.extend_from_slice(item.as_bytes());
        items.push(*index);
    }
    payload.push(b']');
    parcels.push(Parcel { payload: payload.into(), items });
    parcels
}

fn not_json(why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::NotJson, "", why)
}

fn no_org() -> Rejection {
    let why = "the event does not name its organization; add org, or send it to /v1/orgs/{org}/events";
    Rejection::new(Reason::MissingField, "org", why)
}

fn wrong_org(error: &serde_json::Error) -> Rejection {
    Rejection::new(Reason::InvalidField, "org", format!("{error}; write org as a string, once"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(body: &str) -> Sorted {
        sort(&Bytes::copy_from_slice(body.as_bytes()), None).unwrap()
    }

    /// The organizations with the payloads of their records.
    fn shown(sorted: &Sorted) -> Vec<(&str, Vec<&str>)> {
        sorted.lots.iter().map(|lot| (&*lot.org, lot.parcels.iter().map(payload).collect())).collect()
    }

    fn payload(parcel: &Parcel) -> &str {
        std::str::from_utf8(&parcel.payload).unwrap()
    }

    #[test]
    fn each_organization_gets_its_events_in_their_order_whatever_the_layout() {
        let array = sorted(r#"[{"org":"a","n":1}, {"data":{"org":"b"}}, {"n":3,"org":"a"}]"#);
        let lines =
            sorted("{\"org\":\"a\",\"n\":1}\n{\"data\":{\"org\":\"b\"}}\n\n{\"n\":3,\"org\":\"a\"}\n");
        for sorted in [&array, &lines] {
            assert_eq!(
                shown(sorted),
                [
                    ("a", vec![r#"[{"org":"a","n":1},{"n":3,"org":"a"}]"#]),
                    ("b", vec![r#"{"data":{"org":"b"}}"#])
                ]
            );
            assert_eq!(sorted.lots[0].parcels[0].items, [0, 2]);
            assert!(!sorted.single && sorted.refused.is_empty());
        }
        assert!(sorted(r#" {"org":"a"} "#).single);
    }

    #[test]
    fn a_bad_item_is_refused_and_its_neighbours_are_sorted() {
        let sorted = sorted(
            "{\"org\":\"a\"}\n{\"org\":\n5\n[\"a\"]\n{\"id\":\"x\"}\n{\"org\":7}\n{\"org\":\"no spaces\"}\n{\"data\":{\"org\":{}}}\n{\"org\":\"a\",\"n\":2}",
        );
        assert_eq!(shown(&sorted), [("a", vec![r#"[{"org":"a"},{"org":"a","n":2}]"#])]);
        let why: Vec<_> = sorted.refused.iter().map(|(i, r)| (*i, r.reason.slug(), &*r.field)).collect();
        assert_eq!(
            why,
            [
                (1, "not_json", ""),
                (2, "not_json", ""),
                (3, "not_json", ""),
                (4, "missing_field", "org"),
                (5, "invalid_field", "org"),
                (6, "invalid_field", "org"),
                (7, "invalid_field", "org"),
            ]
        );
    }

    #[test]
    fn many_bytes_of_one_organization_become_several_records_that_stay_below_the_limit() {
        let event = format!(r#"{{"org":"a","pad":"{}"}}"#, "x".repeat(100_000));
        let sorted = sorted(&vec![event; 12].join("\n"));
        let parcels = &sorted.lots[0].parcels;
        assert_eq!(parcels.iter().map(|p| p.items.len()).collect::<Vec<_>>(), [5, 5, 2]);
        assert!(parcels.iter().all(|p| p.payload.len() <= RECORD_BYTES));
        assert!(parcels.iter().flat_map(|p| &p.items).copied().eq(0..12));
    }

    #[test]
    fn a_pretty_printed_event_and_a_given_organization() {
        let body = Bytes::from_static(b"{\n  \"id\": \"1\"\n}");
        let sorted = sort(&body, Some("acme")).unwrap();
        assert!(sorted.single);
        assert_eq!(shown(&sorted), [("acme", vec!["[{\n  \"id\": \"1\"\n}]"])]);
    }

    #[test]
    fn a_body_that_cannot_be_split_is_refused_as_a_whole() {
        let whole = |body: &[u8]| sort(&Bytes::copy_from_slice(body), None).unwrap_err();
        assert!(whole(b"[{\"a\":1},\n{\"b\"]").detail.contains("line 2 column 5"));
        assert_eq!(whole(b"[]").reason, Reason::NotJson);
        assert!(whole(b"{\"a\":\"\xff\"}").detail.contains("byte 6"));
        assert_eq!(whole("{}\n".repeat(MOST_ITEMS + 1).as_bytes()).reason, Reason::TooMany);
    }
}
