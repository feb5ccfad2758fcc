//! Every way to sign in, and TLS, on a real server that asks for it: the daemon works, and without it it does not start.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::certificates::Authority;
use crate::credentials;
use crate::daemon::Daemon;
use crate::nats::NatsServer;

/// A server with a configuration of its own.
fn server(folder: &Path, configuration: &str) -> NatsServer {
    let path = folder.join("nats.conf");
    fs::write(&path, configuration).unwrap();
    NatsServer::start_with(&["--config", path.to_str().unwrap()])
}

fn settings(server: &NatsServer, more: &str) -> String {
    format!("[log]\nkind = \"jetstream\"\n[nats]\nurls = [{:?}]\n{more}", server.url())
}

/// What a daemon with these settings does: all of its connections work, and it charges.
async fn works(folder: &Path, server: &NatsServer, more: &str) {
    let mut daemon = Daemon::start(folder, &settings(server, more));
    daemon.ready().await;
    let client = reqwest::Client::new();
    let put = async |path: &str, body: &str| {
        let answer =
            client.put(format!("{}{path}", daemon.url())).body(body.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    };
    put("/v1/rate-cards/card", r#"{"version": 1, "prices": {"message": {"per_action": "1"}}}"#).await;
    put("/v1/plans/plan", r#"{"version": 1, "rate_card": "card"}"#).await;
    // Applied means appended over one connection and read over the other.
    put("/v1/orgs/acme", r#"{"plan": "plan"}"#).await;
    assert!(daemon.terminate().success());
}

/// What it says where it is not let in. It ends at once, with the code for what is not available.
async fn refused(folder: &Path, server: &NatsServer, more: &str) -> String {
    let mut daemon = Daemon::start(folder, &settings(server, more));
    let status = daemon.ended(Duration::from_secs(30)).await;
    assert_eq!(status.code(), Some(69), "{}", daemon.log());
    daemon.log()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn with_a_user_and_a_password() {
    let folder = folder();
    let folder = folder.path();
    let server = server(folder, "authorization { user: meter, password: hunter2 }");
    works(folder, &server, "user = \"meter\"\npassword = \"hunter2\"").await;
    let said = refused(folder, &server, "user = \"meter\"\npassword = \"swordfish\"").await;
    assert!(said.contains("authorization violation") && !said.contains("swordfish"), "{said}");
    refused(folder, &server, "").await;
}

#[tokio::test]
async fn with_a_token() {
    let folder = folder();
    let folder = folder.path();
    let server = server(folder, "authorization { token: \"hunter2\" }");
    works(folder, &server, "token = \"hunter2\"").await;
    let said = refused(folder, &server, "token = \"swordfish\"").await;
    assert!(said.contains("authorization violation") && !said.contains("swordfish"), "{said}");
}

#[tokio::test]
async fn with_the_seed_of_an_nkey() {
    let folder = folder();
    let folder = folder.path();
    let (own, other) = (nkeys::KeyPair::new_user(), nkeys::KeyPair::new_user());
    for (name, pair) in [("own.nk", &own), ("other.nk", &other)] {
        fs::write(folder.join(name), format!("{}\n", pair.seed().unwrap())).unwrap();
    }
    let server = server(folder, &format!("authorization {{ users: [ {{ nkey: {} }} ] }}", own.public_key()));
    works(folder, &server, "nkey_seed_file = \"own.nk\"").await;
    let said = refused(folder, &server, "nkey_seed_file = \"other.nk\"").await;
    assert!(!said.contains(&other.seed().unwrap()), "{said}");
    let said = refused(folder, &server, "nkey_seed_file = \"none.nk\"").await;
    assert!(said.contains("none.nk cannot be used"), "{said}");
    fs::write(folder.join("empty.nk"), "SA\n").unwrap();
    let said = refused(folder, &server, "nkey_seed_file = \"empty.nk\"").await;
    assert!(said.contains("empty.nk cannot be used: it holds no seed of a user"), "{said}");
}

#[tokio::test]
async fn with_a_credentials_file() {
    let folder = folder();
    let folder = folder.path();
    let world = credentials::World::new();
    fs::write(folder.join("own.creds"), world.user()).unwrap();
    fs::write(folder.join("other.creds"), credentials::World::new().user()).unwrap();
    let server = server(folder, &world.configuration());
    works(folder, &server, "credentials_file = \"own.creds\"").await;
    refused(folder, &server, "credentials_file = \"other.creds\"").await;
    let said = refused(folder, &server, "credentials_file = \"none.creds\"").await;
    assert!(said.contains("none.creds cannot be used"), "{said}");
}

/// A configuration for TLS with files of a folder.
fn tls(more: &str) -> String {
    format!("tls {{ cert_file: \"server.crt\", key_file: \"server.key\", {more} }}")
}

/// The same with the folder written out: the server looks from where it was started.
fn in_folder(folder: &Path, configuration: &str) -> String {
    let path = |name: &str| format!("{:?}", folder.join(name));
    ["server.crt", "server.key", "clients.pem"]
        .iter()
        .fold(configuration.to_owned(), |text, name| text.replace(&format!("\"{name}\""), &path(name)))
}

#[tokio::test]
async fn over_tls_with_an_authority_of_ones_own() {
    let folder = folder();
    let folder = folder.path();
    let authority = Authority::fresh();
    authority.sign(folder, "server");
    authority.write(folder, "ca");
    Authority::fresh().write(folder, "other");
    let server = server(folder, &in_folder(folder, &tls("")));
    works(folder, &server, "ca_file = \"ca.pem\"").await;
    refused(folder, &server, "ca_file = \"other.pem\"").await;
    refused(folder, &server, "").await;
    let said = refused(folder, &server, "ca_file = \"none.pem\"").await;
    assert!(said.contains("none.pem cannot be used"), "{said}");
}

#[tokio::test]
async fn over_tls_before_the_server_says_a_word() {
    let folder = folder();
    let folder = folder.path();
    let authority = Authority::fresh();
    authority.sign(folder, "server");
    authority.write(folder, "ca");
    let server = server(folder, &in_folder(folder, &tls("handshake_first: true")));
    works(folder, &server, "ca_file = \"ca.pem\"\ntls_first = true").await;
}

#[tokio::test]
async fn with_a_certificate_of_ones_own() {
    let folder = folder();
    let folder = folder.path();
    let (authority, clients) = (Authority::fresh(), Authority::fresh());
    authority.sign(folder, "server");
    authority.write(folder, "ca");
    clients.write(folder, "clients");
    clients.sign(folder, "own");
    Authority::fresh().sign(folder, "other");
    let server = server(folder, &in_folder(folder, &tls("ca_file: \"clients.pem\", verify: true")));
    works(folder, &server, "ca_file = \"ca.pem\"\ncert_file = \"own.crt\"\nkey_file = \"own.key\"").await;
    refused(folder, &server, "ca_file = \"ca.pem\"\ncert_file = \"other.crt\"\nkey_file = \"other.key\"")
        .await;
    refused(folder, &server, "ca_file = \"ca.pem\"").await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let folder = folder();
    let server = NatsServer::start();
    refused(folder.path(), &server, "tls = true").await;
    let authority = Authority::fresh();
    authority.write(folder.path(), "ca");
    refused(folder.path(), &server, "ca_file = \"ca.pem\"").await;
}

#[tokio::test]
async fn check_and_simulate_sign_in_as_the_daemon_does() {
    let folder = folder();
    let folder = folder.path();
    let server = server(folder, "authorization { user: meter, password: hunter2 }");
    let file = folder.join("creditd.toml");
    let run = |arguments: &[&str], more: &str| {
        let data = format!("[data]\nfolder = {:?}\n", folder.join("data"));
        fs::write(&file, format!("{data}{}", settings(&server, more))).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_creditd"));
        command.args(arguments).arg("--config").arg(&file).stdin(Stdio::null()).output().unwrap()
    };
    let (right, wrong) = ("user = \"meter\"\npassword = \"hunter2\"", "user = \"meter\"\npassword = \"x\"");
    assert_eq!(run(&["check"], right).status.code(), Some(0));
    assert_eq!(run(&["check"], wrong).status.code(), Some(69));
    let url = server.url();
    let simulate = ["simulate", "--quiet", "--to", &url, "--flat-out", "--events", "10"];
    let done = run(&simulate, right);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(run(&simulate, wrong).status.code(), Some(69));
}
