//! What the service manager is told: that we are ready, that we are alive, that we stop.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

use crate::book::desk::Desk;
use crate::clock;

/// How long the pipeline may be silent before the watchdog is no longer fed, in microseconds.
const LONGEST_SILENCE: i64 = 5_000_000;

/// Tells systemd about readiness, and feeds its watchdog as long as the pipeline makes progress. Where there is
/// no systemd, nobody hears it.
pub(super) async fn systemd(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    const LOOK: Duration = Duration::from_millis(200);
    let mut ready = false;
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
        if !ready && desk.progress.is_caught_up() {
            ready = true;
            tracing::info!(position = desk.progress.seq(), organizations = desk.book.len(), "ready");
            tell(NotifyState::Ready);
        }
        let silence = clock::now().micros().saturating_sub(desk.progress.last_beat().micros());
        if silence < LONGEST_SILENCE && desk.progress.failure().is_none() {
            tell(NotifyState::Watchdog);
        }
    }
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}
