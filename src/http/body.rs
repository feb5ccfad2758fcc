//! Bodies, bounded: each in size and time, all of them together in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::OwnedSemaphorePermit;

use super::Face;
use super::problem::Problem;
use crate::ledger::rejection::Reason;

/// The most bytes of bodies that are in memory at once. Past it a request is refused, to be tried again.
pub const BODY_BYTES: usize = 256 << 20;

/// How long a body may take to come.
const WITHIN: Duration = Duration::from_secs(30);

/// The most of a body over the limit that is read and dropped, so that its sender comes to read the answer.
const MOST_DROPPED: usize = 64 << 20;

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
        let announced = content_length(&parts.headers);
        let mut room = reserve(face, announced.unwrap_or(limit).min(limit))?;
        let read = read(body.into_data_stream(), limit, announced.unwrap_or(0));
        let Ok(read) = tokio::time::timeout(WITHIN, read).await else {
            let why = format!("the body did not come within {WITHIN:?}; send a smaller one");
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", why));
        };
        match read {
            Ok(bytes) => {
                // What was reserved for a body of unknown size is given back.
                drop(room.split(room.num_permits().saturating_sub(bytes.len())));
                Ok(Body { bytes, _room: room })
            }
            Err(Unread::TooLarge) => {
                face.desk.metrics.received.inc();
                face.desk.metrics.rejected.with_label_values(&[Reason::TooLarge.slug()]).inc();
                let why = format!("the body is larger than {limit} bytes, the limit; send it in several");
                Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge.slug(), why))
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
    Broken(axum::Error),
}

async fn read(
    mut frames: axum::body::BodyDataStream,
    limit: usize,
    announced: usize,
) -> Result<Bytes, Unread> {
    let first = frames.next().await.transpose().map_err(Unread::Broken)?.unwrap_or_default();
    if first.len() <= limit && first.len() == announced {
        return Ok(first);
    }
    let mut all = BytesMut::with_capacity(announced.min(limit));
    let mut dropped = 0_usize;
    let mut next = Some(first);
    while let Some(frame) = next {
        if dropped > 0 || all.len().saturating_add(frame.len()) > limit {
            dropped = dropped.saturating_add(frame.len());
            all = BytesMut::new();
        } else {
            all.extend_from_slice(&frame);
        }
        if dropped > MOST_DROPPED {
            break;
        }
        next = frames.next().await.transpose().map_err(Unread::Broken)?;
    }
    if dropped > 0 { Err(Unread::TooLarge) } else { Ok(all.freeze()) }
}

fn reserve(face: &Face, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
    let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
    Arc::clone(&face.bodies).try_acquire_many_owned(permits).map_err(|_| {
        let why = format!("bodies of {BODY_BYTES} bytes are being worked on already; try again in a second");
        Problem::passing("busy", why)
    })
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
