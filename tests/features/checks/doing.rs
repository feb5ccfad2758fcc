//! What is live, what is told by alerts and reports, and what would be by other prices.

use std::time::Duration;

use serde_json::{Value, json};

use super::{history, money};
use crate::books::Notice;
use crate::civil::{self, utc};
use crate::event::{CREDIT, Event, read, written};
use crate::scene::Scene;
use crate::table::Request;
use crate::usage::{self, Asked, percent};
use crate::year::{LIVE, Year};

/// The calls that run now.
pub(crate) fn live_calls(year: &Year, told: &Value) -> usize {
    let data = told["data"].as_array().unwrap();
    assert_eq!((&told["live"], data.len()), (&json!(LIVE.len()), LIVE.len()));
    for call in data {
        live_call(call);
    }
    let per_minute: i64 = LIVE.iter().map(|call| money::per_minute(call.3)).sum();
    // An increment of each, and two millionths for each price of it.
    let rounding = LIVE.iter().map(|call| if call.3 { 4 } else { 2 }).sum::<i64>();
    let headroom = year.books.settled("credits") - money::pending();
    let burn = json!([{ "credit_type": "credits", "running": LIVE.len(), "per_minute": written(per_minute),
        "pending": written(money::pending()), "held": "0", "headroom": written(headroom),
        "seconds_left": headroom * 60 / per_minute, "worst_case_overspend": written(per_minute + rounding) }]);
    assert_eq!(told["burn"], burn);
    LIVE.len() * 2 + 7
}

pub(crate) fn live_call(told: &Value) -> usize {
    let (id, direction, ago, translated) = *LIVE.iter().find(|call| told["call_id"] == call.0).unwrap();
    assert_eq!(
        (&told["state"], &told["direction"], &told["cut_off"]),
        (&json!("answered"), &json!(direction), &json!(false)),
        "{id}"
    );
    assert_eq!(
        (&told["answered_at"], &told["duration_ms"]),
        (&json!(utc(civil::now() - ago)), &json!(ago * 1_000))
    );
    assert_eq!(told["credits"], json!({ "credits": written(money::cost(ago, translated)) }), "{id}");
    2
}

/// All alerts of the year, newest first.
pub(crate) async fn alerts(scene: &Scene, request: &Request) -> usize {
    let told = history::pages(scene, request).await;
    let notice = |alert: &Value| {
        let text = |name: &str| alert[name].as_str().unwrap().to_owned();
        (text("id"), text("kind"), civil::instant(&text("time")))
    };
    let mut mine: Vec<_> = told.iter().map(notice).collect();
    assert!(mine.is_sorted_by(|one, other| one.2 >= other.2));
    let of = |Notice { id, kind, time }: &Notice| (id.clone(), (*kind).to_owned(), *time);
    let mut expected: Vec<_> = scene.year.books.notices.iter().map(of).collect();
    mine.sort();
    expected.sort();
    let missing: Vec<_> = expected.iter().filter(|notice| !mine.contains(notice)).collect();
    let extra: Vec<_> = mine.iter().filter(|notice| !expected.contains(notice)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\ntoo many {extra:#?}");
    assert_eq!(mine.len(), expected.len());
    mine.len()
}

/// The table of a report is that of the usage that it asks for.
pub(crate) async fn report(scene: &Scene, request: &Request) -> usize {
    let state = scene.get(request.place()).await;
    if !request.is_table {
        return sent(scene, &state).await;
    }
    let table = scene.ask_as(None, request).await;
    assert_eq!(table.status, 200, "{}", table.text);
    let mut parameters = content(&state["content"]);
    let own = request.parameters();
    parameters.extend(if own.is_empty() { vec![("month".to_owned(), "2026-08".to_owned())] } else { own });
    check_content(scene, &parameters, &table.text).await
}

/// What a report asks of usage.
fn content(content: &Value) -> Vec<(String, String)> {
    let value = |value: &Value| match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(","),
        one => one.as_str().unwrap().to_owned(),
    };
    content.as_object().unwrap().iter().map(|(name, of)| (name.clone(), value(of))).collect()
}

async fn check_content(scene: &Scene, parameters: &[(String, String)], table: &str) -> usize {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let answer = scene.get(&format!("/v1/orgs/acme/usage?limit=1000&{}", query.finish())).await;
    usage::check(&scene.year, &Asked::of("acme", parameters), &answer) + usage::check_table(table, &answer)
}

/// The report that was sent by hand has arrived, with its table.
async fn sent(scene: &Scene, state: &Value) -> usize {
    let mail = scene.mailbox.wait_for(1).await.remove(0);
    assert_eq!(mail.recipient(), "ana@example.com");
    let mut parameters = content(&state["content"]);
    parameters.push(("range".to_owned(), "this_month".to_owned()));
    let (_, bytes) = mail.table();
    let figures = check_content(scene, &parameters, std::str::from_utf8(&bytes).unwrap()).await;
    for _ in 0..100 {
        let state = scene.get("/v1/orgs/acme/reports/weekly").await;
        let sending = &state["history"][0];
        if sending["state"] == "sent" {
            assert_eq!((&sending["why"], &sending["mails"][0]["tries"]), (&json!("on_demand"), &json!(1)));
            return figures;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the sending did not end");
}

/// The reports, each with the next time at which it is due.
pub(crate) fn reports(told: &Value) -> usize {
    let due = |id: &str| {
        let found = told["data"].as_array().unwrap().iter().find(|report| report["id"] == id);
        found.unwrap()["next_due"].clone()
    };
    assert_eq!(told["data"].as_array().unwrap().len(), 3);
    assert_eq!(due("monthly"), "2026-10-01T06:00:00Z");
    assert_eq!(due("weekly"), "2026-09-21T06:00:00Z");
    assert_eq!(due("cycle"), "2026-10-09T22:00:00Z");
    3
}

/// What calls would have cost by the prices that the table names.
fn otherwise(event: &Event) -> i64 {
    let call = event.call.unwrap();
    let per_minute = if call.direction == "inbound" { 7 } else { 9 };
    let of = |per_minute: i64| (per_minute * CREDIT * event.billed_seconds() + 30) / 60;
    of(per_minute) + if call.translated { of(5) } else { 0 }
}

/// What came out, as JSON; as a table, the same.
pub(crate) async fn what_if(scene: &Scene, request: &Request) -> usize {
    let mut told = Value::Null;
    for _ in 0..500 {
        told = scene.get(&request.as_json().path).await;
        if told["state"] != "running" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(told["state"], "done", "{told}");
    let (from, to) = Asked::of("acme", &[("range".to_owned(), "this_year".to_owned())]).span;
    let mut lines = Vec::new();
    for org in ["talk-base", "talk-enterprise", "talk-pro"] {
        let is_in = |event: &&Event| event.org == org && (from..to).contains(&event.time);
        let events: Vec<&Event> = scene.year.events.iter().filter(is_in).collect();
        let charged: i64 = events.iter().map(|event| event.cost("credits")).sum();
        let priced: i64 = events.iter().map(|event| otherwise(event)).sum();
        lines.push((org, events.len(), charged, priced));
    }
    let of = |lines: &[(&str, usize, i64, i64)]| {
        let sum = |of: fn(&(&str, usize, i64, i64)) -> i64| lines.iter().map(of).sum::<i64>();
        (lines.iter().map(|line| line.1).sum::<usize>(), sum(|line| line.2), sum(|line| line.3))
    };
    is_compared(&told["totals"], of(&lines));
    let data = told["data"].as_array().unwrap();
    assert_eq!(data.len(), 3);
    for line in &lines {
        let told = data.iter().find(|told| told["org"] == line.0).unwrap();
        is_compared(told, of(&[*line]));
    }
    let more = |told: &Value| read(told["difference"]["credits"].as_str().unwrap());
    let by_org = request.parameters().iter().any(|(_, value)| value == "org");
    let order = |one: &Value, other: &Value| {
        if by_org { one["org"].as_str() <= other["org"].as_str() } else { more(one) >= more(other) }
    };
    assert!(data.is_sorted_by(order));
    let count = |is: fn(i64) -> bool| lines.iter().filter(|line| is(line.3 - line.2)).count();
    let counts = [count(|more| more > 0), count(|more| more < 0), count(|more| more == 0)];
    assert_eq!(
        ["pay_more", "pay_less", "pay_the_same"].map(|name| &told["totals"][name]),
        counts.map(|count| json!(count)).each_ref()
    );
    if request.is_table {
        let rows = usage::rows(&scene.ask_as(None, request).await.text);
        let told: Vec<_> = data.iter().map(|line| line["org"].as_str().unwrap().to_owned()).collect();
        assert_eq!(rows.iter().map(|row| row["org"].clone()).collect::<Vec<_>>(), told);
    }
    lines.len() * 5
}

fn is_compared(told: &Value, (charges, charged, priced): (usize, i64, i64)) {
    assert_eq!(told["charges"], json!(charges));
    let credits = |micros| json!({ "credits": written(micros) });
    assert_eq!((&told["as_charged"], &told["as_priced"]), (&credits(charged), &credits(priced)));
    assert_eq!(told["difference"], credits(priced - charged));
    assert_eq!(told["percent"], json!({ "credits": percent(priced - charged, charged) }));
    assert_eq!(told["unpriced"]["charges"], 0);
}
