//! The door for messages as other systems send them: translated by the adapter that the path names, and then events like all others.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;

use super::Face;
use super::body::Body;
use super::events::{self, Asked};
use super::guard::Caller;
use super::parts::{self, NameInPath, Params};
use super::problem::Problem;
use crate::clock;
use crate::wire::adapter::{Message, Translation};

/// `POST /v1/adapters/{name}`.
pub(super) async fn take(
    State(face): State<Arc<Face>>,
    NameInPath(name): NameInPath,
    caller: Caller,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let adapter = face.options.adapters.named(&name).ok_or_else(|| unknown_adapter(&name))?;
    let headers: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let at = clock::now();
    let message = Message { subject: None, headers: &headers, at, seq: None, body: &body.bytes };
    match adapter.translate(&message) {
        Ok(Translation::Event(event)) => {
            events::take(&face, &caller, &Bytes::from(event.json()), Some(&event.org), asked).await
        }
        Ok(Translation::Ignored { adapter, why }) => Ok(parts::json(
            StatusCode::OK,
            &json!({ "status": "ignored", "adapter": adapter, "detail": why }),
        )),
        Err(rejection) => {
            face.desk.refuse(None, &String::from_utf8_lossy(&body.bytes), &rejection, at);
            Err(events::unsorted(&rejection))
        }
    }
}

fn unknown_adapter(name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    let why = format!(
        "there is no adapter {name:?}; name the file that holds it in adapters.files of the settings"
    );
    Problem::new(StatusCode::NOT_FOUND, "unknown_adapter", why)
}
