//! What the benchmarks send: organizations with credits, and events among them.

use bytes::Bytes;
use creditd::log::Draft;

/// How many organizations the events are spread over.
pub const ORGS: usize = 1_000;

/// What must be in the log before the first event.
pub fn setup() -> Vec<Draft> {
    let catalog = |text: String| draft("credits.commands._catalog".to_owned(), text);
    let card = r#"{"type":"rate_card.put","data":{"id":"bench","version":1,"prices":{"email_sent":{"per_action":"1"},"phone_call":{"per_minute":"10"}}}}"#;
    let plan = r#"{"type":"plan.put","data":{"id":"bench","version":1,"rate_card":"bench"}}"#;
    let mut drafts = vec![catalog(card.to_owned()), catalog(plan.to_owned())];
    for org in 0..ORGS {
        let subject = format!("credits.commands.org-{org}");
        drafts.push(draft(subject.clone(), r#"{"type":"org.put","data":{"plan":"bench"}}"#.to_owned()));
        drafts.push(draft(subject, r#"{"type":"grant","data":{"amount":"1000000000"}}"#.to_owned()));
    }
    drafts
}

/// Message number `n` of `batch` events each, about 200 bytes an event.
pub fn message(n: usize, batch: usize) -> Draft {
    let events: Vec<String> = (0..batch).map(|item| event(n * batch + item)).collect();
    draft(format!("credits.events.org-{}", n * 7 % ORGS), events.join("\n"))
}

fn event(n: usize) -> String {
    format!(
        r#"{{"type":"action","source":"/bench/loader","id":"event-{n:012}","action":"email_sent","quantity":1,"user":"user-{:04}","account":"emea","entity":{{"type":"campaign","id":"c-{:03}","name":"Spring outreach"}}}}"#,
        n % 1_000,
        n % 100
    )
}

fn draft(subject: String, payload: String) -> Draft {
    Draft { subject, payload: Bytes::from(payload), ..Draft::default() }
}
