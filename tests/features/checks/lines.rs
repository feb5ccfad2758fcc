//! What each line of the table must show beside figures that are right: that there is something to see.

use serde_json::{Value, json};

use crate::checks::ask;
use crate::civil;
use crate::scene::{Answer, Scene};
use crate::table::{Line, Request};
use crate::year::OTHERS;

/// Asks all requests of a line, and looks at what they show together.
pub(crate) async fn check(scene: &Scene, line: &Line) -> usize {
    assert!(!line.requests.is_empty(), "line {} has no request", line.number);
    let mut figures = 0;
    for request in &line.requests {
        figures += ask(scene, request).await;
    }
    shows(scene, line).await;
    figures
}

/// The answer to a request of a line, by its number from 0 on.
async fn answer(scene: &Scene, line: &Line, number: usize) -> Value {
    scene.get(&line.requests[number].path).await
}

fn len(value: &Value) -> usize {
    value.as_array().unwrap().len()
}

async fn shows(scene: &Scene, line: &Line) {
    match line.number {
        1..=9 => numbers(scene, line).await,
        10..=15 => charts(scene, line).await,
        16..=26 => tables(scene, line).await,
        27..=36 => controls(scene, line).await,
        _ => news(scene, line).await,
    }
}

/// Access and numbers.
async fn numbers(scene: &Scene, line: &Line) {
    let first = || answer(scene, line, 0);
    match line.number {
        1 => only_own_accounts(scene, &line.requests[1]).await,
        2 => {
            assert_eq!(first().await["plan"], "open");
            let used = answer(scene, line, 1).await;
            assert_eq!(used["totals"]["credits"], json!({ "credits": "0" }));
            assert!(used["totals"]["charges"].as_i64().unwrap() > 50, "{used}");
        }
        3 => roles(scene, &line.requests[2]).await,
        // The figures alone.
        4 => {}
        5 => {
            let given = answer(scene, line, 2).await;
            let rows = given["data"].as_array().unwrap();
            assert!(
                rows.len() == 4 && rows.iter().any(|row| row["in"] == json!({ "credits": "6000" })),
                "{given}"
            );
        }
        6 => {
            let balance = first().await;
            let grants = balance["balances"][0]["grants"].as_array().unwrap();
            let kind = |kind: &str| grants.iter().any(|grant| grant["kind"] == kind);
            assert!(kind("plan") && kind("purchased") && kind("bonus"), "{balance}");
        }
        7 => loses(scene).await,
        8 => assert!(len(&first().await["data"]) >= 7),
        9 => {
            let totals = &first().await["totals"];
            assert!(
                totals["calls_made"].as_i64() > Some(9) && totals["calls_received"].as_i64() > Some(9),
                "{totals}"
            );
        }
        other => panic!("line {other} has no check"),
    }
}

/// Filters and charts.
async fn charts(scene: &Scene, line: &Line) {
    let first = || answer(scene, line, 0);
    match line.number {
        10 => {
            let mut charges = Vec::new();
            for number in [3, 0, 1, 2, 5] {
                charges.push(answer(scene, line, number).await["totals"]["charges"].as_i64().unwrap());
            }
            assert!(charges.is_sorted_by(|one, other| one < other) && charges[4] > 5_000, "{charges:?}");
        }
        11 => assert!(len(&first().await["data"]) > 5),
        12 => {
            let mut points = Vec::new();
            for number in 0..line.requests.len() {
                points.push(len(&answer(scene, line, number).await["totals"]["series"]));
            }
            // A week of hours; days over a change of clocks; the weeks of a quarter; the months of all time.
            assert_eq!(points, [168, 21, 14, 13]);
        }
        13 => {
            let moved = first().await;
            assert!(moved["data"][0]["compared"]["percent"]["credits"]["credits"].is_string(), "{moved}");
        }
        14 => assert_eq!(len(&first().await["totals"]["series"]), 30),
        15 => assert!(len(&first().await["data"]) >= 7),
        other => panic!("line {other} has no check"),
    }
}

/// Tables and reports.
async fn tables(scene: &Scene, line: &Line) {
    let first = || answer(scene, line, 0);
    match line.number {
        16 => {
            let types: Vec<Value> = first().await["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|of| of["group"]["entity_type"].clone())
                .collect();
            assert!(
                ["campaign", "assistant", "test_call"].iter().all(|kind| types.contains(&json!(kind))),
                "{types:?}"
            );
            assert_eq!(len(&answer(scene, line, 1).await["data"]), 13 + usize::from(has_none(scene).await));
        }
        17 => assert!(len(&answer(scene, line, 1).await["data"]) > 5),
        18 => {
            let names: Vec<Value> = first().await["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|of| of["group"]["entity"]["name"].clone())
                .collect();
            assert_eq!(names, ["Spring", "Spring cleaning"]);
            assert!(answer(scene, line, 2).await["meta"]["next"].is_string());
        }
        19 => {
            let campaigns = first().await;
            let none = campaigns["data"].as_array().unwrap().iter().filter(|of| of["projection"].is_null());
            assert_eq!((len(&campaigns["data"]), none.count()), (5, 1), "{campaigns}");
        }
        20 => assert!(answer(scene, line, 1).await["meta"]["spikes"].as_i64() > Some(0)),
        21 => {
            assert_eq!(len(&first().await["data"]), 25);
            assert_eq!(
                answer(scene, line, 3).await["data"][0]["remarks"].as_str().unwrap(),
                "invoice-1014 is given: invoice 1014 (billing)"
            );
        }
        22 => assert!(len(&answer(scene, line, 1).await["data"]) > 40),
        23 => {
            let flows = first().await;
            assert_eq!((len(&flows["data"]), &flows["data"][1]["status"]), (2, &json!("paused")));
            let tokens = &answer(scene, line, 2).await["data"][0];
            assert_eq!(tokens["group"]["action"], "ai_tokens");
        }
        24 => assert_eq!(len(&first().await["data"]), 2),
        25 => assert!(len(&answer(scene, line, 1).await["data"]) > 4),
        26 => assert_eq!(first().await["mail"]["configured"], true),
        other => panic!("line {other} has no check"),
    }
}

/// Prices, controls and help.
async fn controls(scene: &Scene, line: &Line) {
    let first = || answer(scene, line, 0);
    match line.number {
        27..=30 => priced(scene, line).await,
        31 => {
            let given = answer(scene, line, 1).await;
            assert_eq!(
                (&given["data"][0]["reason"], &given["data"][0]["in"]),
                (&json!("bought by hand"), &json!({ "credits": "500" }))
            );
            assert_eq!(answer(scene, line, 3).await["plan"], "calling-base");
        }
        32 => assert_eq!(answer(scene, line, 1).await["data"][0]["state"], "off"),
        33 => {}
        34 => {
            let limits = first().await;
            let states: Vec<&Value> =
                limits["data"].as_array().unwrap().iter().map(|of| &of["state"]).collect();
            assert!(states.contains(&&json!("reached")) && states.contains(&&json!("ok")), "{limits}");
        }
        35 => assert_eq!(len(&first().await["data"]), 3),
        36 => {
            let empty = first().await;
            assert_eq!(empty["totals"]["charges"], 0);
            let reader = token(scene, json!({ "name": "a switch", "role": "switch" })).await;
            let refused = scene.ask_as(Some(&reader), &line.requests[0]).await;
            assert_eq!(
                (refused.status, &refused.json["type"]),
                (403, &json!("urn:creditd:problem:permission_missing"))
            );
        }
        other => panic!("line {other} has no check"),
    }
}

/// What is new.
async fn news(scene: &Scene, line: &Line) {
    let first = || answer(scene, line, 0);
    match line.number {
        // The figures alone.
        37 | 40 | 42 | 44 => {}
        38 => {
            let told = first().await;
            assert!(
                told["forecasts"].as_array().unwrap().iter().any(|of| of["runs_out_at"].is_string()),
                "{told}"
            );
            let young = answer(scene, line, 1).await;
            assert_eq!(young["forecasts"][0]["outcome"], "not enough history", "{young}");
        }
        39 => assert!(first().await["burn"][0]["seconds_left"].as_i64() > Some(60)),
        41 => loses(scene).await,
        43 => assert!(first().await["meta"]["spikes"].as_i64() > Some(3)),
        45 => delivered(scene).await,
        46 => {
            let table = scene.ask_as(None, &line.requests[0]).await;
            assert!(table.text.lines().count() > 300);
        }
        other => panic!("line {other} has no check"),
    }
}

/// Something will be lost.
async fn loses(scene: &Scene) {
    let forecasts = scene.get("/v1/orgs/acme/forecast").await;
    let losses: usize = forecasts["forecasts"].as_array().unwrap().iter().map(|of| len(&of["losses"])).sum();
    assert!(losses > 0, "{forecasts}");
}

async fn has_none(scene: &Scene) -> bool {
    let used = scene.get("/v1/orgs/acme/usage?range=this_year&group_by=entity_type").await;
    used["data"].as_array().unwrap().iter().any(|of| of["group"]["entity_type"].is_null())
}

async fn token(scene: &Scene, of: Value) -> String {
    let made: Answer = scene.send(reqwest::Method::POST, "/v1/tokens", Some(&of)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json["token"].as_str().unwrap().to_owned()
}

/// A reader of two accounts sees these.
async fn only_own_accounts(scene: &Scene, request: &Request) {
    let scope = json!({ "name": "two", "role": "viewer", "orgs": ["acme"], "accounts": ["emea", "us"] });
    let reader = token(scene, scope).await;
    let told = scene.ask_as(Some(&reader), request).await.json;
    let all = scene.get(&request.path).await;
    let is_own = |row: &&Value| ["emea", "us"].iter().any(|own| row["group"]["account"]["id"] == *own);
    let expected: Vec<&Value> = all["data"].as_array().unwrap().iter().filter(is_own).collect();
    assert_eq!((json!(expected), expected.len()), (told["data"].clone(), 2));
    let accounts = Request::new(reqwest::Method::GET, "/v1/orgs/acme/accounts", None);
    assert_eq!(len(&scene.ask_as(Some(&reader), &accounts).await.json["data"]), 2);
}

/// Who may see what teams used.
async fn roles(scene: &Scene, request: &Request) {
    for (role, status) in
        [("viewer", 200), ("manager", 200), ("admin", 200), ("publisher", 403), ("switch", 403)]
    {
        let token = token(scene, json!({ "name": role, "role": role, "orgs": ["acme"] })).await;
        assert_eq!(scene.ask_as(Some(&token), request).await.status, status, "{role}");
    }
    let own =
        token(scene, json!({ "name": "own", "role": "viewer", "orgs": ["acme"], "accounts": ["emea"] }))
            .await;
    let told = scene.ask_as(Some(&own), request).await.json;
    let all = scene.get(&format!("{}&account=emea", request.path)).await;
    assert_eq!((&told["totals"], &told["data"]), (&all["totals"], &all["data"]));
}

/// Each price of a card was used, and what is free has cost nothing.
async fn priced(scene: &Scene, line: &Line) {
    for request in line.requests.iter().filter(|request| request.path.contains("group_by=action")) {
        let told = scene.get(&request.path).await;
        let org = request.place().split('/').nth(3).unwrap();
        let (_, _, does) = OTHERS.iter().find(|of| of.0 == org).unwrap();
        for (action, _) in *does {
            let row = told["data"].as_array().unwrap().iter().find(|row| row["group"]["action"] == *action);
            let is_free = (org, *action) == ("finder", "email_sent");
            assert_eq!((row.unwrap()["credits"] == json!({ "credits": "0" })), is_free, "{org} {action}");
        }
    }
}

/// The webhook got what was raised since it was put, and what was sent again.
async fn delivered(scene: &Scene) {
    let since = civil::now() - 80 * 60;
    let raised = scene.year.books.notices.iter().filter(|notice| notice.time >= since);
    let ids: Vec<String> = raised.map(|notice| notice.id.replace('.', "~")).collect();
    assert!(ids.len() > 4, "{ids:?}");
    let got = || scene.receiver.ids();
    crate::until("all alerts at the webhook", || ids.iter().all(|id| got().contains(id))).await;
    let newest =
        scene.get("/v1/orgs/acme/alerts?limit=1").await["data"][0]["id"].as_str().unwrap().replace('.', "~");
    let times = || got().iter().filter(|id| **id == newest).count();
    crate::until("the alert that is sent again", || times() == 2).await;
}
