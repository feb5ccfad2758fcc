//! What the benchmark of usage sends.

use bytes::Bytes;
use creditd::ledger::units::{Millis, Timestamp};
use creditd::log::Draft;
use creditd::wire::time;

/// The combinations of dimensions of a day. Every week one of the campaigns, assistants and pilots gives way to another.
const TUPLES: u64 = 2_000;
/// Each week another of so many campaigns, assistants and pilots gives way to a new one.
pub const CHANGING: u64 = 40;
/// Each of them is used so often a day.
const TIMES: u64 = 4;
/// So many events go in one message.
pub const EVENTS_OF_MESSAGE: u64 = 100;

/// What must be in the log before the first organization.
pub fn catalog() -> Vec<Draft> {
    let card = r#"{"type":"rate_card.put","data":{"id":"bench","version":1,"prices":{"email_sent":{"per_action":"1"},"ai_tokens":{"per_units":"0.5","units":1000},"lead_sourced":{"per_action":"2.5"},"phone_call":{"per_minute":"10"}}}}"#;
    let plan = r#"{"type":"plan.put","data":{"id":"bench","version":1,"rate_card":"bench","alerts":[]}}"#;
    [card, plan].map(|text| draft("credits.commands._catalog".to_owned(), text.to_owned())).into()
}

/// An organization with credits.
pub fn org(name: &str) -> Vec<Draft> {
    let commands = "{\"type\":\"org.put\",\"data\":{\"plan\":\"bench\",\"time_zone\":\"Europe/Berlin\"}}\n{\"type\":\"grant\",\"data\":{\"amount\":\"1000000000\"}}";
    vec![draft(format!("credits.commands.{name}"), commands.to_owned())]
}

/// The events of an hour of a year: each combination comes four times a day, at hours of its own.
pub fn hour_of_year(begin: Timestamp, hour: u64, week: u64, number: &mut u64) -> Vec<Draft> {
    let of_hour = (0..TUPLES).filter(|tuple| (tuple + hour).is_multiple_of(24 / TIMES));
    let events: Vec<String> = of_hour
        .map(|tuple| {
            *number += 1;
            let at = begin.plus(Millis(tuple * 3_600_000 / TUPLES));
            event(&format!("y{number}"), tuple, week, Some(at))
        })
        .collect();
    let lines = events.chunks(100).map(|some| draft("credits.events.year".to_owned(), some.join("\n")));
    lines.collect()
}

/// One event of an organization, a different one each round.
pub fn one_event(org: &str, round: u64) -> Draft {
    draft(format!("credits.events.{org}"), event(&format!("r{round}"), round * 3 + org.len() as u64, 0, None))
}

/// Message number `n` to one of so many organizations, whose events happen when the log takes them.
pub fn message(n: u64, orgs: usize) -> Draft {
    let name = if orgs == 1 { "year".to_owned() } else { format!("org-{}", n * 31 % orgs as u64) };
    let events: Vec<String> = (0..EVENTS_OF_MESSAGE)
        .map(|item| n * EVENTS_OF_MESSAGE + item)
        .map(|number| event(&format!("f{number}"), number * 7 % TUPLES, 52, None))
        .collect();
    draft(format!("credits.events.{name}"), events.join("\n"))
}

/// An event of a combination of account, user, team, entity, feature and action; one of four is a call.
fn event(id: &str, tuple: u64, week: u64, at: Option<Timestamp>) -> String {
    let slot = tuple / 50;
    let entity = slot + CHANGING * ((week + CHANGING - 1 - slot) / CHANGING);
    let (seconds, many) = (tuple % 300 + 1, tuple % 7 + 1);
    let what = match tuple % 4 {
        0 => format!(r#""type":"call.ended","direction":"outbound","duration_ms":{seconds}000"#),
        1 => format!(r#""type":"action","action":"email_sent","quantity":{many}"#),
        2 => format!(r#""type":"action","action":"ai_tokens","quantity":{many}"#),
        _ => format!(r#""type":"action","action":"lead_sourced","quantity":{many}"#),
    };
    let time = at.map_or(String::new(), |at| format!(r#","time":"{}""#, time::format(at)));
    format!(
        r#"{{{what},"source":"/bench","id":"{id}"{time},"user":"user-{}","team":"team-{}","account":"account-{}","feature":"feature-{}","entity":{{"type":"{}","id":"c-{}"}}}}"#,
        tuple % 50,
        tuple % 50 / 10,
        tuple % 4,
        tuple % 5,
        ["campaign", "assistant", "pilot"][(entity % 3) as usize],
        entity
    )
}

fn draft(subject: String, payload: String) -> Draft {
    Draft { subject, payload: Bytes::from(payload), ..Draft::default() }
}
