//! The post: one mail to one recipient, over SMTP.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use tokio::time::timeout;

use super::AT_ONCE;
use super::sending::Outcome;
use crate::config::{Mail, MailTls};
use crate::wire;

/// How long a connection may take, and an answer to a command.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a mail may take as a whole.
const ATTEMPT: Duration = Duration::from_secs(120);
/// How long a connection is kept for the next mail.
const IDLE: Duration = Duration::from_secs(20);
/// The most of what a server said that is kept.
const LONGEST_REASON: usize = 300;

/// Answers that are about us and not about the mail: it is asked to sign in first, in another way, or with other words. Somebody can mend
/// that, so they are no refusal.
const ABOUT_US: [u16; 6] = [421, 454, 530, 534, 535, 538];

/// Why there is no post.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The encryption cannot be set up.
    #[error("TLS for {server}: {why}; compare mail.server and the certificates of this machine")]
    Tls {
        /// The server.
        server: String,
        /// What was said.
        why: String,
    },
    /// The sender is no mailbox.
    #[error("mail.from: {0}")]
    From(#[from] wire::MailAddressError),
}

/// A way to an SMTP server.
pub struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    pub(super) from: Mailbox,
    server: String,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("from", &self.from).field("server", &self.server).finish_non_exhaustive()
    }
}

impl Post {
    /// A way to the server of the settings. Nothing is connected yet. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`PostError`] where the encryption cannot be set up, or the sender is none.
    pub fn new(mail: &Mail) -> Result<Post, PostError> {
        let tls = || {
            let wrong = |error: Error| PostError::Tls { server: mail.server.clone(), why: deepest(&error) };
            TlsParameters::new_rustls(mail.server.clone()).map_err(wrong)
        };
        let from = wire::mailbox(&mail.from)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mail.server.as_str())
            .port(mail.port)
            .timeout(Some(PATIENCE))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .pool_config(PoolConfig::new().max_size(AT_ONCE).idle_timeout(IDLE));
        let builder = match mail.tls {
            MailTls::Required => builder.tls(Tls::Wrapper(tls()?)),
            MailTls::StartTls => builder.tls(Tls::Required(tls()?)),
            MailTls::None => builder,
        };
        let builder = match &mail.credentials {
            Some((user, password)) => {
                builder.credentials(Credentials::new(user.clone(), password.0.to_string()))
            }
            None => builder,
        };
        Ok(Post { transport: builder.build(), from, server: format!("{}:{}", mail.server, mail.port) })
    }

    /// Sends a mail, and tells what came of it.
    pub(super) async fn send(&self, message: Message) -> Outcome {
        match timeout(ATTEMPT, self.transport.send(message)).await {
            Ok(Ok(_)) => Outcome::Sent,
            Ok(Err(error)) => outcome(&error, &self.server),
            Err(_) => Outcome::Unreachable(format!("{} took more than {} s", self.server, ATTEMPT.as_secs())),
        }
    }

    /// Connects, says hello, encrypts and signs in, as a mail would; sends nothing.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub async fn test(&self) -> Result<String, String> {
        let failed = |why: String| {
            format!("{}: {why}; correct mail.server, port, tls, user and password", self.server)
        };
        match timeout(PATIENCE, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(format!("{}: takes mail from {}", self.server, self.from)),
            Ok(Ok(false)) => Err(failed("it closed the connection".to_owned())),
            Ok(Err(error)) => Err(failed(deepest(&error))),
            Err(_) => Err(failed(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

/// What an error means for the mail. What is not a server's word about it may pass.
fn outcome(error: &Error, server: &str) -> Outcome {
    let code = error.status().map(u16::from);
    let why = deepest(error);
    match code {
        Some(code) if ABOUT_US.contains(&code) => Outcome::Unreachable(format!("{code} {why}")),
        Some(code) if error.is_permanent() => Outcome::Refused(format!("{code} {why}")),
        Some(code) => Outcome::Failed(format!("{code} {why}")),
        None => Outcome::Unreachable(format!("{server}: {why}")),
    }
}

/// The cause that tells most, cut to a length.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REASON).collect()
}
