//! Settings: from text to checked values.
//!
//! ```text
//! config/creditd.toml (every setting, its default) ◄── the operator's file ◄── CREDITD_… variables
//!         └──────────────► one table, its keys and types known ──► Raw ──► Config
//! ```
//!
//! The shipped file is the one place where a default is written: it is compiled in, and the operator's file and
//! the environment are laid over it. `Raw` is that table as text says it; [`Config`] is what it means.
//! There is no other way from one to the other, and it reports everything that is wrong at once.

mod check;
mod overlay;
mod raw;
mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use crate::book::itemise::Itemise;
use crate::ledger::units::Millis;
use crate::ledger::webhooks::SecretText;
use crate::log::{jetstream, local};
use crate::store::history;

pub use self::units::duration;

/// Every setting with its default and what it is about: what `creditd config default` prints.
pub const DEFAULTS: &str = include_str!("../../config/creditd.toml");

/// The checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that holds checkpoints, history and the local log.
    pub data: PathBuf,
    /// Where events come from.
    pub log: LogHome,
    /// The HTTP face.
    pub http: Http,
    /// Who is let in there.
    pub access: Access,
    /// How often the organizations that changed are written.
    pub checkpoint_every: Duration,
    /// What is kept of the history.
    pub history: History,
    /// How webhooks are delivered.
    pub webhooks: Webhooks,
    /// Where mail is handed over; none where none is sent.
    pub mail: Option<Mail>,
    /// Files with rate cards and plans, to be published at the start.
    pub catalog: Vec<PathBuf>,
    /// Files with adapters: how messages of telephony systems are read.
    pub adapters: Vec<PathBuf>,
    /// What is said about the daemon's work.
    pub logging: Logging,
}

/// Where events come from.
#[derive(Clone, Debug)]
pub enum LogHome {
    /// A log of our own, in the folder `log` of the data.
    Local(local::Options),
    /// A stream in NATS.
    JetStream(Box<Nats>),
}

/// The log in NATS and the faces that come with it.
#[derive(Clone, Debug)]
pub struct Nats {
    /// The log's stream.
    pub log: jetstream::Options,
    /// The stream that alerts and refused events are published to.
    pub alerts_stream: String,
    /// Whether balances are answered over NATS.
    pub service: bool,
}

/// The HTTP face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The largest request body, in bytes.
    pub max_body: usize,
    /// What addresses that are handed out begin with; empty where it is as the caller reached us.
    pub public_url: String,
    /// Where a portal link leads, with `{org}` for the organization.
    pub portal_page: String,
    /// The files of TLS; plain HTTP without.
    pub tls: Option<Tls>,
}

/// The files of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Who signs the certificates of clients, where they must show one.
    pub client_ca: Option<PathBuf>,
}

/// What is kept of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// How much of it gathers in memory.
    pub limits: history::Limits,
    /// For how long; for ever where nothing is said.
    pub keep: Option<Duration>,
    /// Which charges are shown one by one.
    pub itemise: Itemise,
}

/// Who is let in over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether those who show no token are.
    pub open: bool,
    /// Whether that was left to us.
    pub by_default: bool,
    /// Whether the metrics are for everybody.
    pub open_metrics: bool,
    /// An identity provider whose tokens are taken too.
    pub oidc: Option<Oidc>,
}

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oidc {
    /// Who signs its tokens.
    pub issuer: String,
    /// For whom they are.
    pub audience: String,
    /// Where its keys are; where its discovery document says, if nothing is said.
    pub keys_url: Option<String>,
    /// The claims with the role, the organizations and the accounts.
    pub claims: [String; 3],
}

impl Access {
    /// What is to be said loudly where everybody is let in; `None` where tokens are asked for.
    #[must_use]
    pub fn warning(&self, listen: SocketAddr) -> Option<String> {
        let why =
            if self.by_default { ", as it does on this machine while nothing else is said" } else { "" };
        let who = match listen.ip().to_canonical().is_loopback() {
            true => "everybody on this machine, and behind a proxy on it",
            false => "EVERYBODY ON THE NETWORK",
        };
        self.open.then(|| {
            format!(
                "HTTP at {listen} asks for no token{why}: {who} may read everything, and give and take credits. \
                 To ask for tokens: access.mode = \"tokens\""
            )
        })
    }
}

/// How webhooks are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhooks {
    /// Networks that may be reached although they are not public.
    pub allowed_networks: Vec<IpNet>,
    /// How long an attempt may take as a whole.
    pub attempt_limit: Duration,
    /// How long a message is tried.
    pub give_up_after: Duration,
    /// The most requests in flight at once.
    pub parallel: usize,
}

/// Where mail is handed over, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The SMTP server: a name, or an address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How what is said to it is encrypted.
    pub tls: MailTls,
    /// A user and a password.
    pub credentials: Option<(String, SecretText)>,
    /// Who mail is from.
    pub from: String,
    /// Under which address we are reached from outside, without a slash at its end; no links are made where it is not known.
    pub public_url: Option<String>,
    /// How long a mail is tried.
    pub give_up_after: Millis,
}

/// How what is said to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte on.
    Required,
    /// After a greeting; nothing is sent to a server that cannot.
    StartTls,
    /// Not at all: for a server on this machine.
    None,
}

/// What is said about the daemon's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// A filter of levels, as `tracing` reads it.
    pub level: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line of the daemon's own log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Everything that is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<Problem>);

/// One thing that is wrong: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Problem {
    /// The file or the variable.
    pub place: String,
    /// The setting, its value, and the remedy.
    pub what: String,
}

impl ConfigError {
    fn one(place: impl Into<String>, what: impl Into<String>) -> Self {
        ConfigError(vec![Problem { place: place.into(), what: what.into() }])
    }
}

/// The settings that are in force, before they are checked: the defaults, the file, the environment.
#[derive(Debug)]
pub struct Settings(overlay::Layers);

impl Settings {
    /// Lays the operator's file, if there is one, and the environment over the defaults.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML, unknown settings, values of the wrong type.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Settings, ConfigError> {
        let mut layers = overlay::Layers::defaults()?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ConfigError::one(path.display().to_string(), format!("cannot be read: {error}"))
            })?;
            layers.lay_file(path, &text)?;
        }
        layers.lay_environment(environment)?;
        Ok(Settings(layers))
    }

    /// What the settings mean.
    ///
    /// # Errors
    /// Every value that cannot be meant.
    pub fn check(&self) -> Result<Config, ConfigError> {
        check::config(&self.0)
    }

    /// The settings in force as TOML, secrets left out; a setting that is not the default says where it is from.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.0.to_toml()
    }
}

impl Config {
    /// Reads and checks the settings: the defaults, under the operator's file, under the environment.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        // A variable that is not Unicode cannot be one of ours.
        let environment =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Settings::read(file, environment)?.check()
    }
}

#[cfg(test)]
mod tests;
