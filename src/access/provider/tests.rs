//! Tokens of a provider, each wrong in one way.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A key of a provider.
struct Signer {
    key: EncodingKey,
    public: Vec<u8>,
    algorithm: Algorithm,
    id: &'static str,
}

impl Signer {
    fn new(algorithm: Algorithm, id: &'static str) -> Signer {
        let (of, from): (_, fn(&[u8]) -> EncodingKey) = match algorithm {
            Algorithm::EdDSA => (&rcgen::PKCS_ED25519, EncodingKey::from_ed_der),
            _ => (&rcgen::PKCS_ECDSA_P256_SHA256, EncodingKey::from_ec_der),
        };
        let pair = rcgen::KeyPair::generate_for(of).unwrap();
        Signer { key: from(&pair.serialize_der()), public: pair.public_key_raw().to_vec(), algorithm, id }
    }

    fn jwk(&self) -> Jwk {
        let coordinate = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self.algorithm {
            Algorithm::EdDSA => json!({ "kty": "OKP", "crv": "Ed25519", "x": coordinate(&self.public) }),
            // A point that is not compressed: a 4 before its two coordinates.
            _ => {
                json!({ "kty": "EC", "crv": "P-256", "x": coordinate(&self.public[1..33]), "y": coordinate(&self.public[33..]) })
            }
        };
        jwk["kid"] = json!(self.id);
        serde_json::from_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }
}

fn published(signers: &[&Signer]) -> Vec<u8> {
    let keys = signers.iter().map(|signer| signer.jwk()).collect();
    serde_json::to_vec(&JwkSet { keys }).unwrap()
}

fn provider() -> Provider {
    Provider::new(ProviderOptions {
        issuer: "https://id.example".to_owned(),
        audience: "creditd".to_owned(),
        keys_url: None,
        role_claim: "realm_access.roles".to_owned(),
        orgs_claim: "orgs".to_owned(),
        accounts_claim: "accounts".to_owned(),
    })
}

/// What a good token says.
fn claims() -> Value {
    let now = NOW.micros() / 1_000_000;
    json!({
        "iss": "https://id.example", "aud": ["other", "creditd"], "sub": "u-17", "exp": now + 300, "iat": now - 10,
        "preferred_username": "ana", "realm_access": { "roles": ["offline_access", "manager"] }, "orgs": "acme rival",
    })
}

#[test]
fn a_token_that_is_signed_for_us_is_read_by_each_kind_of_key() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let (signer, provider) = (Signer::new(algorithm, "one"), provider());
        assert_eq!(provider.learn(&published(&[&signer])).unwrap(), 1);
        let token = provider.read(&signer.sign(&claims()), NOW).unwrap();
        assert_eq!((&*token.id, &*token.name, token.role), ("oidc:u-17", "ana", Role::Manager));
        assert_eq!(token.scope.orgs(), Some(&["acme".to_owned(), "rival".to_owned()][..]));
        assert_eq!((token.scope.accounts(), token.elsewhere), (None, true));
        assert_eq!(token.standing(NOW.plus(Millis(359_999))), super::super::Standing::Good);
        assert_eq!(token.standing(NOW.plus(Millis(360_000))), super::super::Standing::Expired);
    }
}

#[test]
fn what_is_wrong_in_one_way_is_refused_and_says_so() {
    let (signer, provider) = (Signer::new(Algorithm::ES256, "one"), provider());
    provider.learn(&published(&[&signer])).unwrap();
    let now = NOW.micros() / 1_000_000;
    for (field, value, part) in [
        ("iss", json!("https://other.example"), "not from \"https://id.example\""),
        ("aud", json!("other"), "not for \"creditd\""),
        ("aud", Value::Null, "\"aud\""),
        ("exp", json!(now - 61), "expired"),
        ("exp", Value::Null, "\"exp\""),
        ("nbf", json!(now + 62), "not in force yet"),
        ("sub", Value::Null, "\"sub\""),
        ("realm_access", json!({ "roles": ["offline_access"] }), "names no role"),
        ("realm_access", json!("admin"), "names no role"),
        ("realm_access", json!({ "roles": ["admin", "viewer"] }), "several roles"),
        ("orgs", Value::Null, "names no organization"),
        ("orgs", json!([]), "names no organization"),
        ("orgs", json!("acme *"), "its scope cannot be"),
        ("accounts", json!([]), "its scope cannot be"),
    ] {
        let mut said = claims();
        match value {
            Value::Null => drop(said.as_object_mut().unwrap().remove(field)),
            value => said[field] = value,
        }
        let why = provider.read(&signer.sign(&said), NOW).unwrap_err();
        assert!(why.contains(part), "{field}: {why}");
    }
    // An account may have a blank in its name, an organization may not.
    let mut said = claims();
    said["accounts"] = json!("North Sales");
    let scope = provider.read(&signer.sign(&said), NOW).unwrap().scope;
    assert_eq!(scope.accounts(), Some(&["North Sales".to_owned()][..]));
    // For all organizations, where that is said.
    let mut said = claims();
    (said["orgs"], said["exp"]) = (json!(["*"]), json!(now - 59));
    assert_eq!(provider.read(&signer.sign(&said), NOW).unwrap().scope, Scope::default());
}

#[test]
fn what_is_signed_otherwise_is_refused() {
    let (signer, other, provider) =
        (Signer::new(Algorithm::ES256, "one"), Signer::new(Algorithm::ES256, "one"), provider());
    assert!(provider.misses_keys(), "none is known at first");
    provider.learn(&published(&[&signer])).unwrap();
    let refused = |text: &str| provider.read(text, NOW).unwrap_err();
    assert!(refused(&other.sign(&claims())).contains("signature is not right"));
    assert!(provider.misses_keys(), "the key may be another of the same name by now");
    assert!(provider.read(&signer.sign(&claims()), NOW).is_ok() && !provider.misses_keys());
    let stranger = Signer { id: "two", ..other };
    assert!(refused(&stranger.sign(&claims())).contains("was not seen to publish"));
    assert!(provider.misses_keys() && !provider.misses_keys());
    // Once it is published, it is taken, and the one before no more.
    provider.learn(&published(&[&stranger])).unwrap();
    assert!(provider.read(&stranger.sign(&claims()), NOW).is_ok());
    assert!(refused(&signer.sign(&claims())).contains("was not seen to publish"));
    // A shared secret, or none, is nothing that the provider alone could have signed with.
    let shared = EncodingKey::from_secret(b"secret").unwrap();
    let header = Header { kid: Some("two".to_owned()), ..Header::new(Algorithm::HS256) };
    assert!(refused(&encode(&header, &claims(), &shared).unwrap()).contains("not taken"));
    let good = stranger.sign(&claims());
    let (_, rest) = good.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIn0";
    assert!(refused(&format!("{none}.{}.", rest.split_once('.').unwrap().0)).contains("no JSON Web Token"));
    let mut changed = good.clone().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    assert!(provider.read(&String::from_utf8(changed).unwrap(), NOW).is_err());
    assert!(refused(&format!("{good}{}", "A".repeat(LONGEST))).contains("at most"));
}

#[test]
fn a_set_without_a_key_that_can_be_used_changes_nothing() {
    let (signer, provider) = (Signer::new(Algorithm::ES256, "one"), provider());
    provider.learn(&published(&[&signer])).unwrap();
    let shared = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "one" }] });
    for set in
        [b"{}".to_vec(), b"<html>".to_vec(), br#"{"keys":[]}"#.to_vec(), shared.to_string().into_bytes()]
    {
        assert!(provider.learn(&set).is_err());
    }
    let mut sealing = serde_json::to_value(signer.jwk()).unwrap();
    sealing["use"] = json!("enc");
    assert!(provider.learn(json!({ "keys": [sealing] }).to_string().as_bytes()).is_err());
    assert!(provider.read(&signer.sign(&claims()), NOW).is_ok());
}
