//! The log in a NATS JetStream stream.
//!
//! Writing is publishing: [`JetStreamLog`] appends with pipelined acknowledgements over one connection.
//! Reading is by sequence number, never by acknowledgement: the position lives in our checkpoint, so there
//! is no second memory of "what was done" that could disagree with it. Every reader has a connection of its
//! own, whose tasks live on the runtime it was opened on.
//!
//! | file | one idea |
//! |---|---|
//! | `access` | how to reach the servers, and which of them are new enough |
//! | `api` | the few JetStream requests we make |
//! | `stream` | the stream: made by us, or the operator's own and checked |
//! | `append` | a draft becomes a stored record, or a reason why not |
//! | `lineage` | is this still the log our position was taken from? |
//! | `feed` | one consumer: asked for in bulk, watched for gaps |
//! | `reader` | the feed that comes back after every disconnect |
//! | `delivery`, `headers` | the two text formats a message carries |
//!
//! What is *not* here: consumers with filters (a filter over several subjects is a hundred times slower in the
//! server) and acknowledged consumers (their redelivery would break the order).

mod access;
mod api;
mod append;
mod delivery;
mod feed;
mod headers;
mod lineage;
mod reader;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::Client;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use futures_util::future::BoxFuture;

pub use self::access::{Access, Credentials, LEAST_VERSION, Tls};
use self::api::Api;
use self::reader::JetStreamReader;
pub use self::stream::Limits;
use super::{Draft, Extent, Fingerprint, Log, LogError, Reader};

/// How the stream is reached and what we may do with it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The servers and our credentials.
    pub access: Access,
    /// The stream's name.
    pub stream: String,
    /// The subjects the stream must capture; wildcards as in NATS.
    pub subjects: Vec<String>,
    /// Whether we make the stream when it is missing. A stream that exists is never changed.
    pub manage: bool,
    /// The limits of a stream that we make.
    pub limits: Limits,
    /// Go on over records that are gone, instead of stopping with [`super::Lineage::Purged`].
    ///
    /// The operator's word that what was deleted or expired before we read it shall not be counted. Each gap
    /// is still logged, and counted in [`JetStreamLog::holes`].
    pub accept_gaps: bool,
}

impl Default for Options {
    /// A stream `CREDITS` of our own on a server of this machine.
    fn default() -> Self {
        Options {
            access: Access::default(),
            stream: "CREDITS".to_owned(),
            subjects: vec!["credits.events.*".to_owned(), "credits.commands.*".to_owned()],
            manage: true,
            limits: Limits::default(),
            accept_gaps: false,
        }
    }
}

/// A log in a JetStream stream.
pub struct JetStreamLog {
    options: Arc<Options>,
    context: Context,
    counts: Arc<Counts>,
}

impl JetStreamLog {
    /// Connects, and makes or checks the stream.
    ///
    /// # Errors
    /// [`LogError::Nats`] when no server answers, when one is too old or has no JetStream, when the stream is
    /// missing and not ours to make, or when its settings would lose records.
    pub async fn connect(options: Options) -> Result<JetStreamLog, LogError> {
        let client = options.access.connect("creditd").await?;
        let api = Api::new(context(client.clone()), &options.stream);
        stream::ready(&api, &options).await?;
        Ok(JetStreamLog {
            options: Arc::new(options),
            context: context(client),
            counts: Arc::new(Counts::default()),
        })
    }

    /// The connection that appends; others may publish and answer over it too.
    #[must_use]
    pub fn client(&self) -> Client {
        self.context.client()
    }

    /// How many records were passed over because they were gone before they were read (see
    /// [`Options::accept_gaps`]).
    #[must_use]
    pub fn holes(&self) -> u64 {
        self.counts.holes.load(Ordering::Relaxed)
    }

    /// How often readers had to open their consumer anew: after a disconnect, or when deliveries were lost.
    #[must_use]
    pub fn reopened(&self) -> u64 {
        self.counts.reopened.load(Ordering::Relaxed)
    }
}

impl Log for JetStreamLog {
    fn append(&self, draft: Draft) -> BoxFuture<'_, Result<u64, LogError>> {
        Box::pin(append::append(&self.context, draft))
    }

    fn reader(&self, position: Fingerprint) -> BoxFuture<'_, Result<Box<dyn Reader>, LogError>> {
        Box::pin(async move {
            let client = self.options.access.connect("creditd reader").await?;
            let link = Link {
                api: Api::new(context(client.clone()), &self.options.stream),
                client,
                accept_gaps: self.options.accept_gaps,
                counts: Arc::clone(&self.counts),
            };
            let reader = JetStreamReader::open(Arc::new(link), position).await?;
            Ok(Box::new(reader) as Box<dyn Reader>)
        })
    }

    fn release(&self, _seq: u64) -> Result<(), LogError> {
        Ok(())
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, LogError>> {
        Box::pin(async move {
            let api = Api::new(self.context.clone(), &self.options.stream);
            Ok(stream::extent(&api.info().await?.state))
        })
    }
}

/// What a reader needs to open a feed, as often as it must.
struct Link {
    client: Client,
    api: Api,
    accept_gaps: bool,
    counts: Arc<Counts>,
}

/// What went wrong and was dealt with, over all readers of a log.
#[derive(Default)]
struct Counts {
    holes: AtomicU64,
    reopened: AtomicU64,
}

fn context(client: Client) -> Context {
    ContextBuilder::new()
        .timeout(append::ACK_TIMEOUT)
        .max_ack_inflight(append::MAX_UNACKNOWLEDGED)
        .backpressure_on_inflight(true)
        .build(client)
}
