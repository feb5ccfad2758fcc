//! The agenda: which endpoint is next, in the order of the times they wait for.

use std::collections::BTreeMap;

use super::endpoint::EndpointKey;
use crate::ledger::units::Timestamp;

/// The two kinds of endpoints; each has places of its own for requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Those whose last attempt succeeded, or that were never tried.
    Sound,
    /// Those whose last attempt failed.
    Failing,
}

/// A place on the agenda. Among equal times the one who came first is first, so turns are fair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    at: Timestamp,
    number: u64,
}

/// The endpoints of a lane that wait for a time.
#[derive(Debug, Default)]
struct Waiting(BTreeMap<Turn, EndpointKey>);

/// All endpoints that wait for a time, each at most once.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    sound: Waiting,
    failing: Waiting,
    places: std::collections::HashMap<EndpointKey, (Lane, Turn)>,
    next: u64,
}

impl Agenda {
    /// Puts an endpoint down for a time, in place of the one it had; `None` takes it off.
    pub(super) fn set(&mut self, key: &EndpointKey, place: Option<(Lane, Timestamp)>) {
        match (self.places.get(key), place) {
            // Who waits for the same as before keeps the turn.
            (Some((lane, turn)), Some(place)) if (*lane, turn.at) == place => return,
            (None, None) => return,
            _ => {}
        }
        if let Some((lane, turn)) = self.places.remove(key) {
            self.lane(lane).0.remove(&turn);
        }
        if let Some((lane, at)) = place {
            let turn = Turn { at, number: self.next };
            self.next += 1;
            self.lane(lane).0.insert(turn, key.clone());
            self.places.insert(key.clone(), (lane, turn));
        }
    }

    /// The first endpoint of a lane, and the time it waits for.
    pub(super) fn first(&self, lane: Lane) -> Option<(Timestamp, &EndpointKey)> {
        let waiting = match lane {
            Lane::Sound => &self.sound,
            Lane::Failing => &self.failing,
        };
        waiting.0.first_key_value().map(|(turn, key)| (turn.at, key))
    }

    fn lane(&mut self, lane: Lane) -> &mut Waiting {
        match lane {
            Lane::Sound => &mut self.sound,
            Lane::Failing => &mut self.failing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> EndpointKey {
        EndpointKey { org: "acme".to_owned(), id: id.to_owned() }
    }

    fn order(agenda: &mut Agenda, lane: Lane) -> Vec<String> {
        let mut ids = Vec::new();
        while let Some((_, first)) = agenda.first(lane) {
            let first = first.clone();
            ids.push(first.id.clone());
            agenda.set(&first, None);
        }
        ids
    }

    #[test]
    fn who_waits_for_less_is_first_and_among_equals_who_came_first() {
        let mut agenda = Agenda::default();
        for (id, at) in [("late", 9), ("one", 5), ("two", 5), ("early", 1)] {
            agenda.set(&key(id), Some((Lane::Sound, Timestamp::from_micros(at))));
        }
        agenda.set(&key("ill"), Some((Lane::Failing, Timestamp::MIN)));
        agenda.set(&key("one"), Some((Lane::Sound, Timestamp::from_micros(5))));
        agenda.set(&key("early"), Some((Lane::Sound, Timestamp::from_micros(7))));
        assert_eq!(order(&mut agenda, Lane::Sound), ["one", "two", "early", "late"]);
        assert_eq!(order(&mut agenda, Lane::Failing), ["ill"]);
        assert!(agenda.places.is_empty());
    }

    #[test]
    fn an_endpoint_changes_its_lane() {
        let mut agenda = Agenda::default();
        agenda.set(&key("a"), Some((Lane::Sound, Timestamp::MIN)));
        agenda.set(&key("a"), Some((Lane::Failing, Timestamp::MIN)));
        assert_eq!(agenda.first(Lane::Sound), None);
        assert_eq!(order(&mut agenda, Lane::Failing), ["a"]);
    }
}
