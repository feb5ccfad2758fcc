//! The history and the call log beside the rows that were kept by hand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::books::{Amounts, Row};
use crate::civil::{self, utc};
use crate::event::{Event, written};
use crate::scene::Scene;
use crate::table::Request;
use crate::usage::rows;
use crate::year::Year;
use crate::year::people;

/// All pages of what is listed, from the first on.
pub(crate) async fn pages(scene: &Scene, request: &Request) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let join = if request.path.contains('?') { '&' } else { '?' };
        let page = scene.get(&format!("{}{}", request.path, cursor.replace('?', &join.to_string()))).await;
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["meta"]["next"].as_str() {
            Some(next) => cursor = format!("?cursor={next}"),
            None => return all,
        }
    }
}

fn amounts(of: &Amounts) -> Value {
    of.iter().map(|(kind, micros)| ((*kind).to_owned(), json!(written(*micros)))).collect()
}

/// Whether a row is asked for.
fn is_wanted(year: &Year, row: &Row, parameters: &[(String, String)]) -> bool {
    let event = row.event.map(|number| &year.events[number]);
    let kinds: Vec<&str> = parameters.iter().filter(|of| of.0 == "kind").map(|of| of.1.as_str()).collect();
    let who = |value: fn(&Event) -> Option<&'static str>, wanted: &str| event.and_then(value) == Some(wanted);
    let fits = |(field, value): &(String, String)| match field.as_str() {
        "kind" => kinds.contains(&row.kind),
        "from" => row.at >= civil::instant(value),
        "user" => who(|event| event.who.user, value),
        "team" => who(|event| event.who.team, value),
        "entity" => event
            .and_then(|event| event.who.entity)
            .is_some_and(|(kind, id)| format!("{kind}/{id}") == *value),
        "search" => is_found(row, event, &value.to_lowercase()),
        "limit" | "state" => true,
        other => panic!("{other} is asked of the history"),
    };
    parameters.iter().all(fits)
}

fn is_found(row: &Row, event: Option<&Event>, search: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    let of_event = |event: &Event| {
        let entity = event.who.entity.is_some_and(|(kind, id)| has(id) || has(people::find(kind, id).name));
        entity || has(event.action) || (event.call.is_some() && has(&event.id))
    };
    row.words.iter().any(|word| has(word)) || event.is_some_and(of_event)
}

/// Compares all rows that are asked for, those of further pages too.
pub(crate) async fn check(scene: &Scene, request: &Request) -> usize {
    let (year, parameters) = (&scene.year, request.parameters());
    let told = pages(scene, &request.as_json()).await;
    let wanted = year.books.rows.iter().filter(|row| is_wanted(year, row, &parameters));
    let (of_events, moved): (Vec<&Row>, Vec<&Row>) = wanted.partition(|row| row.event.is_some());
    let key = |row: &Row| (row.kind, year.events[row.event.unwrap()].position.clone());
    let mut of_events: BTreeMap<_, _> = of_events.into_iter().map(|row| (key(row), row)).collect();
    let mut moved = moved;
    for line in &told {
        let kind = line["kind"].as_str().unwrap();
        let seq = if kind == "void" { &line["of"] } else { &line["seq"] };
        let known = ["charge", "void"].into_iter().find(|known| *known == kind);
        if let Some(kind) = known {
            let row = of_events.remove(&(kind, seq.as_str().unwrap().to_owned()));
            of_event(year, row.unwrap_or_else(|| panic!("{line} is not wanted")), line);
            continue;
        }
        let remarks = line["remarks"].as_str().unwrap();
        let is_it = |row: &&Row| {
            row.kind == kind
                && (&line["at"], &line["time"]) == (&json!(utc(row.at)), &json!(utc(row.time)))
                && (&line["in"], &line["out"]) == (&amounts(&row.came), &amounts(&row.went))
                && row.words.iter().all(|word| word == "adjusted" || remarks.contains(word))
        };
        let at = moved.iter().position(is_it).unwrap_or_else(|| panic!("{line} did not happen"));
        moved.swap_remove(at);
    }
    assert!(of_events.is_empty(), "not told: {:?}", of_events.values().next());
    assert!(moved.is_empty(), "not told: {:?}", moved.first());
    let times: Vec<i64> = told.iter().map(|line| civil::instant(line["at"].as_str().unwrap())).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "the newest come first");
    if request.is_table {
        check_table(&scene.ask_as(None, request).await.text, &told);
    }
    told.len() * 2
}

fn of_event(year: &Year, row: &Row, line: &Value) {
    let event = &year.events[row.event.unwrap()];
    assert_eq!((&line["at"], &line["time"]), (&json!(utc(row.at)), &json!(utc(row.time))));
    assert_eq!((&line["in"], &line["out"]), (&amounts(&row.came), &amounts(&row.went)), "{line}");
    assert_eq!((&line["action"], &line["quantity"]), (&json!(event.action), &json!(event.quantity)));
    let who = event.who;
    assert_eq!((&line["user"], &line["team"]), (&json!(who.user), &json!(who.team)));
    assert_eq!((&line["account"], &line["feature"]), (&json!(who.account), &json!(who.feature)));
    assert_eq!(line["entity"], entity(event));
    assert_eq!(line["past_limits"], json!(row.past));
    if row.kind != "charge" {
        return;
    }
    let drawn = event.lines.iter().flat_map(|of| of.drawn.iter().map(|drawn| (of.credit_type, drawn)));
    let told = line["parts"].as_array().unwrap();
    let expected: Vec<_> = drawn.collect();
    assert_eq!(told.len(), expected.len(), "{line}");
    for ((kind, drawn), told) in expected.into_iter().zip(told) {
        let how = if drawn.grant.is_some() { "drawn" } else { "overage" };
        assert_eq!((&told["how"], &told["amount"]), (&json!(how), &json!(written(drawn.micros))), "{line}");
        assert_eq!(told["credit_type"], kind);
        let grant = drawn.grant.map(|grant| &year.books.grants[grant]);
        // Grants of periods that are over are told by their numbers.
        let is_over = grant.is_some_and(|grant| grant.ended) && told["grant"].is_null();
        assert!(is_over || told["grant"] == json!(grant.map(|grant| &grant.id)), "{line}");
    }
}

pub(crate) fn entity(event: &Event) -> Value {
    let named = |(kind, id)| json!({ "type": kind, "id": id, "name": people::find(kind, id).name });
    event.who.entity.map_or(Value::Null, named)
}

/// A row of a table for each kind of credits, at least one.
fn check_table(text: &str, told: &[Value]) {
    let table = rows(text);
    let mut rows = table.iter();
    for line in told {
        let mut kinds: Vec<&String> =
            ["in", "out"].iter().flat_map(|of| line[*of].as_object().unwrap().keys()).collect();
        kinds.sort();
        kinds.dedup();
        for number in 0..kinds.len().max(1) {
            let row = rows.next().expect("a row is missing");
            let seq = format!("{}.{}", row["record"], row["item"]);
            assert_eq!((&json!(seq), &json!(row["kind"])), (&line["seq"], &line["kind"]));
            assert_eq!(json!(row["remarks"]), line["remarks"]);
            if let Some(kind) = kinds.get(number) {
                let of = |field: &str| line[field].get(*kind).map_or("", |amount| amount.as_str().unwrap());
                let zero = |text: &str| if text.is_empty() { "0".to_owned() } else { text.to_owned() };
                assert_eq!(
                    (&row["credit_type"], zero(&row["in"]), zero(&row["out"])),
                    (*kind, zero(of("in")), zero(of("out")))
                );
            }
        }
    }
    assert!(rows.next().is_none(), "a row too many");
}

/// The call log: calls that are over, and charges of them that were taken back.
pub(crate) async fn calls(scene: &Scene, request: &Request) -> usize {
    let (year, parameters) = (&scene.year, request.parameters());
    let told = pages(scene, &request.as_json()).await;
    let is_call = |row: &&Row| row.event.is_some_and(|number| year.events[number].call.is_some());
    let wanted = year.books.rows.iter().filter(is_call).filter(|row| is_wanted(year, row, &parameters));
    let key = |event: &Event, kind: &str| {
        (event.id.clone(), if kind == "void" { "voided" } else { "ended" }.to_owned())
    };
    let mut wanted: BTreeMap<_, _> =
        wanted.map(|row| (key(&year.events[row.event.unwrap()], row.kind), row)).collect();
    for call in &told {
        let text = |name: &str| call[name].as_str().unwrap().to_owned();
        let row = wanted
            .remove(&(text("call_id"), text("state")))
            .unwrap_or_else(|| panic!("{call} is not wanted"));
        let event = &year.events[row.event.unwrap()];
        let facts = event.call.unwrap();
        assert_eq!((&call["at"], &call["time"]), (&json!(utc(row.at)), &json!(utc(row.time))));
        assert_eq!(
            (&call["direction"], &call["destination"]),
            (&json!(facts.direction), &json!("+4930123456"))
        );
        assert_eq!(call["duration_ms"], json!(event.talked_ms()), "{call}");
        assert_eq!(call["billed_seconds"], json!(event.billed_seconds()), "{call}");
        assert_eq!((&call["credits"], &call["credits_back"]), (&amounts(&row.went), &amounts(&row.came)));
        let add_ons = if facts.translated { json!(["translation"]) } else { json!([]) };
        assert_eq!((&call["add_ons"], &call["user"]), (&add_ons, &json!(event.who.user)));
        assert_eq!((&call["entity"], &call["account"]), (&entity(event), &json!(event.who.account)));
    }
    assert!(wanted.is_empty(), "not told: {:?}", wanted.values().next());
    if request.is_table {
        let table = rows(&scene.ask_as(None, request).await.text);
        assert_eq!(table.len(), told.len());
        for (row, call) in table.iter().zip(&told) {
            assert_eq!(json!(row["call_id"]), call["call_id"]);
            assert_eq!(row["billed_seconds"], call["billed_seconds"].to_string());
            let credits = call["credits"]["credits"].as_str().unwrap_or("");
            assert_eq!(row["credits"].trim_start_matches('0'), credits.trim_start_matches('0'));
        }
    }
    told.len() * 4
}
