//! HTTP over TLS, asked by real clients with and without certificates.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use creditd::access::{Gate, Role, Scope};
use creditd::http::{Options, Tls, TlsFiles};
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use tempfile::TempDir;

use super::{issue, new};
use crate::certificates::{Authority, Signed};
use crate::daemon::Daemon;
use crate::running::Running;

/// A daemon over TLS.
struct Secured {
    running: Running,
    folder: TempDir,
}

fn files(own: &Signed, client_ca: Option<&Path>) -> TlsFiles {
    let Signed { certificate, key } = own.clone();
    TlsFiles { certificate, key, client_ca: client_ca.map(Path::to_owned) }
}

impl Secured {
    async fn start(folder: TempDir, files: TlsFiles) -> Secured {
        let tls = Some(Arc::new(Tls::load(files).unwrap()));
        let gate = Gate::shut(folder.path()).unwrap();
        let running = Running::start_behind(gate, folder.path(), Options { tls, ..Options::default() }).await;
        Secured { running, folder }
    }

    fn port(&self) -> &str {
        self.running.url.rsplit(':').next().unwrap()
    }

    /// The status that a client is answered over a connection of its own; none where there is none.
    async fn ask(&self, client: ClientBuilder, path: &str, token: Option<&str>) -> Option<u16> {
        let client = client.timeout(Duration::from_secs(5)).build().unwrap();
        let request = client.get(format!("https://127.0.0.1:{}{path}", self.port()));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }
}

/// A client that knows an authority.
fn knows(authority: &Authority) -> ClientBuilder {
    Client::builder().tls_certs_only([Certificate::from_pem(authority.pem().as_bytes()).unwrap()])
}

fn shows(own: &Signed) -> Identity {
    Identity::from_pem(&own.pem()).unwrap()
}

#[tokio::test]
async fn who_knows_the_authority_is_answered_over_tls_and_nobody_without() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::fresh();
    let own = authority.sign(folder.path(), "own");
    let secured = Secured::start(folder, files(&own, None)).await;
    let token = issue(secured.folder.path(), new(Role::Admin, Scope::default()));
    assert_eq!(secured.ask(knows(&authority), "/healthz", None).await, Some(200));
    assert_eq!(secured.ask(knows(&authority), "/v1/orgs", None).await, Some(401));
    assert_eq!(secured.ask(knows(&authority), "/v1/orgs", Some(&token)).await, Some(200));
    assert_eq!(
        secured.ask(knows(&Authority::fresh()), "/healthz", None).await,
        None,
        "an authority of others"
    );
    assert!(
        reqwest::get(format!("http://127.0.0.1:{}/healthz", secured.port())).await.is_err(),
        "in the clear"
    );
    secured.running.stop().await;
}

#[tokio::test]
async fn where_clients_must_show_a_certificate_only_those_signed_for_that_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients, others) = (Authority::fresh(), Authority::fresh(), Authority::fresh());
    let own = authority.sign(folder.path(), "own");
    let (good, bad) = (clients.sign(folder.path(), "good"), others.sign(folder.path(), "bad"));
    let client_ca = clients.write(folder.path(), "clients");
    let secured = Secured::start(folder, files(&own, Some(&client_ca))).await;
    assert_eq!(secured.ask(knows(&authority), "/healthz", None).await, None, "without one");
    assert_eq!(secured.ask(knows(&authority).identity(shows(&bad)), "/healthz", None).await, None);
    let good = || knows(&authority).identity(shows(&good));
    assert_eq!(secured.ask(good(), "/healthz", None).await, Some(200));
    assert_eq!(secured.ask(good(), "/v1/orgs", None).await, Some(401), "a token is needed all the same");
    secured.running.stop().await;
}

#[tokio::test]
async fn a_certificate_that_is_renewed_is_shown_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (Authority::fresh(), Authority::fresh());
    let own = before.sign(folder.path(), "own");
    let secured = Secured::start(folder, files(&own, None)).await;
    assert_eq!(secured.ask(knows(&before), "/healthz", None).await, Some(200));
    // What cannot be used leaves the one of before.
    fs::write(&own.certificate, "no certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(secured.ask(knows(&before), "/healthz", None).await, Some(200));
    after.sign(secured.folder.path(), "own");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(secured.ask(knows(&after), "/healthz", None).await, Some(200));
    assert_eq!(secured.ask(knows(&before), "/healthz", None).await, None);
    secured.running.stop().await;
}

#[tokio::test]
async fn who_does_not_shake_hands_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::fresh();
    let own = authority.sign(folder.path(), "own");
    let secured = Secured::start(folder, files(&own, None)).await;
    let address = format!("127.0.0.1:{}", secured.port());
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&address).unwrap()).collect();
    assert_eq!(secured.ask(knows(&authority), "/healthz", None).await, Some(200));
    let mut first = silent.into_iter().next().unwrap();
    first.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let heard = tokio::task::spawn_blocking(move || first.read(&mut [0; 16])).await.unwrap();
    assert_eq!(heard.unwrap(), 0, "it is hung up on after ten seconds");
    secured.running.stop().await;
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let authority = Authority::fresh();
    let (own, other) = (authority.sign(folder, "own"), authority.sign(folder, "other"));
    let told = |files: TlsFiles| Tls::load(files).unwrap_err().to_string();
    let missing = told(TlsFiles { certificate: folder.join("none.crt"), ..files(&own, None) });
    assert!(missing.contains("none.crt cannot be read: "), "{missing}");
    let crossed = told(TlsFiles { key: other.key, ..files(&own, None) });
    assert!(crossed.contains("own.crt cannot be used with its key"), "{crossed}");
    let swapped = told(TlsFiles { certificate: own.key.clone(), ..files(&own, None) });
    assert!(swapped.contains("own.key holds no certificate in PEM"), "{swapped}");
    let swapped = told(TlsFiles { key: own.certificate.clone(), ..files(&own, None) });
    assert!(swapped.contains("own.crt holds no key in PEM"), "{swapped}");
    let clients = told(files(&own, Some(&own.key)));
    assert!(clients.contains("own.key holds no certificate in PEM"), "{clients}");
}

#[tokio::test]
async fn the_program_serves_over_tls_and_a_hangup_reads_the_certificate_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::fresh();
    authority.sign(folder.path(), "own");
    let tls = "[http.tls]\ncert = \"own.crt\"\nkey = \"own.key\"\n";
    let daemon = Daemon::start_guarded(folder.path(), tls);
    let client = knows(&authority).build().unwrap();
    let url = daemon.url().replace("http:", "https:");
    for attempt in 0.. {
        match client.get(format!("{url}/healthz")).send().await {
            Ok(answer) if answer.status().is_success() => break,
            _ => assert!(attempt < 500, "not served: {}", daemon.log()),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.signal("HUP");
    for attempt in 0.. {
        if daemon.log().contains("the certificate was read") {
            break;
        }
        assert!(attempt < 500, "not read again: {}", daemon.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(daemon.terminate().success());
}
