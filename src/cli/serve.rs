//! `creditd serve`: the daemon.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::terminal::Paint;
use super::{Failure, adapters, runtime};
use crate::access::ProviderOptions;
use crate::config::{self, Config, LogFormat, LogHome, Logging};
use crate::daemon::{Access, Daemon, DaemonError, LogOptions, Options};
use crate::http::{Tls, TlsFiles};
use crate::log::LogError;
use crate::nats::OutStream;
use crate::notify::webhooks;
use crate::{http, wire};

/// Run the daemon: charge events, answer balances, raise alerts.
///
/// Ends on SIGTERM or Ctrl-C with a last checkpoint. Exits with 69 when the log is not available.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// When the log was restored or replaced on purpose: go back to the newest checkpoint that is of this log, and
    /// replay the rest from the log as it is now.
    #[arg(long)]
    roll_back: bool,
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::load(file)?;
    start_logging(&config.logging)?;
    if let Some(warning) = config.access.warning(config.http.listen) {
        tracing::warn!("{warning}");
    }
    let options = options(config, arguments.roll_back)?;
    runtime()?.block_on(serve(options))
}

async fn serve(options: Options) -> Result<(), Failure> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let hung_up = signal(SignalKind::hangup())?;
    let daemon = tokio::select! {
        started = Daemon::start(options) => started.map_err(failure)?,
        _ = terminated.recv() => return Ok(()),
        _ = interrupted.recv() => return Ok(()),
    };
    tracing::info!(address = %daemon.address(), "listening");
    let failed = tokio::select! {
        _ = terminated.recv() => None,
        _ = interrupted.recv() => None,
        why = daemon.failed() => Some(why),
        () = reload_again_and_again(&daemon, hung_up) => None,
    };
    tracing::info!("stopping");
    daemon.stop().await;
    match failed {
        None => Ok(()),
        Some(why) => Err(Failure::Failed(anyhow::anyhow!("the pipeline stopped: {why}"))),
    }
}

/// SIGHUP: files that were renewed are read at once.
async fn reload_again_and_again(daemon: &Daemon, mut hung_up: Signal) {
    while hung_up.recv().await.is_some() {
        if let Err(error) = daemon.reload() {
            tracing::error!(%error, "the certificate of before stays in force");
        }
    }
    // Nobody can send it any more, and that is no reason to stop.
    std::future::pending::<()>().await;
}

fn failure(error: DaemonError) -> Failure {
    match error {
        DaemonError::Log(LogError::Nats(why)) => Failure::Unavailable(format!("NATS: {why}")),
        other => Failure::Failed(other.into()),
    }
}

fn options(config: Config, roll_back: bool) -> Result<Options, Failure> {
    let mut catalog = Vec::new();
    for file in &config.catalog {
        let wrong = |why: String| Failure::Catalog(format!("{}: {}", file.display(), why.trim_end()));
        let text =
            std::fs::read_to_string(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        catalog.extend(wire::catalog_commands_from_toml(&text).map_err(wrong)?);
    }
    let log = match config.log {
        LogHome::Local(local) => LogOptions::Local(local),
        LogHome::JetStream(nats) => {
            let (manage, replicas) = (nats.log.manage, nats.log.limits.replicas);
            let out = OutStream { name: nats.alerts_stream, manage, replicas };
            LogOptions::JetStream { log: Box::new(nats.log), out, service: nats.service }
        }
    };
    Ok(Options {
        data: config.data,
        log,
        listen: config.http.listen,
        http: http::Options {
            largest_body: config.http.max_body,
            adapters: Arc::new(adapters::load(&config.adapters)?),
            tls: config.http.tls.map(tls).transpose()?,
            public_url: config.http.public_url,
            portal_page: config.http.portal_page,
            ..http::Options::default()
        },
        access: Access {
            open: config.access.open,
            open_metrics: config.access.open_metrics,
            provider: config.access.oidc.map(provider),
        },
        checkpoint_every: config.checkpoint_every,
        history: config.history.limits,
        keep_history: config.history.keep,
        itemise: config.history.itemise,
        webhooks: webhooks(config.webhooks),
        mail: config.mail,
        catalog,
        roll_back,
    })
}

pub(super) fn provider(oidc: config::Oidc) -> ProviderOptions {
    let config::Oidc { issuer, audience, keys_url, claims: [role_claim, orgs_claim, accounts_claim] } = oidc;
    ProviderOptions { issuer, audience, keys_url, role_claim, orgs_claim, accounts_claim }
}

pub(super) fn tls(files: config::Tls) -> Result<Arc<Tls>, Failure> {
    let config::Tls { certificate, key, client_ca } = files;
    let tls = Tls::load(TlsFiles { certificate, key, client_ca });
    tls.map(Arc::new).map_err(|error| Failure::Failed(error.into()))
}

fn webhooks(config: config::Webhooks) -> webhooks::Options {
    webhooks::Options {
        allowed_networks: config.allowed_networks,
        attempt_limit: config.attempt_limit,
        patience: config.give_up_after,
        in_flight: config.parallel,
        in_flight_failing: (config.parallel / 4).max(1),
        ..webhooks::Options::default()
    }
}

/// The daemon's own log goes to standard error.
fn start_logging(logging: &Logging) -> Result<(), Failure> {
    // What matters about the connection the log of events says itself; the client's own lines are for those who ask.
    let filter = EnvFilter::try_new(format!("async_nats=warn,{}", logging.level))
        .map_err(|error| Failure::Usage(format!("logging.level {:?}: {error}", logging.level)))?;
    let colours = Paint::stderr().is_on();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    let started = match logging.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| Failure::Failed(anyhow::anyhow!("the daemon's own log: {error}")))
}
