//! A token: `cr_<id>_<secret>`. The id is for lists and logs; the secret, 256 random bits, is for its holder alone.
//!
//! Kept is the SHA-256 of the secret. A slow hash would add nothing: nobody can go through 256 bits. Digests are compared in
//! a time that tells nothing about where they differ.

use std::fmt;

use aws_lc_rs::{constant_time, digest, rand};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::AccessError;
use super::role::Role;
use super::scope::Scope;
use crate::ledger::units::Timestamp;

/// What every token begins with, so that one that was lost is recognized where it should not be.
const PREFIX: &str = "cr_";
/// Bytes of an id.
const ID_BYTES: usize = 6;
/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For whom.
    pub scope: Scope,
    /// When it was made, in microseconds since 1970, as all of these.
    #[serde(with = "micros")]
    pub created: Timestamp,
    /// When it ends by itself.
    #[serde(default, with = "some_micros")]
    pub expires: Option<Timestamp>,
    /// When it got the secret it has.
    #[serde(default, with = "some_micros")]
    pub rotated: Option<Timestamp>,
    /// When it was taken away.
    #[serde(default, with = "some_micros")]
    pub revoked: Option<Timestamp>,
    /// How many requests it may make a second; as many as it likes where nothing is said.
    #[serde(default)]
    pub per_second: Option<u32>,
    /// Whether it is that of a portal link.
    #[serde(default)]
    pub portal: bool,
    /// Whether it is none of ours: an identity provider has signed it.
    #[serde(skip)]
    pub elsewhere: bool,
    /// Of its secret.
    pub(super) digest: Digest,
    /// Of the secret it had before, and until when that one is good.
    #[serde(default)]
    pub(super) previous: Option<Previous>,
}

/// A secret that was replaced and is still good for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Previous {
    pub(super) digest: Digest,
    #[serde(with = "micros")]
    pub(super) until: Timestamp,
}

/// How a token stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good.
    Good,
    /// It has ended by itself.
    Expired,
    /// It was taken away.
    Revoked,
}

impl Standing {
    /// As one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Good => "good",
            Standing::Expired => "expired",
            Standing::Revoked => "revoked",
        }
    }
}

impl Token {
    /// One that an identity provider has signed, from when until when. It has no secret here.
    pub(super) fn signed_elsewhere(
        id: String,
        name: String,
        role: Role,
        scope: Scope,
        (created, expires): (Timestamp, Timestamp),
    ) -> Token {
        Token {
            id,
            name,
            role,
            scope,
            created,
            expires: Some(expires),
            rotated: None,
            revoked: None,
            per_second: None,
            portal: false,
            elsewhere: true,
            digest: Digest([0; SECRET_BYTES]),
            previous: None,
        }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.revoked, self.expires) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(end)) if end <= now => Standing::Expired,
            _ => Standing::Good,
        }
    }

    /// Whether it is that of a portal link of an organization.
    #[must_use]
    pub fn is_portal_of(&self, org: &str) -> bool {
        self.portal && self.scope.orgs().is_some() && self.scope.has_org(org)
    }

    /// When it ended, if it has.
    pub(super) fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        match self.standing(now) {
            Standing::Good => None,
            Standing::Expired => self.expires,
            Standing::Revoked => self.revoked,
        }
    }

    /// Until when the secret it had before is good beside its own.
    #[must_use]
    pub fn overlap(&self, now: Timestamp) -> Option<Timestamp> {
        self.previous.as_ref().map(|previous| previous.until).filter(|until| *until > now)
    }

    /// Whether a secret is its own, or the one before for as long as that is good.
    pub(super) fn is_shown_by(&self, presented: &Presented, now: Timestamp) -> bool {
        let previous = self.previous.as_ref().filter(|previous| previous.until > now);
        // Both are compared, whatever the first says.
        let before = previous.is_some_and(|previous| previous.digest.is(&presented.digest));
        self.digest.is(&presented.digest) | before
    }
}

/// The SHA-256 of a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Digest([u8; SECRET_BYTES]);

impl Digest {
    fn of(secret: &[u8]) -> Digest {
        let mut bytes = [0; SECRET_BYTES];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
        Digest(bytes)
    }

    fn is(&self, other: &Digest) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = unhex(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest).ok_or_else(|| serde::de::Error::custom("a digest is 64 hexadecimal digits"))
    }
}

/// The secret of a token, for the one who is to have it. It never shows itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A new one.
    pub(super) fn generate() -> Result<Secret, AccessError> {
        random(SECRET_BYTES).map(Secret)
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// The whole token as its holder writes it.
    #[must_use]
    pub fn reveal(&self, id: &str) -> String {
        format!("{PREFIX}{id}_{}", hex(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A token as a request shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    pub(super) id: String,
    digest: Digest,
}

impl Presented {
    /// Reads `cr_<id>_<secret>`. `None` for what no token looks like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Presented> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let sound = unhex(id).is_some_and(|id| id.len() == ID_BYTES);
        let secret = unhex(secret).filter(|secret| sound && secret.len() == SECRET_BYTES)?;
        Some(Presented { id: id.to_owned(), digest: Digest::of(&secret) })
    }

    /// The id in it, which is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A new id.
pub(super) fn new_id() -> Result<String, AccessError> {
    random(ID_BYTES).map(|bytes| hex(&bytes))
}

fn random(length: usize) -> Result<Vec<u8>, AccessError> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).map_err(|_| AccessError::NoRandomness)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Small digits alone: a token is written in one way.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
}

/// Instants in the file.
mod micros {
    use super::*;

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_micros)
    }
}

/// Instants in the file that may be none.
mod some_micros {
    use super::*;

    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::micros).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_in_the_one_way_it_is_written() {
        let (id, secret) = (new_id().unwrap(), Secret::generate().unwrap());
        let text = secret.reveal(&id);
        assert_eq!(text.len(), 3 + 12 + 1 + 64);
        let presented = Presented::parse(&text).unwrap();
        assert_eq!((presented.id.as_str(), &presented.digest), (id.as_str(), &secret.digest()));
        let short = &text[..text.len() - 2];
        for other in
            [&text.to_uppercase(), &text[1..], short, &format!("{text}00"), "", "cr_", "cr__", "cr_é_é"]
        {
            assert_eq!(Presented::parse(other), None, "{other}");
        }
        assert_ne!(Secret::generate().unwrap().digest(), secret.digest(), "secrets are random");
    }

    #[test]
    fn nothing_shows_a_secret_or_its_digest() {
        let secret = Secret::generate().unwrap();
        let text = secret.reveal("0123456789ab");
        let presented = Presented::parse(&text).unwrap();
        let shown = format!("{secret:?} {presented:?}");
        assert!(!shown.contains(&text[20..40]) && !shown.contains(&hex(&secret.digest().0)), "{shown}");
    }

    #[test]
    fn the_digest_is_sha_256() {
        use sha2::Digest as _;
        let secret = Secret::generate().unwrap();
        assert_eq!(secret.digest().0[..], sha2::Sha256::digest(&secret.0)[..]);
    }
}
