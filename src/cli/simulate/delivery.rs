//! Taking a workload to a daemon: paced, bounded, and with an end.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Destination;
use super::http::HttpFace;
use super::nats::NatsStream;
use super::parcel::{Gathering, Parcel};
use super::tally::{Answer, Tally};
use super::workload::Workload;
use crate::cli::Failure;
use crate::clock::Stopwatch;
use crate::log::jetstream::Access;

/// When a delivery ends and how fast it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) events: Option<u64>,
    pub(super) span: Option<Duration>,
    /// Events a second; none for as fast as they are taken.
    pub(super) rate: Option<u64>,
    pub(super) batch: usize,
    /// Whether no progress is shown.
    pub(super) quiet: bool,
}

/// How often a parcel is tried, and the pause before the second try; it doubles up to two seconds.
pub(super) const TRIES: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where parcels go.
enum Daemon {
    Http(HttpFace),
    Nats(Box<NatsStream>),
}

impl Daemon {
    /// How many parcels may be on their way at once.
    fn most_in_flight(&self) -> usize {
        match self {
            Daemon::Http(_) => 64,
            Daemon::Nats(_) => 2_048,
        }
    }

    async fn send(&self, parcel: &Parcel) -> Result<Answer, Refusal> {
        match self {
            Daemon::Http(face) => face.send(parcel).await,
            Daemon::Nats(stream) => stream.send(parcel).await,
        }
    }
}

/// Why a parcel did not arrive.
pub(super) enum Refusal {
    /// It may on another try.
    Away(String),
    /// It will not.
    Final(String),
}

/// Sends a workload until a limit is reached or somebody interrupts.
pub(super) async fn deliver(
    mut workload: Workload,
    to: &Destination,
    access: Access,
    limits: Limits,
) -> Result<Tally, Failure> {
    let daemon = match to {
        Destination::Nats(url) => {
            let access = Access { urls: vec![url.clone()], ..access };
            Daemon::Nats(Box::new(NatsStream::connect(access).await?))
        }
        Destination::Http(url) => Daemon::Http(HttpFace::new(url)?),
        Destination::Stdout => return Ok(Tally::default()),
    };
    let by_org = matches!(daemon, Daemon::Nats(_));
    let mut gathering = Gathering::new(limits.batch, by_org);
    let mut road = Road { daemon: Arc::new(daemon), on_their_way: JoinSet::new(), tally: Tally::default() };
    road.set_up(&mut workload, &mut gathering).await?;
    let bar = if limits.quiet { ProgressBar::hidden() } else { progress(limits.events) };
    let watch = Stopwatch::start();
    let mut interrupted = std::pin::pin!(interruption());
    let mut drawn = 0_u64;
    loop {
        let over = limits.events.is_some_and(|most| drawn >= most)
            || limits.span.is_some_and(|span| watch.elapsed() >= span);
        if over {
            break;
        }
        let ahead = limits.rate.map(|rate| due(drawn, rate).saturating_sub(watch.elapsed()));
        // Looks at the interruption at every turn, and sleeps only where a timer can.
        let pause = ahead.filter(|ahead| *ahead >= Duration::from_millis(1)).unwrap_or_default();
        tokio::select! {
            biased;
            () = &mut interrupted => break,
            () = sleep(pause), if !pause.is_zero() => {}
            () = std::future::ready(()), if pause.is_zero() => {}
        }
        let Some(item) = workload.next() else { break };
        if !item.kind.is_command() {
            drawn += 1;
            bar.inc(1);
        }
        if let Some(parcel) = gathering.take(item) {
            road.put(parcel).await?;
        }
    }
    for parcel in gathering.rest() {
        road.put(parcel).await?;
    }
    road.clear().await?;
    bar.finish_and_clear();
    road.tally.took = watch.elapsed();
    Ok(road.tally)
}

/// When event number `drawn` is due.
fn due(drawn: u64, rate: u64) -> Duration {
    Duration::from_secs(drawn / rate) + Duration::from_nanos(drawn % rate * 1_000_000_000 / rate)
}

async fn interruption() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn progress(events: Option<u64>) -> ProgressBar {
    let (bar, template) = match events {
        Some(events) => {
            (ProgressBar::new(events), "{wide_bar} {human_pos} of {human_len} events, {rate}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos} events, {rate}, for {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.with_key("rate", rate)),
        Err(_) => bar,
    }
}

/// Whole events a second.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    // A bar that cannot be written has nobody to tell.
    write!(out, "{:.0}/s", state.per_sec()).unwrap_or_default();
}

/// Parcels on their way.
struct Road {
    daemon: Arc<Daemon>,
    on_their_way: JoinSet<Result<Answer, Failure>>,
    tally: Tally,
}

impl Road {
    /// Sends what comes before the first event: the catalog in order, then what each organization begins with.
    async fn set_up(&mut self, workload: &mut Workload, gathering: &mut Gathering) -> Result<(), Failure> {
        let mut last = None;
        for _ in 0..workload.setup_items() {
            let Some(parcel) = workload.next().and_then(|item| gathering.take(item)) else { break };
            // What concerns the catalog, or the organization of the command before, waits for that one.
            if last.as_ref() == Some(&parcel.org) || last == Some(None) {
                self.clear().await?;
            }
            last = Some(parcel.org.clone());
            self.put(parcel).await?;
        }
        self.clear().await
    }

    /// Sends a parcel, once there is room.
    async fn put(&mut self, parcel: Parcel) -> Result<(), Failure> {
        while self.on_their_way.len() >= self.daemon.most_in_flight() {
            self.arrival().await?;
        }
        if !parcel.commands {
            self.tally.sent += parcel.lines.len() as u64;
            self.tally.repeats += parcel.repeats;
            self.tally.bad += parcel.bad;
        }
        let daemon = Arc::clone(&self.daemon);
        self.on_their_way.spawn(async move { carry(&daemon, &parcel).await });
        Ok(())
    }

    /// Waits until everything has arrived.
    async fn clear(&mut self) -> Result<(), Failure> {
        while !self.on_their_way.is_empty() {
            self.arrival().await?;
        }
        Ok(())
    }

    async fn arrival(&mut self) -> Result<(), Failure> {
        match self.on_their_way.join_next().await {
            None => Ok(()),
            Some(Ok(answer)) => {
                self.tally.add(answer?);
                Ok(())
            }
            Some(Err(error)) => Err(Failure::Failed(error.into())),
        }
    }
}

/// Sends one parcel, again and again where it may arrive in the end: its events keep their ids.
async fn carry(daemon: &Daemon, parcel: &Parcel) -> Result<Answer, Failure> {
    let mut pause = FIRST_PAUSE;
    let mut tries = 1;
    loop {
        match daemon.send(parcel).await {
            Ok(answer) => return Ok(Answer { retries: u64::from(tries - 1), ..answer }),
            Err(Refusal::Final(why)) => return Err(Failure::Failed(anyhow::anyhow!(why))),
            Err(Refusal::Away(why)) if tries == TRIES => {
                return Err(Failure::Unavailable(format!("given up after {TRIES} tries: {why}")));
            }
            Err(Refusal::Away(_)) => {
                tries += 1;
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}
