//! Weeks that end in the nights in which the clocks of Berlin are set: at half past two there is none in spring, and two in autumn.

use std::time::Duration;

use serde_json::json;

use crate::{Scene, monthly};

#[tokio::test(flavor = "multi_thread")]
async fn in_spring_it_is_sent_at_half_past_three_and_in_autumn_once() {
    let scene = Scene::at("2026-03-29T01:00:00Z").await;
    let mut report = monthly();
    report["schedule"] = json!({ "every": "week", "on": "sunday", "at": "02:30" });
    // 01:59:59 is followed by 03:00:00.
    assert_eq!(scene.put("weekly", report).await["next_due"], "2026-03-29T01:30:00Z");
    scene.used("1", ("ana", "sent"), 9, "2026-03-20T12:00:00Z").await;
    scene.clock("2026-03-29T01:29:57Z");
    let mail = scene.mailbox.wait_for(1).await.remove(0);
    assert_eq!(mail.header("Subject"), "Usage of Ana & Söhne: 16 March 2026 to 22 March 2026");
    assert!(mail.part("text").contains("As of 29 March 2026, 03:30."), "{}", mail.part("text"));
    assert_eq!(scene.report("weekly").await["next_due"], "2026-04-05T00:30:00Z");
    // The first half past two of the night that has two of them.
    scene.clock("2026-10-24T12:00:00Z");
    let mails = scene.mailbox.wait_for(2).await;
    assert_eq!(mails[1].header("Subject"), "Usage of Ana & Söhne: 5 October 2026 to 11 October 2026");
    scene.clock("2026-10-25T00:29:57Z");
    let mails = scene.mailbox.wait_for(3).await;
    assert!(mails[2].part("text").contains("As of 25 October 2026, 02:30."), "{}", mails[2].part("text"));
    scene.clock("2026-10-25T01:29:57Z");
    tokio::time::sleep(Duration::from_secs(5)).await;
    scene.mailbox.wait_for(3).await;
    assert_eq!(scene.report("weekly").await["next_due"], "2026-11-01T01:30:00Z");
}
