//! A daemon's API, as a client sees it.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use super::{Pair, Server};
use crate::cli::{Failure, TOKEN};
use crate::config::Config;

/// How long a daemon may take before it begins to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The variable that says where a daemon is.
const URL: &str = "CREDITD_URL";

/// A daemon that answers.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<HeaderValue>,
}

impl Client {
    /// The daemon that is meant.
    pub(super) fn of(file: Option<&Path>, server: &Server) -> Result<Client, Failure> {
        let base = match server.url.clone().or_else(|| std::env::var(URL).ok()) {
            Some(url) => url,
            None => {
                let http = Config::load(file)?.http;
                let scheme = if http.tls.is_some() { "https" } else { "http" };
                format!("{scheme}://{}", http.listen)
            }
        };
        let base = Url::parse(&base).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| {
            Failure::Usage("the daemon's address is no URL; write one such as http://127.0.0.1:8427".into())
        })?;
        let http =
            reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(ANSWER_TIMEOUT).build();
        let http = http.map_err(|error| Failure::Failed(error.into()))?;
        Ok(Client { http, base, token: token(server.token_file.as_deref())? })
    }

    /// An answer in JSON.
    pub(super) async fn json(&self, path: &[&str], pairs: &[Pair]) -> Result<Value, Failure> {
        self.read(self.get(path, pairs, "application/json").await?).await
    }

    async fn read(&self, answer: Response) -> Result<Value, Failure> {
        let away = |error: reqwest::Error| self.away(&error);
        let bytes = answer.bytes().await.map_err(away)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::Unavailable(format!("{} does not answer as creditd does: {error}", self.base))
        })
    }

    /// An answer, once its head has come.
    pub(super) async fn get(&self, path: &[&str], pairs: &[Pair], kind: &str) -> Result<Response, Failure> {
        let mut url = self.url(path);
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        self.follow(url, kind).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The page that an answer names as the next.
    pub(super) async fn next(&self, answer: &Response, kind: &str) -> Result<Option<Response>, Failure> {
        let link = answer.headers().get("link").and_then(|link| link.to_str().ok());
        let target = link.and_then(|link| link.strip_prefix('<')?.strip_suffix(">; rel=\"next\""));
        let Some(target) = target else { return Ok(None) };
        let url = answer.url().join(target).map_err(|error| Failure::Failed(error.into()))?;
        self.follow(url, kind).await.map(Some)
    }

    /// Sends something in JSON; the answer is JSON too.
    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        let request = self.http.post(self.url(path)).json(body);
        self.read(self.send(request).await?).await
    }

    async fn follow(&self, url: Url, kind: &str) -> Result<Response, Failure> {
        self.send(self.http.get(url).header(ACCEPT, kind)).await
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<Response, Failure> {
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        let answer = request.send().await.map_err(|error| self.away(&error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
    }

    /// What to say where the daemon does not answer.
    pub(super) fn away(&self, error: &reqwest::Error) -> Failure {
        let mut why: &dyn std::error::Error = error;
        while let Some(cause) = why.source() {
            why = cause;
        }
        Failure::Unavailable(format!(
            "{} does not answer: {why}; start the daemon, or name another with --url or {URL}",
            self.base
        ))
    }
}

fn token(file: Option<&Path>) -> Result<Option<HeaderValue>, Failure> {
    let text = match file {
        Some(file) => {
            let mut text = String::new();
            let read = if file == Path::new("-") {
                std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
            } else {
                std::fs::read_to_string(file)
            };
            Some(read.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?)
        }
        None => std::env::var(TOKEN).ok(),
    };
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let mut value = HeaderValue::try_from(format!("Bearer {text}"))
        .map_err(|_| Failure::Usage("the token has characters that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// What a daemon says that does not do what it is asked.
async fn refusal(answer: Response) -> Failure {
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    let detail = problem.get("detail").and_then(Value::as_str);
    let why = detail.map_or_else(|| format!("it is answered {status}"), str::to_owned);
    match status {
        StatusCode::BAD_REQUEST => Failure::Usage(why),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Failure::Unavailable(why),
        _ => Failure::Failed(anyhow::Error::msg(why)),
    }
}
