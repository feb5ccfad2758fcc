//! Why webhooks could not be taken, kept or opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::endpoint::{EndpointKey, MOST_PAYLOAD, MessageId};
use crate::store::codec::CodecError;
use crate::store::frame::{FrameError, TooLarge};

/// Why webhooks could not be taken, kept or opened.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The disk refused.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the queue.
    #[error("{folder} is open in another process: stop that one, or give this one a folder of its own")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A frame of the queue is not sound.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame of the queue is sound but holds what this version does not know.
    #[error("{path}, frame at byte {offset}: {source}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Where the frame starts.
        offset: u64,
        /// What the codec said.
        source: CodecError,
    },
    /// A change is larger than a frame.
    #[error("{path}: {source}")]
    Oversized {
        /// The file.
        path: PathBuf,
        /// How large it is.
        source: TooLarge,
    },
    /// The HTTP client cannot be made.
    #[error(
        "the client for webhooks cannot be made: {0}; install the system's certificates (ca-certificates)"
    )]
    Client(String),
    /// There is no tokio runtime to deliver on.
    #[error("webhooks are delivered on a tokio runtime: open them inside one ({0})")]
    NoRuntime(tokio::runtime::TryCurrentError),
    /// The thread that writes the queue cannot be started.
    #[error("the webhooks' queue cannot be given a thread: {0}")]
    Thread(io::Error),
    /// The payload is too large.
    #[error(
        "message {id} has a payload of {bytes} bytes, the most is {MOST_PAYLOAD}: send less, and a link to the rest"
    )]
    TooLarge {
        /// The message.
        id: MessageId,
        /// Its payload's size.
        bytes: usize,
    },
    /// There are as many endpoints as there may be.
    #[error("endpoint {key} would be one more than the {most} there may be: remove one, or raise the limit")]
    TooMany {
        /// The endpoint.
        key: EndpointKey,
        /// The limit.
        most: usize,
    },
    /// There is no such endpoint.
    #[error("there is no endpoint {0}: define it first")]
    NoEndpoint(EndpointKey),
    /// There is no such message among those given up.
    #[error(
        "message {id} is not among those that endpoint {key} failed to take and that are still kept: hand it over again"
    )]
    NotKept {
        /// The endpoint.
        key: EndpointKey,
        /// The message.
        id: MessageId,
    },
    /// The queue takes nothing more.
    #[error("the webhooks' queue takes nothing more until creditd is restarted: {0}")]
    Failed(Arc<str>),
    /// The webhooks are being closed.
    #[error("the webhooks are being closed: hand it over again after the next start")]
    Closed,
}

impl WebhookError {
    /// Names what the system refused: `.map_err(WebhookError::io(path, "read"))`.
    pub(super) fn io<'a>(path: &'a Path, verb: &'static str) -> impl FnOnce(io::Error) -> WebhookError + 'a {
        move |source| WebhookError::Io { path: path.to_owned(), verb, source }
    }

    /// Whether a write failed for want of room: on the disk, in a quota, or under the process's file size limit.
    pub(super) fn is_no_room(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            WebhookError::Io { verb: "written" | "created", source, .. } => {
                matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
            }
            _ => false,
        }
    }
}

/// What lies deepest in an error: the part that says something.
pub(super) fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
