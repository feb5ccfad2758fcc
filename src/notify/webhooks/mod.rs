//! Webhooks: messages to the endpoints of customers, signed, in order, and tried for a day.
//!
//! ```text
//! hand_over ─► lines ─► unwritten ─► writer thread: one write, one sync ─► answers
//!                │  ▲
//!                ▼  │ outcomes
//!             dispatcher ─► courier ─► HTTP
//! ```
//!
//! - `endpoint`, `secret`: what goes where, and how it is signed ([Standard Webhooks](https://www.standardwebhooks.com)).
//! - `reach`: which addresses may be reached, judged where the connection is made.
//! - `courier` makes one attempt; `retry` says when the next one is due.
//! - `line` is one endpoint: the messages that wait, in order, and its health. A pure fold of `record`s.
//! - `lines` decides: who is next (`agenda`), who is given up. Every decision is a record.
//! - `journal` keeps the records on disk, `writer` brings them there, `dispatch` drives the attempts.
//!
//! What holds:
//!
//! - A message that was handed over is on disk. It is delivered, given up after a day, or lost because too many waited, and
//!   the last two are kept for a while with their reason, and counted.
//! - An endpoint has at most one request in flight and gets its messages in order: a message waits for the one before it.
//! - An endpoint that fails or hangs delays nobody else: it has one request in flight, after ever longer pauses, in places that
//!   those that answer do not use.
//! - A delivery that a crash cut off is made again under the same id: at least once.

mod agenda;
mod attempt;
mod courier;
mod desk;
mod dispatch;
mod endpoint;
mod error;
mod health;
mod journal;
mod line;
mod lines;
mod options;
mod reach;
mod record;
mod retry;
mod secret;
mod trial;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task;

pub use self::attempt::{Attempt, Outcome};
use self::courier::Courier;
use self::desk::Desk;
pub use self::endpoint::{
    Endpoint, EndpointKey, EndpointUrl, LONGEST_ID, MOST_PAYLOAD, Message, MessageId, MessageIdError,
};
pub use self::error::WebhookError;
pub use self::health::{Counts, Delivery, EndpointState, GivenUp, Health};
pub use self::journal::Finding;
use self::journal::Journal;
use self::lines::Lines;
pub use self::options::Options;
pub use self::reach::{Forbidden, Reach};
pub use self::record::WhyGivenUp;
pub use self::secret::{Secret, Secrets};
use self::writer::{Writer, snapshot};
use crate::clock;
pub use crate::wire::{EndpointUrlError, LONGEST_URL, SecretError};

/// What became of a message that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It waits for its turn.
    Queued,
    /// It is known already: it waits, was delivered not long ago, or was given up. Nothing is done.
    Known,
}

/// Delivers webhooks. Dropping it ends the attempts in flight, whose messages are sent again after the next start;
/// [`Webhooks::close`] waits for them.
#[derive(Debug)]
pub struct Webhooks {
    desk: Arc<Desk>,
    reach: Reach,
    most_endpoints: usize,
    dispatcher: Mutex<Option<task::JoinHandle<()>>>,
    writer: Option<JoinHandle<()>>,
}

impl Webhooks {
    /// Opens the queue in a folder, which is made if it is not there, and goes on with what was queued before.
    ///
    /// Endpoints are as they were last known until they are [put](Webhooks::put) anew, so whoever opens puts all there are,
    /// and [forgets](Webhooks::forget) those that are no more. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`WebhookError`] when the disk refuses, another process has the folder or another version wrote it, or the HTTP client
    /// cannot be made. What a crash or a damaged disk left behind is no error but a [`Finding`].
    pub fn open(folder: &Path, options: Options) -> Result<(Webhooks, Vec<Finding>), WebhookError> {
        let runtime = Handle::try_current().map_err(WebhookError::NoRuntime)?;
        let options = Arc::new(options);
        let reach = Reach::new(&options.allowed_networks);
        let courier = Courier::new(&options, reach.clone());
        let courier = courier.map_err(|error| WebhookError::Client(error::deepest(&error)))?;
        let mut lines = Lines::new(Arc::clone(&options));
        let (mut journal, findings) = Journal::open(folder, |record| lines.apply(record))?;
        for finding in &findings {
            tracing::warn!(%finding, "the webhooks' queue is not as it was left");
        }
        if findings.iter().any(|finding| matches!(finding, Finding::Damaged { .. })) {
            let all = snapshot(&lines).map_err(|error| WebhookError::Failed(error.to_string().into()))?;
            journal.replace(journal.prepare(&all)?, true)?;
        }
        let desk = Arc::new(Desk::new(lines, courier));
        let writer = Writer { desk: Arc::clone(&desk), journal, floor: options.compact_floor };
        let writer = std::thread::Builder::new().name("webhooks".into()).spawn(move || writer.run());
        let writer = Some(writer.map_err(WebhookError::Thread)?);
        let dispatcher = Mutex::new(Some(runtime.spawn(dispatch::run(Arc::clone(&desk)))));
        Ok((Webhooks { desk, reach, most_endpoints: options.endpoints, dispatcher, writer }, findings))
    }

    /// Judges a URL before it is taken as an endpoint's. A host's name is judged at every attempt.
    ///
    /// # Errors
    /// [`Forbidden`] when its host is an address that may not be reached.
    pub fn check(&self, url: &EndpointUrl) -> Result<(), Forbidden> {
        self.reach.check(url)
    }

    /// Takes over the definition of an endpoint, durably once answered. What waits for it is sent as it says from now on.
    ///
    /// One that had answered 410 is tried again when its URL is another one, or when it is switched off and on.
    ///
    /// # Errors
    /// [`WebhookError::TooMany`], [`WebhookError::Failed`], [`WebhookError::Closed`].
    pub async fn put(&self, endpoint: &Endpoint) -> Result<(), WebhookError> {
        self.change(|lines| {
            self.admit(lines, endpoint)?;
            lines.put(endpoint);
            Ok(())
        })
        .await
    }

    /// Takes a message for an endpoint, durably once answered. A message of an id that the endpoint's queue knows is taken
    /// already. Where too many wait, the oldest is given up and counted as lost. While the disk is full it waits for room
    /// ([`Webhooks::trouble`] tells).
    ///
    /// # Errors
    /// [`WebhookError::TooLarge`], [`WebhookError::TooMany`], [`WebhookError::Failed`], [`WebhookError::Closed`].
    pub async fn hand_over(&self, endpoint: &Endpoint, message: &Message) -> Result<Handed, WebhookError> {
        self.queue(endpoint, message, |line, id| line.knows(id)).await
    }

    /// Takes a message although it was delivered or given up before; one that waits is not doubled.
    ///
    /// # Errors
    /// As [`Webhooks::hand_over`].
    pub async fn hand_over_again(
        &self,
        endpoint: &Endpoint,
        message: &Message,
    ) -> Result<Handed, WebhookError> {
        self.queue(endpoint, message, |line, id| line.find_waiting(id).is_some()).await
    }

    /// Sends again what was given up and is still kept, with a new day to do it in.
    ///
    /// # Errors
    /// [`WebhookError::NoEndpoint`], [`WebhookError::NotKept`], [`WebhookError::Failed`], [`WebhookError::Closed`].
    pub async fn resend(&self, key: &EndpointKey, id: &MessageId) -> Result<(), WebhookError> {
        self.change(|lines| {
            let line = lines.get(key).ok_or_else(|| WebhookError::NoEndpoint(key.clone()))?;
            let failed = line.find_failed(id);
            let failed = failed.ok_or_else(|| WebhookError::NotKept { key: key.clone(), id: id.clone() })?;
            let message = Arc::clone(&failed.parcel.message);
            lines.queue(key, message, clock::now());
            Ok(())
        })
        .await
    }

    /// Tries an endpoint again that had answered 410, and one that is being given a pause.
    ///
    /// # Errors
    /// [`WebhookError::NoEndpoint`], [`WebhookError::Failed`], [`WebhookError::Closed`].
    pub async fn enable(&self, key: &EndpointKey) -> Result<(), WebhookError> {
        self.change(|lines| {
            lines.get(key).ok_or_else(|| WebhookError::NoEndpoint(key.clone()))?;
            lines.enable(key);
            Ok(())
        })
        .await
    }

    /// Removes an endpoint, and answers how many messages waited for it and are now sent nowhere.
    ///
    /// # Errors
    /// [`WebhookError::NoEndpoint`], [`WebhookError::Failed`], [`WebhookError::Closed`].
    pub async fn forget(&self, key: &EndpointKey) -> Result<usize, WebhookError> {
        self.change(|lines| {
            let line = lines.get(key).ok_or_else(|| WebhookError::NoEndpoint(key.clone()))?;
            let waiting = line.waiting.len();
            lines.forget(key);
            Ok(waiting)
        })
        .await
    }

    /// Sends a `creditd.webhook.test` message now, once, and answers what came of it. It waits for the endpoint's request in
    /// flight, if there is one, and changes neither its queue nor its health.
    ///
    /// # Errors
    /// [`WebhookError::Closed`].
    pub async fn test(&self, endpoint: &Endpoint) -> Result<Attempt, WebhookError> {
        trial::run(&self.desk, endpoint).await
    }

    /// How an endpoint is doing.
    #[must_use]
    pub fn health(&self, key: &EndpointKey) -> Option<Health> {
        self.desk.lines().get(key).map(line::Line::health)
    }

    /// Where a message stands with an endpoint: its attempts, or what came of them. `None` for one never handed over, or
    /// remembered no longer.
    #[must_use]
    pub fn delivery(&self, key: &EndpointKey, id: &MessageId) -> Option<Delivery> {
        self.desk.lines().get(key)?.delivery(id)
    }

    /// What an endpoint failed to take and is still kept, oldest first.
    #[must_use]
    pub fn given_up(&self, key: &EndpointKey) -> Vec<GivenUp> {
        let lines = self.desk.lines();
        lines.get(key).map(|line| line.failed.iter().map(line::Failed::show).collect()).unwrap_or_default()
    }

    /// An endpoint as the queue knows it.
    #[must_use]
    pub fn endpoint(&self, key: &EndpointKey) -> Option<Arc<Endpoint>> {
        self.desk.lines().get(key).map(|line| Arc::clone(&line.endpoint))
    }

    /// Whether an endpoint is known, or there is room for one more.
    #[must_use]
    pub fn has_room_for(&self, key: &EndpointKey) -> bool {
        let lines = self.desk.lines();
        lines.get(key).is_some() || lines.len() < self.most_endpoints
    }

    /// All endpoints, in order.
    #[must_use]
    pub fn endpoints(&self) -> Vec<EndpointKey> {
        let mut keys: Vec<_> = self.desk.lines().iter().map(|line| line.endpoint.key.clone()).collect();
        keys.sort_unstable();
        keys
    }

    /// Numbers over all endpoints.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.desk.lines().counts()
    }

    /// Why nothing more is taken at the moment, if so: until there is room on the disk, or until a restart.
    #[must_use]
    pub fn trouble(&self) -> Option<Arc<str>> {
        let durable = self.desk.durable.borrow();
        durable.failure.clone().or_else(|| durable.waiting.clone())
    }

    /// Begins nothing more, waits for the attempts in flight, and brings what came of them to the disk.
    ///
    /// # Errors
    /// [`WebhookError::Failed`] when the disk does not take it: what was delivered last is then sent again.
    pub async fn close(&self) -> Result<(), WebhookError> {
        self.desk.closing.send_replace(true);
        let dispatcher = self.dispatcher.lock().take();
        if let Some(dispatcher) = dispatcher
            && let Err(error) = dispatcher.await
        {
            tracing::error!(%error, "the webhooks' dispatcher ended badly");
        }
        let count = self.desk.lines().unwritten.count();
        self.desk.written(count).await
    }

    async fn queue(
        &self,
        endpoint: &Endpoint,
        message: &Message,
        is_known: impl Fn(&line::Line, &MessageId) -> bool,
    ) -> Result<Handed, WebhookError> {
        let (id, bytes) = (&message.id, message.payload.len());
        if bytes > MOST_PAYLOAD {
            return Err(WebhookError::TooLarge { id: id.clone(), bytes });
        }
        self.change(|lines| {
            self.admit(lines, endpoint)?;
            lines.put(endpoint);
            if lines.get(&endpoint.key).is_some_and(|line| is_known(line, id)) {
                return Ok(Handed::Known);
            }
            lines.queue(&endpoint.key, Arc::new(message.clone()), clock::now());
            Ok(Handed::Queued)
        })
        .await
    }

    /// Changes the lines, and waits until the change is on disk.
    async fn change<T>(
        &self,
        change: impl FnOnce(&mut Lines) -> Result<T, WebhookError>,
    ) -> Result<T, WebhookError> {
        let _place = self.desk.callers.acquire().await.map_err(|_| WebhookError::Closed)?;
        if *self.desk.closing.borrow() {
            return Err(WebhookError::Closed);
        }
        if let Some(failure) = self.desk.durable.borrow().failure.clone() {
            return Err(WebhookError::Failed(failure));
        }
        let (result, count) = self.desk.change(|lines| {
            let result = change(lines)?;
            match &lines.broken {
                Some(error) => Err(WebhookError::Failed(error.to_string().into())),
                None => Ok((result, lines.unwritten.count())),
            }
        })?;
        // What was known before may be on its way to the disk still.
        self.desk.written(count).await?;
        Ok(result)
    }

    fn admit(&self, lines: &Lines, endpoint: &Endpoint) -> Result<(), WebhookError> {
        if lines.get(&endpoint.key).is_none() && lines.len() >= self.most_endpoints {
            return Err(WebhookError::TooMany { key: endpoint.key.clone(), most: self.most_endpoints });
        }
        Ok(())
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.desk.closing.send_replace(true);
        if let Some(dispatcher) = self.dispatcher.lock().take() {
            dispatcher.abort();
        }
        self.desk.end();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the webhooks' writer thread panicked");
        }
    }
}
