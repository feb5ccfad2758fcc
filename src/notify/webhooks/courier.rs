//! The courier: makes one attempt over HTTP and tells what came of it.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

use super::attempt::{Attempt, Outcome, Wish, failed};
use super::endpoint::{Endpoint, Message};
use super::options::Options;
use super::reach::{Reach, Unreachable};
use super::retry::{millis, retry_after};
use super::secret::second;
use crate::clock::Stopwatch;
use crate::ledger::units::Timestamp;

/// The most of an answer that is read, in bytes, and only where it tells why a message was not taken.
const MOST_READ: usize = 4 << 10;
/// The most of an answer that a reason repeats, in characters.
const MOST_QUOTED: usize = 200;
/// How long a connection is kept for the next message of its endpoint.
const KEPT_OPEN: Duration = Duration::from_secs(30);

/// Makes attempts.
#[derive(Clone, Debug)]
pub(super) struct Courier {
    client: Client,
    reach: Reach,
    limit: Duration,
}

impl Courier {
    /// A courier that reaches what `reach` lets it.
    pub(super) fn new(options: &Options, reach: Reach) -> Result<Courier, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("creditd/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(std::sync::Arc::new(reach.clone()))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy would resolve the name again, out of our sight.
            .no_proxy()
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(KEPT_OPEN)
            .build()?;
        Ok(Courier { client, reach, limit: options.attempt_limit })
    }

    /// Posts a message, signed with the time `at`, and answers within the limit.
    pub(super) async fn attempt(
        &self,
        endpoint: &Endpoint,
        message: &Message,
        at: Timestamp,
    ) -> (Attempt, Wish) {
        let watch = Stopwatch::start();
        let (outcome, wish) = match self.reach.check(&endpoint.url) {
            Ok(()) => self.post(endpoint, message, at).await,
            Err(forbidden) => (failed(None, &forbidden.to_string()), Wish::None),
        };
        (Attempt { at, took: millis(watch.elapsed()), outcome }, wish)
    }

    async fn post(&self, endpoint: &Endpoint, message: &Message, at: Timestamp) -> (Outcome, Wish) {
        let id = message.id.webhook_id();
        let request = self
            .client
            .post(endpoint.url.url().clone())
            .header(CONTENT_TYPE, "application/cloudevents+json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", second(at).to_string())
            .header("webhook-signature", endpoint.secrets.sign(&id, at, &message.payload))
            .body(message.payload.clone());
        // What an endpoint has said so far counts, even if it never ends.
        let (mut head, mut text) = (None, Vec::new());
        let talk = async {
            let mut response = request.send().await?;
            let (status, headers) = head.insert((response.status(), response.headers().clone()));
            if !status.is_success() && !is_redirect(*status, headers) {
                read_some(&mut response, &mut text).await?;
            }
            Ok::<(), reqwest::Error>(())
        };
        let talk = tokio::time::timeout(self.limit, talk).await;
        match (head, talk) {
            (Some((status, headers)), _) => judge(status, &headers, &text, at),
            (None, Err(_)) => (failed(None, &format!("no answer within {:?}", self.limit)), Wish::None),
            (None, Ok(Err(error))) => (failed(None, &explain(&error)), Wish::None),
            (None, Ok(Ok(()))) => (failed(None, "no answer"), Wish::None),
        }
    }
}

/// Reads the beginning of an answer.
async fn read_some(response: &mut Response, text: &mut Vec<u8>) -> Result<(), reqwest::Error> {
    while text.len() < MOST_READ
        && let Some(chunk) = response.chunk().await?
    {
        let room = MOST_READ - text.len();
        text.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    Ok(())
}

fn is_redirect(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_redirection() && headers.contains_key(LOCATION)
}

/// What an answer means.
fn judge(status: StatusCode, headers: &HeaderMap, text: &[u8], now: Timestamp) -> (Outcome, Wish) {
    if status.is_success() {
        return (Outcome::Delivered { status: status.as_u16() }, Wish::None);
    }
    let text_of = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if is_redirect(status, headers) {
        let to: String = text_of(LOCATION).unwrap_or("elsewhere").chars().take(MOST_QUOTED).collect();
        let reason = format!(
            "it answered {status} and points to {to:?}; redirects are not followed: register that URL"
        );
        return (failed(Some(status), &reason), Wish::None);
    }
    let mut reason = format!("it answered {status}");
    let said = quote(text);
    if !said.is_empty() {
        reason = format!("{reason}: {said}");
    }
    let wish = match status {
        StatusCode::GONE => Wish::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            text_of(RETRY_AFTER).and_then(|value| retry_after(value, now)).map_or(Wish::None, Wish::Wait)
        }
        _ => Wish::None,
    };
    (failed(Some(status), &reason), wish)
}

/// The beginning of a text from outside, on one line.
fn quote(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(MOST_QUOTED).collect()
}

/// Why a request got no answer, in words: the cause that lies deepest, which is the one that says something.
fn explain(error: &reqwest::Error) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
        if let Some(unreachable) = source.downcast_ref::<Unreachable>() {
            return unreachable.to_string();
        }
    }
    let stage =
        if error.is_connect() { "it cannot be connected to" } else { "it broke off before it answered" };
    format!("{stage}: {deepest}")
}
