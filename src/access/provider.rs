//! An identity provider whose tokens are taken too: JSON Web Tokens (RFC 7519) that it has signed for us, as OpenID Connect has it.
//!
//! Nothing is asked of it here: whoever fetches its keys hands them in ([`Provider::learn`]), and is told when one is missing
//! ([`Provider::misses_keys`]). Only signatures with a key of its own are taken, never such with a shared secret.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use parking_lot::RwLock;
use serde_json::{Map, Value};

use super::role::Role;
use super::scope::Scope;
use super::token::Token;
use crate::ledger::units::{Millis, Timestamp};

/// What is taken: signatures with a private key that the provider alone has.
const TAKEN: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How far the provider's clock and ours may be apart.
const SKEW: Millis = Millis(60_000);

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// The most keys of a provider.
const MOST_KEYS: usize = 64;

/// The longest name of somebody, in characters; the rest is cut off.
const LONGEST_NAME: usize = 128;

/// Who the provider is, and what its tokens say where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderOptions {
    /// Who signs: `iss` of its tokens.
    pub issuer: String,
    /// For whom: one of `aud` of its tokens.
    pub audience: String,
    /// Where its keys are; where its discovery document says, if nothing is said.
    pub keys_url: Option<String>,
    /// The claim with the role; dots lead into objects.
    pub role_claim: String,
    /// The claim with the organizations.
    pub orgs_claim: String,
    /// The claim with the accounts.
    pub accounts_claim: String,
}

/// A key with its name.
struct Key {
    id: Option<String>,
    /// What it is for, where the provider says.
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

/// A provider with the keys that are known of it.
pub struct Provider {
    options: ProviderOptions,
    keys: RwLock<Vec<Key>>,
    /// Whether a token came whose key is not known, or is another by now.
    misses_keys: AtomicBool,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Why keys were not learnt.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It is no set of keys.
    #[error("what the provider publishes is no JSON Web Key Set: {0}")]
    Unread(#[from] serde_json::Error),
    /// There is none in it that could be used.
    #[error("the provider publishes no key for signatures with RSA, ECDSA (P-256, P-384) or Ed25519")]
    None,
}

impl Provider {
    /// A provider none of whose keys is known yet: its tokens are refused until they are.
    #[must_use]
    pub fn new(options: ProviderOptions) -> Provider {
        Provider { options, keys: RwLock::default(), misses_keys: AtomicBool::new(true) }
    }

    /// Who it is.
    #[must_use]
    pub fn options(&self) -> &ProviderOptions {
        &self.options
    }

    /// Takes the keys that it publishes now for all it has (a JSON Web Key Set, RFC 7517). Answers how many can be used.
    ///
    /// # Errors
    /// [`KeysError`] where there is none: those of before stay.
    pub fn learn(&self, published: &[u8]) -> Result<usize, KeysError> {
        let set: JwkSet = serde_json::from_slice(published)?;
        let keys: Vec<Key> = set.keys.iter().filter_map(usable).take(MOST_KEYS).collect();
        if keys.is_empty() {
            return Err(KeysError::None);
        }
        let many = keys.len();
        *self.keys.write() = keys;
        Ok(many)
    }

    /// Whether a token came since that was asked last whose key is not known, or is another by now.
    pub fn misses_keys(&self) -> bool {
        self.misses_keys.swap(false, Ordering::Relaxed)
    }

    /// Whom a token of the provider is for and what it may do here, as a token of ours.
    ///
    /// # Errors
    /// Why it is not taken, in words for whoever showed it.
    pub fn read(&self, text: &str, now: Timestamp) -> Result<Token, String> {
        if text.len() > LONGEST {
            return Err(format!("it has {} bytes; at most {LONGEST} are looked at", text.len()));
        }
        let claims = self.claims(text)?;
        let instant = |name: &str| claims.get(name).and_then(seconds);
        let expires = instant("exp").ok_or("its claim \"exp\" is no number: when does it end?")?;
        if expires.plus(SKEW) <= now {
            return Err("it has expired; sign in again".to_owned());
        }
        if instant("nbf").is_some_and(|from| from > now.plus(SKEW)) {
            return Err("it is not in force yet (\"nbf\"); compare the clocks".to_owned());
        }
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
        let subject = subject.ok_or("its claim \"sub\" is missing: who is it?")?;
        let named = ["preferred_username", "email", "name"].into_iter();
        let name = named.filter_map(|claim| claims.get(claim)?.as_str()).next().unwrap_or(subject);
        let (id, created) = (format!("oidc:{}", shown(subject)), instant("iat").unwrap_or(now));
        let (role, scope) = (self.role(&claims)?, self.scope(&claims)?);
        Ok(Token::signed_elsewhere(id, shown(name), role, scope, (created, expires.plus(SKEW))))
    }

    /// What a token says, once its signature, its issuer and its audience are right.
    fn claims(&self, text: &str) -> Result<Map<String, Value>, String> {
        let header = decode_header(text).map_err(|error| format!("it is no JSON Web Token: {error}"))?;
        if !TAKEN.contains(&header.alg) {
            return Err(format!("it is signed by {:?}, which is not taken", header.alg));
        }
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&[&self.options.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        // By our clock, below.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        let keys = self.keys.read();
        let fits = |key: &&Key| {
            let is_named = header.kid.is_none() || key.id == header.kid;
            is_named && key.algorithm.is_none_or(|algorithm| algorithm == header.alg)
        };
        let mut refusal = None;
        for key in keys.iter().filter(fits) {
            match decode::<Map<String, Value>>(text, &key.key, &validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) => {
                    if *error.kind() == ErrorKind::InvalidSignature {
                        // A key may have been replaced by one of the same name.
                        self.misses_keys.store(true, Ordering::Relaxed);
                    }
                    refusal = Some(self.why(error.kind()));
                }
            }
        }
        Err(refusal.unwrap_or_else(|| {
            self.misses_keys.store(true, Ordering::Relaxed);
            "it is signed with a key that the provider was not seen to publish; try again in some seconds"
                .to_owned()
        }))
    }

    fn why(&self, kind: &ErrorKind) -> String {
        let ProviderOptions { issuer, audience, .. } = &self.options;
        match kind {
            ErrorKind::InvalidIssuer => format!("it is not from {issuer:?} (\"iss\")"),
            ErrorKind::InvalidAudience => format!("it is not for {audience:?} (\"aud\")"),
            ErrorKind::InvalidSignature => "its signature is not right".to_owned(),
            ErrorKind::MissingRequiredClaim(claim) => format!("its claim {claim:?} is missing"),
            other => format!("it cannot be used: {other:?}"),
        }
    }

    /// The one role that the claim names, alone or among other things.
    fn role(&self, claims: &Map<String, Value>) -> Result<Role, String> {
        let claim = &self.options.role_claim;
        let named = claim_at(claims, claim).map(texts).unwrap_or_default();
        let mut roles: Vec<Role> = named.iter().filter_map(|name| name.parse().ok()).collect();
        roles.sort_unstable();
        roles.dedup();
        match *roles {
            [role] => Ok(role),
            [] => {
                let known = Role::ALL.map(Role::name).join(", ");
                Err(format!("its claim {claim:?} names no role of creditd; there are {known}"))
            }
            _ => Err(format!("its claim {claim:?} names several roles; let it name one")),
        }
    }

    /// For whom: the organizations that the claim names, `*` for all. Whoever names none is for none.
    fn scope(&self, claims: &Map<String, Value>) -> Result<Scope, String> {
        let ProviderOptions { orgs_claim, accounts_claim, .. } = &self.options;
        let orgs = claim_at(claims, orgs_claim).map(texts).unwrap_or_default();
        if orgs.is_empty() {
            return Err(format!("its claim {orgs_claim:?} names no organization; write \"*\" for all"));
        }
        // There may be blanks in the name of an account.
        let accounts = claim_at(claims, accounts_claim).map(|claim| match claim {
            Value::String(one) => vec![one.clone()],
            several => texts(several),
        });
        let orgs = if orgs == ["*"] { None } else { Some(orgs) };
        Scope::new(orgs, accounts).map_err(|error| format!("its scope cannot be: {error}"))
    }
}

/// A key that can be used for signatures.
fn usable(jwk: &Jwk) -> Option<Key> {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    let algorithm = match common.key_algorithm {
        Some(named) => Some(named.to_string().parse().ok().filter(|known| TAKEN.contains(known))?),
        None => None,
    };
    let is_secret = matches!(jwk.algorithm, jsonwebtoken::jwk::AlgorithmParameters::OctetKey(_));
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| signs && !is_secret)?;
    Some(Key { id: common.key_id.clone(), algorithm, key })
}

/// A claim, by its name as it is, or else with dots that lead into objects.
fn claim_at<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    claims.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |at, name| at.as_object()?.get(name))
    })
}

/// One text, several with blanks between (as of `scope`), or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Seconds since 1970, with or without a fraction.
fn seconds(value: &Value) -> Option<Timestamp> {
    let whole = value.as_i64().or_else(|| {
        let text = value.as_number()?.to_string();
        text.split_once('.')?.0.parse().ok()
    })?;
    Some(Timestamp::from_micros(whole.checked_mul(1_000_000)?))
}

/// A name as logs can show it.
fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests;
