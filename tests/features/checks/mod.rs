//! Each request that the table may name is asked, and every figure of its answer compared.

mod doing;
mod history;
pub(crate) mod lines;
mod money;
mod named;

use reqwest::Method;
use serde_json::{Value, json};

use crate::civil;
use crate::event::{Event, written};
use crate::scene::Scene;
use crate::table::Request;
use crate::usage::{self, Asked};
use crate::year::people;

/// Fills in what an answer before it told.
async fn filled(scene: &Scene, request: &Request) -> Request {
    let mut filled = request.clone();
    for (name, wanted) in [
        ("{call}", is_long_call as fn(&Event) -> bool),
        ("{pilot}", is_late_pilot),
        ("{voided}", is_taken_back),
    ] {
        if filled.path.contains(name) {
            let event =
                scene.year.events.iter().rev().find(|event| event.org == "acme" && wanted(event)).unwrap();
            filled.path = filled.path.replace(name, &event.position);
        }
    }
    if filled.path.contains("{open}") {
        let event = scene.year.events.iter().find(|event| event.org == "open").unwrap();
        filled.path = filled.path.replace("{open}", &event.position);
    }
    if filled.path.contains("{what-if}") {
        let id = scene.get("/v1/what-if").await["data"][0]["id"].as_str().unwrap().to_owned();
        filled.path = filled.path.replace("{what-if}", &id);
    }
    if let Some(body) = &mut filled.body
        && body["message"] == "{alert}"
    {
        body["message"] = scene.get("/v1/orgs/acme/alerts?limit=1").await["data"][0]["id"].clone();
    }
    filled
}

/// A call of several minutes that was translated.
fn is_long_call(event: &Event) -> bool {
    let is_paid = event.lines.iter().all(|line| line.drawn.iter().all(|drawn| drawn.grant.is_some()));
    event.voided.is_none() && is_paid && event.lines.len() == 2 && event.billed_seconds() > 60
}

fn is_late_pilot(event: &Event) -> bool {
    event.action == "pilot_task"
        && event.voided.is_none()
        && event.time >= civil::instant(crate::event::SECOND_CARD)
}

fn is_taken_back(event: &Event) -> bool {
    event.voided.is_some() && event.action == "email_sent"
}

/// Asks, compares every figure, and tells how many there were.
pub(crate) async fn ask(scene: &Scene, request: &Request) -> usize {
    let request = &filled(scene, request).await;
    let place: Vec<&str> = request.place().split('/').skip(2).collect();
    let is_get = request.method == Method::GET;
    match place.as_slice() {
        ["orgs", org, "balance" | "calls", "stream"] => stream(scene, org, request).await,
        ["orgs", _, "history"] if request.path.contains("/acme/") => history::check(scene, request).await,
        ["orgs", _, "calls"] if request.path.contains("state=finished") => {
            history::calls(scene, request).await
        }
        ["orgs", _, "alerts"] => doing::alerts(scene, request).await,
        ["orgs", _, "reports", _] => doing::report(scene, request).await,
        ["what-if", _] => doing::what_if(scene, request).await,
        ["orgs", _, "usage"] => used(scene, request).await,
        ["orgs", _, "spikes"] => spikes(scene, request).await,
        _ if is_get => read(scene, &place, request, &scene.get(&request.path).await),
        _ => done(scene, &place, request).await,
    }
}

async fn used(scene: &Scene, request: &Request) -> usize {
    let answer = scene.ask_as(None, &request.as_json()).await;
    match request.path.as_str() {
        "/v1/orgs/nobody/usage" => return problem(&answer.json, (answer.status, 404), "unknown_org"),
        path if path.ends_with("this_decade") => {
            return problem(&answer.json, (answer.status, 400), "invalid_parameter");
        }
        _ => assert_eq!(answer.status, 200, "{}: {}", request.path, answer.text),
    }
    let mut figures = usage::check(&scene.year, &Asked::read(request), &answer.json);
    if request.is_table {
        figures += usage::check_table(&scene.ask_as(None, request).await.text, &answer.json);
    }
    figures
}

fn problem(told: &Value, (status, expected): (u16, u16), kind: &str) -> usize {
    assert_eq!((status, &told["type"]), (expected, &json!(format!("urn:creditd:problem:{kind}"))), "{told}");
    // What is wrong, and what to do.
    assert!(told["detail"].as_str().unwrap().len() > 40, "{told}");
    1
}

async fn spikes(scene: &Scene, request: &Request) -> usize {
    let answer = scene.get(&request.path).await;
    let figures = usage::check_spikes(&scene.year, &Asked::read(request), &answer);
    if request.is_table {
        let rows = usage::rows(&scene.ask_as(None, request).await.text);
        let causes =
            answer["data"].as_array().unwrap().iter().flat_map(|spike| {
                spike["causes"].as_array().unwrap().iter().map(move |cause| (spike, cause))
            });
        let expected: Vec<_> = causes
            .map(|(spike, cause)| {
                [&spike["credits"], &spike["usual"], &cause["credits"], &cause["more"]]
                    .map(|value| value.as_str().unwrap().to_owned())
            })
            .collect();
        let told: Vec<_> = rows
            .iter()
            .map(|row| ["credits", "usual", "cause.credits", "cause.more"].map(|name| row[name].clone()))
            .collect();
        assert_eq!(told, expected);
    }
    figures
}

/// What is read by the answer alone.
fn read(scene: &Scene, place: &[&str], request: &Request, told: &Value) -> usize {
    let year = &scene.year;
    match place {
        ["orgs", org] => {
            assert_eq!(told["org"], *org);
            1
        }
        ["orgs", org, "balance"] => money::balance(year, org, told),
        ["orgs", "acme", "forecast"] => money::forecast(year, told),
        ["orgs", "acme", "limits"] => money::limits(year, told),
        ["orgs", "acme", "recharges"] => money::recharges(year, told),
        ["orgs", "acme", "calls"] => doing::live_calls(year, told),
        ["orgs", "acme", "calls", _] => doing::live_call(told),
        ["orgs", "acme", "charges", position] => named::charge(year, position, told),
        ["orgs", "open", "charges", _] => {
            let line = &told["data"]["charge"]["lines"][0];
            assert!(
                line["amount"] == "0" && line["because"].as_str().unwrap().contains("not metered"),
                "{told}"
            );
            1
        }
        ["orgs", "acme", "reports"] => doing::reports(told),
        ["orgs", "acme", "entities", kind, id] => named::entity(year, people::find(kind, id), told, true),
        ["orgs", "acme", list @ ("accounts" | "teams" | "entities")] => {
            named::list(year, list, &request.parameters(), told)
        }
        // What these answer is compared in the line.
        ["tokens"] | ["orgs", "acme", "webhooks"] | ["orgs", "lab", "history" | "recharges" | "forecast"] => {
            0
        }
        other => panic!("nothing compares {other:?}"),
    }
}

/// What is written, and answered as the documents say.
async fn done(scene: &Scene, place: &[&str], request: &Request) -> usize {
    let answer = scene.ask_as(None, request).await;
    let told = &answer.json;
    let credits = |credits: i64| json!({ "credits": written(credits * crate::event::CREDIT) });
    let (status, is_so) = match place {
        ["tokens"] => (201, told["role"] == "viewer" && told["token"].is_string()),
        ["orgs", "reach", "quote"] => (200, (&told["first"], &told["price"]) == (&credits(10), &credits(20))),
        ["orgs", "talk-pro", "quote"] => {
            (200, (&told["first"], &told["price"]) == (&credits(5), &credits(15)))
        }
        ["orgs", "lab", "grants"] => (201, told["remaining"] == "500" && told["kind"] == "purchased"),
        ["orgs", "lab"] => (200, told["balances"][0]["available"] == "500"),
        ["orgs", "lab", "recharges", _] => (200, told["state"] == "off" && told["amount"] == "400"),
        ["orgs", "lab", "limits", _] => {
            (200, told["data"][0]["max"] == "50" && told["data"][0]["state"] == "ok")
        }
        ["orgs", "acme", "verify"] => {
            let rows = scene.year.books.rows.len();
            (200, told["ok"] == true && told["differences"] == json!([]) && told["rows"] == json!(rows))
        }
        ["orgs", "acme", "reports", _, "send"] => (202, told["range"]["range"] == "this_month"),
        ["orgs", "acme", "webhooks", _, "test"] => {
            (200, told["outcome"] == "delivered" || told["status"] == 204)
        }
        ["orgs", "acme", "webhooks", _, "resend"] => (202, true),
        ["what-if"] => (202, told["state"] == "running" || told["state"] == "done"),
        other => panic!("nothing compares {other:?}"),
    };
    assert!(
        answer.status == status && is_so,
        "{} {}: {} {}",
        request.method,
        request.path,
        answer.status,
        answer.text
    );
    1
}

/// A stream tells at once how it is now: the same as is answered without it.
async fn stream(scene: &Scene, org: &str, request: &Request) -> usize {
    let mut response =
        scene.client.get(format!("{}{}", scene.daemon.url(), request.path)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut text = String::new();
    while !text.contains("data:") || !text.ends_with("\n\n") {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    let data = text.lines().find_map(|line| line.strip_prefix("data:")).unwrap();
    let told: Value = serde_json::from_str(data).unwrap();
    match request.place().contains("/calls/") {
        true => doing::live_calls(&scene.year, &told),
        false => money::balance(&scene.year, org, &told),
    }
}
