//! `creditd token`, on a folder at rest and beside a daemon that runs.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use creditd::access::Audit;
use serde_json::Value;

use super::id;
use crate::daemon::Daemon;

/// Settings under which tokens are asked for.
const TOKENS: &str = "[access]\nmode = \"tokens\"\n";

fn creditd(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_creditd"));
    command.args(arguments).arg("--config").arg(folder.join("creditd.toml"));
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Output of a command that must work, and what it said beside it.
fn shown(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = creditd(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    (text(&output.stdout).trim_end().to_owned(), text(&output.stderr))
}

async fn status(daemon: &Daemon, token: Option<&str>) -> u16 {
    let request = reqwest::Client::new().get(format!("{}/v1/orgs", daemon.url()));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.unwrap().status().as_u16()
}

/// Waits until a token is answered so; a second is what it may take.
async fn becomes(daemon: &Daemon, token: &str, wanted: u16) {
    for _ in 0..150 {
        if status(daemon, Some(token)).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not {wanted} after 3 s, but {}", status(daemon, Some(token)).await);
}

#[tokio::test]
async fn tokens_are_made_rotated_and_revoked_beside_a_daemon_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut daemon = Daemon::start_guarded(folder, TOKENS);
    daemon.ready().await;
    assert_eq!(status(&daemon, None).await, 401);
    let (token, said) = shown(folder, &["token", "create", "dashboard", "--role", "viewer"]);
    assert!(!said.contains("nobody needs it"), "{said}");
    assert!(said.contains("shown this once") && !said.contains(token.rsplit('_').next().unwrap()), "{said}");
    assert_eq!(status(&daemon, Some(&token)).await, 200, "a new token is good at once");
    let (new, _) = shown(folder, &["token", "rotate", id(&token), "--overlap", "1h"]);
    assert_eq!(status(&daemon, Some(&new)).await, 200);
    assert_eq!(status(&daemon, Some(&token)).await, 200);
    let (newest, _) = shown(folder, &["token", "rotate", id(&token)]);
    assert_eq!(status(&daemon, Some(&newest)).await, 200);
    becomes(&daemon, &token, 401).await;
    shown(folder, &["token", "revoke", id(&token)]);
    becomes(&daemon, &newest, 401).await;
    assert!(daemon.terminate().success());
    let lines = Audit::in_folder(&folder.join("data")).page(None, 100).unwrap().unwrap().data;
    let own: Vec<&Value> = lines.iter().filter(|line| line["who"] == "command line").collect();
    let asked: Vec<&str> = own.iter().rev().map(|line| line["request"].as_str().unwrap()).collect();
    assert_eq!(asked, ["create", "rotate", "rotate", "revoke"].map(|what| format!("creditd token {what}")));
    assert!(own.iter().all(|line| line["about"] == id(&token)));
}

#[tokio::test]
async fn tokens_that_were_made_at_rest_are_in_force_after_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut daemon = Daemon::start_guarded(folder, TOKENS);
    daemon.ready().await;
    daemon.stop();
    let (token, _) = shown(folder, &["token", "create", "ops", "--role", "admin", "--expires", "30d"]);
    daemon.start_again(&[]);
    daemon.ready().await;
    assert_eq!(status(&daemon, Some(&token)).await, 200);
    assert!(daemon.terminate().success());
}

#[test]
fn the_list_is_for_people_programs_and_spreadsheets() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = folder.join("data");
    std::fs::write(folder.join("creditd.toml"), format!("[data]\nfolder = {data:?}\n{TOKENS}")).unwrap();
    let check = text(&creditd(folder, &["check"]).stdout);
    assert!(check.contains("! access       tokens are asked for and there are none yet"), "{check}");
    let create = ["token", "create", "a, b", "--role", "switch", "--org", "acme", "--account", "north"];
    let (token, _) = shown(folder, &create);
    let id = id(&token);
    let (table, _) = shown(folder, &["token", "list"]);
    assert_eq!(table, format!("{id}  switch    good     a, b  acme, north, until never"));
    let (csv, _) = shown(folder, &["token", "list", "-o", "csv"]);
    let line = csv.lines().nth(1).unwrap();
    assert!(
        line.starts_with(&format!("{id},\"a, b\",switch,acme,north,good,20")) && line.ends_with(",never"),
        "{line}"
    );
    let (json, _) = shown(folder, &["token", "list", "-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["data"][0]["id"], id);
    assert!(![table, csv, json.to_string()].concat().contains(token.rsplit('_').next().unwrap()));
    let check = text(&creditd(folder, &["check"]).stdout);
    assert!(check.contains("✓ access       tokens are asked for; 1 are in force"), "{check}");
}

#[test]
fn what_cannot_be_done_is_said_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = folder.join("data");
    std::fs::write(folder.join("creditd.toml"), format!("[data]\nfolder = {data:?}\n")).unwrap();
    let refused = |arguments: &[&str], code: i32, why: &str| {
        let output = creditd(folder, arguments);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(code), ""), "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused(&["token", "create", "x", "--role", "root"], 2, "write viewer, manager");
    refused(&["token", "create", "x", "--role", "viewer", "--account", "n"], 2, "--org");
    refused(&["token", "create", "x", "--role", "viewer", "--expires", "soon"], 2, "write 30d");
    refused(&["token", "revoke", "0123456789ab"], 2, "there is no token \"0123456789ab\"");
    std::fs::create_dir_all(data.join("access")).unwrap();
    std::fs::write(data.join("access/tokens.json"), "x").unwrap();
    refused(&["token", "list"], 1, "tokens.json is damaged");
    refused(&["serve"], 1, "tokens.json is damaged");
}

#[tokio::test]
async fn a_daemon_that_lets_everybody_in_says_so_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start_guarded(folder.path(), "");
    daemon.ready().await;
    assert_eq!(status(&daemon, None).await, 200);
    let log = daemon.log();
    assert!(
        log.contains("WARN") && log.contains("asks for no token") && log.contains("access.mode"),
        "{log}"
    );
    let check = text(&creditd(folder.path(), &["check"]).stdout);
    assert!(
        check.contains("! access       HTTP at 127.0.0.1:") && check.contains("asks for no token"),
        "{check}"
    );
    let (_, said) = shown(folder.path(), &["token", "create", "first", "--role", "admin"]);
    assert!(said.contains("by these settings nobody needs it: HTTP at 127.0.0.1:"), "{said}");
    assert!(daemon.terminate().success());
}
