//! The OpenAPI document: whole by itself, and true of real answers.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::Daemon;

async fn document(daemon: &Daemon) -> Value {
    let answer = daemon.get("/v1/openapi.json").await;
    assert_eq!((answer.status, &*answer.media_type), (200, "application/json"));
    assert!(answer.headers.contains_key("etag"));
    answer.json
}

/// Every reference below a value.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Every operation, with its method and path.
fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, told)| (method, path, told))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_whole_by_itself() {
    let daemon = Daemon::empty().await;
    let document = document(&daemon).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 200, "{} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (method, path, told) in operations(&document) {
        assert!(ids.insert(told["operationId"].as_str().unwrap()), "{method} {path}");
        let declared = told["parameters"].as_array().unwrap().iter();
        let declared: Vec<&str> =
            declared.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap()).collect();
        let named: Vec<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(declared, named, "{method} {path}");
        let mut names = BTreeSet::new();
        for parameter in told["parameters"].as_array().unwrap() {
            let name = (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap());
            assert!(names.insert(name), "{method} {path}: {name:?} is there twice");
        }
        let needs_token = told["security"].as_array().unwrap().iter().any(|one| one.get("token").is_some());
        assert_eq!(needs_token, told["x-creditd-permission"].is_string(), "{method} {path}");
    }
    assert_eq!(ids.len(), creditd::http::table().len());
    let balance = &document["paths"]["/v1/orgs/{org}/balance"]["get"];
    assert_eq!(balance["x-creditd-permission"], "read");
    assert_eq!(document["paths"]["/healthz"]["get"]["security"], json!([]));
    daemon.running.stop().await;
}

/// A daemon whose answers are kept, to be laid beside the document.
struct Kept {
    daemon: Daemon,
    answers: Vec<Value>,
}

impl Kept {
    /// Asks by a path of the document, with what its names stand for and what follows it. Answers what came.
    async fn ask(
        &mut self,
        method: Method,
        (path, names, more): (&str, &[(&str, &str)], &str),
        body: Option<Value>,
    ) -> Value {
        let filled = names.iter().fold(path.replace("{org}", "acme"), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value)
        });
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = self.daemon.send(method.clone(), &format!("{filled}{more}"), body).await;
        self.answers.push(json!({
            "path": path, "method": method.as_str(), "status": answer.status, "media": answer.media_type,
            "body": answer.json,
        }));
        answer.json
    }

    async fn get(&mut self, path: &str, more: &str) -> Value {
        self.ask(Method::GET, (path, &[], more), None).await
    }

    async fn named(&mut self, method: Method, path: &str, id: &str, body: Option<Value>) -> Value {
        self.ask(method, (path, &[("id", id)], ""), body).await
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, (path, &[], ""), Some(body)).await
    }

    /// All that is told of an organization, but for what is only set, says of when it is and in which zone.
    fn are_dated(&self) {
        let is_set = |path: &str| ["webhooks", "reports", "portal"].iter().any(|set| path.contains(set));
        let mut dated = BTreeSet::new();
        for answer in self.answers.iter().filter(|one| one["method"] == "GET" && one["status"] == 200) {
            let path = answer["path"].as_str().unwrap();
            if answer["media"] != "application/json" || !path.starts_with("/v1/orgs/{org}") || is_set(path) {
                continue;
            }
            for field in ["seq", "as_of", "zone"] {
                let told = [&answer["body"][field], &answer["body"]["meta"][field]];
                assert!(
                    told.iter().any(|value| value.is_string()),
                    "{path} says no {field}: {}",
                    answer["body"]
                );
            }
            dated.insert(path);
        }
        assert!(dated.len() >= 14, "{dated:?}");
    }

    /// The statuses that were answered to a path of the document.
    fn statuses(&self, method: &str, path: &str) -> BTreeSet<u64> {
        let own = self.answers.iter().filter(|one| one["path"] == path && one["method"] == method);
        own.map(|one| one["status"].as_u64().unwrap()).collect()
    }
}

pub(crate) fn python() -> std::path::PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/schemathesis/bin/python");
    assert!(python.exists(), "{} is missing: run `make tools`", python.display());
    python
}

/// Fails with every answer that is not as the document says.
fn validate(document: &Value, answers: &[Value]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/validate.py");
    let mut validating = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = json!({ "document": document, "answers": answers }).to_string();
    validating.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let ended = validating.wait_with_output().unwrap();
    let wrong = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(wrong.is_empty(), "{} answers, of which\n{wrong}", answers.len());
}

/// Something of everything happens.
async fn live(kept: &mut Kept) {
    let action = |id: &str, who: Value| json!({ "type": "action", "id": id, "action": "email_sent", "user": "ana", "team": "sales", "entity": who });
    let campaign = || json!({ "type": "campaign", "id": "c7", "name": "Spring" });
    let call = |kind: &str, id: &str, more: Value| {
        let mut call = json!({ "type": kind, "id": format!("{kind}-{id}"), "source": "sbc", "call_id": id, "direction": "outbound",
            "destination": "4930123", "user": "ana", "account": "emea", "entity": campaign() });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let events = json!([
        action("1", campaign()),
        action("1", campaign()),
        action("2", campaign()),
        { "type": "action", "id": "3", "action": "fax_sent" },
        { "type": "void", "id": "4", "voids": { "id": "2" } },
        call("call.answered", "live", json!({})),
        call("call.ended", "over", json!({ "duration_ms": 61_000 })),
        5,
    ]);
    kept.post("/v1/orgs/{org}/events", events).await;
    kept.post("/v1/events", json!({ "type": "action", "org": "acme", "id": "5", "action": "lead_sourced" }))
        .await;
    kept.post("/v1/events", json!({ "type": "action", "org": "acme", "id": "6", "action": "fax_sent" }))
        .await;
    let durable = json!([{ "type": "action", "id": "7", "action": "email_sent" }, 5]);
    kept.ask(Method::POST, ("/v1/orgs/{org}/events", &[], "?wait=none"), Some(durable)).await;
}

async fn settings(kept: &mut Kept) {
    let put = Method::PUT;
    kept.named(
        put.clone(),
        "/v1/rate-cards/{id}",
        "more",
        Some(json!({ "version": 1, "prices": { "x": { "per_action": "1" } } })),
    )
    .await;
    kept.named(
        put.clone(),
        "/v1/plans/{id}",
        "more",
        Some(json!({ "version": 1, "rate_card": "more", "when_exhausted": "reject", "increment": "30/6" })),
    )
    .await;
    kept.named(put.clone(), "/v1/plans/{id}", "none", Some(json!({ "version": 1 }))).await;
    kept.named(
        put.clone(),
        "/v1/orgs/{org}/limits/{id}",
        "each",
        Some(json!({ "on": { "user": "*" }, "credits": "500", "window": "month", "by": "ana" })),
    )
    .await;
    let recharge = json!({ "below": "10", "amount": "50", "caps": [{ "window": "day", "times": 2 }] });
    kept.ask(
        put.clone(),
        ("/v1/orgs/{org}/recharges/{credit_type}", &[("credit_type", "credits")], ""),
        Some(recharge),
    )
    .await;
    for (path, id) in [("accounts", "emea"), ("teams", "sales"), ("users", "ana")] {
        let path = format!("/v1/orgs/{{org}}/{path}/{{id}}");
        kept.named(put.clone(), &path, id, Some(json!({ "name": "Somebody" }))).await;
        kept.named(Method::GET, &path, id, None).await;
    }
    let entity = json!({ "name": "Spring", "account": "emea", "status": "active", "planned_quantity": 20 });
    let names = [("type", "campaign"), ("id", "c7")];
    kept.ask(put.clone(), ("/v1/orgs/{org}/entities/{type}/{id}", &names, ""), Some(entity)).await;
    kept.named(put.clone(), "/v1/orgs/{org}/webhooks/{id}", "hook", Some(json!({ "url": "https://hooks.example.com/credits", "quiet": { "from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin" } }))).await;
    kept.named(put.clone(), "/v1/orgs/{org}/reports/{id}", "weekly", Some(json!({ "to": ["ana@example.com"], "schedule": { "every": "week", "on": "monday", "at": "08:00" }, "content": { "group_by": "user" } }))).await;
    kept.named(Method::POST, "/v1/orgs/{org}/reports/{id}/send", "weekly", None).await;
    let token = kept.post("/v1/tokens", json!({ "name": "t", "role": "viewer", "orgs": ["acme"] })).await;
    kept.named(
        Method::POST,
        "/v1/tokens/{id}/rotate",
        token["id"].as_str().unwrap(),
        Some(json!({ "overlap_s": 60 })),
    )
    .await;
    kept.named(Method::DELETE, "/v1/tokens/{id}", token["id"].as_str().unwrap(), None).await;
    kept.post("/v1/orgs/{org}/portal-links", json!({ "expires_in_s": 600 })).await;
}

async fn credits(kept: &mut Kept) {
    kept.ask(Method::PUT, ("/v1/orgs/{org}", &[], ""), Some(json!({ "plan": "starter", "name": "Acme" })))
        .await;
    for _ in 0..2 {
        kept.post(
            "/v1/orgs/{org}/grants",
            json!({ "id": "g1", "amount": "1000", "kind": "bonus", "priority": 5 }),
        )
        .await;
    }
    kept.post("/v1/orgs/{org}/grants", json!({ "id": "g1", "amount": "2" })).await;
    kept.post(
        "/v1/orgs/{org}/grants",
        json!({ "id": "g2", "amount": "20", "expires": "2999-01-01T00:00:00Z" }),
    )
    .await;
    kept.post("/v1/orgs/{org}/adjustments", json!({ "id": "a1", "amount": "1.5", "reason": "goodwill" }))
        .await;
    kept.named(Method::POST, "/v1/orgs/{org}/grants/{id}/void", "g2", None).await;
    kept.post("/v1/orgs/{org}/verify", json!({})).await;
    let asked = json!({ "source": "sbc", "call_id": "next", "direction": "outbound", "user": "ana" });
    let held = kept.post("/v1/orgs/{org}/authorize", asked.clone()).await;
    kept.post("/v1/orgs/{org}/quote", asked.clone()).await;
    kept.post("/v1/orgs/{org}/quote", json!({ "kind": "action", "id": "x", "action": "fax_sent" })).await;
    kept.post("/v1/orgs/{org}/authorize", json!({ "kind": "action" })).await;
    kept.get("/v1/orgs/{org}/holds", "").await;
    let hold = held["hold_id"].as_str().unwrap();
    for path in ["extend", "release"] {
        kept.named(Method::POST, &format!("/v1/orgs/{{org}}/holds/{{id}}/{path}"), hold, None).await;
    }
    kept.ask(Method::POST, ("/v1/sources/{source}/restarted", &[("source", "other")], ""), None).await;
}

const LOOKS: [(&str, &[&str]); 22] = [
    ("/healthz", &[""]),
    ("/readyz", &[""]),
    ("/v1/catalog", &[""]),
    ("/v1/orgs", &["", "?limit=1", "?limit=0"]),
    ("/v1/orgs/{org}", &[""]),
    ("/v1/orgs/{org}/balance", &[""]),
    ("/v1/orgs/{org}/forecast", &[""]),
    (
        "/v1/orgs/{org}/usage",
        &[
            "",
            "?range=all&group_by=user,entity,action",
            "?interval=day&compare=previous_period&group_by=credit_type",
            "?interval=day",
            "?group_by=colour",
            "?limit=1&group_by=action&range=all",
            "?compare=previous_year",
        ],
    ),
    ("/v1/orgs/{org}/history", &["", "?limit=1", "?kind=charge&kind=void&user=ana", "?kind=payment"]),
    ("/v1/orgs/{org}/calls", &["", "?state=finished", "?state=finished&call_id=over", "?state=none"]),
    ("/v1/orgs/{org}/limits", &["", "?id=each"]),
    ("/v1/orgs/{org}/recharges", &[""]),
    ("/v1/orgs/{org}/webhooks", &[""]),
    ("/v1/orgs/{org}/alerts", &["", "?limit=1"]),
    ("/v1/orgs/{org}/reports", &[""]),
    ("/v1/orgs/{org}/accounts", &["", "?used=true"]),
    ("/v1/orgs/{org}/users", &["?search=an"]),
    ("/v1/orgs/{org}/entities", &["", "?used=true", "?type=campaign&status=active"]),
    ("/v1/orgs/{org}/portal-links", &[""]),
    ("/v1/tokens", &["", "?limit=1"]),
    ("/v1/audit", &["", "?limit=2"]),
    ("/v1/what-if", &[""]),
];

async fn looks(kept: &mut Kept) {
    for (path, all) in LOOKS {
        for more in all {
            kept.get(path, more).await;
        }
    }
    let call = "/v1/orgs/{org}/calls/{id}";
    for id in ["live", "over", "none"] {
        kept.ask(Method::GET, (call, &[("id", id)], "?source=sbc"), None).await;
    }
    let entity = [("type", "campaign"), ("id", "c7")];
    kept.ask(Method::GET, ("/v1/orgs/{org}/entities/{type}/{id}", &entity, ""), None).await;
    kept.named(Method::GET, "/v1/orgs/{org}/reports/{id}", "weekly", None).await;
    let rows = kept.get("/v1/orgs/{org}/history", "?kind=charge").await;
    let charge = "/v1/orgs/{org}/charges/{seq}";
    for row in rows["data"].as_array().unwrap() {
        kept.ask(Method::GET, (charge, &[("seq", row["seq"].as_str().unwrap())], ""), None).await;
    }
    kept.ask(Method::GET, (charge, &[("seq", "1.0")], ""), None).await;
}

async fn what_if(kept: &mut Kept) {
    kept.post("/v1/what-if", json!({})).await;
    let begun = kept.post("/v1/what-if", json!({ "plan": "more", "range": "all" })).await;
    let id = begun["id"].as_str().unwrap().to_owned();
    for _ in 0..200 {
        let told = kept.named(Method::GET, "/v1/what-if/{id}", &id, None).await;
        if told["state"] != "running" {
            assert_eq!(told["state"], "done", "{told}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it runs on");
}

async fn goes(kept: &mut Kept) {
    let delete = Method::DELETE;
    kept.named(delete.clone(), "/v1/orgs/{org}/limits/{id}", "each", None).await;
    kept.named(delete.clone(), "/v1/orgs/{org}/limits/{id}", "each", None).await;
    let names = [("credit_type", "credits")];
    kept.ask(delete.clone(), ("/v1/orgs/{org}/recharges/{credit_type}", &names, ""), None).await;
    for path in ["webhooks/{id}", "reports/{id}"] {
        let id = if path.starts_with('w') { "hook" } else { "weekly" };
        kept.named(delete.clone(), &format!("/v1/orgs/{{org}}/{path}"), id, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_answers_are_as_the_document_says() {
    let daemon = Daemon::empty().await;
    daemon.publish().await;
    let document = document(&daemon).await;
    let mut kept = Kept { daemon, answers: Vec::new() };
    kept.get("/v1/orgs/{org}/balance", "").await;
    credits(&mut kept).await;
    settings(&mut kept).await;
    live(&mut kept).await;
    looks(&mut kept).await;
    what_if(&mut kept).await;
    looks(&mut kept).await;
    goes(&mut kept).await;
    validate(&document, &kept.answers);
    kept.are_dated();
    // What was to be looked at was there.
    for path in ["/v1/orgs/{org}/charges/{seq}", "/v1/orgs/{org}/calls/{id}", "/v1/orgs/{org}/balance"] {
        assert_eq!(kept.statuses("GET", path), BTreeSet::from([200, 404]), "{path}");
    }
    assert_eq!(kept.statuses("POST", "/v1/orgs/{org}/grants"), BTreeSet::from([200, 201, 409]));
    assert_eq!(kept.statuses("POST", "/v1/what-if"), BTreeSet::from([202, 400]));
    kept.daemon.running.stop().await;
}
