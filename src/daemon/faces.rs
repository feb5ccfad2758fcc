//! The faces, and what goes out by itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{LogOptions, Options, identity, notify};
use crate::access::Gate;
use crate::book::desk::Desk;
use crate::book::outbox::{Outbox, Outgoing, Way};
use crate::ledger::catalog::Catalog;
use crate::log::{Draft, Log};
use crate::notify::Channels;
use crate::notify::{forward::forward, reports};
use crate::wire::{AnyCommand, Subject, decode_command};
use crate::{http, nats};

/// What the faces have to themselves.
pub(super) struct Faces {
    pub(super) client: Option<nats::Client>,
    pub(super) listener: TcpListener,
    pub(super) channels: Channels,
    pub(super) gate: Arc<Gate>,
}

/// Starts everything that faces outward.
pub(super) fn start(
    options: &Options,
    desk: &Arc<Desk>,
    log: &Arc<dyn Log>,
    faces: Faces,
    stop: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let Faces { client, listener, channels, gate } = faces;
    let mut tasks = vec![
        tokio::spawn(publish_catalog(
            Arc::clone(desk),
            Arc::clone(log),
            options.catalog.clone(),
            stop.clone(),
        )),
        tokio::spawn(identity::keep(Arc::clone(&gate), stop.clone())),
        tokio::spawn(serve_http(
            listener,
            Arc::clone(desk),
            channels.clone(),
            gate,
            options.http.clone(),
            stop.clone(),
        )),
        tokio::spawn(reports::run(Arc::clone(desk), Arc::clone(&channels.reports), stop.clone())),
        tokio::spawn(forward(Arc::clone(desk), channels, stop.clone())),
        tokio::spawn(notify::systemd(Arc::clone(desk), stop.clone())),
    ];
    match (&options.log, client) {
        (LogOptions::JetStream { log, out, service }, Some(client)) => {
            let outbox = Arc::clone(&desk.outbox);
            tasks.push(tokio::spawn(nats::publish(client.clone(), out.clone(), outbox, stop.clone())));
            let adapters = Arc::clone(&options.http.adapters);
            let (over, stream) = (client.clone(), log.stream.clone());
            let adapting = nats::adapt(over, stream, Arc::clone(desk), adapters, stop.clone());
            tasks.push(tokio::spawn(adapting));
            if *service {
                let (desk, stop) = (Arc::clone(desk), stop.clone());
                tasks.push(tokio::spawn(async move {
                    if let Err(error) = nats::serve(client, desk, stop).await {
                        tracing::error!(%error, "balances are not answered over NATS");
                    }
                }));
            }
        }
        _ => tasks.push(tokio::spawn(write_down(Arc::clone(&desk.outbox), stop.clone()))),
    }
    tasks
}

async fn serve_http(
    listener: TcpListener,
    desk: Arc<Desk>,
    channels: Channels,
    gate: Arc<Gate>,
    options: http::Options,
    mut stop: watch::Receiver<bool>,
) {
    let stopped = async move {
        // Whoever could say stop being gone means stop, too.
        drop(stop.wait_for(|stop| *stop).await);
    };
    if let Err(error) = http::serve(listener, desk, channels, gate, options, stopped).await {
        tracing::error!(%error, "HTTP is no longer served");
    }
}

/// Without a broker, alerts and refusals are lines of our own log.
async fn write_down(outbox: Arc<Outbox>, mut stop: watch::Receiver<bool>) {
    const AT_ONCE: usize = 256;
    let mut sent = None;
    loop {
        let messages = tokio::select! {
            _ = stop.changed() => return,
            messages = outbox.after(Way::Stream, sent, AT_ONCE) => messages,
        };
        for (number, message) in messages {
            if message.alert().is_some() {
                say_alert(&message);
            } else {
                let payload = String::from_utf8_lossy(&message.payload);
                tracing::debug!(target: "creditd::rejected", subject = message.subject, "{payload}");
            }
            outbox.arrived(Way::Stream, number);
            sent = Some(number);
        }
    }
}

/// An alert as a line for people, with fields for programs.
fn say_alert(message: &Outgoing) {
    let event: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
    let data = &event["data"];
    let text = |field: &str| data[field].as_str().unwrap_or_default();
    if data["limit"].is_string() {
        tracing::warn!(
            target: "creditd::alert",
            org = %text("org"),
            limit = %text("limit"),
            value = %text("value"),
            used = %text("used"),
            max = %text("max"),
            id = %message.id,
            "limit {}",
            text("level")
        );
        return;
    }
    let kind = message.alert().map(|(_, kind)| kind).filter(|kind| *kind != "balance_low");
    if let Some(kind) = kind {
        // What it is about, as it stands in the alert.
        tracing::warn!(
            target: "creditd::alert",
            org = %text("org"),
            id = %message.id,
            %data,
            "{}",
            kind.replace('_', " ")
        );
        return;
    }
    let below = match &data["threshold"] {
        rule if rule["below_percent"].is_null() => rule["below"].as_str().unwrap_or_default().to_owned(),
        rule => format!("{}%", rule["below_percent"]),
    };
    tracing::warn!(
        target: "creditd::alert",
        org = %text("org"),
        available = %text("available"),
        total = %text("total"),
        credit_type = %text("credit_type"),
        %below,
        id = %message.id,
        "balance low"
    );
}

/// Appends the catalog commands of the configuration that the catalog does not contain yet.
async fn publish_catalog(
    desk: Arc<Desk>,
    log: Arc<dyn Log>,
    commands: Vec<String>,
    mut stop: watch::Receiver<bool>,
) {
    const LOOK: Duration = Duration::from_millis(20);
    while !desk.progress.is_caught_up() {
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    let mut catalog = Catalog::clone(&desk.book.catalog());
    let at = desk.progress.at();
    for command in commands {
        let mut decoded = None;
        decode_command(Subject::Catalog, command.as_bytes(), &mut |_, result| decoded = Some(result));
        let Some(Ok(AnyCommand::Catalog(order))) = decoded else { continue };
        let before = catalog.clone();
        match catalog.apply(order, at) {
            Ok(()) if catalog == before => {}
            Ok(()) => {
                let subject = Subject::Catalog.to_string();
                let draft = Draft { subject, payload: command.into(), ..Draft::default() };
                if let Err(error) = log.append(draft).await {
                    tracing::error!(%error, "a catalog file could not be published; start again to retry");
                }
            }
            Err(rejection) => tracing::error!(%rejection, "a catalog file was not published"),
        }
    }
}
