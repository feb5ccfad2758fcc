//! The month ends, and its report is sent: once, about that month alone, with a table that a spreadsheet reads.

use serde_json::{Value, json};

use crate::sheet::{self, Cell};
use crate::{Scene, monthly};

/// The events around the end of January in Berlin: of whom, what, how many, when.
const USED: [(&str, &str, u32, &str); 7] = [
    ("ana", "sent", 3, "2025-12-31T22:59:59Z"),
    ("ana", "sent", 5, "2025-12-31T23:00:00Z"),
    ("ana", "call", 4, "2026-01-15T12:00:00Z"),
    ("bo", "sent", 7, "2026-01-20T12:00:00Z"),
    ("bo", "sent", 1, "2026-01-31T22:59:59Z"),
    ("bo", "sent", 11, "2026-01-31T23:00:00Z"),
    ("", "sent", 2, "2026-01-07T08:00:00Z"),
];

async fn let_use(scene: &Scene) {
    for (number, (user, action, quantity, time)) in USED.into_iter().enumerate() {
        if user.is_empty() {
            let event = json!({ "type": "action", "id": number.to_string(), "action": action, "quantity": quantity, "time": time });
            scene.must(reqwest::Method::POST, "/v1/orgs/acme/events", event).await;
        } else {
            scene.used(&number.to_string(), (user, action), quantity, time).await;
        }
    }
}

fn number(text: &str) -> Cell {
    Cell::Number(text.to_owned())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn its_report_is_sent_at_the_hour_and_a_spreadsheet_reads_the_table() {
    let scene = Scene::at("2026-01-31T22:59:30Z").await;
    let mut report = monthly();
    report["content"]["compare"] = json!("previous_period");
    let state = scene.put("monthly", report).await;
    assert_eq!(
        (&state["next_due"], &state["zone"]),
        (&json!("2026-02-01T07:00:00Z"), &json!("Europe/Berlin"))
    );
    let_use(&scene).await;
    // Midnight and the hours after it are no time to send.
    scene.clock("2026-02-01T06:59:56Z");
    assert!(scene.mailbox.mails().is_empty());
    let mail = scene.mailbox.wait_for(1).await.remove(0);
    assert_eq!(mail.header("Subject"), "Usage of Ana & Söhne: January 2026");
    assert_eq!((mail.header("From"), mail.header("To")), ("Usage <usage@meter.example>", "ana@example.com"));
    assert_eq!((mail.recipient(), &mail.0["defects"]), ("ana@example.com", &json!([])));
    assert!(mail.header("Date").starts_with("Sun, 01 Feb 2026 07:00:0"), "{}", mail.header("Date"));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    the_letter_reads(mail.part("text"), mail.part("html"));
    let (name, csv) = mail.table();
    assert_eq!(name, "acme-monthly-january-2026.csv");
    the_table_is_read(&csv);
    let sent = scene.sending("monthly", "the outcome", |sending| sending["state"] == "sent").await;
    assert_eq!(
        (&sent["due"], &sent["range"]),
        (&json!("2026-02-01T07:00:00Z"), &json!({ "month": "2026-01" }))
    );
    assert_eq!((&sent["mails"][0]["tries"], &sent["why"]), (&json!(1), &json!("scheduled")));
    let state = scene.report("monthly").await;
    assert_eq!(state["next_due"], "2026-03-01T07:00:00Z");
    assert!(state["last_sent"].as_str().unwrap().starts_with("2026-02-01T07:00:0"));
    scene.daemon.shows("creditd_report_mails_total", 1.0).await;
    // Neither a restart nor the hours that follow send it again.
    let mut scene = scene;
    scene.daemon.kill9_and_restart();
    scene.daemon.ready().await;
    scene.clock("2026-02-20T12:00:00Z");
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    scene.mailbox.wait_for(1).await;
}

/// January: ana 5 × 0.5 and 4 × 2 voice, bo 8 × 0.5, nobody 2 × 0.5; December: ana 3 × 0.5.
fn the_letter_reads(plain: &str, html: &str) {
    for part in [plain, html] {
        assert!(part.contains("January 2026") && part.contains("beside December 2025"), "{part}");
        for shown in ["Credits", "Credits before", "Voice", "Europe/Berlin", "(none)"] {
            assert!(part.contains(shown), "{shown}: {part}");
        }
    }
    let totals = "All";
    let line = plain.lines().find(|line| line.starts_with(totals)).unwrap();
    let figures: Vec<&str> = line.split_whitespace().skip(1).collect();
    // Credits, before, change; voice, before, change; quantity, charges.
    assert_eq!(figures, ["7.5", "1.5", "+400", "%", "8", "0", "–", "19", "5"], "{plain}");
    assert!(html.contains("Ana &amp; Söhne") && html.contains("=HYPERLINK(&quot;x&quot;) (ana)"), "{html}");
}

fn the_table_is_read(csv: &[u8]) {
    let rows = sheet::open(csv);
    let head: Vec<Cell> = rows[0].clone();
    let column = |name: &str| {
        head.iter().position(|cell| *cell == text(name)).unwrap_or_else(|| panic!("{name}: {head:?}"))
    };
    let figures =
        ["credits.credits", "credits.voice", "quantity", "calls", "charges", "before.credits.credits"]
            .map(column);
    let (id, name, action) = (column("user.id"), column("user.name"), column("action"));
    assert_eq!(rows.len(), 5, "{rows:?}");
    let find = |user: Cell, what: &str| {
        rows.iter()
            .find(|row| row[id] == user && row[action] == text(what))
            .unwrap_or_else(|| panic!("{what}: {rows:?}"))
    };
    let row = |user: Cell, what: &str| figures.map(|at| find(user.clone(), what)[at].clone());
    assert_eq!(row(text("ana"), "sent"), ["2.5", "0", "5", "0", "1", "1.5"].map(number));
    assert_eq!(row(text("ana"), "call"), ["0", "8", "4", "0", "1", "0"].map(number));
    assert_eq!(row(text("bo"), "sent"), ["4", "0", "8", "0", "2", "0"].map(number));
    assert_eq!(row(Cell::Empty, "sent"), ["1", "0", "2", "0", "1", "0"].map(number));
    // What somebody is called is never run, and letters of all the world arrive.
    assert_eq!(find(text("ana"), "sent")[name], text("'=HYPERLINK(\"x\")"));
    assert_eq!(find(text("bo"), "sent")[name], text("Bö"));
    let is_figure = |cell: &Cell| matches!(cell, Cell::Number(_) | Cell::Empty);
    assert!(rows[1..].iter().all(|row| row[action + 1..].iter().all(is_figure)), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_downtime_the_last_month_is_sent_and_the_missed_ones_are_told() {
    let mut scene = Scene::at("2026-01-20T12:00:00Z").await;
    scene.put("monthly", monthly()).await;
    scene.used("1", ("ana", "sent"), 2, "2026-01-20T11:00:00Z").await;
    scene.daemon.kill9();
    scene.clock("2026-04-03T12:00:00Z");
    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    let mail = scene.mailbox.wait_for(1).await.remove(0);
    assert_eq!(mail.header("Subject"), "Usage of Ana & Söhne: March 2026");
    assert!(mail.part("text").contains("Nothing was used."), "{}", mail.part("text"));
    assert!(
        mail.part("text").contains("also due on 1 March 2026, 08:00; 1 February 2026, 08:00"),
        "{}",
        mail.part("text")
    );
    let sent = scene.sending("monthly", "the outcome", |sending| sending["state"] == "sent").await;
    assert_eq!(sent["missed"], json!(["2026-03-01T07:00:00Z", "2026-02-01T07:00:00Z"]));
    assert_eq!(
        (&sent["due"], sent["range"]["month"].as_str()),
        (&json!("2026-04-01T06:00:00Z"), Some("2026-03"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_billing_period_is_reported_on_when_it_ends() {
    let scene = Scene::at("2026-02-09T22:00:00Z").await;
    let mut report = monthly();
    report["schedule"] = json!({ "every": "cycle" });
    assert_eq!(scene.put("cycle", report).await["next_due"], "2026-02-09T23:00:00Z");
    scene.used("1", ("ana", "sent"), 2, "2026-01-09T22:59:59Z").await;
    scene.used("2", ("ana", "sent"), 4, "2026-01-09T23:00:00Z").await;
    scene.clock("2026-02-09T22:59:57Z");
    let mail = scene.mailbox.wait_for(1).await.remove(0);
    assert_eq!(mail.header("Subject"), "Usage of Ana & Söhne: 10 January 2026 to 9 February 2026");
    let rows = mail.rows();
    let quantity = rows[0].iter().position(|name| name == "quantity").unwrap();
    assert_eq!((rows.len(), rows[1][quantity].as_str()), (2, "4"));
    let sent = scene.sending("cycle", "the outcome", |sending| sending["state"] == "sent").await;
    assert_eq!(sent["range"], json!({ "cycle": "1" }));
    assert_eq!(scene.report("cycle").await["next_due"], "2026-03-09T23:00:00Z");
    past_cycles_are_asked_for(&scene).await;
}

async fn past_cycles_are_asked_for(scene: &Scene) {
    let usage = |query: &str| format!("/v1/orgs/acme/usage?{query}");
    let range = |answer: &Value| {
        [&answer["range"]["from"], &answer["range"]["to"]].map(|at| at.as_str().unwrap()[..10].to_owned())
    };
    for query in ["cycle=previous", "cycle=1", "month=2026-01&zone=UTC"] {
        let answer = scene.send(reqwest::Method::GET, &usage(query), "").await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.json);
        let expected = if query.starts_with("month") {
            ["2026-01-01", "2026-02-01"]
        } else {
            ["2026-01-10", "2026-02-10"]
        };
        assert_eq!(range(&answer.json), expected, "{query}");
    }
    let refused = scene.send(reqwest::Method::GET, &usage("cycle=3"), "").await;
    assert_eq!((refused.status, &refused.json["field"]), (400, &json!("cycle")));
}
