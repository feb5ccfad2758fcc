//! Every metric by name, in one struct. Base units, `_total` for counters, no series per organization.

mod calls;
mod cells;
mod latency;
mod reports;
mod webhooks;

use std::collections::BTreeMap;

use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::ledger::effect::Tally;
use crate::ledger::price::CreditType;
use crate::ledger::rejection::Reason;
use crate::ledger::units::Credits;

pub use calls::CallMetrics;
pub use cells::CellsMetrics;
pub use latency::Latency;
pub use reports::{ReportFigures, ReportMetrics};
pub use webhooks::{WebhookFigures, WebhookMetrics};

/// The metrics of one daemon.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Items that arrived as events.
    pub received: IntCounter,
    /// Events that were charged, be it nothing.
    pub charged: IntCounter,
    /// Voids that were carried out.
    pub voided: IntCounter,
    /// Events that told of live calls.
    pub noted: IntCounter,
    /// Events that were repeats.
    pub duplicate: IntCounter,
    /// Events that were refused, by reason.
    pub rejected: IntCounterVec,
    /// Commands, by outcome.
    pub commands: IntCounterVec,
    /// Events charged more than an hour after they happened.
    pub late: IntCounter,
    /// Credits taken, by kind of credits.
    pub debited: prometheus::CounterVec,
    /// Credits given, by kind of credits.
    pub granted: prometheus::CounterVec,
    /// Alerts raised.
    pub alerts: IntCounter,
    /// Live calls.
    pub calls: CallMetrics,
    /// Answers to whether a call may start, by outcome.
    pub authorizations: IntCounterVec,
    /// Organizations in memory.
    pub orgs: IntGauge,
    /// The last record that was applied.
    pub log_position: IntGauge,
    /// The last record of the log.
    pub log_end: IntGauge,
    /// Records of the log that are not applied yet.
    pub lag_entries: IntGauge,
    /// Seconds the balances are behind the log.
    pub lag_seconds: prometheus::Gauge,
    /// From a record's arrival in the log to its balance.
    pub event_to_balance: Latency,
    /// Applying one batch, for each record.
    pub apply: Latency,
    /// Writing a checkpoint.
    pub checkpoint: Latency,
    /// Organizations written by the last checkpoint.
    pub checkpoint_orgs: IntGauge,
    /// Checkpoints, by outcome.
    pub checkpoints: IntCounterVec,
    /// The record of the last checkpoint.
    pub checkpoint_position: IntGauge,
    /// Runs of history written.
    pub runs: IntCounter,
    /// What the history adds up to.
    pub cells: CellsMetrics,
    /// Messages on their way out.
    pub outbox: IntGauge,
    /// Webhooks and their messages.
    pub webhooks: WebhookMetrics,
    /// Of reports.
    pub reports: ReportMetrics,
    /// How much of the recovery is done, from 0 to 1.
    pub recovery: prometheus::Gauge,
}

/// The reason under which refusals by an organization before the last restart are counted: it remembers how many
/// they were, not why.
const BEFORE_RESTART: &str = "before_restart";

/// Why the metrics could not be made: a name given twice, which a test would find.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Makes and registers metrics.
struct Maker(Registry);

impl Maker {
    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        let counter = IntCounter::new(name, help)?;
        self.0.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    fn counters(&self, name: &str, help: &str, label: &str) -> Result<IntCounterVec, prometheus::Error> {
        let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
        self.0.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    fn amounts(&self, name: &str, help: &str) -> Result<prometheus::CounterVec, prometheus::Error> {
        let counters = prometheus::CounterVec::new(Opts::new(name, help), &["credit_type"])?;
        self.0.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        let gauge = IntGauge::new(name, help)?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn gauges(&self, name: &str, help: &str, label: &str) -> Result<IntGaugeVec, prometheus::Error> {
        let gauges = IntGaugeVec::new(Opts::new(name, help), &[label])?;
        self.0.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }

    fn seconds(&self, name: &str, help: &str) -> Result<prometheus::Gauge, prometheus::Error> {
        let gauge = prometheus::Gauge::new(name, help)?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn latency(&self, name: &str, help: &str) -> Result<Latency, prometheus::Error> {
        let latency = Latency::new(name, help)?;
        self.0.register(Box::new(latency.clone()))?;
        Ok(latency)
    }
}

impl Metrics {
    /// Makes all metrics, every reason at 0.
    ///
    /// # Errors
    /// [`MetricsError`] where a name is given twice.
    pub fn new() -> Result<Self, MetricsError> {
        let make = Maker(Registry::new());
        let metrics = Metrics {
            registry: make.0.clone(),
            received: make.counter("creditd_events_received_total", "Items that arrived as events.")?,
            charged: make
                .counter("creditd_events_charged_total", "Events that were charged, be it nothing.")?,
            voided: make.counter("creditd_events_voided_total", "Voids that were carried out.")?,
            noted: make.counter("creditd_events_noted_total", "Events that told of live calls.")?,
            duplicate: make.counter("creditd_events_duplicate_total", "Events that were repeats.")?,
            rejected: make.counters(
                "creditd_events_rejected_total",
                "Events that were refused.",
                "reason",
            )?,
            commands: make.counters("creditd_commands_total", "Commands.", "outcome")?,
            late: make
                .counter("creditd_events_late_total", "Events over an hour older than their record.")?,
            debited: make.amounts("creditd_credits_debited_total", "Credits taken by events.")?,
            granted: make.amounts("creditd_credits_granted_total", "Credits given by grants.")?,
            alerts: make.counter("creditd_alerts_raised_total", "Alerts raised.")?,
            calls: CallMetrics::new(&make)?,
            authorizations: make.counters(
                "creditd_authorizations_total",
                "Answers to whether a call may start.",
                "outcome",
            )?,
            orgs: make.gauge("creditd_organizations", "Organizations in memory.")?,
            log_position: make.gauge("creditd_log_position", "The last record that was applied.")?,
            log_end: make.gauge("creditd_log_end", "The last record of the log.")?,
            lag_entries: make
                .gauge("creditd_log_lag_entries", "Records of the log that are not applied yet.")?,
            lag_seconds: make.seconds("creditd_log_lag_seconds", "How far balances are behind the log.")?,
            event_to_balance: make.latency(
                "creditd_event_to_balance_seconds",
                "From a record's arrival in the log to its balance.",
            )?,
            apply: make.latency("creditd_apply_seconds", "Applying one record, averaged over its batch.")?,
            checkpoint: make.latency("creditd_checkpoint_seconds", "Writing a checkpoint.")?,
            checkpoint_orgs: make
                .gauge("creditd_checkpoint_organizations", "Organizations that the last checkpoint wrote.")?,
            checkpoints: make.counters("creditd_checkpoints_total", "Checkpoints.", "outcome")?,
            checkpoint_position: make
                .gauge("creditd_checkpoint_position", "The record of the last checkpoint.")?,
            runs: make.counter("creditd_history_runs_total", "Runs of history written.")?,
            cells: CellsMetrics::new(&make)?,
            outbox: make.gauge("creditd_outbox_messages", "Messages on their way out.")?,
            webhooks: WebhookMetrics::new(&make)?,
            reports: ReportMetrics::new(&make)?,
            recovery: make
                .seconds("creditd_recovery_ratio", "How much of the recovery is done, from 0 to 1.")?,
        };
        for reason in Reason::ALL {
            metrics.rejected.with_label_values(&[reason.slug()]);
        }
        Ok(metrics)
    }

    /// Goes on counting events where the recovered state stands, so that a restart takes nothing back.
    pub fn resume(&self, tally: Tally, stray: &BTreeMap<Reason, u64>) {
        let refused_early: u64 = stray.values().sum();
        self.charged.inc_by(tally.charged);
        self.voided.inc_by(tally.voided);
        self.noted.inc_by(tally.noted);
        self.duplicate.inc_by(tally.duplicate);
        for (reason, count) in stray {
            self.rejected.with_label_values(&[reason.slug()]).inc_by(*count);
        }
        self.rejected.with_label_values(&[BEFORE_RESTART]).inc_by(tally.rejected);
        self.received.inc_by(tally.received().saturating_add(refused_early));
    }

    /// Counts credits that charges took.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
    pub fn debit(&self, credit_type: CreditType, amount: Credits) {
        self.debited.with_label_values(&[credit_type.name()]).inc_by(amount.micros() as f64 / 1e6);
    }

    /// Counts credits that a grant gave.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
    pub fn grant(&self, credit_type: CreditType, amount: Credits) {
        self.granted.with_label_values(&[credit_type.name()]).inc_by(amount.micros() as f64 / 1e6);
    }

    /// The text that Prometheus scrapes, and its media type.
    ///
    /// # Errors
    /// [`MetricsError`] where the text cannot be written.
    pub fn scrape(&self) -> Result<(String, String), MetricsError> {
        let encoder = TextEncoder::new();
        let mut text = Vec::new();
        encoder.encode(&self.registry.gather(), &mut text)?;
        Ok((String::from_utf8_lossy(&text).into_owned(), encoder.format_type().to_owned()))
    }
}
