//! Corrections by hand, cycles, and the books against their history.

use std::process::Command;

use serde_json::json;

use crate::{Daemon, email};

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_taken_back_once() {
    let daemon = Daemon::with_acme().await;
    daemon.post("/v1/orgs/acme/grants", json!({ "id": "gift", "amount": "5", "priority": 1 })).await;
    daemon.post("/v1/events", email("acme", 1)).await;
    let note = json!({ "reason": "by mistake", "by": "ana" });
    for _ in 0..2 {
        let answer = daemon.post("/v1/orgs/acme/grants/gift/void", note.clone()).await;
        assert_eq!((answer.status, &answer.json["balances"][0]["available"]), (200, &json!("1000")));
    }
    daemon.post("/v1/orgs/acme/grants/none/void", note).await.problem(404, "unknown_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_moved_by_hand_once_and_never_below_nothing() {
    let daemon = Daemon::with_acme().await;
    let path = "/v1/orgs/acme/adjustments";
    let more = json!({ "id": "t1", "amount": "12.5", "reason": "goodwill", "by": "ana" });
    for _ in 0..2 {
        let answer = daemon.post(path, more.clone()).await;
        assert_eq!((answer.status, &answer.json["balances"][0]["available"]), (200, &json!("1012.5")));
    }
    let less = json!({ "id": "t2", "amount": -12, "reason": "mine" });
    assert_eq!(daemon.post(path, less).await.json["balances"][0]["available"], "1000.5");
    let other = json!({ "id": "t1", "amount": "1", "reason": "goodwill" });
    daemon.post(path, other).await.problem(409, "conflict");
    let too_much = json!({ "amount": "-1000.500001", "reason": "all" });
    daemon.post(path, too_much).await.problem(422, "insufficient_credits");
    daemon.post(path, json!({ "amount": "1" })).await.problem(422, "missing_field");
    assert_eq!(daemon.available("acme").await, "1000.5");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_on_a_plan_with_a_cycle_says_which_it_is_in() {
    let daemon = Daemon::with_acme().await;
    let plan = json!({ "version": 1, "rate_card": "standard", "cycle": "month", "allotments": [{ "amount": "100" }] });
    assert_eq!(daemon.put("/v1/plans/monthly", plan).await.status, 200);
    let terms = json!({ "plan": "monthly", "time_zone": "Europe/Berlin", "cycle_anchor": "2026-01-31T00:00:00+01:00" });
    let answer = daemon.put("/v1/orgs/beta", terms).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    assert_eq!(
        (&answer.json["cycle"]["number"], &answer.json["cycle"]["time_zone"]),
        (&json!(1), &json!("Europe/Berlin"))
    );
    assert_eq!(answer.json["balances"][0]["grants"][0]["id"], "plan.1.credits");
    let nowhere = json!({ "plan": "monthly", "time_zone": "Europe/Atlantis" });
    assert!(
        daemon.put("/v1/orgs/beta", nowhere).await.problem(422, "invalid_field").contains("Europe/Atlantis")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_adds_up_to_the_books() {
    let daemon = Daemon::with_acme().await;
    daemon.post("/v1/events", json!([email("acme", 1), email("acme", 2)])).await;
    let void = json!({ "type": "void", "id": "v", "org": "acme", "voids": { "id": "1" } });
    assert_eq!(daemon.post("/v1/events", void).await.statuses(), ["accepted"]);
    daemon.post("/v1/orgs/acme/adjustments", json!({ "amount": "-3", "reason": "mine" })).await;
    let verified = daemon.post("/v1/orgs/acme/verify", json!({})).await;
    assert_eq!((verified.status, &verified.json["ok"]), (200, &json!(true)), "{}", verified.json);
    // Two charges, a void, a grant, an adjustment.
    assert_eq!((&verified.json["rows"], &verified.json["differences"]), (&json!(5), &json!([])));
    daemon.post("/v1/orgs/nobody/verify", json!({})).await.problem(404, "unknown_org");

    // The same offline; while the daemon runs, its folder is its own.
    let data = daemon.folder.path().to_owned();
    let verify = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_creditd"));
        let output =
            command.args(["verify", "-o", "json"]).env("CREDITD_DATA_FOLDER", &data).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    daemon.running.stop().await;
    let other = creditd::daemon::lock(&data).unwrap();
    let (code, _, why) = verify();
    assert!(code == Some(1) && why.contains("another creditd works in it"), "{why}");
    drop(other);
    let (code, told, why) = verify();
    assert_eq!(code, Some(0), "{told}{why}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["ok"], &told["orgs"][0]["rows"]), (&json!(true), &json!(5)), "{told}");
}
