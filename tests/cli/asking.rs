//! What a daemon is asked on the command line, and how it is told.

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::{creditd, finish};

/// A daemon with an organization that has used something.
async fn served(folder: &std::path::Path) -> Daemon {
    let mut daemon = Daemon::start(folder, "");
    daemon.ready().await;
    let client = reqwest::Client::new();
    let send = async |method: &str, path: &str, body: Value| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer =
            client.request(method, format!("{}{path}", daemon.url())).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    };
    let prices = json!({"email_sent": {"per_action": "1"}, "phone_call": {"per_minute": "10"}});
    send("PUT", "/v1/rate-cards/standard", json!({"version": 1, "prices": prices})).await;
    send("PUT", "/v1/plans/starter", json!({"version": 1, "rate_card": "standard"})).await;
    send("PUT", "/v1/orgs/acme", json!({"plan": "starter"})).await;
    send("POST", "/v1/orgs/acme/grants", json!({"id": "invoice-17", "amount": "1000"})).await;
    send("PUT", "/v1/orgs/acme/users/ana", json!({"name": "=Ana Gray"})).await;
    let limit = json!({"on": {"user": "*"}, "credits": "500", "window": "month", "hard": true});
    send("PUT", "/v1/orgs/acme/limits/each-user", limit).await;
    let action = |n: u32, user: &str| json!({"type": "action", "id": format!("a{n}"), "action": "email_sent", "user": user});
    let call = json!({"type": "call.ended", "source": "sbc", "id": "c1", "direction": "outbound", "duration_ms": 61_000, "user": "ben"});
    let live = json!({"type": "call.answered", "source": "sbc", "id": "c2", "call_id": "c2", "direction": "outbound", "user": "ben"});
    let events = json!([action(1, "ana"), action(2, "ana"), action(3, "ben"), call, live]);
    send("POST", "/v1/orgs/acme/events", events).await;
    daemon
}

fn ask(daemon: &Daemon, arguments: &[&str]) -> (i32, String, String) {
    finish(&creditd(arguments).env("CREDITD_URL", daemon.url()).output().unwrap())
}

fn told(daemon: &Daemon, arguments: &[&str]) -> String {
    let (code, out, err) = ask(daemon, arguments);
    assert_eq!((code, &*err), (0, ""), "{arguments:?}: {out}");
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_is_asked_and_tells() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = served(folder.path()).await;
    let told = |arguments: &[&str]| told(&daemon, arguments);

    let line = |text: String, word: &str| {
        let found = text.lines().find(|line| line.contains(word)).map(str::to_owned);
        let words: Vec<String> = found.unwrap_or(text).split_whitespace().map(str::to_owned).collect();
        words
    };
    // 3 mails, 20 credits for the call that ended, 10 for the first minute of the one that is live.
    assert_eq!(
        line(told(&["balance", "acme"]), "acme")[..7],
        ["acme", "credits", "967", "977", "10", "0", "1000"]
    );
    assert_eq!(
        line(told(&["grants", "acme"]), "invoice")[..6],
        ["credits", "invoice-17", "purchased", "100", "usable", "977"]
    );
    assert_eq!(line(told(&["limits", "acme"]), "ben")[..6], ["each-user", "ben", "ok", "21", "500", "479"]);
    assert_eq!(line(told(&["calls", "acme"]), "c2")[..3], ["c2", "sbc", "answered"]);
    assert_eq!(line(told(&["calls", "acme", "--finished"]), "c1")[1..5], ["c1", "sbc", "ended", "1:01"]);
    let usage =
        told(&["usage", "acme", "--by", "user", "--sort", "name", "-w", "user=ana", "-w", "user=ben"]);
    assert_eq!(line(usage.clone(), "ana"), ["=Ana", "Gray", "(ana)", "2", "2", "2"]);
    assert_eq!(line(usage, "total"), ["total", "23", "4", "1", "120", "4"]);
    let history = told(&["history", "acme", "--where", "kind=charge", "--where", "user=ana"]);
    assert_eq!(history.lines().count(), 3, "{history}");
    assert!(told(&["alerts", "acme"]).starts_with("nothing"));
    let top = told(&["top", "acme", "--once", "--by", "user"]);
    assert!(
        top.contains("live calls 1") && top.contains("=Ana Gray (ana)") && top.contains("not enough history"),
        "{top}"
    );
    let whole = told(&["top", "--once", "--every", "1"]);
    assert!(whole.starts_with("ready · 1 organizations"), "{whole}");
    assert_eq!(line(whole, "charged").last().unwrap(), "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_can_be_json_or_a_table_for_spreadsheets() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = served(folder.path()).await;
    let told = |arguments: &[&str]| told(&daemon, arguments);

    let balance: Value = serde_json::from_str(&told(&["balance", "acme", "-o", "json"])).unwrap();
    assert_eq!(balance["data"][0]["balances"][0]["available"], "967");
    let grants = told(&["grants", "acme", "-o", "csv"]);
    assert!(grants.starts_with(
        "credit_type,grant,kind,priority,state,remaining,amount,effective,expires\r\ncredits,invoice-17,"
    ));
    let usage = told(&["usage", "acme", "--by", "user", "-o", "csv", "-n", "1"]);
    // All pages, and one head.
    assert_eq!(usage.lines().filter(|line| line.starts_with("user.id,")).count(), 1, "{usage}");
    assert!(usage.contains("\r\nana,'=Ana Gray,2,2,0,0,0,0,0,2\r\n"), "{usage}");
    assert!(usage.contains("\r\nben,,21,2,1,1,0,120,61000,2\r\n"), "{usage}");
    let spikes = told(&["spikes", "acme", "--range", "all", "-i", "hour", "-w", "user=ana", "-o", "csv"]);
    assert!(spikes.starts_with("from,to,credit_type,credits,usual,percent,cause.dimension,"), "{spikes}");
    assert_eq!(told(&["history", "acme", "-o", "csv"]), told(&["export", "history", "acme"]));

    let file = folder.path().join("calls.csv");
    let (code, out, err) = ask(&daemon, &["export", "calls", "acme", "--to-file", file.to_str().unwrap()]);
    assert_eq!((code, &*out), (0, ""), "{err}");
    assert!(std::fs::read_to_string(&file).unwrap().contains(",c1,sbc,outbound,"));
    assert!(!folder.path().join("calls.csv.part").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_daemon_refuses_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = served(folder.path()).await;
    let refused = |code: i32, arguments: &[&str]| {
        let (found, out, err) = ask(&daemon, arguments);
        assert_eq!((found, &*out), (code, ""), "{arguments:?}: {err}");
        err
    };
    assert!(refused(1, &["balance", "nobody"]).contains("there is no organization \"nobody\""));
    assert!(refused(2, &["usage", "acme", "--range", "today"]).contains("write this_month"));
    assert!(refused(2, &["usage", "acme", "-w", "colour=red"]).contains("write one of account, entity_type"));
    assert!(refused(2, &["spikes", "acme", "--percent", "100"]).contains("from 101 to 10000"));
    assert!(refused(2, &["usage", "acme", "-w", "user"]).contains("write NAME=VALUE"));
    assert!(refused(2, &["calls", "acme", "--search", "x"]).contains("--finished"));
    let away = finish(&creditd(&["balance", "acme", "--url", "http://127.0.0.1:9"]).output().unwrap());
    assert!(away.0 == 69 && away.2.contains("does not answer"), "{away:?}");
    // What cannot be exported leaves nothing behind.
    let file = folder.path().join("usage.csv");
    refused(2, &["export", "usage", "acme", "--range", "never", "--to-file", file.to_str().unwrap()]);
    assert_eq!(
        std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|one| one.as_ref().unwrap().path().to_string_lossy().contains("usage"))
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_followed_as_they_are_raised() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let folder = tempfile::tempdir().unwrap();
    let daemon = served(folder.path()).await;
    let mut command = creditd(&["alerts", "acme", "--follow"]);
    let mut follower = command.env("CREDITD_URL", daemon.url()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let heard = tokio::task::spawn_blocking(move || lines.map_while(Result::ok).next());
    // An alert of below 60 % of the credits; again until the follower listens.
    let client = reqwest::Client::new();
    let mut n = 0;
    while !heard.is_finished() {
        n += 1;
        let event = json!({"type": "action", "id": format!("b{n}"), "action": "email_sent", "quantity": 100});
        let url = format!("{}/v1/orgs/acme/events", daemon.url());
        let _any = client.post(url).json(&event).send().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(n < 100, "no alert is heard");
    }
    let alert: Value = serde_json::from_str(&heard.await.unwrap().unwrap()).unwrap();
    assert_eq!(alert["subject"], "acme", "{alert}");
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert!(
        told(&daemon, &["alerts", "acme"]).contains("balance_low"),
        "{}",
        told(&daemon, &["alerts", "acme"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_prices_are_tried_on_what_has_happened() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = served(folder.path()).await;
    let card = folder.path().join("card.json");
    std::fs::write(&card, r#"{"prices": {"email_sent": {"per_action": "4"}}}"#).unwrap();
    let card = card.to_str().unwrap();
    // Three mails at 1 are three at 4; the call of 20 credits has no price there.
    let found = told(&daemon, &["what-if", "--rate-card", card, "-r", "all"]);
    let words: Vec<&str> = found.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words, ["acme", "starter", "3", "3", "12", "9", "300", "1"], "{found}");
    let same = told(&daemon, &["what-if", "--plan", "starter@1", "--org", "acme", "-r", "all", "-o", "json"]);
    let same: Value = serde_json::from_str(&same).unwrap();
    assert_eq!(same["totals"]["difference"], json!({ "credits": "0" }));
    let table = told(&daemon, &["what-if", "--rate-card", "standard", "-o", "csv"]);
    assert!(table.starts_with("org,name,plan,charges,as_charged.credits,as_priced.credits"), "{table}");
    let (code, _, err) = ask(&daemon, &["what-if", "--rate-card", "standard@7"]);
    assert_eq!(code, 2);
    assert!(err.contains("\"standard\" has the versions 1 to 1"), "{err}");
    assert_eq!(ask(&daemon, &["what-if", "--rate-card", "standard@x"]).0, 2);
    assert_eq!(ask(&daemon, &["what-if"]).0, 2);
}
