//! The HTTP face: events and commands in, balances, alerts and health out. Described for its users in `docs/HTTP.md`.
//!
//! Everything that writes goes through the [`Desk`]: it is appended to the log like everything else and answered once it
//! is applied. Everything that is wrong is answered as a problem (RFC 9457).
//!
//! Bounded are: connections ([`MOST_CONNECTIONS`]) and their silence ([`LONGEST_SILENCE`]), bodies in size, memory ([`BODY_BYTES`]) and time, items of a body
//! ([`MOST_ITEMS`](crate::wire::MOST_ITEMS)), submissions under way ([`MOST_SUBMISSIONS`](crate::book::desk::MOST_SUBMISSIONS)),
//! and pages ([`MOST_LISTED`](crate::query::MOST_LISTED)).

mod adapters;
mod alerts;
mod authorize;
mod body;
mod calls;
mod commands;
mod events;
mod health;
mod history;
mod limits;
mod listener;
mod names;
mod parts;
mod problem;
mod reads;
mod recharges;
mod sources;
mod usage;
mod webhooks;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{get, post, put};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::listener::Bounded;
use self::problem::Problem;
use crate::book::desk::Desk;
use crate::notify::Channels;
use crate::wire::adapter::Adapters;

pub use self::body::BODY_BYTES;
pub use self::listener::{LONGEST_SILENCE, MOST_CONNECTIONS};

/// What of the HTTP face can be set.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest body, in bytes. At most [`BODY_BYTES`].
    pub largest_body: usize,
    /// How long a writer waits for the outcome of a record that is durable.
    pub applied_within: Duration,
    /// How long requests that are under way at the shutdown may take.
    pub drain_within: Duration,
    /// How messages of other systems are read.
    pub adapters: Arc<Adapters>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            largest_body: 8 << 20,
            applied_within: Duration::from_secs(10),
            drain_within: Duration::from_secs(10),
            adapters: Arc::default(),
        }
    }
}

/// What every request works with.
struct Face {
    desk: Arc<Desk>,
    channels: Channels,
    options: Options,
    /// Bytes of bodies that may be in memory.
    bodies: Arc<Semaphore>,
    /// Answers that take long and may be worked out at once.
    aside: Arc<Semaphore>,
}

/// Serves until `shutdown` resolves, then finishes what is under way, for at most [`Options::drain_within`].
///
/// # Errors
/// What the system says about the listener. A connection that fails ends by itself.
pub async fn serve(
    listener: TcpListener,
    desk: Arc<Desk>,
    channels: Channels,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, mut stopping) = watch::channel(false);
    let shutdown = async move {
        shutdown.await;
        told.send_replace(true);
    };
    let drain_within = options.drain_within;
    let drained = async move {
        // An error means that the server has ended, and with it this wait.
        drop(stopping.wait_for(|stopping| *stopping).await);
        tokio::time::sleep(drain_within).await;
    };
    let serving =
        axum::serve(Bounded::new(listener), router(desk, channels, options)).with_graceful_shutdown(shutdown);
    tokio::select! {
        ended = async { serving.await } => ended,
        () = drained => {
            tracing::warn!(after = ?drain_within, "HTTP requests that are still under way are dropped");
            Ok(())
        }
    }
}

fn router(desk: Arc<Desk>, channels: Channels, options: Options) -> Router {
    let (bodies, aside) = (Semaphore::new(BODY_BYTES), Semaphore::new(reads::MOST_ASIDE));
    let face = Face { desk, channels, options, bodies: Arc::new(bodies), aside: Arc::new(aside) };
    Router::new()
        .route("/v1/events", post(events::of_any_org))
        .route("/v1/adapters/{name}", post(adapters::take))
        .route("/v1/orgs", get(reads::orgs))
        .route("/v1/orgs/{org}", get(reads::org).put(commands::put_org))
        .route("/v1/orgs/{org}/balance", get(reads::balance))
        .route("/v1/orgs/{org}/forecast", get(reads::forecast))
        .route("/v1/orgs/{org}/history", get(history::list))
        .route("/v1/orgs/{org}/charges/{seq}", get(history::charge))
        .route("/v1/orgs/{org}/events", post(events::of_one_org))
        .route("/v1/orgs/{org}/grants", post(commands::grant))
        .route("/v1/orgs/{org}/grants/{id}/void", post(commands::void_grant))
        .route("/v1/orgs/{org}/adjustments", post(commands::adjust))
        .route("/v1/orgs/{org}/verify", post(commands::verify))
        .route("/v1/orgs/{org}/limits", get(limits::list))
        .route("/v1/orgs/{org}/limits/{id}", put(limits::put).delete(limits::remove))
        .route("/v1/orgs/{org}/usage", get(usage::usage))
        .route("/v1/orgs/{org}/calls", get(calls::list))
        .route("/v1/orgs/{org}/calls/{id}", get(calls::one))
        .route("/v1/orgs/{org}/authorize", post(authorize::authorize))
        .route("/v1/orgs/{org}/quote", post(authorize::quote))
        .route("/v1/orgs/{org}/holds", get(authorize::list))
        .route("/v1/orgs/{org}/holds/{id}/release", post(authorize::release))
        .route("/v1/orgs/{org}/holds/{id}/extend", post(authorize::extend))
        .route("/v1/orgs/{org}/recharges", get(recharges::list))
        .route("/v1/orgs/{org}/recharges/{credit_type}", put(recharges::put).delete(recharges::remove))
        .route("/v1/orgs/{org}/recharges/{credit_type}/failed", post(recharges::failed))
        .route("/v1/orgs/{org}/webhooks", get(webhooks::list))
        .route("/v1/orgs/{org}/webhooks/{id}", put(webhooks::put).delete(webhooks::remove))
        .route("/v1/orgs/{org}/webhooks/{id}/test", post(webhooks::test))
        .route("/v1/orgs/{org}/webhooks/{id}/resend", post(webhooks::resend))
        .route("/v1/orgs/{org}/alerts", get(alerts::list))
        .route("/v1/orgs/{org}/alerts/stream", get(alerts::stream))
        .route("/v1/sources/{source}/restarted", post(sources::restarted))
        .merge(names::routes())
        .route("/v1/catalog", get(reads::catalog))
        .route("/v1/rate-cards/{id}", put(commands::put_rate_card))
        .route("/v1/plans/{id}", put(commands::put_plan))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::new(face))
}

async fn unknown_route(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_route",
        format!("nothing is served at {path:?}; the routes are in docs/HTTP.md"),
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    let why = format!("{path:?} does not take {method}; the header allow names what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", why)
}
