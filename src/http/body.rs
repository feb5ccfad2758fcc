//! Bodies, bounded: each in size and time, all of them together in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Face;
use super::problem::Problem;
use crate::ledger::rejection::Reason;

/// The most bytes of bodies that are in memory at once. Past it a request is refused, to be tried again.
pub const BODY_BYTES: usize = 256 << 20;

/// How long a body may take to come.
const WITHIN: Duration = Duration::from_secs(30);

/// The most of a body over the limit that is read and dropped, so that its sender comes to read the answer.
const MOST_DROPPED: usize = 64 << 20;

/// The most that is allotted to a body because it says that it is so long.
const FIRST_ROOM: usize = 256 << 10;

/// A body of a request, as long as it is held counted as memory in use.
pub(super) struct Body {
    /// What was sent.
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl FromRequest<Arc<Face>> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, face: &Arc<Face>) -> Result<Body, Problem> {
        let (parts, body) = request.into_parts();
        refuse_encoded(&parts.headers)?;
        let limit = face.options.largest_body.min(BODY_BYTES);
        let announced = content_length(&parts.headers).unwrap_or(0).min(limit);
        let read = read(body.into_data_stream(), &face.bodies, limit, announced);
        let Ok(read) = tokio::time::timeout(WITHIN, read).await else {
            let why = format!("the body did not come within {WITHIN:?}; send a smaller one");
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", why));
        };
        match read {
            Ok(body) => Ok(body),
            Err(Unread::TooLarge) => {
                face.desk.metrics.received.inc();
                face.desk.metrics.rejected.with_label_values(&[Reason::TooLarge.slug()]).inc();
                let why = format!("the body is larger than {limit} bytes, the limit; send it in several");
                Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge.slug(), why))
            }
            Err(Unread::Busy) => {
                let why = format!(
                    "bodies of {BODY_BYTES} bytes are being worked on already; try again in a second"
                );
                Err(Problem::passing("busy", why))
            }
            Err(Unread::Broken(error)) => {
                let why = format!("the body ended early: {error}; send it again");
                Err(Problem::new(StatusCode::BAD_REQUEST, "broken_body", why))
            }
        }
    }
}

/// Why a body could not be read.
enum Unread {
    TooLarge,
    Busy,
    Broken(axum::Error),
}

/// Reads a body; what has come, and no more, is counted as memory in use.
async fn read(
    mut frames: BodyDataStream,
    memory: &Arc<Semaphore>,
    limit: usize,
    announced: usize,
) -> Result<Body, Unread> {
    let mut room = reserve(memory, 0)?;
    let mut all = Bytes::new();
    let mut gathered = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = frames.next().await.transpose().map_err(Unread::Broken)? {
        length = length.saturating_add(frame.len());
        if length > limit.saturating_add(MOST_DROPPED) {
            break;
        }
        if length > limit {
            gathered = BytesMut::new();
            continue;
        }
        room.merge(reserve(memory, frame.len())?);
        if length == frame.len() && length == announced {
            all = frame;
        } else {
            gathered.reserve(announced.min(FIRST_ROOM).saturating_sub(gathered.len()));
            gathered.extend_from_slice(&frame);
        }
    }
    match length {
        _ if length > limit => Err(Unread::TooLarge),
        _ if gathered.is_empty() => Ok(Body { bytes: all, _room: room }),
        _ => Ok(Body { bytes: gathered.freeze(), _room: room }),
    }
}

fn reserve(memory: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
    let permits = u32::try_from(bytes).map_err(|_| Unread::TooLarge)?;
    Arc::clone(memory).try_acquire_many_owned(permits).map_err(|_| Unread::Busy)
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let why = format!("content-encoding {encoding:?} is not read; send the body as it is");
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded_body", why))
        }
        _ => Ok(()),
    }
}
