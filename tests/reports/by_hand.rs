//! Reports that somebody asks for, those that cannot be, and those that nobody sends.

use reqwest::Method;
use serde_json::{Value, json};

use crate::mailbox::Talk;
use crate::{Scene, monthly};

const SEND: &str = "/v1/orgs/acme/reports/monthly/send";

#[tokio::test(flavor = "multi_thread")]
async fn one_is_sent_at_once_about_the_last_month_or_what_is_asked_for() {
    let scene = Scene::at("2026-02-15T12:00:00Z").await;
    let mut report = monthly();
    report["to"] = json!(["ana@example.com", "bo@example.com"]);
    report["title"] = json!("{org} used ({period})");
    scene.put("monthly", report).await;
    scene.used("1", ("ana", "sent"), 2, "2026-01-15T11:00:00Z").await;
    scene.used("2", ("bo", "sent"), 6, "2026-02-14T11:00:00Z").await;
    let begun = scene.must(Method::POST, SEND, json!({})).await;
    assert_eq!((&begun["why"], &begun["range"]), (&json!("on_demand"), &json!({ "month": "2026-01" })));
    let mails = scene.mailbox.wait_for(2).await;
    assert_eq!(mails[0].header("Subject"), "Ana & Söhne used (January 2026)");
    // In the middle of a billing period, to one of them.
    let wanted = json!({ "range": "cycle", "recipients": ["BO@example.com"] });
    scene.must(Method::POST, SEND, wanted).await;
    let mails = scene.mailbox.wait_for(3).await;
    assert_eq!(mails[2].header("Subject"), "Ana & Söhne used (10 February 2026 to 9 March 2026)");
    assert_eq!((mails[2].recipient(), mails[2].rows().len()), ("bo@example.com", 2));
    let mut ids: Vec<&str> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    for (wanted, field) in [
        (json!({ "cycle": 0 }), "cycle"),
        (json!({ "month": "2026-1" }), "month"),
        (json!({ "range": "cycle", "month": "2026-01" }), "month"),
        (json!({ "recipients": ["eve@example.com"] }), "recipients"),
        (json!({ "recipients": [] }), "recipients"),
    ] {
        let refused = scene.send(Method::POST, SEND, wanted.to_string()).await;
        assert_eq!(
            (refused.status, &refused.json["field"]),
            (422, &json!(field)),
            "{wanted}: {}",
            refused.json
        );
    }
    assert_eq!(scene.send(Method::POST, SEND, r#"{"who":1}"#).await.status, 400);
    assert_eq!(scene.send(Method::POST, "/v1/orgs/acme/reports/none/send", "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_not_taken() {
    let scene = Scene::at("2026-02-15T12:00:00Z").await;
    for (field, value, part) in [
        ("content", json!({ "sort": "weather" }), "write credits"),
        ("content", json!({ "search": "x" }), "say group_by too"),
        ("content", json!({ "group_by": "teams" }), "up to 3"),
        ("to", json!(["ana"]), "ana@example.com"),
        ("schedule", json!({ "every": "hour" }), "\"week\""),
    ] {
        let mut report = monthly();
        report["content"] = json!({});
        report[field] = value.clone();
        let refused = scene.send(Method::PUT, "/v1/orgs/acme/reports/monthly", report.to_string()).await;
        assert_eq!(refused.status, 422, "{value}: {}", refused.json);
        assert!(refused.json["detail"].as_str().unwrap().contains(part), "{value}: {}", refused.json);
        assert!(refused.json["field"].as_str().unwrap().starts_with(field), "{value}: {}", refused.json);
    }
    assert_eq!(scene.send(Method::GET, "/v1/orgs/acme/reports/monthly", "").await.status, 404);
    assert_eq!(
        scene.send(Method::PUT, "/v1/orgs/none/reports/monthly", monthly().to_string()).await.status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_a_report_is_defined_and_its_table_fetched() {
    let scene =
        Scene::with("2026-02-15T12:00:00Z", Talk::Plain, |_| "[log]\nkind = \"local\"\n".to_owned()).await;
    scene.put("monthly", monthly()).await;
    scene.used("1", ("ana", "sent"), 2, "2026-01-15T11:00:00Z").await;
    let list = scene.send(Method::GET, "/v1/orgs/acme/reports", "").await.json;
    assert_eq!(list["mail"]["configured"], false);
    assert!(list["mail"]["why_not"].as_str().unwrap().contains("mail.server"), "{list}");
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["last_sending"]), (&json!("monthly"), &Value::Null));
    assert_eq!(list["data"][0]["next_due"], "2026-03-01T07:00:00Z");
    let refused = scene.send(Method::POST, SEND, "").await;
    assert_eq!(
        (refused.status, &refused.json["type"]),
        (409, &json!("urn:creditd:problem:mail_not_configured"))
    );
    for (query, rows) in
        [("", 1), ("?month=2026-02", 0), ("?from=2026-01-10&to=2026-02-10", 1), ("?cycle=1", 0)]
    {
        let url = format!("{}/v1/orgs/acme/reports/monthly{query}", scene.daemon.url());
        let answer = scene.client.get(url).header("accept", "text/csv").send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/csv; charset=utf-8; header=present".parse().unwrap())
        );
        let text = answer.text().await.unwrap();
        assert_eq!(text.lines().count(), rows + 1, "{query}: {text}");
        assert!(text.starts_with("user.id,user.name,action,"), "{text}");
    }
    let url = format!("{}/v1/orgs/acme/reports/monthly?group_by=team", scene.daemon.url());
    assert_eq!(scene.client.get(url).header("accept", "text/csv").send().await.unwrap().status(), 400);
}
