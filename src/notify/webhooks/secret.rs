//! Secrets and signatures, as [Standard Webhooks](https://www.standardwebhooks.com) has them.
//!
//! Signed is `{id}.{second of the attempt}.{body}`, with HMAC-SHA256. While a secret is being replaced, a request carries one
//! signature for each that is valid, so a receiver may change over at any moment of its own choice.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ledger::units::Timestamp;
use crate::wire::{self, SECRET_PREFIX, SecretError};

/// The most replaced secrets that still sign beside the current one.
const MOST_PREVIOUS: usize = 3;

/// A secret shared with a receiver: 24 to 64 bytes. It never shows itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A new secret of 32 random bytes.
    ///
    /// # Errors
    /// [`SecretError::NoRandomness`].
    pub fn generate() -> Result<Secret, SecretError> {
        let mut bytes = vec![0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SecretError::NoRandomness)?;
        Ok(Secret(bytes))
    }

    /// Reads `whsec_<base64>`.
    ///
    /// # Errors
    /// [`SecretError`] for a text of another form or length.
    pub fn parse(text: &str) -> Result<Secret, SecretError> {
        wire::secret_bytes(text).map(Secret)
    }

    /// The secret as `whsec_<base64>`, for the one who is to have it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn sign(&self, id: &str, second: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{id}.{second}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.reveal())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Secret::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The secrets of an endpoint: the current one, and those it replaced that are still valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    current: Secret,
    /// Newest first.
    previous: Vec<Secret>,
}

impl Secrets {
    /// One secret alone.
    #[must_use]
    pub fn new(current: Secret) -> Self {
        Secrets { current, previous: Vec::new() }
    }

    /// With a new secret; the current one goes on signing beside it. More than three replaced ones are not kept: the oldest
    /// of them goes.
    #[must_use]
    pub fn rotated(mut self, new: Secret) -> Self {
        self.previous.insert(0, std::mem::replace(&mut self.current, new));
        self.previous.truncate(MOST_PREVIOUS);
        self
    }

    /// With the current secret alone: the rotation is over.
    #[must_use]
    pub fn settled(self) -> Self {
        Secrets::new(self.current)
    }

    /// The value of `webhook-signature`: one signature for each valid secret, the current one's first.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let second = second(at);
        let all = std::iter::once(&self.current).chain(&self.previous);
        all.map(|secret| secret.sign(id, second, body)).collect::<Vec<_>>().join(" ")
    }
}

/// The value of `webhook-timestamp`: whole seconds since 1970.
#[must_use]
pub(super) fn second(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn a_signature_is_the_one_of_the_standard() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_micros(1_614_265_330_999_999);
        let signed = Secrets::new(secret).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b"{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_rotated_secret_signs_beside_the_new_one_until_it_is_settled() {
        let new = || Secret::generate().unwrap();
        let alone = |secret: &Secret| secret.sign("id", 0, b"body");
        let secrets: Vec<Secret> = (0..5).map(|_| new()).collect();
        let mut rotating = Secrets::new(secrets[0].clone());
        for secret in &secrets[1..] {
            rotating = rotating.rotated(secret.clone());
        }
        let expected: Vec<String> = secrets[1..].iter().rev().map(alone).collect();
        assert_eq!(rotating.sign("id", Timestamp::default(), b"body"), expected.join(" "));
        assert_eq!(rotating.settled().sign("id", Timestamp::default(), b"body"), alone(&secrets[4]));
    }

    #[test]
    fn a_text_that_is_no_secret_is_refused_and_never_shown() {
        assert_eq!(Secret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Err(SecretError::Form));
        assert_eq!(Secret::parse("whsec_Mf KQ9r8G"), Err(SecretError::Form));
        assert_eq!(Secret::parse("whsec_AAAA"), Err(SecretError::Length(3)));
        assert_eq!(SecretError::Length(3).to_string(), "the secret has 3 bytes: write one of 24 to 64");
        let secret = Secret::generate().unwrap();
        assert_eq!(Secret::parse(&secret.reveal()).as_ref(), Ok(&secret));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
