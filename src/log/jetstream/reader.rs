//! The reader: a feed that is opened anew, at the position reached, whenever it breaks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Interval, interval, sleep, timeout};

use super::Link;
use super::feed::{Broken, Feed, SILENCE};
use crate::log::{BATCH, Fingerprint, LogError, Reader, Record};

/// How long [`Reader::next`] waits when there is nothing.
const IDLE: Duration = Duration::from_millis(100);
/// The pause before a broken feed is opened again; doubled each time it cannot be, up to [`LONGEST_RETRY`].
const RETRY: Duration = Duration::from_millis(250);
/// The longest pause before a feed is opened again.
const LONGEST_RETRY: Duration = Duration::from_secs(4);

/// Reads the stream in order, from the position it was opened at.
pub(super) struct JetStreamReader {
    link: Arc<Link>,
    state: State,
    /// The last record handed over.
    position: Fingerprint,
    /// The pause before the next attempt to open the feed.
    retry: Duration,
    /// Ticks when nothing was heard for too long.
    silence: Interval,
}

enum State {
    /// Kept across calls of `next`, so that a caller who gives up waiting does not start it over.
    Opening(BoxFuture<'static, Result<Feed, LogError>>),
    Open(Feed),
}

impl JetStreamReader {
    /// Opens the log after `position`.
    ///
    /// # Errors
    /// Those of [`Feed::open`].
    pub(super) async fn open(link: Arc<Link>, position: Fingerprint) -> Result<JetStreamReader, LogError> {
        let feed = Feed::open(Arc::clone(&link), position.clone()).await?;
        let position = Fingerprint { created_ns: feed.created_ns(), ..position };
        let mut silence = interval(SILENCE);
        silence.reset();
        Ok(JetStreamReader { link, state: State::Open(feed), position, retry: RETRY, silence })
    }

    /// One round: at most one wait, then everything that is there. Nothing is awaited once a record was pushed.
    async fn read(&mut self, batch: &mut Vec<Record>) -> Result<(), LogError> {
        self.watch_connection();
        self.finish_opening().await?;
        let State::Open(feed) = &mut self.state else {
            return Ok(());
        };
        if let Err(broken) = feed.ask().await {
            return self.mend(broken);
        }
        let first = match timeout(IDLE, feed.wait()).await {
            Ok(Some(message)) => message,
            Ok(None) => return Err(LogError::Closed),
            Err(_nothing) => {
                if self.silence.tick().now_or_never().is_some() {
                    return self.mend(Broken::Reopen(format!("nothing was heard for {SILENCE:?}")));
                }
                return Ok(());
            }
        };
        self.silence.reset();
        let start = batch.len();
        let mut outcome = Ok(());
        let mut message = Some(first);
        while let Some(delivered) = message {
            match feed.take(delivered) {
                Ok(Some(record)) => batch.push(record),
                Ok(None) => {}
                Err(broken) => {
                    outcome = Err(broken);
                    break;
                }
            }
            message = if batch.len() - start < BATCH { feed.ready() } else { None };
        }
        self.reached(batch.get(start..).and_then(<[Record]>::last));
        match outcome {
            Ok(()) => Ok(()),
            // What was read is handed over first; the feed that is opened at its end meets the same fault.
            Err(Broken::Log(_)) if batch.len() > start => {
                self.reopen(Duration::ZERO);
                Ok(())
            }
            Err(broken) => self.mend(broken),
        }
    }

    /// Opens the feed anew when the connection was lost in between.
    fn watch_connection(&mut self) {
        if let State::Open(feed) = &self.state
            && feed.is_stale()
        {
            tracing::info!(position = self.position.seq, "reconnected: looking at the log again");
            self.reopen(Duration::ZERO);
        }
    }

    /// Gives a feed that is being opened some time; it may still be opening afterwards.
    async fn finish_opening(&mut self) -> Result<(), LogError> {
        let State::Opening(opening) = &mut self.state else {
            return Ok(());
        };
        match timeout(IDLE, opening).await {
            Err(_not_yet) => Ok(()),
            Ok(Ok(feed)) => {
                // A log of which nothing was read may be another one by now.
                self.position.created_ns = feed.created_ns();
                self.silence.reset();
                self.retry = RETRY;
                self.state = State::Open(feed);
                Ok(())
            }
            Ok(Err(error)) => {
                self.reopen(self.retry);
                self.retry = LONGEST_RETRY.min(self.retry * 2);
                if matches!(error, LogError::Lineage(_)) {
                    return Err(error);
                }
                tracing::warn!(%error, "the log cannot be read; trying again");
                Ok(())
            }
        }
    }

    /// Reopens a broken feed, or passes on what cannot be mended.
    fn mend(&mut self, broken: Broken) -> Result<(), LogError> {
        self.reopen(RETRY);
        match broken {
            Broken::Reopen(why) => {
                tracing::warn!(position = self.position.seq, "the consumer is opened anew: {why}");
                Ok(())
            }
            Broken::Log(error) => Err(error),
        }
    }

    fn reopen(&mut self, pause: Duration) {
        self.link.counts.reopened.fetch_add(1, Ordering::Relaxed);
        let (link, position) = (Arc::clone(&self.link), self.position.clone());
        self.state = State::Opening(Box::pin(async move {
            sleep(pause).await;
            Feed::open(link, position).await
        }));
    }

    /// Remembers the last record handed over: its checksum is needed once a batch, not once a record.
    fn reached(&mut self, last: Option<&Record>) {
        if let Some(record) = last {
            self.position = Fingerprint {
                created_ns: self.position.created_ns,
                seq: record.seq,
                at: record.at,
                crc: crc32fast::hash(&record.draft.payload),
            };
        }
    }
}

impl Reader for JetStreamReader {
    fn next<'a>(&'a mut self, batch: &'a mut Vec<Record>) -> BoxFuture<'a, Result<(), LogError>> {
        Box::pin(self.read(batch))
    }

    fn created_ns(&self) -> i128 {
        self.position.created_ns
    }
}
