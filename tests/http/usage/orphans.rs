//! A call that is closed without its end counts, until its end corrects it.

use std::time::Duration;

use creditd::clock;
use creditd::ledger::units::Millis;
use creditd::wire::time;
use serde_json::{Value, json};

use super::{ask, figures};
use crate::Daemon;

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_call_counts_until_its_end_corrects_it() {
    let daemon = Daemon::with_acme().await;
    let ago = |millis: u64| time::format(clock::now().minus(Millis(millis)));
    let answered = json!({ "type": "call.answered", "org": "acme", "source": "sbc", "call_id": "a", "direction": "outbound",
                           "user": "ana", "time": ago(600_000) });
    let progress = json!({ "type": "call.progress", "org": "acme", "source": "sbc", "call_id": "a", "duration_ms": 61_000,
                           "time": ago(500_000) });
    let events = json!([answered, progress]);
    assert_eq!(daemon.post("/v1/events", events).await.statuses(), ["accepted"; 2]);
    let query = "range=last_7_days&group_by=user";
    assert_eq!(ask(&daemon, query).await["data"], json!([]), "a live call is no usage");

    let restarted = daemon.post("/v1/sources/sbc/restarted", json!({})).await;
    assert_eq!((restarted.status, &restarted.json["calls"]), (200, &json!(1)));
    let counted = async |expected: [i64; 7], micros: i64| {
        let mut answer = Value::Null;
        for _ in 0..500 {
            answer = ask(&daemon, query).await;
            if !answer["data"].as_array().unwrap().is_empty()
                && figures(&answer["data"][0]).counted == expected
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let line = figures(&answer["data"][0]);
        assert_eq!((line.counted, line.credits["credits"]), (expected, micros), "{answer}");
        assert_eq!(answer["data"][0]["group"]["user"]["id"], "ana");
    };
    // What is proven: 61 s, at 2 a minute.
    counted([1, 1, 1, 0, 120, 61_000, 1], 4_000_000).await;
    let ended = json!({ "type": "call.ended", "org": "acme", "source": "sbc", "id": "a-end", "call_id": "a",
                        "duration_ms": 200_000, "time": ago(400_000) });
    assert_eq!(daemon.post("/v1/events", ended).await.statuses(), ["accepted"]);
    counted([1, 1, 1, 0, 240, 200_000, 1], 8_000_000).await;
    // Voided, it counts nowhere.
    let void =
        json!({ "type": "void", "org": "acme", "source": "sbc", "id": "v", "voids": { "id": "a-end" } });
    assert_eq!(daemon.post("/v1/events", void).await.statuses(), ["accepted"]);
    assert_eq!(ask(&daemon, query).await["data"], json!([]));
}
