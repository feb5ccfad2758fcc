//! Bad input of every kind gets a clear answer and changes nothing.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Daemon, email};

/// Sends what must be refused. The balance is the same before and after, but for the position and the instant.
async fn changes_nothing(daemon: &Daemon, send: impl AsyncFnOnce(&Daemon)) {
    let before = daemon.balance("acme").await;
    send(daemon).await;
    let after = daemon.balance("acme").await;
    assert_eq!(before["balances"], after["balances"]);
}

/// An event of acme with some fields set otherwise.
fn event(fields: Value) -> Value {
    let mut event = email("acme", "e");
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_an_impossible_field_is_refused_with_the_field() {
    let daemon = Daemon::with_acme().await;
    let call = |fields: Value| {
        let mut call =
            json!({ "type": "call.ended", "duration_ms": 60_000, "direction": "outbound", "action": null });
        call.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event(call)
    };
    let cases = [
        (event(json!({ "id": null })), "missing_field", "id"),
        (event(json!({ "id": "" })), "invalid_field", "id"),
        (event(json!({ "id": 5 })), "invalid_field", "id"),
        (event(json!({ "org": null })), "missing_field", "org"),
        (event(json!({ "org": ["acme"] })), "invalid_field", "org"),
        (event(json!({ "org": "a.b" })), "invalid_field", "org"),
        (event(json!({ "org": "_catalog" })), "invalid_field", "org"),
        (event(json!({ "org": "nobody" })), "unknown_org", "org"),
        (event(json!({ "type": "refund" })), "unknown_type", "type"),
        (event(json!({ "specversion": "0.3" })), "invalid_field", "specversion"),
        (event(json!({ "quantity": 0 })), "invalid_field", "quantity"),
        (event(json!({ "quantity": -1 })), "invalid_field", "quantity"),
        (event(json!({ "quantity": 1.5 })), "invalid_field", "quantity"),
        (event(json!({ "quantity": "3" })), "invalid_field", "quantity"),
        (event(json!({ "quantity": 1e30 })), "invalid_field", "quantity"),
        (event(json!({ "quantity": u64::MAX })), "invalid_field", "quantity"),
        (event(json!({ "action": "no_such" })), "unknown_action", "action"),
        (event(json!({ "time": "1970-01-01T00:00:00Z" })), "time_out_of_range", "time"),
        (event(json!({ "time": "2200-01-01T00:00:00Z" })), "time_out_of_range", "time"),
        (event(json!({ "time": "yesterday" })), "invalid_field", "time"),
        (event(json!({ "time": 1_767_607_200 })), "invalid_field", "time"),
        (event(json!({ "user": "u".repeat(5_000) })), "invalid_field", "user"),
        (call(json!({ "duration_ms": -1 })), "invalid_field", "duration_ms"),
        (call(json!({ "duration_ms": u64::MAX })), "invalid_field", "duration_ms"),
        (call(json!({ "direction": "sideways" })), "invalid_field", "direction"),
        (call(json!({ "destination": "nowhere" })), "invalid_field", "destination"),
        (event(json!({ "type": "void", "voids": { "id": "never" } })), "unknown_event", "voids"),
    ];
    changes_nothing(&daemon, async |daemon| {
        for (event, reason, field) in &cases {
            let answer = daemon.post("/v1/events", event.clone()).await;
            let detail = answer.problem(422, reason);
            assert!(detail.len() > 10, "{detail}");
            assert_eq!(answer.json["reason"], *reason);
            let found = answer.json["field"].as_str().unwrap_or_default();
            assert!(found.starts_with(field), "{event}: {found}, not {field}");
        }
        let batch: Vec<&Value> = cases.iter().map(|(event, ..)| event).collect();
        let answer = daemon.post("/v1/events", json!(batch)).await;
        assert!(answer.statuses().iter().all(|status| *status == "rejected"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_told_where() {
    let daemon = Daemon::with_acme().await;
    changes_nothing(&daemon, async |daemon| {
        for (body, place) in [
            (&b""[..], "line 1 column 0"),
            (b"hello", "line 1 column 1"),
            (b"[{\"org\":\"acme\"},\n{\"id\"}]", "line 2 column 6"),
            (b"{\"org\":\"acme\"", "line 1 column 13"),
            (b"{\"org\":\"\xff\"}", "byte 8"),
            (b"[]", "empty"),
            (b"null", "object"),
        ] {
            let answer = daemon.send(Method::POST, "/v1/events", body).await;
            let detail = answer.problem(400, "not_json");
            assert!(detail.contains(place), "{detail}");
        }
        // Several lines that are not one JSON text together are meant as one event a line.
        let answer = daemon.send(Method::POST, "/v1/events", "{\n  \"org\": \"acme\",\n  \"id\": }").await;
        let results = answer.json["results"].as_array().unwrap();
        assert_eq!((answer.status, results.len()), (200, 3));
        assert!(results.iter().all(|result| result["reason"] == "not_json"), "{}", answer.json);
        for path in ["/v1/orgs/acme", "/v1/rate-cards/x", "/v1/plans/x"] {
            let answer = daemon.send(Method::PUT, path, "{\"plan\" \"x\"}").await;
            assert!(answer.problem(400, "not_json").contains("line 1 column 9"));
        }
        let answer = daemon.post("/v1/orgs/acme/grants", json!(["amount"])).await;
        answer.problem(400, "not_json");
        let deep = format!("{{\"org\":\"acme\",\"id\":{}", "[".repeat(1_000_000));
        daemon.send(Method::POST, "/v1/events", deep).await.problem(413, "too_large");
        let deep = format!("{{\"org\":\"acme\",\"x\":{}", "[".repeat(100_000));
        daemon.send(Method::POST, "/v1/events", deep).await.problem(400, "not_json");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_past_the_limits_are_refused_with_the_limit() {
    let daemon = Daemon::with_acme().await;
    changes_nothing(&daemon, async |daemon| {
        let ten = format!("[{}]", vec![email("acme", 1).to_string(); 200_000].join(","));
        assert!(ten.len() > 10_000_000);
        let answer = daemon.send(Method::POST, "/v1/events", ten.clone()).await;
        assert!(answer.problem(413, "too_large").contains("8388608 bytes"));
        let put = daemon.send(Method::PUT, "/v1/orgs/acme", ten.clone()).await;
        put.problem(413, "too_large");
        // Of unknown length, it is counted as it comes.
        let answer = chunked(&daemon.running.url, ten.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        let many = format!("[{}]", vec![email("acme", 1).to_string(); 10_001].join(","));
        assert!(
            daemon.send(Method::POST, "/v1/events", many).await.problem(413, "too_many").contains("10000")
        );
    })
    .await;
    daemon.shows("creditd_events_rejected_total{reason=\"too_large\"}", 3.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_cannot_be_is_refused() {
    let daemon = Daemon::with_acme().await;
    changes_nothing(&daemon, async |daemon| {
        for (grant, field) in [
            (json!({}), "amount"),
            (json!({ "amount": "0" }), "amount"),
            (json!({ "amount": "-5" }), "amount"),
            (json!({ "amount": -5 }), "amount"),
            (json!({ "amount": 1.5 }), "amount"),
            (json!({ "amount": "1e6" }), "amount"),
            (json!({ "amount": "99999999999999999999" }), "amount"),
            (json!({ "amount": "9223372036854" }), "amount"),
            (json!({ "amount": "0.0000001" }), "amount"),
            (json!({ "amount": "5", "credit_type": "gold" }), "credit_type"),
            (json!({ "amount": "5", "expires": "1970-01-01T00:00:00Z" }), "expires"),
            (json!({ "amount": "5", "expires": "soon" }), "expires"),
            (json!({ "amount": "5", "priority": 256 }), "priority"),
            (json!({ "amount": "5", "ammount": "6" }), "ammount"),
            (json!({ "amount": "5", "id": "" }), "id"),
        ] {
            let answer = daemon.post("/v1/orgs/acme/grants", grant.clone()).await;
            assert_eq!(answer.status, 422, "{grant}: {}", answer.json);
            assert_eq!(answer.json["field"], field, "{grant}: {}", answer.json);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_methods_parameters_and_encodings_that_are_not_served() {
    let daemon = Daemon::with_acme().await;
    daemon.get("/v2/events").await.problem(404, "unknown_route");
    daemon.get("/").await.problem(404, "unknown_route");
    let wrong = daemon.send(Method::DELETE, "/v1/orgs/acme", "").await;
    wrong.problem(405, "wrong_method");
    assert_eq!(wrong.headers["allow"], "GET,HEAD,PUT");
    daemon.post("/v1/events?wait=maybe", email("acme", 1)).await.problem(400, "invalid_parameter");
    daemon.post("/v1/events?weight=none", email("acme", 1)).await.problem(400, "invalid_parameter");
    daemon.get("/v1/orgs?limit=0").await.problem(400, "invalid_parameter");
    daemon.get("/v1/orgs?limit=1001").await.problem(400, "invalid_parameter");
    daemon.get("/v1/orgs?cursor=a%20b").await.problem(400, "invalid_parameter");
    daemon.get("/v1/orgs/a%20b/balance").await.problem(422, "invalid_field");
    daemon.get("/v1/orgs/%ff/balance").await.problem(400, "invalid_path");
    let url = format!("{}/v1/events", daemon.running.url);
    let packed = daemon.client.post(url).header("content-encoding", "gzip").body("x").send().await.unwrap();
    assert_eq!(packed.status(), 415);
    assert_eq!(daemon.available("acme").await, "1000");
}

/// Posts events in chunks. Answers the head of the response.
fn chunked(url: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"POST /v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    for chunk in body.chunks(1 << 20) {
        write!(stream, "{:x}\r\n", chunk.len()).unwrap();
        stream.write_all(chunk).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut head = [0; 64];
    stream.read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_of_the_fields_is_no_object() {
    let daemon = Daemon::with_acme().await;
    let report =
        json!({ "to": ["ana@example.com"], "schedule": { "every": "week", "on": "monday", "at": "08:00" } });
    assert_eq!(daemon.put("/v1/orgs/acme/reports/weekly", report).await.status, 201);
    let cases = [
        ("/v1/sources/sbc/restarted", json!(["sbc", null])),
        ("/v1/tokens", json!(["t", "viewer", null, null, null, null])),
        ("/v1/orgs/acme/portal-links", json!([null, null])),
        ("/v1/orgs/acme/portal-links", json!([])),
        ("/v1/orgs/acme/reports/weekly/send", json!(["all", null, null, null, null, null])),
        ("/v1/orgs/acme/authorize", json!(["action", null, "app", null, "1"])),
        (
            "/v1/orgs/acme/authorize",
            json!({ "kind": "action", "id": "1", "action": "email_sent", "entity": ["campaign", "7"] }),
        ),
        ("/v1/orgs/acme/grants", json!(["first", "1"])),
    ];
    for (path, body) in cases {
        let answer = daemon.post(path, body).await;
        let detail = answer.problem(400, "not_json");
        assert!(detail.contains("JSON object"), "{path}: {detail}");
    }
    let tokens = daemon.get("/v1/tokens").await;
    assert_eq!(tokens.json["data"], json!([]), "none was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_asked_about_a_time_that_can_be_though_it_tells_of_none() {
    let daemon = Daemon::with_acme().await;
    let report =
        json!({ "to": ["ana@example.com"], "schedule": { "every": "week", "on": "monday", "at": "08:00" } });
    assert_eq!(daemon.put("/v1/orgs/acme/reports/weekly", report).await.status, 201);
    let path = "/v1/orgs/acme/reports/weekly";
    for (more, field) in
        [("range=ever", "range"), ("month=13", "month"), ("to=2026-01-01", "from"), ("user=ana", "user")]
    {
        let answer = daemon.get(&format!("{path}?{more}")).await;
        answer.problem(400, "invalid_parameter");
        assert_eq!(answer.json["field"], field);
    }
    assert_eq!(daemon.get(&format!("{path}?range=this_month")).await.json["id"], "weekly");
    assert_eq!(daemon.get(path).await.json["id"], "weekly");
}
