//! The few JetStream requests we make, with one kind of error for all of them.

use async_nats::jetstream::context::RequestErrorKind;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::{self, Context, ErrorCode, consumer, message, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::log::LogError;

/// The JetStream API, seen from one stream.
pub(super) struct Api {
    context: Context,
    stream: String,
}

/// Why a request brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// JetStream answered, and its answer is no.
    #[error("{request}: {source}")]
    Refused {
        /// The request's subject.
        request: String,
        /// What it said.
        source: jetstream::Error,
    },
    /// No answer, or one that cannot be read.
    #[error("{0}")]
    Away(String),
}

impl ApiError {
    /// Whether JetStream says that the stream does not exist.
    pub(super) fn is_stream_missing(&self) -> bool {
        self.code() == Some(ErrorCode::STREAM_NOT_FOUND)
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            ApiError::Refused { source, .. } => Some(source.error_code()),
            ApiError::Away(_) => None,
        }
    }
}

impl From<ApiError> for LogError {
    fn from(error: ApiError) -> Self {
        LogError::Nats(error.to_string())
    }
}

impl Api {
    pub(super) fn new(context: Context, stream: &str) -> Api {
        Api { context, stream: stream.to_owned() }
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    /// The stream's settings and state.
    pub(super) async fn info(&self) -> Result<stream::Info, ApiError> {
        self.call(format!("STREAM.INFO.{}", self.stream), &json!({})).await
    }

    /// Makes the stream.
    pub(super) async fn create_stream(&self, config: &stream::Config) -> Result<stream::Info, ApiError> {
        let body = serde_json::to_value(config).map_err(|error| ApiError::Away(error.to_string()))?;
        self.call(format!("STREAM.CREATE.{}", self.stream), &body).await
    }

    /// One record, from the stream's leader; `None` when it is not there any more.
    pub(super) async fn record(&self, seq: u64) -> Result<Option<message::StreamMessage>, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            message: stream::RawMessage,
        }
        let request = format!("STREAM.MSG.GET.{}", self.stream);
        match self.call::<Answer>(request.clone(), &json!({ "seq": seq })).await {
            Ok(answer) => match answer.message.try_into() {
                Ok(record) => Ok(Some(record)),
                Err(error) => Err(ApiError::Away(format!("{request}: record {seq} cannot be read: {error}"))),
            },
            Err(error) if error.code() == Some(ErrorCode::NO_MESSAGE_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a consumer that delivers everything from `start` on and goes away when it is not used for a minute.
    ///
    /// No acknowledgements: redelivery would break the order, and the position is in our checkpoint anyway.
    pub(super) async fn create_consumer(&self, start: u64) -> Result<consumer::Info, ApiError> {
        const MINUTE_NS: u64 = 60_000_000_000;
        let body = json!({
            "stream_name": self.stream,
            "config": {
                "description": "creditd reads the log",
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": start,
                "ack_policy": "none",
                "replay_policy": "instant",
                "inactive_threshold": MINUTE_NS,
                "mem_storage": true,
                "num_replicas": 1,
            },
        });
        self.call(format!("CONSUMER.CREATE.{}", self.stream), &body).await
    }

    /// The subject on which `consumer` is asked for messages.
    pub(super) fn next_subject(&self, consumer: &str) -> String {
        format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", self.stream)
    }

    async fn call<T: DeserializeOwned>(&self, request: String, body: &Value) -> Result<T, ApiError> {
        match self.context.request::<_, _, Response<T>>(request.clone(), body).await {
            Ok(Response::Ok(answer)) => Ok(answer),
            Ok(Response::Err { error }) => Err(ApiError::Refused { request, source: error }),
            Err(error) => Err(ApiError::Away(match error.kind() {
                RequestErrorKind::NoResponders => {
                    format!(
                        "{request}: JetStream does not answer; is it enabled on the server (nats-server -js)?"
                    )
                }
                _ => format!("{request}: {error}"),
            })),
        }
    }
}
