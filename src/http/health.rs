//! How the daemon is: alive, ready, and in figures.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Face;
use super::parts;
use super::problem::Problem;
use crate::book::desk::Desk;
use crate::clock;
use crate::metrics::{ReportFigures, WebhookFigures};
use crate::notify::reports;
use crate::notify::webhooks::Counts;

/// `GET /healthz`: this process serves. Nothing outside it is looked at: a restart would not mend it.
pub(super) async fn alive() -> Response {
    parts::json(StatusCode::OK, &json!({ "status": "alive" }))
}

/// `GET /readyz`: 200 when events and questions are welcome, else 503 and every reason.
pub(super) async fn ready(State(face): State<Arc<Face>>) -> Response {
    let reasons = face.desk.ready(clock::now()).await;
    let (status, word) = match reasons.is_empty() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    parts::json(status, &json!({ "status": word, "reasons": reasons }))
}

/// `GET /metrics`: the text that Prometheus scrapes.
pub(super) async fn metrics(State(face): State<Arc<Face>>) -> Result<Response, Problem> {
    measure(&face.desk).await;
    face.desk.metrics.webhooks.show(&figures(&face.channels.webhooks.counts()));
    face.desk.metrics.reports.show(&mails(face.channels.reports.counts()));
    match face.desk.metrics.scrape() {
        Ok((text, media_type)) => Ok(([(header::CONTENT_TYPE, media_type)], text).into_response()),
        Err(error) => {
            let why = format!("{error}; report this as a defect");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", why))
        }
    }
}

fn mails(counts: reports::Counts) -> ReportFigures {
    let reports::Counts { sent, failed, refused, given_up, waiting } = counts;
    ReportFigures { sent, failed, refused, given_up, waiting }
}

fn figures(counts: &Counts) -> WebhookFigures {
    WebhookFigures {
        delivered: counts.delivered,
        failed: counts.attempts.saturating_sub(counts.delivered),
        not_taken: counts.given_up,
        crowded_out: counts.lost,
        queued: counts.queued,
        healthy: counts.endpoints.saturating_sub(counts.failing.saturating_add(counts.disabled)),
        failing: counts.failing,
        disabled: counts.disabled,
    }
}

/// Sets the gauges that nobody sets as things happen.
#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
async fn measure(desk: &Desk) {
    let Desk { book, progress, outbox, metrics, .. } = desk;
    let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    metrics.orgs.set(i64::try_from(book.len()).unwrap_or(i64::MAX));
    metrics.outbox.set(i64::try_from(outbox.len()).unwrap_or(i64::MAX));
    // A log that cannot be reached leaves its last known end standing; /readyz tells the reason.
    let known = u64::try_from(metrics.log_end.get()).unwrap_or(0);
    let end = desk.extent().await.map_or(known, |extent| extent.last);
    let seq = progress.seq();
    let lag = end.saturating_sub(seq);
    let behind = clock::now().micros().saturating_sub(progress.at().micros()).max(0);
    metrics.recovery.set(progress.recovered());
    metrics.log_position.set(gauge(seq));
    metrics.log_end.set(gauge(end.max(seq)));
    metrics.lag_entries.set(gauge(lag));
    metrics.lag_seconds.set(if lag == 0 { 0.0 } else { behind as f64 / 1e6 });
}
