//! The history: every movement of credits, page by page, as it was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use creditd::clock;
use creditd::ledger::units::{Credits, Millis};
use creditd::wire::time;
use serde_json::{Value, json};

use crate::{Daemon, email};

/// All rows, read in pages of so many.
pub(crate) async fn all(daemon: &Daemon, path: &str, limit: usize) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    let join = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = daemon.get(&format!("{path}{join}limit={limit}{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.json);
        let data = page.json["data"].as_array().unwrap();
        assert!(data.len() <= limit);
        rows.extend(data.iter().cloned());
        match page.json["meta"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// What came and went, by kind of credits.
fn sums(rows: &[Value]) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for (field, sign) in [("in", 1), ("out", -1)] {
        for row in rows {
            for (kind, amount) in row[field].as_object().unwrap() {
                let amount: Credits = amount.as_str().unwrap().parse().unwrap();
                *sums.entry(kind.clone()).or_default() += sign * amount.micros();
            }
        }
    }
    sums
}

/// What is settled, by kind of credits.
async fn settled(daemon: &Daemon, org: &str) -> BTreeMap<String, i64> {
    let balance = daemon.balance(org).await;
    let of = |balance: &Value| {
        let settled: Credits = balance["settled"].as_str().unwrap().parse().unwrap();
        (balance["credit_type"].as_str().unwrap().to_owned(), settled.micros())
    };
    balance["balances"].as_array().unwrap().iter().map(of).collect()
}

fn one<'r>(rows: &'r [Value], kind: &str, remarks: &str) -> &'r Value {
    let fits = |row: &&Value| row["kind"] == kind && row["remarks"].as_str().unwrap().contains(remarks);
    let found: Vec<&Value> = rows.iter().filter(fits).collect();
    assert_eq!(found.len(), 1, "{kind} {remarks:?} in {rows:#?}");
    found[0]
}

/// `beta`, whose month ends in a moment: with two kinds of credits, a limit, and calls that are closed after a minute.
async fn with_beta(reset: &str) -> Daemon {
    let daemon = Daemon::empty().await;
    let card = json!({ "version": 1, "prices": {
        "email_sent": { "per_action": "1" },
        "number_revealed": { "per_action": "5", "credit_type": "phone" },
        "phone_call": { "per_minute": "2", "increment": "60/60" },
        "translation": { "per_minute": "0.5", "increment": "60/60" },
    }});
    assert_eq!(daemon.put("/v1/rate-cards/standard", card).await.status, 200);
    let plan = json!({ "version": 1, "rate_card": "standard", "cycle": "month", "overage_at_reset": "drop",
        "calls": { "longest_s": 60 },
        "allotments": [{ "amount": "100", "rollover": { "max": "20" } }] });
    let published = daemon.put("/v1/plans/monthly", plan).await;
    assert_eq!(published.status, 200, "{}", published.json);
    let terms = json!({ "plan": "monthly", "cycle_anchor": reset });
    assert_eq!(daemon.put("/v1/orgs/beta", terms).await.status, 201);
    daemon
}

/// Everything that moves credits, once.
async fn live_a_month(daemon: &Daemon, reset: &str) {
    let soon = time::format(clock::now().plus(Millis(700)));
    for grant in [
        json!({ "id": "short", "amount": "4", "priority": 200, "expires": soon }),
        json!({ "id": "gift", "amount": "9", "priority": 210, "kind": "bonus", "reason": "hello", "by": "ana" }),
    ] {
        assert_eq!(daemon.post("/v1/orgs/beta/grants", grant).await.status, 201);
    }
    let ended = |id: &str, ms: u64| {
        json!({ "type": "call.ended", "id": id, "duration_ms": ms, "direction": "outbound", "destination": "+4930123456",
                "add_ons": ["translation"], "user": "ben", "account": "north" })
    };
    let entity = json!({ "type": "campaign", "id": "7", "name": "Spring" });
    let events = json!([
        { "type": "action", "id": "m", "action": "email_sent", "quantity": 3, "user": "ana", "team": "red", "feature": "Platform", "entity": entity },
        { "type": "action", "id": "owed", "action": "number_revealed", "user": "ben" },
        ended("whole", 61_000),
        { "type": "call.answered", "source": "sbc", "call_id": "lost", "direction": "inbound", "user": "cy",
          "time": time::format(clock::now().minus(Millis(59_300))) },
    ]);
    let answer = daemon.post("/v1/orgs/beta/events", events).await;
    assert_eq!(answer.statuses(), ["accepted"; 4], "{}", answer.json);
    let void = json!({ "type": "void", "id": "v", "voids": { "id": "m" } });
    assert_eq!(daemon.post("/v1/orgs/beta/events", void).await.status, 200);
    let phone = json!({ "id": "phones", "credit_type": "phone", "amount": "2" });
    assert_eq!(daemon.post("/v1/orgs/beta/grants", phone).await.status, 201);
    for (id, amount) in [("up", "1.5"), ("down", "-0.5")] {
        let moved = json!({ "id": id, "amount": amount, "reason": "=goodwill", "by": "@ana" });
        assert_eq!(daemon.post("/v1/orgs/beta/adjustments", moved).await.status, 200);
    }
    let voided = json!({ "reason": "by mistake", "by": "ana" });
    assert_eq!(daemon.post("/v1/orgs/beta/grants/gift/void", voided).await.status, 200);
    let reset = time::parse(reset).unwrap();
    while clock::now() < reset.plus(Millis(200)) || daemon.get("/v1/orgs/beta/calls").await.json["live"] != 0
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let end = json!({ "type": "call.ended", "source": "sbc", "id": "e", "call_id": "lost", "duration_ms": 121_000 });
    assert_eq!(daemon.post("/v1/orgs/beta/events", end).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_movement_is_told_as_it_was_sent_and_they_add_up_to_the_balance() {
    let reset = time::format(clock::now().plus(Millis(2_000)));
    let daemon = with_beta(&reset).await;
    live_a_month(&daemon, &reset).await;
    let rows = all(&daemon, "/v1/orgs/beta/history", 1_000).await;
    assert_eq!(sums(&rows), settled(&daemon, "beta").await, "{rows:#?}");

    events(&daemon, &rows).await;
    movements(&rows);
    // Newest first, and page by page the same.
    let instants: Vec<&str> = rows.iter().map(|row| row["at"].as_str().unwrap()).collect();
    assert!(instants.is_sorted_by(|a, b| time::parse(a).unwrap() >= time::parse(b).unwrap()), "{instants:?}");
    for limit in [1, 3, 7] {
        assert_eq!(all(&daemon, "/v1/orgs/beta/history", limit).await, rows);
    }
    choices(&daemon, &rows).await;
    daemon.running.stop().await;
}

/// What events took, and gave back.
async fn events(daemon: &Daemon, rows: &[Value]) {
    let charge = one(rows, "charge", "3 × email_sent");
    assert_eq!((&charge["out"], &charge["in"]), (&json!({ "credits": "3" }), &json!({})));
    assert_eq!(
        charge["parts"],
        json!([{ "credit_type": "credits", "amount": "3", "how": "drawn", "grant": null, "grant_number": 0 }])
    );
    let given = one(rows, "granted", "plan.1.credits: given for cycle 1");
    assert_eq!(
        given["parts"][0]["grant_number"], 0,
        "the grant of a cycle that is over is told by its number"
    );
    let seq = charge["seq"].as_str().unwrap();
    let explained = daemon.get(&format!("/v1/orgs/beta/charges/{seq}")).await.json;
    assert_eq!(explained["data"]["charge"]["paid_by"][0]["grant"], "plan.1.credits");
    assert_eq!(explained["data"]["voided_by"], one(rows, "void", "")["seq"]);
    assert_eq!(charge["entity"], json!({ "type": "campaign", "id": "7", "name": "Spring" }));
    assert_eq!(
        (&charge["user"], &charge["team"], &charge["feature"]),
        (&json!("ana"), &json!("red"), &json!("Platform"))
    );
    let call = one(
        rows,
        "charge",
        "outbound phone_call to +4930123456, 61000 ms talked, 120 s billed, with translation",
    );
    assert_eq!((&call["out"], &call["add_ons"]), (&json!({ "credits": "5" }), &json!(["translation"])));
    assert_eq!(
        (&call["call"]["call_id"], &call["call"]["source"], &call["user"]),
        (&json!("whole"), &json!("nats"), &json!("ben"))
    );
    let owed = one(rows, "charge", "number_revealed; 5 phone owed");
    assert_eq!(owed["parts"][0]["how"], "overage");
    let void = one(rows, "void", "takes back 3 × email_sent");
    assert_eq!(
        (&void["of"], &void["user"], &void["in"]),
        (&charge["seq"], &json!("ana"), &json!({ "credits": "3" }))
    );
}

/// What moved otherwise.
fn movements(rows: &[Value]) {
    for (kind, remarks, field, credits) in [
        ("granted", "gift is given: hello (ana)", "in", json!({ "credits": "9" })),
        ("granted", "short is given", "in", json!({ "credits": "4" })),
        ("granted", "plan.1.credits: given for cycle 1", "in", json!({ "credits": "100" })),
        ("granted", "plan.2.credits: given for cycle 2", "in", json!({ "credits": "100" })),
        ("expired", "what was left of short has expired", "out", json!({ "credits": "4" })),
        ("rolled_out", "goes on from plan.1.credits", "out", json!({ "credits": "20" })),
        ("rolled_in", "as rollover.2.credits", "in", json!({ "credits": "20" })),
        ("expired", "plan.1.credits at the end of cycle 1", "out", json!({ "credits": "72.5" })),
        ("voided", "gift is taken back: by mistake (ana)", "out", json!({ "credits": "9" })),
        ("adjusted", "adjusted by hand, up: =goodwill (@ana)", "in", json!({ "credits": "1.5" })),
        ("adjusted", "adjusted by hand, plan.1.credits: =goodwill", "out", json!({ "credits": "0.5" })),
        ("covered", "phones repays what was owed", "out", json!({})),
        ("dropped", "forgiven at the reset", "in", json!({ "phone": "3" })),
        ("call_closed", "inbound phone_call", "out", json!({ "credits": "2" })),
        ("call_corrected", "the call lost", "in", json!({})),
        ("charge", "inbound phone_call, 121000 ms talked, 180 s billed", "out", json!({ "credits": "6" })),
    ] {
        assert_eq!(one(rows, kind, remarks)[field], credits, "{kind} {remarks}");
    }
    assert_eq!(one(rows, "call_closed", "closed without its end (longest)")["user"], "cy");
    let corrected = one(rows, "call_corrected", "");
    assert_eq!((&corrected["user"], &corrected["call"]["call_id"]), (&json!("cy"), &json!("lost")));
    // What it had taken was of a cycle that is over.
    assert_eq!(
        (&corrected["parts"][0]["how"], &corrected["parts"][0]["amount"]),
        (&json!("expired"), &json!("2"))
    );
    assert_eq!(one(rows, "adjusted", "up")["adjustment"], "up");
    assert_eq!(rows.len(), 21, "{rows:#?}");
}

/// Each choice answers those rows, and no others.
async fn choices(daemon: &Daemon, rows: &[Value]) {
    let at = rows[9]["at"].as_str().unwrap();
    let seq = |row: &Value| row["seq"].clone();
    for (choice, many) in [
        ("kind=granted", 5),
        ("kind=adjusted&kind=voided", 3),
        ("user=ana", 2),
        ("user=cy", 3),
        ("team=red", 2),
        ("account=north", 1),
        ("entity=campaign/7", 2),
        ("entity=campaign", 2),
        ("entity=campaign/8", 0),
        ("feature=Platform", 2),
        ("action=email_sent", 2),
        ("action=translation", 1),
        ("credit_type=phone", 4),
        ("call_id=lost", 3),
        ("call_id=whole", 1),
        ("search=SPRING", 2),
        ("search=goodwill", 2),
        ("search=rollover.2", 2),
        ("search=49301", 1),
    ] {
        let found = all(daemon, &format!("/v1/orgs/beta/history?{choice}"), 2).await;
        assert_eq!(found.len(), many, "{choice}: {found:#?}");
        assert!(found.iter().all(|row| rows.contains(row)), "{choice}: {found:#?}");
    }
    let since = all(daemon, &format!("/v1/orgs/beta/history?from={at}"), 1_000).await;
    let before = all(daemon, &format!("/v1/orgs/beta/history?to={at}"), 1_000).await;
    let both: Vec<Value> = since.iter().chain(&before).map(seq).collect();
    assert!(since.len() > 1 && before.len() > 1);
    assert_eq!(both, rows.iter().map(seq).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_repeat_nor_skip_while_events_arrive() {
    let daemon = Daemon::with_acme().await;
    let emails = |from: usize| (from..from + 50).map(|id| email("acme", id)).collect::<Value>();
    assert_eq!(daemon.post("/v1/events", emails(0)).await.status, 200);
    let before = all(&daemon, "/v1/orgs/acme/history", 1_000).await;
    let (mut seen, mut cursor, mut id) = (Vec::new(), String::new(), 1_000);
    loop {
        let page = daemon.get(&format!("/v1/orgs/acme/history?limit=4{cursor}")).await.json;
        seen.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["meta"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        assert_eq!(daemon.post("/v1/events", emails(id)).await.status, 200);
        id += 50;
    }
    assert_eq!(seen, before);
    let all = all(&daemon, "/v1/orgs/acme/history", 77).await;
    let unique: BTreeSet<&str> = all.iter().map(|row| row["seq"].as_str().unwrap()).collect();
    assert_eq!((all.len(), unique.len()), (before.len() + id - 1_000, before.len() + id - 1_000));
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_told_by_its_field() {
    let daemon = Daemon::with_acme().await;
    for (field, value) in [
        ("kind", "payment"),
        ("from", "yesterday"),
        ("entity", "x/"),
        ("credit_type", "Euro"),
        ("cursor", "9"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "x"),
        ("colour", "red"),
    ] {
        let answer = daemon.get(&format!("/v1/orgs/acme/history?{field}={value}")).await;
        let detail = answer.problem(400, "invalid_parameter");
        assert!(detail.starts_with(field), "{detail}");
        assert_eq!(answer.json["field"], field);
    }
    daemon.get("/v1/orgs/nobody/history").await.problem(404, "unknown_org");
    // A cursor of another time is one, and a block that it names wrongly does no harm.
    let rows = all(&daemon, "/v1/orgs/acme/history", 100).await;
    assert_eq!(daemon.get("/v1/orgs/acme/history?cursor=999999.0.1.7.12").await.json["data"], json!(rows));
    daemon.running.stop().await;
}
