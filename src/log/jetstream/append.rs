//! Appending: publish, and wait for the stream's word that the record is stored.

use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::{self, Context, ErrorCode};

use super::headers;
use crate::log::{Draft, LogError};

/// The most appends that wait for their acknowledgement at once; further ones wait for a place.
pub(super) const MAX_UNACKNOWLEDGED: usize = 5_000;
/// How long an append waits for its acknowledgement.
pub(super) const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Publishes a draft and answers the sequence number it was stored under.
///
/// A draft whose `Nats-Msg-Id` the stream already has answers the number of the first one.
///
/// # Errors
/// [`LogError::Refused`] when the record was not stored and would not be on a second try;
/// [`LogError::Nats`] when NATS is away: unless the message says otherwise, the record may be stored or not.
pub(super) async fn append(context: &Context, draft: Draft) -> Result<u64, LogError> {
    let headers = headers::encode(&draft)?;
    let Draft { subject, payload, .. } = draft;
    if !is_literal(&subject) {
        return Err(LogError::Refused(format!("{subject:?} is not a subject that can be published to")));
    }
    let size = payload.len();
    let to = Subject::from(subject.as_str());
    let sent = match headers {
        Some(headers) => context.publish_with_headers(to, headers, payload).await,
        None => context.publish(to, payload).await,
    };
    let acknowledged = match sent {
        Ok(acknowledgement) => acknowledgement.await,
        Err(error) => Err(error),
    };
    match acknowledged {
        Ok(stored) => Ok(stored.sequence),
        Err(error) => Err(explain(context, &error, &subject, size)),
    }
}

/// Non-empty tokens without wildcards or white space.
fn is_literal(subject: &str) -> bool {
    subject.split('.').all(|token| {
        !token.is_empty()
            && !token.contains(|c: char| c == '*' || c == '>' || c.is_whitespace() || c.is_control())
    })
}

fn explain(context: &Context, error: &PublishError, subject: &str, size: usize) -> LogError {
    if let Some(refusal) = refusal_of(error) {
        let stays = refusal.code() < 500
            || matches!(
                refusal.error_code(),
                ErrorCode::STREAM_STORE_FAILED
                    | ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM
                    | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM
                    | ErrorCode::STORAGE_RESOURCES_EXCEEDED
                    | ErrorCode::INSUFFICIENT_RESOURCES
            );
        return if stays {
            LogError::Refused(format!("the stream did not store it: {refusal}"))
        } else {
            LogError::Nats(format!("{subject}: not stored: {refusal}"))
        };
    }
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => LogError::Refused(format!(
            "its {size} bytes and headers exceed the {} bytes the NATS server takes (max_payload)",
            context.client().max_payload()
        )),
        PublishErrorKind::StreamNotFound => {
            LogError::Nats(format!("{subject}: not stored: no stream captures this subject"))
        }
        PublishErrorKind::TimedOut => LogError::Nats(format!(
            "{subject}: no acknowledgement within {} s; whether the record was stored is unknown",
            ACK_TIMEOUT.as_secs()
        )),
        _ => LogError::Nats(format!("{subject}: {error}; whether the record was stored is unknown")),
    }
}

/// What JetStream itself said, where the error is its answer.
fn refusal_of(error: &PublishError) -> Option<&jetstream::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::is_literal;

    #[test]
    fn only_literal_subjects_are_published_to() {
        for subject in ["credits.events.acme", "credits.commands.a-b_c", "x"] {
            assert!(is_literal(subject), "{subject}");
        }
        for subject in
            ["", ".", "credits..acme", "credits.events.", "credits.events.*", "credits.>", "a b", "a\nb"]
        {
            assert!(!is_literal(subject), "{subject:?}");
        }
    }
}
