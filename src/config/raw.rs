//! The settings as they are written: names and plain values.
//!
//! No field is optional and none has a default here: [`DEFAULTS`](super::DEFAULTS) has them all.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) data: Data,
    pub(super) log: Log,
    pub(super) nats: Nats,
    pub(super) http: Http,
    pub(super) access: Access,
    pub(super) checkpoint: Checkpoint,
    pub(super) history: History,
    pub(super) webhooks: Webhooks,
    pub(super) mail: Mail,
    pub(super) catalog: Catalog,
    pub(super) adapters: Adapters,
    pub(super) logging: Logging,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub(super) folder: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) kind: String,
    pub(super) local: Local,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Local {
    pub(super) segment: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nats {
    pub(super) urls: Vec<String>,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) token: String,
    pub(super) credentials_file: String,
    pub(super) nkey_seed_file: String,
    pub(super) tls: bool,
    pub(super) tls_first: bool,
    pub(super) ca_file: String,
    pub(super) cert_file: String,
    pub(super) key_file: String,
    pub(super) stream: String,
    pub(super) manage: bool,
    pub(super) replicas: i64,
    pub(super) max_bytes: String,
    pub(super) max_age: String,
    pub(super) accept_gaps: bool,
    pub(super) alerts_stream: String,
    pub(super) service: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    pub(super) listen: String,
    pub(super) max_body: String,
    pub(super) public_url: String,
    pub(super) portal_page: String,
    pub(super) tls: Tls,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) cert: String,
    pub(super) key: String,
    pub(super) client_ca: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Access {
    pub(super) mode: String,
    pub(super) metrics: String,
    pub(super) oidc: Oidc,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Oidc {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) keys_url: String,
    pub(super) role_claim: String,
    pub(super) orgs_claim: String,
    pub(super) accounts_claim: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) every: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    pub(super) rows: i64,
    pub(super) bytes: String,
    pub(super) keep: String,
    pub(super) itemise: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhooks {
    pub(super) allowed_networks: Vec<String>,
    pub(super) attempt_limit: String,
    pub(super) give_up_after: String,
    pub(super) parallel: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    pub(super) server: String,
    pub(super) port: i64,
    pub(super) tls: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) password_file: String,
    pub(super) from: String,
    pub(super) public_url: String,
    pub(super) give_up_after: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalog {
    pub(super) files: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adapters {
    pub(super) files: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Logging {
    pub(super) level: String,
    pub(super) format: String,
}
