//! Reaching the servers: addresses, credentials, reconnects and the least version.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};

use crate::log::LogError;

/// The oldest server we work with: earlier ones could lose a stream when they crashed.
pub const LEAST_VERSION: (i64, i64, i64) = (2, 10, 23);

/// How long the first connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may wait for its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest pause between two attempts to reconnect.
const LONGEST_DELAY_MS: u64 = 4_000;

/// The servers of one NATS system and who we are to them.
#[derive(Clone, Debug)]
pub struct Access {
    /// `nats://host:port` or `tls://host:port`; any one of them will do.
    pub urls: Vec<String>,
    /// Who we are.
    pub credentials: Credentials,
    /// How the connection is kept from others.
    pub tls: Tls,
}

/// How a connection is kept from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// A server that offers no TLS is refused. Otherwise it decides.
    pub required: bool,
    /// Shake hands before the server has said a word, as its `handshake_first` wants it.
    pub first: bool,
    /// Who has signed the server's certificate; those the system knows where none is named.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl Default for Access {
    /// A server of this machine, without credentials.
    fn default() -> Self {
        let (credentials, tls) = (Credentials::None, Tls::default());
        Access { urls: vec!["nats://127.0.0.1:4222".to_owned()], credentials, tls }
    }
}

/// Who we are to NATS.
#[derive(Clone, Default)]
pub enum Credentials {
    /// The servers ask for nothing.
    #[default]
    None,
    /// A credentials file: a signed user token and its key. Read at each [`Access::connect`].
    File(PathBuf),
    /// A file with the seed of an nkey. Read at each [`Access::connect`].
    Nkey(PathBuf),
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token shared by all clients.
    Token(String),
}

impl fmt::Debug for Credentials {
    /// Names the kind; secrets reach no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::None => f.write_str("None"),
            Credentials::File(path) => f.debug_tuple("File").field(path).finish(),
            Credentials::Nkey(path) => f.debug_tuple("Nkey").field(path).finish(),
            Credentials::Password { user, .. } => write!(f, "Password {{ user: {user:?}, .. }}"),
            Credentials::Token(_) => f.write_str("Token(..)"),
        }
    }
}

impl Access {
    /// Connects under the given connection name. The tasks of the connection live on the calling runtime.
    ///
    /// Once connected, it reconnects for ever.
    ///
    /// # Errors
    /// [`LogError::Nats`] when no server answers, refuses us, or is older than [`LEAST_VERSION`].
    pub async fn connect(&self, name: &str) -> Result<Client, LogError> {
        let client = self.options(name).await?.connect(self.urls.as_slice()).await.map_err(|error| {
            LogError::Nats(format!("cannot connect to {}: {error}", self.urls.join(", ")))
        })?;
        let (major, minor, patch) = LEAST_VERSION;
        if client.is_server_compatible(major, minor, patch) {
            return Ok(client);
        }
        Err(LogError::Nats(format!(
            "the server at {} is version {:?}; at least {major}.{minor}.{patch} is needed: upgrade it",
            self.urls.join(", "),
            client.server_info().version,
        )))
    }

    async fn options(&self, name: &str) -> Result<ConnectOptions, LogError> {
        let options = match &self.credentials {
            Credentials::None => ConnectOptions::new(),
            Credentials::File(path) => {
                ConnectOptions::with_credentials_file(path).await.map_err(|error| {
                    LogError::Nats(format!("the credentials file {} cannot be used: {error}", path.display()))
                })?
            }
            Credentials::Nkey(path) => ConnectOptions::with_nkey(seed(path)?),
            Credentials::Password { user, password } => {
                ConnectOptions::with_user_and_password(user.clone(), password.clone())
            }
            Credentials::Token(token) => ConnectOptions::with_token(token.clone()),
        };
        let shown = name.to_owned();
        Ok(self
            .tls
            .of(options)?
            .name(name)
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .max_reconnects(None)
            .reconnect_delay_callback(reconnect_delay)
            .event_callback(move |event| {
                report(&shown, &event);
                std::future::ready(())
            }))
    }
}

impl Tls {
    /// The same options, over TLS where that is asked for.
    fn of(&self, mut options: ConnectOptions) -> Result<ConnectOptions, LogError> {
        let files =
            self.ca.iter().chain(self.client.iter().flat_map(|(certificate, key)| [certificate, key]));
        for path in files {
            // The client would not name the file.
            File::open(path).map_err(|error| unusable(path, "of TLS", &error))?;
        }
        if let Some(ca) = &self.ca {
            options = options.add_root_certificates(ca.clone());
        }
        if let Some((certificate, key)) = &self.client {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        if self.first {
            options = options.tls_first();
        }
        Ok(options.require_tls(self.required))
    }
}

/// The seed in a file: the line that begins as one, whatever stands around it.
fn seed(path: &Path) -> Result<String, LogError> {
    let text = fs::read_to_string(path).map_err(|error| unusable(path, "of the nkey", &error))?;
    let seed = text.lines().map(str::trim).find(|line| line.starts_with("SU"));
    seed.map(str::to_owned).ok_or_else(|| unusable(path, "of the nkey", &"it holds no seed of a user (SU…)"))
}

fn unusable(path: &Path, what: &str, why: &dyn fmt::Display) -> LogError {
    LogError::Nats(format!("the file {what} {} cannot be used: {why}", path.display()))
}

fn report(connection: &str, event: &Event) {
    match event {
        Event::Connected => tracing::info!(connection, "connected to NATS"),
        Event::Disconnected => tracing::warn!(connection, "disconnected from NATS; reconnecting"),
        Event::SlowConsumer(_) => tracing::warn!(connection, "NATS deliveries were dropped on our side"),
        other => tracing::warn!(connection, event = %other, "NATS"),
    }
}

/// Doubles from 50 ms and never passes [`LONGEST_DELAY_MS`]; half of it is chance, so that the clients of a
/// server that comes back do not all arrive at once.
fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(u32::MAX).min(10);
    let longest = 25_u64.saturating_mul(2_u64.saturating_pow(doublings)).min(LONGEST_DELAY_MS);
    Duration::from_millis(rand::random_range(longest / 2..=longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconnect_delays_grow_jitter_and_stay_bounded() {
        for attempt in 1..200 {
            let delays: Vec<u64> =
                (0..100).map(|_| u64::try_from(reconnect_delay(attempt).as_millis()).unwrap()).collect();
            assert!(delays.iter().all(|delay| (25..=LONGEST_DELAY_MS).contains(delay)), "{delays:?}");
            assert!(delays.iter().any(|delay| *delay != delays[0]), "attempt {attempt} has no jitter");
        }
        assert!(reconnect_delay(1) <= Duration::from_millis(50));
        assert!(reconnect_delay(20) >= Duration::from_millis(LONGEST_DELAY_MS / 2));
    }

    #[test]
    fn secrets_are_not_shown() {
        let password = Credentials::Password { user: "meter".to_owned(), password: "hunter2".to_owned() };
        let token = Credentials::Token("hunter2".to_owned());
        let shown = format!("{password:?} {token:?}");
        assert!(shown.contains("meter") && !shown.contains("hunter2"), "{shown}");
    }
}
