//! An operator, an account and users of a test's own, signed as NATS has it: what a credentials file is made of.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// A system of accounts.
pub(crate) struct World {
    operator: KeyPair,
    account: KeyPair,
    system: KeyPair,
}

impl World {
    /// One that nobody else knows.
    pub(crate) fn new() -> World {
        let (account, system) = (KeyPair::new_account(), KeyPair::new_account());
        World { operator: KeyPair::new_operator(), account, system }
    }

    /// What a server must know of it.
    pub(crate) fn configuration(&self) -> String {
        let operator =
            json!({ "type": "operator", "version": 2, "system_account": self.system.public_key() });
        let limits = |stored: i64| {
            json!({
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
                "leaf": -1, "mem_storage": stored, "disk_storage": stored, "streams": stored, "consumer": stored,
            })
        };
        let account = |stored| json!({ "type": "account", "version": 2, "limits": limits(stored) });
        format!(
            "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload {{ {}: {}, {}: {} }}\n",
            token(&self.operator, &self.operator, operator),
            self.system.public_key(),
            self.system.public_key(),
            token(&self.operator, &self.system, account(0)),
            self.account.public_key(),
            token(&self.operator, &self.account, account(-1)),
        )
    }

    /// The credentials file of a new user of its account.
    pub(crate) fn user(&self) -> String {
        let user = KeyPair::new_user();
        let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {} });
        format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            token(&self.account, &user, claims),
            user.seed().unwrap(),
        )
    }
}

/// What an issuer says of a subject, signed.
fn token(issuer: &KeyPair, subject: &KeyPair, nats: Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
    let claims = part(json!({
        "jti": subject.public_key(), "iat": 1_700_000_000, "name": "test",
        "iss": issuer.public_key(), "sub": subject.public_key(), "nats": nats,
    }));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}
