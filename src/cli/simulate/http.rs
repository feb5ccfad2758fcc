//! Parcels to the daemon's HTTP API.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::delivery::Refusal;
use super::parcel::Parcel;
use super::tally::Answer;
use crate::cli::{Failure, TOKEN};

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The API of a daemon.
pub(super) struct HttpFace {
    client: Client,
    base: String,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<ItemResult>,
}

#[derive(Deserialize)]
struct ItemResult {
    status: String,
}

impl HttpFace {
    /// A token in `CREDITD_TOKEN` is shown with every request.
    pub(super) fn new(base: &str) -> Result<HttpFace, Failure> {
        let mut headers = HeaderMap::new();
        if let Ok(token) = std::env::var(TOKEN) {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| Failure::Usage(format!("{TOKEN} holds no token; write cr_<id>_<secret>")))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder().timeout(REQUEST_TIMEOUT).default_headers(headers).build();
        let client = client.map_err(|error| Failure::Failed(error.into()))?;
        Ok(HttpFace { client, base: base.to_owned() })
    }

    /// Posts a parcel; it has arrived once the daemon has answered for every item.
    pub(super) async fn send(&self, parcel: &Parcel) -> Result<Answer, Refusal> {
        if parcel.commands {
            return self.command(parcel).await;
        }
        let count = parcel.lines.len() as u64;
        let response =
            self.request(Method::POST, "/v1/events", "application/x-ndjson", parcel.text()).await?;
        let status = response.status();
        if status.is_success() {
            let results: Results = response.json().await.map_err(|error| {
                Refusal::Away(format!("{}: the answer cannot be read: {error}", self.base))
            })?;
            let of = |name: &str| results.results.iter().filter(|item| item.status == name).count() as u64;
            let (accepted, duplicate, rejected) = (of("accepted"), of("duplicate"), of("rejected"));
            return Ok(Answer { accepted, duplicate, rejected, ..Answer::default() });
        }
        if count == 1 && is_refusal(status) {
            // A single event that is refused is answered with the reason alone.
            return Ok(Answer { rejected: 1, ..Answer::default() });
        }
        Err(self.explain("POST /v1/events", response).await)
    }

    async fn command(&self, parcel: &Parcel) -> Result<Answer, Refusal> {
        let text = parcel.text();
        let command: Value =
            serde_json::from_str(&text).map_err(|error| Refusal::Final(error.to_string()))?;
        let data = command.get("data").cloned().unwrap_or_default();
        let id = data.get("id").and_then(Value::as_str).unwrap_or_default();
        let org = parcel.org.as_deref().unwrap_or_default();
        let (method, path) = match command.get("type").and_then(Value::as_str) {
            Some("creditd.rate_card.put.v1") => (Method::PUT, format!("/v1/rate-cards/{id}")),
            Some("creditd.plan.put.v1") => (Method::PUT, format!("/v1/plans/{id}")),
            Some("creditd.org.put.v1") => (Method::PUT, format!("/v1/orgs/{org}")),
            _ => (Method::POST, format!("/v1/orgs/{org}/grants")),
        };
        let response =
            self.request(method.clone(), &path, "application/json", json!(data).to_string()).await?;
        match response.status() {
            status if status.is_success() => Ok(Answer { commands: 1, ..Answer::default() }),
            // Published before with another content, or too late: what is there stands.
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                Ok(Answer { commands: 1, refused_commands: 1, ..Answer::default() })
            }
            _ => Err(self.explain(&format!("{method} {path}"), response).await),
        }
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Response, Refusal> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let sent = request.header("content-type", content_type).body(body).send().await;
        sent.map_err(|error| Refusal::Away(format!("{} does not answer: {}", self.base, innermost(&error))))
    }

    async fn explain(&self, asked: &str, response: Response) -> Refusal {
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        let shown: String = text.chars().take(500).collect();
        let why = format!("{asked} at {} is answered {status}: {shown}", self.base);
        let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        if passing { Refusal::Away(why) } else { Refusal::Final(why) }
    }
}

/// Whether a status is about the event that was sent.
fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// The cause that says most.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
