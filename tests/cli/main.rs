//! The program as a user meets it: arguments in, output and exit codes out.
#![expect(clippy::unwrap_used, reason = "a test that cannot start the program has failed")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[path = "../support/daemon.rs"]
pub mod daemon;
#[path = "../support/nats.rs"]
pub mod nats;

mod asking;

fn creditd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_creditd"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CREDITD_")) {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    finish(&creditd(arguments).output().unwrap())
}

fn finish(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Output of a command that must work.
fn shown(arguments: &[&str]) -> String {
    let (code, out, err) = run(arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// What a command that must fail with `code` says.
fn refused(code: i32, arguments: &[&str]) -> String {
    let (found, out, err) = run(arguments);
    assert_eq!((found, out.as_str()), (code, ""), "{arguments:?}: {err}");
    err
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const COMMANDS: [&str; 20] = [
    "adapt", "alerts", "balance", "calls", "check", "config", "export", "grants", "history", "limits",
    "rate", "replay", "simulate", "spikes", "token", "top", "usage", "verify", "version", "what-if",
];

#[test]
fn the_command_line_explains_itself() {
    insta::assert_snapshot!("help", shown(&["--help"]));
    for command in COMMANDS {
        assert!(shown(&[command, "--help"]).contains("Usage: creditd"), "{command}");
    }
    assert!(refused(2, &["frobnicate"]).contains("unrecognized subcommand"));
    assert!(refused(2, &["simulate", "--rate", "fast"]).contains("write 1/s"));
    assert!(shown(&["version"]).starts_with(concat!("creditd ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(json(&shown(&["version", "-o", "json"]))["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(shown(&["version", "-o", "csv"]).lines().count(), 2);
}

#[test]
fn the_default_settings_are_a_file_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("creditd.toml");
    std::fs::write(&file, shown(&["config", "default"])).unwrap();
    let file = file.to_str().unwrap();
    assert!(shown(&["config", "effective", "--config", file]).contains("listen = \"127.0.0.1:8427\""));
    let output = creditd(&["config", "effective"]).env("CREDITD_HTTP_LISTEN", "[::1]:9").output().unwrap();
    assert!(finish(&output).1.contains("listen = \"[::1]:9\"  # CREDITD_HTTP_LISTEN"));
}

#[test]
fn a_wrong_setting_is_answered_with_78_and_the_remedy() {
    let output = creditd(&["config", "effective"]).env("CREDITD_HTTP_LISTN", "x").output().unwrap();
    let (code, out, err) = finish(&output);
    assert_eq!((code, out.as_str()), (78, ""));
    assert_eq!(
        err,
        "creditd: the environment: there is no setting CREDITD_HTTP_LISTN; did you mean CREDITD_HTTP_LISTEN?\n"
    );
}

#[test]
fn check_tells_what_works_and_what_does_not() {
    // A folder that no demo ever made.
    let output = creditd(&["check", "--config", "config/demo.toml"])
        .env("CREDITD_DATA_FOLDER", "config/never/made")
        .output()
        .unwrap();
    let (code, out, err) = finish(&output);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("check", out);
    let missing = run(&["check", "--config", "no-such-file.toml"]);
    assert_eq!(missing.0, 78);
    assert!(missing.1.contains("✗ settings     no-such-file.toml: cannot be read"), "{}", missing.1);

    let output = creditd(&["check", "-o", "json"])
        .env("CREDITD_LOG_KIND", "jetstream")
        .env("CREDITD_NATS_URLS", "nats://127.0.0.1:1")
        .output()
        .unwrap();
    let (code, out, _) = finish(&output);
    assert_eq!(code, 69);
    assert_eq!(json(&out)["checks"][4]["what"], "nats");
    assert_eq!(json(&out)["ok"], false);

    let server = nats::NatsServer::start();
    let output = creditd(&["check"])
        .env("CREDITD_LOG_KIND", "jetstream")
        .env("CREDITD_NATS_URLS", server.url())
        .output()
        .unwrap();
    let (code, out, _) = finish(&output);
    assert_eq!(code, 0);
    assert!(out.contains(&format!("✓ nats         {}: version 2.", server.url())), "{out}");
}

#[test]
fn a_folder_that_cannot_be_written_and_a_catalog_that_is_wrong_are_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("plans.toml"), "[[plans]]\nid = \"p\"\nversion = 1\nrate_card = \"none\"")
        .unwrap();
    std::fs::write(dir.path().join("creditd.toml"), "[catalog]\nfiles = [\"plans.toml\"]").unwrap();
    let file = dir.path().join("creditd.toml");
    let output = creditd(&["check", "-c", file.to_str().unwrap()])
        .env("CREDITD_DATA_FOLDER", file.join("data"))
        .output()
        .unwrap();
    let (code, out, _) = finish(&output);
    assert_eq!(code, 78);
    assert!(out.contains("there is no rate card \"none\"; publish it first"), "{out}");
    assert!(out.contains("✗ data folder"), "{out}");
}

const CALL: &str = r#"{"type": "call.ended", "time": "2026-03-02T10:00:00Z", "direction": "outbound",
    "duration_ms": 200500, "add_ons": ["translation"]}"#;

fn rated(plan: &str, event: &str) -> String {
    shown(&["-c", "config/demo.toml", "rate", "--plan", plan, event])
}

#[test]
fn rate_explains_a_charge_like_a_bill() {
    insta::assert_snapshot!("bill_call", rated("calling-professional", CALL));
    let event = |action: &str, quantity: u32| {
        format!(
            r#"{{"type": "action", "time": "2026-03-02T10:00:00Z", "action": "{action}", "quantity": {quantity}}}"#
        )
    };
    insta::assert_snapshot!("bill_tokens", rated("crm", &event("ai_tokens", 1_250)));
    insta::assert_snapshot!("bill_steps", rated("crm", &event("execution_steps", 1_250)));
    insta::assert_snapshot!("bill_mobile", rated("prospecting", &event("mobile_reveal", 2)));
    insta::assert_snapshot!("bill_free", rated("leads", &event("email_sent", 40)));
}

#[test]
fn rate_takes_the_organizations_own_increment_and_answers_in_json() {
    let whole = |increment: &str| {
        let arguments = ["rate", "--catalog", "config/catalog/calling.toml", "-p", "calling-enterprise"];
        let more = ["--increment", increment, "-o", "json", CALL];
        json(&shown(&[&arguments[..], &more[..]].concat()))["credits"]["credits"].clone()
    };
    // 201 s and 240 s at 10 + 4 a minute.
    assert_eq!(whole("1/1"), "46.9");
    assert_eq!(whole("60/60"), "56");
}

#[test]
fn rate_refuses_what_has_no_price() {
    assert!(refused(2, &["rate", CALL]).contains("name files with --catalog"));
    let catalog = ["rate", "--catalog", "config/catalog/calling.toml", "--"];
    assert!(refused(2, &[&catalog[..], &[CALL]].concat()).contains("calling-base, calling-professional"));
    let arguments = ["-c", "config/demo.toml", "rate", "-p", "crm"];
    let unknown = r#"{"type": "action", "action": "dance"}"#;
    assert!(refused(1, &[&arguments[..], &[unknown]].concat()).contains("no price for \"dance\""));
    assert!(
        refused(1, &[&arguments[..], &["no-such-file"]].concat())
            .contains("neither a JSON object nor a file")
    );
}

/// Runs with a text at standard input.
fn fed(arguments: &[&str], text: &str) -> (i32, String, String) {
    let mut child = creditd(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    finish(&child.wait_with_output().unwrap())
}

const STORY: &str = r#"
{"at": "1999-12-31T23:00:00Z", "org": "acme", "command": {"type": "org.put", "data": {"plan": "outreach"}}}
{"at": "1999-12-31T23:00:01Z", "org": "acme", "command": {"type": "grant", "data": {"id": "g1", "amount": "100", "expires": "2000-01-01T00:00:00Z"}}}
{"at": "1999-12-31T23:01:00Z", "org": "acme", "event": {"type": "action", "id": "e1", "action": "email_sent", "quantity": 50}}
{"at": "1999-12-31T23:01:01Z", "org": "acme", "event": {"type": "action", "id": "e1", "action": "email_sent", "quantity": 50}}
{"at": "1999-12-31T23:01:02Z", "org": "acme", "event": "not an object"}
{"at": "1999-12-31T23:01:03Z", "org": "nobody", "event": {"type": "action", "id": "e2", "action": "email_sent"}}
{"at": "2000-06-01T00:00:00Z", "org": "acme", "event": {"type": "action", "id": "e3", "action": "email_sent"}}
"#;

#[test]
fn replay_folds_a_story_of_any_year() {
    let replay = ["-c", "config/demo.toml", "replay", "-"];
    let (code, out, err) = fed(&[&replay[..], &["--outcomes"]].concat(), STORY);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("story", out);

    let (_, out, _) = fed(&[&replay[..], &["--until", "1999-12-31T23:59:59Z"]].concat(), STORY);
    let balance = &json(&out)["orgs"]["acme"]["balances"][0];
    assert_eq!((&balance["available"], &balance["expired"]), (&"50".into(), &"0".into()));
    let (_, out, _) = fed(&[&replay[..], &["--until", "2000-01-01T00:00:00Z"]].concat(), STORY);
    let balance = &json(&out)["orgs"]["acme"]["balances"][0];
    assert_eq!((&balance["available"], &balance["expired"]), (&"0".into(), &"50".into()));
}

#[test]
fn replay_names_the_line_that_is_wrong() {
    let wrong = |line: &str| {
        let (code, out, err) = fed(&["replay", "-"], &format!("\n{line}\n"));
        assert_eq!((code, out.as_str()), (1, ""), "{line}");
        assert!(err.starts_with("creditd: -, line 2: "), "{err}");
        err
    };
    assert!(wrong("nonsense").contains("expected"));
    assert!(wrong(r#"{"at": "yesterday", "org": "a", "event": {}}"#).contains("is not an instant"));
    assert!(wrong(r#"{"at": "2026-01-01T00:00:00Z", "event": {}}"#).contains("has no org"));
    assert!(wrong(r#"{"at": "2026-01-01T00:00:00Z", "org": "a"}"#).contains("either an event or a command"));
    assert!(
        wrong(r#"{"at": "2026-01-01T00:00:00Z", "org": "a b", "event": {}}"#)
            .contains("the name of an organization")
    );
    assert!(wrong(r#"{"at": "1960-01-01T00:00:00Z", "org": "a", "event": {}}"#).contains("before 1970"));
}

#[test]
fn a_simulation_replays_to_the_same_state_every_time() {
    let arguments = ["simulate", "--events", "3000", "--seed", "9", "--duplicates", "1%", "--bad", "1%"];
    let lines = shown(&arguments);
    assert_eq!(lines, shown(&arguments));
    assert_eq!(lines.lines().filter(|line| line.contains("\"event\":")).count(), 3_000);
    // It brings its own catalog.
    let (code, state, _) = fed(&["replay", "-"], &lines);
    assert_eq!(code, 0);
    let state = json(&state);
    assert_eq!(state["orgs"].as_object().unwrap().len(), 20);
    assert_eq!(state["refused_commands"], Value::Array(Vec::new()));
    let sum = |end: &str| -> u64 {
        state["orgs"].as_object().unwrap().values().map(|org| org["events"][end].as_u64().unwrap()).sum()
    };
    let stray: u64 = state["stray"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(sum("charged") + sum("duplicate") + sum("rejected") + stray, 3_000);
    assert_eq!(shown(&["simulate", "--plain", "--for", "1s"]).lines().count(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_fills_a_stream() {
    let server = nats::NatsServer::start();
    let url = server.url();
    let arguments = ["simulate", "--to", &url, "--flat-out", "--events", "5000", "--batch", "10", "--json"];
    let summary = json(&shown(&arguments));
    assert_eq!((&summary["sent"], &summary["stored"]), (&5_000.into(), &5_000.into()));
    let context = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let state = context.get_stream("CREDITS").await.unwrap().cached_info().state.clone();
    let commands = summary["commands"].as_u64().unwrap();
    assert!((commands + 500..commands + 600).contains(&state.messages), "{} messages", state.messages);

    let unreachable = refused(69, &["simulate", "--to", "nats://127.0.0.1:1", "--events", "1"]);
    assert!(unreachable.contains("cannot connect"), "{unreachable}");
}

/// The unit's exposure as `systemd-analyze` rates it, in tenths.
#[test]
fn the_systemd_unit_is_hardened() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/creditd.service");
    let found = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=15"])
        .arg(unit)
        .output();
    let output = found.unwrap_or_else(|error| {
        panic!("systemd-analyze cannot be run ({error}): install your system's package systemd")
    });
    let (code, out, err) = finish(&output);
    assert_eq!(code, 0, "more exposed than 1.5: {out}{err}");
}
