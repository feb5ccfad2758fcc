//! Whoever gets a report leaves it by the link in the mail, and by nothing else.

use reqwest::Method;
use serde_json::json;

use crate::{Scene, monthly};

#[tokio::test(flavor = "multi_thread")]
async fn by_the_link_in_a_mail_one_address_leaves_one_report() {
    let scene = Scene::at("2026-02-01T06:59:00Z").await;
    let mut report = monthly();
    report["to"] = json!(["ana@example.com", "bo@example.com"]);
    scene.put("monthly", report.clone()).await;
    scene.clock("2026-02-01T06:59:59Z");
    let mails = scene.mailbox.wait_for(2).await;
    let mail = mails.iter().find(|mail| mail.recipient() == "ana@example.com").unwrap();
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let link = mail
        .header("List-Unsubscribe")
        .strip_prefix("<https://meter.example")
        .unwrap()
        .strip_suffix('>')
        .unwrap();
    for part in [mail.part("text"), mail.part("html")] {
        assert!(part.contains(&format!("https://meter.example{link}")), "{part}");
    }
    // A look changes nothing.
    let page = scene.send(Method::GET, link, "").await;
    assert!(
        page.status == 200 && page.json.as_str().unwrap().contains("<form method=\"post\">"),
        "{}",
        page.json
    );
    assert_eq!(scene.report("monthly").await["unsubscribed"], json!([]));
    for _ in 0..2 {
        let left = scene.send(Method::POST, link, "List-Unsubscribe=One-Click").await;
        assert!(left.status == 200 && left.json.as_str().unwrap().contains("You have left"), "{}", left.json);
    }
    // A put by whoever defines reports does not bring back who left.
    let state = scene.put("monthly", report.clone()).await;
    assert_eq!((&state["unsubscribed"], &state["to"]), (&json!(["ana@example.com"]), &report["to"]));
    let asked = scene
        .send(Method::POST, "/v1/orgs/acme/reports/monthly/send", r#"{"recipients":["ana@example.com"]}"#)
        .await;
    assert_eq!((asked.status, &asked.json["field"]), (422, &json!("recipients")));
    scene.clock("2026-03-01T06:59:59Z");
    let mails = scene.mailbox.wait_for(3).await;
    assert_eq!(mails[2].recipient(), "bo@example.com");
    for forged in [&link[..link.len() - 1], &format!("{link}A"), "/v1/unsubscribe/x.y"] {
        assert_eq!(scene.send(Method::POST, forged, "").await.status, 404, "{forged}");
    }
    report["resubscribe"] = json!(["ana@example.com"]);
    assert_eq!(scene.put("monthly", report).await["unsubscribed"], json!([]));
}
