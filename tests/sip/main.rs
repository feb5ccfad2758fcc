//! Real calls: SIPp calls through Kamailio with the configuration of `config/kamailio`, which asks the real daemon and tells
//! a real nats-server. What the daemon charges is compared with what Kamailio told, by arithmetic of the test's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "../support/daemon.rs"]
pub mod daemon;
#[path = "../support/nats.rs"]
pub mod nats;

mod accounts;
mod again;
mod charged;
mod crowd;
mod cut_off;
mod kamailio;
mod refused;
mod restarted;
mod sipp;
mod told;
mod unreachable;

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use accounts::Customer;
use async_nats::jetstream;
use async_nats::jetstream::stream::Republish;
use creditd::access::{NewToken, Role, Scope, Tokens};
use creditd::clock;
use creditd::ledger::units::Credits;
use daemon::Daemon;
use kamailio::Kamailio;
use nats::NatsServer;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;
use sipp::{Seen, Sipp};
use tempfile::TempDir;
use told::Told;

/// Everything a call goes through, but who calls and who is called.
struct Scene {
    kamailio: Kamailio,
    daemon: Daemon,
    http: Client,
    jetstream: jetstream::Context,
    customers: Vec<Customer>,
    /// Where the trunk and the customers' phones are.
    callee: u16,
    folder: TempDir,
    server: NatsServer,
}

/// Kamailio shows a token as users have it.
const TOKENS: &str = "[access]\nmode = \"tokens\"\nmetrics = \"open\"\n";

/// A token for everything that a role may do.
fn token(daemon: &Daemon, role: Role) -> String {
    let new = NewToken::new(role.name(), role, Scope::default());
    Tokens::open(&daemon.data()).unwrap().create(new, clock::now()).unwrap().reveal()
}

impl Scene {
    /// With these customers, their plans and their credits.
    async fn start(customers: Vec<Customer>) -> Scene {
        let (server, folder) = (NatsServer::start(), tempfile::tempdir().unwrap());
        let settings = format!("{TOKENS}[log]\nkind = \"jetstream\"\n[nats]\nurls = [{:?}]\n", server.url());
        let mut daemon = Daemon::start_guarded(folder.path(), &settings);
        daemon.ready().await;
        let (operator, switch) = (token(&daemon, Role::Admin), token(&daemon, Role::Switch));
        let jetstream = jetstream::new(async_nats::connect(server.url()).await.unwrap());
        republish_cut_offs(&jetstream).await;
        let operator = HeaderValue::from_str(&format!("Bearer {operator}")).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, operator)]);
        let http = Client::builder().default_headers(headers).build().unwrap();
        for customer in &customers {
            customer.open(&http, &daemon.url()).await;
        }
        let callee = free_port(Ipv4Addr::LOCALHOST);
        let creditd = daemon.url().replace("://", &format!("://kamailio:{switch}@"));
        let kamailio = Kamailio::start(folder.path(), &creditd, &server.url(), callee, &customers).await;
        Scene { kamailio, daemon, http, jetstream, customers, callee, folder, server }
    }

    /// Those who are called; they are gone after so many calls.
    fn called(&self, calls: u32) -> Sipp {
        self.called_after(1_000, calls)
    }

    /// The same, who let it ring for so many milliseconds.
    fn called_after(&self, rings_ms: u32, calls: u32) -> Sipp {
        Sipp::callee(self.folder.path(), self.callee, calls, rings_ms)
    }

    /// Makes so many calls from an address, so many a second.
    fn calls(&self, scenario: &str, from: Ipv4Addr, number: &str, (calls, a_second): (u32, u32)) -> Sipp {
        let to = self.kamailio.port();
        Sipp::caller(self.folder.path(), scenario, (from, to), number, (calls, a_second))
    }

    /// What SIPp saw, once it has ended. Each of its calls must have gone as its scenario says.
    async fn seen(&self, sipp: &mut Sipp) -> Seen {
        let seen = sipp.ended().await;
        assert_eq!(seen.failed, 0, "{}\n{}", sipp.log(), self.logs());
        seen
    }

    /// What Kamailio told, once so many calls are over, and the daemon has read it.
    async fn told(&mut self, over: usize) -> Told {
        let told = until("the calls to be over", async || {
            Told::read(&self.jetstream).await.filter(|told| told.over() >= over)
        });
        let told = match told.await {
            Ok(told) => told,
            Err(error) => panic!("{error}: {:#?}\n{}", Told::read(&self.jetstream).await, self.logs()),
        };
        assert_eq!(told.over(), over, "{told:#?}");
        self.daemon.wait_for(told.position, Duration::from_secs(60)).await;
        told
    }

    /// What an organization's calls burn, once so many of them are talked.
    async fn talked(&self, org: &str, running: u64) -> Value {
        let burn = until("the calls to be talked", async || {
            let calls = self.get(&format!("/v1/orgs/{org}/calls")).await;
            Some(calls["burn"][0].clone()).filter(|burn| burn["running"] == running)
        });
        burn.await.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()))
    }

    /// A customer's figure of this name: `settled`, `pending`, `held`, `available`.
    async fn balance(&self, org: &str, figure: &str) -> Credits {
        let balance = self.get(&format!("/v1/orgs/{org}/balance")).await;
        balance["balances"][0][figure].as_str().unwrap_or_else(|| panic!("{balance}")).parse().unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.daemon.url())).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// The last lines of what everybody logged.
    fn logs(&self) -> String {
        format!("Kamailio:\n{}\ncreditd:\n{}", self.kamailio.log(), self.daemon.log())
    }
}

/// As docs/KAMAILIO.md says: the subject of a cut-off has dots, which no event route of Kamailio may have.
async fn republish_cut_offs(jetstream: &jetstream::Context) {
    let stream = until("the stream of alerts", async || jetstream.get_stream("CREDIT_ALERTS").await.ok());
    let mut config = stream.await.unwrap().cached_info().config.clone();
    config.republish = Some(Republish {
        source: "credits.calls.*.cutoff".to_owned(),
        destination: "creditd-cutoff".to_owned(),
        headers_only: false,
    });
    jetstream.update_stream(config).await.unwrap();
}

/// Looks again and again until there is something to be seen, for a minute and a half at most.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T, String> {
    for _ in 0..900 {
        if let Some(found) = look().await {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("waited for {what} in vain"))
}

/// A port that nobody listens at.
fn free_port(address: Ipv4Addr) -> u16 {
    UdpSocket::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

/// The last lines of a file, nothing where there is none.
fn tail(path: &std::path::Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
