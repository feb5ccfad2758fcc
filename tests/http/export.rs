//! The history as CSV: the same as in JSON, for spreadsheets, and of any length.

use std::time::Duration;

use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::process;
use crate::{Daemon, email};

/// A CSV by its columns, each row as the texts of its cells.
async fn csv(url: &str, path: &str) -> (reqwest::header::HeaderMap, Vec<Value>) {
    let answer =
        reqwest::Client::new().get(format!("{url}{path}")).header(ACCEPT, "text/csv").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    let text = answer.text().await.unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        names.iter().zip(&row).map(|(name, cell)| (name.to_owned(), json!(cell))).collect()
    };
    (headers, reader.records().map(|record| row(record.unwrap())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_tells_what_the_json_tells_and_no_cell_is_run() {
    let daemon = Daemon::with_acme().await;
    let more = json!({ "id": "more", "amount": "5000" });
    assert_eq!(daemon.post("/v1/orgs/acme/grants", more).await.status, 201);
    let hostile = "=HYPERLINK(\"http://x\",\"y\")";
    let events: Vec<Value> = (0..2_500)
        .map(|id| {
            let mut event = email("acme", id);
            event["user"] = json!(if id % 2 == 0 { hostile } else { "ana, \"b\"\nc" });
            event
        })
        .collect();
    assert_eq!(daemon.post("/v1/events", json!(events)).await.status, 200);
    let adjusted = json!({ "amount": "-1.25", "reason": "-2+3", "by": "@ana" });
    assert_eq!(daemon.post("/v1/orgs/acme/adjustments", adjusted).await.status, 200);
    let (headers, rows) = csv(&daemon.running.url, "/v1/orgs/acme/history").await;
    let page = daemon.get("/v1/orgs/acme/history?limit=1000").await.json;
    assert_eq!(headers["creditd-seq"], *page["seq"].as_str().unwrap());
    assert!(headers.contains_key("creditd-as-of"));
    // More than one step of it: two grants, the charges, an adjustment.
    assert_eq!(rows.len(), 2_503);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for (row, line) in rows.iter().zip(page["data"].as_array().unwrap()) {
        assert_eq!(format!("{}.{}", text(&row["record"]), text(&row["item"])), line["seq"]);
        for field in ["kind", "at", "time", "action"] {
            assert_eq!(text(&row[field]), text(&line[field]));
        }
        for field in ["in", "out"] {
            assert_eq!(text(&row[field]), text(&line[field]["credits"]));
        }
        let user = text(&line["user"]);
        assert_eq!(text(&row["user"]), if user == hostile { format!("'{user}") } else { user });
    }
    assert_eq!(
        (&rows[0]["out"], &rows[0]["reason"], &rows[0]["by"]),
        (&json!("1.25"), &json!("'-2+3"), &json!("'@ana"))
    );
    let (_, few) = csv(&daemon.running.url, "/v1/orgs/acme/history?limit=3&kind=charge").await;
    assert_eq!(few[..], rows[1..4]);
    let (_, calls) = csv(&daemon.running.url, "/v1/orgs/acme/calls?state=finished").await;
    assert_eq!(calls.len(), 0);
    daemon.running.stop().await;
}

/// What a process holds at most so far, and now, in KiB.
fn memory(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let figure = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    (figure("VmHWM:"), figure("VmRSS:"))
}

/// The export of so many rows may cost the daemon so much memory. All of it as text is five times as much.
const ROWS: usize = 200_000;
const MOST_KIB: u64 = 16 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_leaves_in_bounded_memory_and_as_slowly_as_the_client_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = process::Daemon::start(folder.path(), "");
    daemon.ready().await;
    let (url, client) = (daemon.url(), reqwest::Client::new());
    let put = async |path: &str, body: Value| {
        let answer = client.put(format!("{url}{path}")).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    };
    put(
        "/v1/rate-cards/standard",
        json!({ "version": 1, "prices": { "email_sent": { "per_action": "1" } } }),
    )
    .await;
    put("/v1/plans/starter", json!({ "version": 1, "rate_card": "standard" })).await;
    put("/v1/orgs/acme", json!({ "plan": "starter" })).await;
    for batch in 0..ROWS / 10_000 {
        let events: Value = (0..10_000).map(|id| email("acme", format!("{batch}-{id}"))).collect();
        let sent = client.post(format!("{url}/v1/events")).body(events.to_string()).send().await.unwrap();
        assert_eq!(sent.status(), 200);
    }
    daemon.shows("creditd_events_received_total", ROWS as f64).await;
    // What is written is read from the disk, not from memory.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    daemon.forget_peak();
    let (_, before) = memory(daemon.id());
    let mut answer =
        client.get(format!("{url}/v1/orgs/acme/history")).header(ACCEPT, "text/csv").send().await.unwrap();
    let (mut bytes, mut lines, mut slept) = (0, 0, false);
    while let Some(some) = answer.chunk().await.unwrap() {
        bytes += some.len();
        lines += some.iter().filter(|byte| **byte == b'\n').count();
        if !slept && lines > 1_000 {
            // A client that takes nothing for a while makes nothing pile up.
            tokio::time::sleep(Duration::from_secs(2)).await;
            slept = true;
        }
    }
    let (peak, _) = memory(daemon.id());
    assert_eq!(lines, ROWS + 1);
    assert!(bytes as u64 > 5 * 1_024 * MOST_KIB / 4, "{bytes} bytes");
    let grown = peak.saturating_sub(before);
    assert!(grown < MOST_KIB, "{grown} KiB more for {bytes} bytes of CSV");
}
