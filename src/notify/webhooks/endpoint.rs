//! Endpoints and messages: what goes where.

use std::fmt;

use reqwest::Url;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::secret::Secrets;
use crate::ledger::quiet::Quiet;
use crate::ledger::units::Timestamp;
use crate::wire::{self, EndpointUrlError};

/// The largest payload, in bytes.
pub const MOST_PAYLOAD: usize = 256 << 10;
/// The longest id of a message, in bytes.
pub const LONGEST_ID: usize = 256;

/// Which endpoint: the organization, and its name within it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EndpointKey {
    /// The organization.
    pub org: String,
    /// The name of the endpoint within its organization.
    pub id: String,
}

impl fmt::Display for EndpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.org, self.id)
    }
}

/// Where messages are sent to, and how they are signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Which one it is.
    pub key: EndpointKey,
    /// Where it is.
    pub url: EndpointUrl,
    /// What is shared with it.
    pub secrets: Secrets,
    /// When messages are not sent. Meanwhile they wait.
    pub quiet: Option<Quiet>,
    /// Whether messages are sent. While they are not, they wait.
    pub enabled: bool,
}

impl Endpoint {
    /// When the quiet hours end that an instant lies in; the instant itself outside of them.
    pub(super) fn after_quiet(&self, instant: Timestamp) -> Timestamp {
        self.quiet.as_ref().and_then(|quiet| quiet.end_at(instant)).unwrap_or(instant)
    }
}

/// A message, the same for every endpoint it is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its stable id: a receiver that saw it drops a repeat.
    pub id: MessageId,
    /// What it tells, such as `creditd.alert.balance_low.v1`.
    pub kind: String,
    /// When what it tells happened.
    pub at: Timestamp,
    /// A CloudEvent as JSON, at most [`MOST_PAYLOAD`] bytes.
    pub payload: Vec<u8>,
}

/// The stable id of a message: 1 to 256 visible ASCII characters, none of them `~`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

/// Why a text is not the id of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a message: write 1 to {LONGEST_ID} visible ASCII characters, none of them ~")]
pub struct MessageIdError(String);

impl MessageId {
    /// Checks an id.
    ///
    /// # Errors
    /// [`MessageIdError`] where it cannot be one.
    pub fn new(id: impl Into<String>) -> Result<Self, MessageIdError> {
        let id = id.into();
        let sound = id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'~');
        if sound && (1..=LONGEST_ID).contains(&id.len()) {
            Ok(MessageId(id))
        } else {
            Err(MessageIdError(id.chars().take(80).collect()))
        }
    }

    /// An id of a test, made of what an id may be made of.
    pub(super) fn of_test(at: Timestamp, number: u32) -> Self {
        MessageId(format!("webhook_test.{}.{number:08x}", at.micros()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of `webhook-id`: the id with every `.` as `~`.
    ///
    /// Standard Webhooks signs `id.timestamp.body`, and therefore wants no full stop in an id. Ours have them; `~`, which
    /// they do not have, keeps different ids different.
    #[must_use]
    pub fn webhook_id(&self) -> String {
        self.0.replace('.', "~")
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The URL of an endpoint: `http` or `https`, with a host and without a user, a password or a fragment.
///
/// Whether the host may be reached is another question, which [`Reach`](super::Reach) answers at every attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUrl(Url);

impl EndpointUrl {
    /// Checks a URL.
    ///
    /// # Errors
    /// [`EndpointUrlError`] says what it may not be.
    pub fn parse(text: &str) -> Result<Self, EndpointUrlError> {
        wire::endpoint_url(text).map(EndpointUrl)
    }

    /// The URL as it is asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EndpointUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EndpointUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        EndpointUrl::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_http_with_nothing_hidden_in_it() {
        assert_eq!(EndpointUrl::parse("https://Example.com").unwrap().as_str(), "https://example.com/");
        let refused = |text: &str| EndpointUrl::parse(text).unwrap_err();
        assert_eq!(refused("ftp://example.com/"), EndpointUrlError::Scheme("ftp".to_owned()));
        assert_eq!(refused("file:///etc/passwd"), EndpointUrlError::Scheme("file".to_owned()));
        assert_eq!(refused("https://me@example.com/"), EndpointUrlError::Credentials);
        assert_eq!(refused("https://:word@example.com/"), EndpointUrlError::Credentials);
        assert_eq!(refused("https://example.com/#part"), EndpointUrlError::Fragment);
        assert_eq!(refused(&format!("http://x/{}", "y".repeat(2_048))), EndpointUrlError::Length(2_057));
        for text in ["example.com/credits", "https://", "https:///", "http://[::1", "http://u:secret@:80/"] {
            let error = refused(text);
            assert!(matches!(error, EndpointUrlError::Form { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_id_is_sent_without_full_stops() {
        let id = MessageId::new("acme.credits.60%.3").unwrap();
        assert_eq!(id.webhook_id(), "acme~credits~60%~3");
        for text in ["", "a b", "a~b", "ä", &"x".repeat(257)] {
            assert!(MessageId::new(text).is_err(), "{text}");
        }
    }
}
