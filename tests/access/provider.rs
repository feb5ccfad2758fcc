//! An identity provider: a real one over HTTP, and the daemon that fetches its keys.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use creditd::clock;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::daemon::Daemon;
use crate::{Answer, Guarded};

/// A provider: what it publishes, and how often that was asked for.
#[derive(Default)]
struct Published {
    keys: Mutex<Vec<Jwk>>,
    asked: Mutex<usize>,
}

struct Provider {
    issuer: String,
    published: Arc<Published>,
}

/// A key of a provider.
struct Signer {
    key: EncodingKey,
    id: &'static str,
}

impl Signer {
    fn new(id: &'static str) -> Signer {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Signer { key: EncodingKey::from_ec_der(&pair.serialize_der()), id }
    }

    fn jwk(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        jwk
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.key).unwrap()
    }
}

impl Provider {
    async fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realms/ops", listener.local_addr().unwrap());
        let published = Arc::new(Published::default());
        let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }).to_string();
        let keys = async |State(published): State<Arc<Published>>| {
            *published.asked.lock() += 1;
            serde_json::to_string(&JwkSet { keys: published.keys.lock().clone() }).unwrap()
        };
        let router = Router::new()
            .route("/realms/ops/.well-known/openid-configuration", get(async move || discovery))
            .route("/realms/ops/keys", get(keys))
            .with_state(Arc::clone(&published));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Provider { issuer, published }
    }

    /// What a token says that is for some organization, and good for some seconds.
    fn claims(&self, role: &str, orgs: &str, seconds: i64) -> Value {
        let now = clock::now().micros() / 1_000_000;
        json!({ "iss": self.issuer, "aud": "creditd", "sub": "u-17", "name": "Ana", "exp": now + seconds,
                "creditd_role": role, "creditd_orgs": orgs })
    }
}

/// Asks a daemon with a token.
async fn ask(daemon: &Daemon, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let request = reqwest::Client::new().request(method, format!("{}{path}", daemon.url()));
    let request = request.header("authorization", format!("Bearer {token}")).body(body.to_string());
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, json: answer.json().await.unwrap_or_default() }
}

async fn get_as(daemon: &Daemon, token: &str, path: &str) -> Answer {
    ask(daemon, token, Method::GET, path, json!({})).await
}

/// Publishes a plan, and puts organizations on it.
async fn set_up(daemon: &Daemon, admin: &str, orgs: &[&str]) {
    let card = (
        "/v1/rate-cards/standard".to_owned(),
        json!({ "version": 1, "prices": { "mail": { "per_action": "1" } } }),
    );
    let plan = ("/v1/plans/starter".to_owned(), json!({ "version": 1, "rate_card": "standard" }));
    let orgs = orgs.iter().map(|org| (format!("/v1/orgs/{org}"), json!({ "plan": "starter" })));
    for (path, body) in [card, plan].into_iter().chain(orgs) {
        let answer = ask(daemon, admin, Method::PUT, &path, body).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.json);
    }
}

/// Asks until a token is taken, for ten seconds at most.
async fn taken(daemon: &Daemon, token: &str) {
    let mut answer = get_as(daemon, token, "/v1/orgs").await;
    for _ in 0..100 {
        if answer.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = get_as(daemon, token, "/v1/orgs").await;
    }
    panic!("after ten seconds: {}", answer.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_provider_are_held_to_their_role_and_scope() {
    let (provider, folder) = (Provider::start().await, tempfile::tempdir().unwrap());
    let (one, two) = (Signer::new("one"), Signer::new("two"));
    provider.published.keys.lock().push(one.jwk());
    let settings = format!("[access]\nmode = \"tokens\"\n[access.oidc]\nissuer = \"{}\"\n", provider.issuer);
    let mut daemon = Daemon::start_guarded(folder.path(), &settings);
    daemon.ready().await;
    let admin = one.sign(&provider.claims("admin", "*", 300));
    taken(&daemon, &admin).await;
    set_up(&daemon, &admin, &["acme", "rival"]).await;
    let viewer = one.sign(&provider.claims("viewer", "acme", 300));
    assert_eq!(get_as(&daemon, &viewer, "/v1/orgs/acme/balance").await.status, 200);
    get_as(&daemon, &viewer, "/v1/orgs/rival/balance").await.problem(404, "unknown_org");
    let grant = ask(&daemon, &viewer, Method::POST, "/v1/orgs/acme/grants", json!({ "amount": "5" })).await;
    grant.problem(403, "permission_missing");
    // Who did what has their names.
    let audit = get_as(&daemon, &admin, "/v1/audit").await.json;
    let deed = audit["data"].as_array().unwrap().iter().find(|deed| deed["path"] == "/v1/orgs/acme").unwrap();
    assert_eq!(
        (&deed["who"], &deed["name"], &deed["role"]),
        (&json!("oidc:u-17"), &json!("Ana"), &json!("admin"))
    );
    for (claims, part) in [
        (provider.claims("viewer", "acme", -120), "expired"),
        (provider.claims("boss", "acme", 300), "names no role"),
        (
            json!({ "iss": "https://other.example", "aud": "creditd", "sub": "x", "exp": 4_000_000_000_i64 }),
            "not from",
        ),
    ] {
        let refused = get_as(&daemon, &one.sign(&claims), "/v1/orgs").await;
        let why = refused.problem(401, "token_invalid");
        assert!(why.contains(part), "{why}");
    }
    // A new key is fetched when a token is signed with it; the old one is no good any more.
    *provider.published.keys.lock() = vec![two.jwk()];
    taken(&daemon, &two.sign(&provider.claims("viewer", "acme", 300))).await;
    get_as(&daemon, &viewer, "/v1/orgs").await.problem(401, "token_invalid");
    // Not for each such token: strangers do not make it ask without end.
    let before = *provider.published.asked.lock();
    for _ in 0..50 {
        assert_eq!(get_as(&daemon, &viewer, "/v1/orgs").await.status, 401);
    }
    assert!(*provider.published.asked.lock() <= before + 1);
    assert!(daemon.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_such_a_token_is_none() {
    let guarded = Guarded::start().await;
    let token = Signer::new("one").sign(&json!({ "sub": "u-17" }));
    let answer = guarded.send(Some(&token), Method::GET, "/v1/orgs", None).await;
    answer.problem(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_hears_no_more_once_such_a_token_is_over() {
    let (provider, folder) = (Provider::start().await, tempfile::tempdir().unwrap());
    let signer = Signer::new("one");
    provider.published.keys.lock().push(signer.jwk());
    let settings = format!("[access]\nmode = \"tokens\"\n[access.oidc]\nissuer = \"{}\"\n", provider.issuer);
    let mut daemon = Daemon::start_guarded(folder.path(), &settings);
    daemon.ready().await;
    let admin = signer.sign(&provider.claims("admin", "*", 300));
    taken(&daemon, &admin).await;
    set_up(&daemon, &admin, &["acme"]).await;
    // Over in two seconds, by a clock that may be a minute off.
    let short = signer.sign(&provider.claims("viewer", "acme", -58));
    let listen = reqwest::Client::new().get(format!("{}/v1/orgs/acme/balance/stream", daemon.url()));
    let mut heard = listen.header("authorization", format!("Bearer {short}")).send().await.unwrap();
    assert_eq!(heard.status(), 200);
    let ended = async { while heard.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    assert!(daemon.stop().success());
}
