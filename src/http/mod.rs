//! The HTTP face: events and commands in, balances, alerts and health out. Described for its users in `docs/HTTP.md`.
//!
//! Everything that writes goes through the [`Desk`]: it is appended to the log like everything else and answered once it
//! is applied. Everything that is wrong is answered as a problem (RFC 9457).
//!
//! Every route is registered with what a request to it needs ([`Rule`]), and one layer before all of them lets through what that allows.
//!
//! Bounded are: connections ([`MOST_CONNECTIONS`]) and their silence ([`LONGEST_SILENCE`]), bodies in size, memory ([`BODY_BYTES`]) and time, items of a body
//! ([`MOST_ITEMS`](crate::wire::MOST_ITEMS)), submissions under way ([`MOST_SUBMISSIONS`](crate::book::desk::MOST_SUBMISSIONS)),
//! and pages ([`MOST_LISTED`](crate::query::MOST_LISTED)).

mod adapters;
mod alerts;
mod audit;
mod authorize;
mod body;
mod calls;
mod commands;
mod events;
mod guard;
mod health;
mod history;
mod kinds;
mod limits;
mod listener;
mod names;
mod openapi;
mod parts;
mod portal;
mod problem;
mod reads;
mod recharges;
mod reports;
mod routes;
mod site;
mod sources;
mod tags;
mod tls;
mod tokens;
mod unsubscribe;
mod usage;
mod watching;
mod webhooks;
mod what_if;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode, Uri};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::guard::Rules;
use self::listener::{Bounded, Peer};
use self::problem::Problem;
use self::routes::{Routes, each, free, org, whole};
use crate::access::{Gate, Permission};
use crate::book::desk::Desk;
use crate::notify::Channels;
use crate::wire::adapter::Adapters;

pub use self::body::BODY_BYTES;
pub use self::listener::{LONGEST_SILENCE, MOST_CONNECTIONS};
pub use self::routes::{Reach, Route, Rule};
pub use self::tls::{Tls, TlsError, TlsFiles};

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
    /// TLS, where it is not plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// What addresses that are handed out begin with; empty where it is as the caller reached us.
    pub public_url: String,
    /// Where a portal link leads, with `{org}` for the organization.
    pub portal_page: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            largest_body: 8 << 20,
            applied_within: Duration::from_secs(10),
            drain_within: Duration::from_secs(10),
            adapters: Arc::default(),
            tls: None,
            public_url: String::new(),
            portal_page: "/v1/orgs/{org}".to_owned(),
        }
    }
}

/// What every request works with.
struct Face {
    desk: Arc<Desk>,
    channels: Channels,
    gate: Arc<Gate>,
    rules: Rules,
    options: Options,
    /// Bytes of bodies that may be in memory.
    bodies: Arc<Semaphore>,
    /// Answers that take long and may be worked out at once.
    aside: Arc<Semaphore>,
    /// Those that may watch at once.
    watching: Arc<Semaphore>,
    /// What other prices would have come to.
    what_ifs: what_if::Jobs,
}

/// Serves until `shutdown` resolves, then finishes what is under way, for at most [`Options::drain_within`].
///
/// # Errors
/// What the system says about the listener. A connection that fails ends by itself.
pub async fn serve(
    listener: TcpListener,
    desk: Arc<Desk>,
    channels: Channels,
    gate: Arc<Gate>,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, mut stopping) = watch::channel(false);
    let shutdown = async move {
        shutdown.await;
        told.send_replace(true);
    };
    let (drain_within, tls) = (options.drain_within, options.tls.clone());
    let drained = async move {
        // An error means that the server has ended, and with it this wait.
        drop(stopping.wait_for(|stopping| *stopping).await);
        tokio::time::sleep(drain_within).await;
    };
    let router = router(desk, channels, Arc::clone(&gate), options);
    let service = router.into_make_service_with_connect_info::<Peer>();
    let serving = axum::serve(Bounded::new(listener, tls), service).with_graceful_shutdown(shutdown);
    let ended = tokio::select! {
        ended = async { serving.await } => ended,
        () = drained => {
            tracing::warn!(after = ?drain_within, "HTTP requests that are still under way are dropped");
            Ok(())
        }
        () = audit::tell_every_minute(&gate) => Ok(()),
    };
    audit::tell(gate).await;
    ended
}

fn router(desk: Arc<Desk>, channels: Channels, gate: Arc<Gate>, options: Options) -> Router {
    let Routes { router, table } = routes(gate.open_metrics);
    let places = |most| Arc::new(Semaphore::new(most));
    let (bodies, aside, watching) =
        (places(BODY_BYTES), places(reads::MOST_ASIDE), places(watching::MOST_WATCHING));
    let what_ifs = what_if::Jobs::default();
    let face =
        Face { desk, channels, gate, rules: Rules::of(table), options, bodies, aside, watching, what_ifs };
    let face = Arc::new(face);
    router
        .route_layer(middleware::from_fn(tags::tag))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&face), guard::guard))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(face)
}

/// Every route with what a request to it needs, where metrics are not for everybody.
#[must_use]
pub fn table() -> Vec<Route> {
    routes(false).table
}

fn routes(open_metrics: bool) -> Routes {
    let metrics = if open_metrics { free() } else { whole(Permission::Survey) };
    Routes::new()
        .with(reading)
        .with(writes)
        .with(settings)
        .with(calling)
        .with(names::routes)
        .with(reports::routes)
        .with(unsubscribe::routes)
        .with(tokens::routes)
        .with(portal::routes)
        .with(what_if::routes)
        .get("/v1/audit", whole(Permission::Grant), audit::list)
        .get("/healthz", free(), health::alive)
        .get("/readyz", free(), health::ready)
        .get("/metrics", metrics, health::metrics)
        .get("/v1/openapi.json", free(), openapi::serve)
}

/// Events, and what moves credits or sets their prices.
fn writes(routes: Routes) -> Routes {
    use Permission::{Administer, Publish};
    routes
        .post("/v1/events", each(Publish), events::of_any_org)
        .post("/v1/adapters/{name}", each(Publish), adapters::take)
        .post("/v1/orgs/{org}/events", org(Publish), events::of_one_org)
        .put("/v1/orgs/{org}", org(Administer), commands::put_org)
        .post("/v1/orgs/{org}/grants", org(Administer), commands::grant)
        .post("/v1/orgs/{org}/grants/{id}/void", org(Administer), commands::void_grant)
        .post("/v1/orgs/{org}/adjustments", org(Administer), commands::adjust)
        .post("/v1/orgs/{org}/verify", org(Administer), commands::verify)
        .post("/v1/orgs/{org}/recharges/{credit_type}/failed", org(Administer), recharges::failed)
        .put("/v1/rate-cards/{id}", whole(Administer), commands::put_rate_card)
        .put("/v1/plans/{id}", whole(Administer), commands::put_plan)
}

/// What an organization may set itself.
fn settings(routes: Routes) -> Routes {
    use Permission::Manage;
    routes
        .put("/v1/orgs/{org}/limits/{id}", org(Manage), limits::put)
        .delete("/v1/orgs/{org}/limits/{id}", org(Manage), limits::remove)
        .put("/v1/orgs/{org}/recharges/{credit_type}", org(Manage), recharges::put)
        .delete("/v1/orgs/{org}/recharges/{credit_type}", org(Manage), recharges::remove)
        .put("/v1/orgs/{org}/webhooks/{id}", org(Manage), webhooks::put)
        .delete("/v1/orgs/{org}/webhooks/{id}", org(Manage), webhooks::remove)
        .post("/v1/orgs/{org}/webhooks/{id}/test", org(Manage), webhooks::test)
        .post("/v1/orgs/{org}/webhooks/{id}/resend", org(Manage), webhooks::resend)
}

/// What can be looked at.
fn reading(routes: Routes) -> Routes {
    use Permission::{Read, Survey};
    routes
        .get("/v1/orgs", each(Read), reads::orgs)
        .get("/v1/orgs/{org}", org(Read).by_account(), reads::org)
        .get("/v1/orgs/{org}/balance", org(Read), reads::balance)
        .get("/v1/orgs/{org}/balance/stream", org(Read), watching::balance)
        .get("/v1/orgs/{org}/forecast", org(Read), reads::forecast)
        .get("/v1/orgs/{org}/usage", org(Read).by_account(), usage::usage)
        .get("/v1/orgs/{org}/spikes", org(Read).by_account(), usage::spikes)
        .get("/v1/orgs/{org}/history", org(Read).by_account(), history::list)
        .get("/v1/orgs/{org}/charges/{seq}", org(Read), history::charge)
        .get("/v1/orgs/{org}/limits", org(Read), limits::list)
        .get("/v1/orgs/{org}/calls", org(Read), calls::list)
        .get("/v1/orgs/{org}/calls/stream", org(Read), watching::calls)
        .get("/v1/orgs/{org}/calls/{id}", org(Read).by_account(), calls::one)
        .get("/v1/orgs/{org}/recharges", org(Read), recharges::list)
        .get("/v1/orgs/{org}/webhooks", org(Read), webhooks::list)
        .get("/v1/orgs/{org}/alerts", org(Read), alerts::list)
        .get("/v1/orgs/{org}/alerts/stream", org(Read), alerts::stream)
        .get("/v1/catalog", whole(Survey), reads::catalog)
}

/// What a switch asks and tells.
fn calling(routes: Routes) -> Routes {
    use Permission::{Authorize, Restart};
    routes
        .post("/v1/sources/{source}/restarted", whole(Restart), sources::restarted)
        .post("/v1/orgs/{org}/authorize", org(Authorize).by_account(), authorize::authorize)
        .post("/v1/orgs/{org}/quote", org(Authorize).by_account(), authorize::quote)
        .get("/v1/orgs/{org}/holds", org(Authorize), authorize::list)
        .post("/v1/orgs/{org}/holds/{id}/release", org(Authorize), authorize::release)
        .post("/v1/orgs/{org}/holds/{id}/extend", org(Authorize), authorize::extend)
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
