//! The way out of a report, for whoever gets it: by a signed link, and by nothing else (RFC 8058).
//!
//! A look at the link changes nothing, since programs that check mail look at every link; leaving takes a POST, which a reader's mail
//! program or the page sends.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, json};

use super::Face;
use super::commands::command;
use super::parts::NameInPath;
use super::routes::{Routes, free};
use crate::notify::reports::Key;
use crate::wire::Subject;

/// The routes of those who leave. They need no other leave than the link.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/v1/unsubscribe/{token}", free(), ask).post("/v1/unsubscribe/{token}", free(), leave)
}

/// `GET /v1/unsubscribe/{token}`: a page that asks.
async fn ask(State(face): State<Arc<Face>>, NameInPath(token): NameInPath) -> Response {
    match face.channels.reports.leaving(&token) {
        Some(_) => page(
            StatusCode::OK,
            "Do you want to leave this report?",
            "It is then no longer sent to your address.",
            "<form method=\"post\"><button style=\"font:inherit;padding:8px 16px\">Do not send it to me any more</button></form>",
        ),
        None => unknown(),
    }
}

/// `POST /v1/unsubscribe/{token}`: takes the address off the report.
async fn leave(State(face): State<Arc<Face>>, NameInPath(token): NameInPath) -> Response {
    let Some((Key { org, id }, address)) = face.channels.reports.leaving(&token) else { return unknown() };
    let stays = face
        .desk
        .book
        .read(&org, |slot| slot.org.report(&id).is_some_and(|report| !report.is_unwanted_by(&address)));
    // Who has left, and what is gone, needs no entry in the log: the link works as often as somebody likes.
    if stays == Some(true) {
        let data: Map<_, _> =
            [("id".to_owned(), json!(id)), ("address".to_owned(), json!(address))].into_iter().collect();
        let left = command(&face, Subject::Commands(&org), "creditd.report.unsubscribe.v1", data).await;
        if let Err(problem) = left {
            tracing::warn!(org, report = id, why = problem.detail(), "somebody could not leave a report");
            return page(
                StatusCode::SERVICE_UNAVAILABLE,
                "That did not work",
                "Please try again in a few minutes.",
                "",
            );
        }
    }
    page(StatusCode::OK, "You have left this report", "It is no longer sent to your address.", "")
}

fn unknown() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "This link is not known",
        "It was cut short, or the sender has changed. Open the newest mail and use its link.",
        "",
    )
}

fn page(status: StatusCode, title: &str, text: &str, more: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title></head>\
         <body style=\"font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:15vh auto;padding:0 24px\">\
         <h1 style=\"font-size:22px\">{title}</h1><p>{text}</p>{more}</body></html>\n"
    );
    let mut response = (status, html).into_response();
    let own = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
        ),
    ];
    for (name, value) in own {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
