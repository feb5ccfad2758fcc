//! To a server elsewhere nothing is said in the clear, and nothing to one that is not who it says.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::mailbox::{LOGIN, Mailbox, Talk};
use crate::{Scene, monthly};

const SEND: &str = "/v1/orgs/acme/reports/monthly/send";

fn settings(mailbox: &Mailbox, tls: &str, [user, password]: [&str; 2]) -> String {
    let port = mailbox.port();
    format!(
        "[log]\nkind = \"local\"\n[mail]\nserver = \"localhost\"\nport = {port}\ntls = {tls:?}\nuser = {user:?}\n\
         password = {password:?}\nfrom = \"usage@meter.example\"\n"
    )
}

async fn sent(scene: &Scene) -> Value {
    scene.put("monthly", monthly()).await;
    scene.must(Method::POST, SEND, json!({})).await;
    scene.sending("monthly", "the outcome", |sending| sending["mails"][0]["tries"] == 1).await
}

/// What `creditd check` says of the mail server.
fn check(folder: &Path, authority: Option<&Path>) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_creditd"));
    command.args(["check", "--output", "json", "--config"]).arg(folder.join("creditd.toml"));
    command.env_remove("SSL_CERT_DIR").env_remove("SSL_CERT_FILE");
    authority.map(|authority| command.env("SSL_CERT_FILE", authority));
    let output = command.output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = told["checks"].as_array().unwrap().iter().find(|found| found["what"] == "mail").cloned();
    (output.status.code(), found.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_signed_in_to_once_it_has_shown_who_it_is() {
    let scene =
        Scene::with("2026-02-15T12:00:00Z", Talk::StartTls, |at| settings(at, "starttls", LOGIN)).await;
    assert_eq!(sent(&scene).await["state"], "sent");
    let mail = scene.mailbox.wait_for(1).await.remove(0);
    assert_eq!(mail.0["encrypted"], true);
    // Without an address to leave by there is no link.
    assert_eq!((mail.find("List-Unsubscribe"), mail.find("List-Unsubscribe-Post")), (None, None));
    let (code, found) = check(scene.folder.path(), Some(&scene.mailbox.authority()));
    assert_eq!((code, &found["ok"]), (Some(0), &json!(true)), "{found}");
    // Whom nobody vouches for is told nothing.
    let (code, found) = check(scene.folder.path(), None);
    assert_eq!((code, &found["ok"]), (Some(69), &json!(false)), "{found}");
    assert!(found["detail"].as_str().unwrap().contains("certificate"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_ours_to_mend_and_no_refusal_of_a_mail() {
    let wrong = [LOGIN[0], "wrong"];
    let scene =
        Scene::with("2026-02-15T12:00:00Z", Talk::StartTls, |at| settings(at, "starttls", wrong)).await;
    let sending = sent(&scene).await;
    assert_eq!(sending["mails"][0]["state"], "waiting", "{sending}");
    assert!(sending["mails"][0]["reason"].as_str().unwrap().contains("535"), "{sending}");
    let (code, found) = check(scene.folder.path(), Some(&scene.mailbox.authority()));
    assert_eq!(code, Some(69));
    assert!(!found["detail"].as_str().unwrap().contains("wrong"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_encrypted_from_the_first_byte_on_is_spoken_to_like_that() {
    let scene = Scene::with("2026-02-15T12:00:00Z", Talk::Tls, |at| settings(at, "required", ["", ""])).await;
    assert_eq!(sent(&scene).await["state"], "sent");
    assert_eq!(scene.mailbox.wait_for(1).await[0].0["encrypted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_encrypt_gets_nothing() {
    let scene =
        Scene::with("2026-02-15T12:00:00Z", Talk::Plain, |at| settings(at, "starttls", ["", ""])).await;
    let sending = sent(&scene).await;
    assert_eq!(sending["mails"][0]["state"], "waiting", "{sending}");
    assert!(sending["mails"][0]["reason"].as_str().unwrap().contains("STARTTLS"), "{sending}");
    assert!(scene.mailbox.mails().is_empty());
}
