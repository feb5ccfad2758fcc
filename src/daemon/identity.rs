//! The keys of an identity provider: fetched at the start, every few minutes, and when a token comes whose key is not known.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::sync::watch;

use crate::access::{Gate, Provider};
use crate::clock::Stopwatch;

/// How often keys are fetched in any case.
const EVERY: Duration = Duration::from_secs(600);
/// How often at most, be it that they cannot be fetched, or that tokens come whose keys are not known.
const AT_MOST_EVERY: Duration = Duration::from_secs(5);
/// How long an answer of the provider may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The largest answer of the provider.
const LARGEST: usize = 1 << 20;

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The provider does not answer as it should.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// Its answer is not what it should be.
    #[error("{0}")]
    Odd(String),
}

/// Keeps the keys of the gate's provider up to date, until told to stop.
pub(super) async fn keep(gate: Arc<Gate>, mut stop: watch::Receiver<bool>) {
    let Some(provider) = &gate.provider else { return };
    loop {
        let fetched = tokio::select! {
            _ = stop.changed() => return,
            fetched = fetch(provider) => fetched,
        };
        let issuer = &provider.options().issuer;
        let wait = match fetched {
            Ok(keys) => {
                tracing::debug!(issuer, keys, "the keys of the identity provider were fetched");
                EVERY
            }
            Err(error) => {
                tracing::warn!(issuer, %error, "the keys of the identity provider cannot be fetched; those of before stay in force");
                AT_MOST_EVERY
            }
        };
        let watch = Stopwatch::start();
        while watch.elapsed() < wait && !(watch.elapsed() >= AT_MOST_EVERY && provider.misses_keys()) {
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(Duration::from_millis(250)) => {}
            }
        }
    }
}

/// Fetches the keys of a provider. Answers how many can be used.
///
/// # Errors
/// [`FetchError`], naming the address.
pub async fn fetch(provider: &Provider) -> Result<usize, FetchError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    let client = Client::builder()
        // Where a redirect leads would be trusted without having been named.
        .redirect(Policy::none())
        .timeout(LIMIT)
        .user_agent(concat!("creditd/", env!("CARGO_PKG_VERSION")))
        .build()?;
    let options = provider.options();
    let url = match &options.keys_url {
        Some(url) => url.clone(),
        None => {
            let url = format!("{}/.well-known/openid-configuration", options.issuer.trim_end_matches('/'));
            let text = get(&client, &url).await?;
            let found: Discovery = serde_json::from_slice(&text)
                .map_err(|error| FetchError::Odd(format!("{url} is no discovery document: {error}")))?;
            if found.issuer != options.issuer {
                let why = format!("{url} is of the issuer {:?}, not of {:?}", found.issuer, options.issuer);
                return Err(FetchError::Odd(why));
            }
            found.jwks_uri
        }
    };
    let text = get(&client, &url).await?;
    provider.learn(&text).map_err(|error| FetchError::Odd(format!("{url}: {error}")))
}

async fn get(client: &Client, url: &str) -> Result<Vec<u8>, FetchError> {
    if !is_safe(url) {
        return Err(FetchError::Odd(format!(
            "{url} is not over TLS: whoever is on the way could sign tokens"
        )));
    }
    let mut answer = client.get(url).send().await?.error_for_status()?;
    if !answer.status().is_success() {
        return Err(FetchError::Odd(format!(
            "{url} answers {}; name the address that has them",
            answer.status()
        )));
    }
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        text.extend_from_slice(&chunk);
        if text.len() > LARGEST {
            return Err(FetchError::Odd(format!("{url} has more than {LARGEST} bytes")));
        }
    }
    Ok(text)
}

/// Over TLS, or from this machine.
fn is_safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    url.scheme() == "https" || matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}
