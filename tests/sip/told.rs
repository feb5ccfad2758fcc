//! What Kamailio told, read back from the stream.

use std::collections::BTreeMap;

use async_nats::jetstream;
use creditd::ledger::units::Timestamp;
use creditd::wire::time;
use serde_json::Value;

use crate::kamailio::SOURCE;

/// All that Kamailio told of calls.
#[derive(Debug)]
pub(crate) struct Told {
    /// By organization and `call_id`.
    pub(crate) calls: BTreeMap<(String, String), Call>,
    /// The last record of the stream.
    pub(crate) position: u64,
}

/// What was told of one call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) started: Option<Timestamp>,
    pub(crate) answered: Option<Timestamp>,
    pub(crate) ended: Option<End>,
    pub(crate) failed: Option<Timestamp>,
}

impl Call {
    /// How long a call counts by the instants that were told: from the answer, and an inbound one from its start.
    pub(crate) fn counted_ms(&self) -> Option<u64> {
        let end = self.ended.as_ref()?;
        let from = if end.inbound { self.started? } else { self.answered? };
        u64::try_from((end.at.micros() - from.micros()) / 1_000).ok()
    }
}

/// The end of a call.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) at: Timestamp,
    pub(crate) inbound: bool,
    pub(crate) duration_ms: u64,
}

impl Told {
    /// Reads the stream from its first record. `None` while the server cannot be reached.
    pub(crate) async fn read(jetstream: &jetstream::Context) -> Option<Told> {
        let stream = jetstream.get_stream("CREDITS").await.ok()?;
        let position = stream.cached_info().state.last_sequence;
        let mut told = Told { calls: BTreeMap::new(), position };
        for seq in 1..=position {
            let message = stream.get_raw_message(seq).await.ok()?;
            if let Some(org) = message.subject.strip_prefix("credits.events.") {
                told.take(org, &serde_json::from_slice(&message.payload).unwrap());
            }
        }
        Some(told)
    }

    /// Takes one event. Each is told once.
    fn take(&mut self, org: &str, event: &Value) {
        // The daemon's own facts stand there too, and what it passes on.
        if event["source"] != SOURCE || event["type"] == "creditd.source.restarted.v1" {
            return;
        }
        let text = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("no {name}: {event}"));
        let at = time::parse(text("time")).unwrap();
        let call = self.calls.entry((org.to_owned(), text("call_id").to_owned())).or_default();
        let first = match text("type") {
            "call.started" => call.started.replace(at).is_none(),
            "call.answered" => call.answered.replace(at).is_none(),
            "call.failed" => call.failed.replace(at).is_none(),
            "call.ended" => {
                let duration_ms = event["duration_ms"].as_u64().unwrap();
                let inbound = text("direction") == "inbound";
                call.ended.replace(End { at, inbound, duration_ms }).is_none()
            }
            other => panic!("{other}"),
        };
        assert!(first, "told twice: {event}");
    }

    /// How many calls are over.
    pub(crate) fn over(&self) -> usize {
        self.calls.values().filter(|call| call.ended.is_some() || call.failed.is_some()).count()
    }

    /// The ends of an organization's calls.
    pub(crate) fn ends(&self, org: &str) -> impl Iterator<Item = &End> {
        self.of(org).filter_map(|call| call.ended.as_ref())
    }

    /// What was told of an organization's calls.
    pub(crate) fn of(&self, org: &str) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |((of, _), _)| of == org).map(|(_, call)| call)
    }

    /// How many calls were talked before and after an instant.
    pub(crate) fn talked_at(&self, at: Timestamp) -> usize {
        self.talked().filter(|(answered, ended)| *answered < at && at < *ended).count()
    }

    /// The most calls that were talked at one instant: that of an answer.
    pub(crate) fn most_at_once(&self) -> usize {
        self.talked().map(|(answered, _)| self.talked_at(answered) + 1).max().unwrap_or(0)
    }

    /// When the calls that are over were talked.
    fn talked(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.calls.values().filter_map(|call| Some((call.answered?, call.ended.as_ref()?.at)))
    }
}
