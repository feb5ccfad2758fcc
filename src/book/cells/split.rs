//! What of a slot was before an instant within it: cells do not tell that, the rows of its hour do.

use std::collections::HashMap;

use super::make::{self, Sums};
use super::tail::{Ask, stood};
use super::view::{Odd, Standing};
use crate::book::stretch::Start;
use crate::ledger::entry::CLOCK_SKEW;
use crate::ledger::units::{EventId, Position, Timestamp};
use crate::store::cells::{Dictionary, Figures, Slot};
use crate::store::history::KnownId;
use crate::store::{OrgKey, StoreError, codec};

/// The most instants of an organization that are kept.
const MOST_SPLITS: usize = 16;

/// The instants within slots that were asked about last, each with what was before it.
#[derive(Debug, Default)]
pub(super) struct Splits(Vec<Split>);

#[derive(Debug)]
struct Split {
    at: Timestamp,
    /// The rows up to this position are in it.
    upto: Option<Position>,
    sums: Sums,
}

/// What of a slot was before an instant, by tuple.
pub(super) type Early = HashMap<u32, Figures>;

impl Splits {
    /// What of its slot was before an instant, as an organization stood. Reads what is new since that was asked last; at first, all rows
    /// back to the instant.
    pub(super) fn early(
        &mut self,
        at: Timestamp,
        (key, dictionary): (OrgKey, &mut Dictionary),
        standing: Standing,
        ask: Ask<'_>,
    ) -> Result<Early, Odd> {
        let kept = self.0.iter().position(|split| split.at == at).map(|place| self.0.remove(place));
        let mut split = kept.unwrap_or(Split { at, upto: None, sums: Sums::default() });
        let beside = split.follow((key, dictionary), standing, ask)?;
        let mut early = Early::default();
        for ((_, tuple), figures) in split.sums.iter().chain(&beside) {
            early.entry(*tuple).or_default().add(figures);
        }
        early.retain(|_, figures| !figures.are_nothing());
        if self.0.len() >= MOST_SPLITS {
            self.0.remove(0);
        }
        self.0.push(split);
        Ok(early)
    }

    /// About what they take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|split| split.sums.capacity().saturating_mul(96)).sum()
    }
}

impl Split {
    /// Adds the rows that an organization contained, and answers what is to be added for this state of it alone.
    fn follow(
        &mut self,
        (key, dictionary): (OrgKey, &mut Dictionary),
        standing: Standing,
        ask: Ask<'_>,
    ) -> Result<Sums, Odd> {
        let known = self.upto;
        let (mut new, mut beside) = (Sums::default(), Sums::default());
        let begin = Slot::of(self.at).begin();
        let mut start = Start { after: known.map(|known| known.min(standing.position)), ..Start::default() };
        loop {
            let mut glance = ask(start).map_err(Odd::Gone)?.ok_or(Odd::Unknown)?;
            while let Some((id, bytes)) = glance.stretch.next_stored()? {
                let position = id.position;
                if logged(key, position, &bytes)?.plus(CLOCK_SKEW) < begin {
                    self.keep(new, standing);
                    return Ok(beside);
                }
                if !is_of_hour(&id, begin) {
                    continue;
                }
                let row = (key, position, &*bytes);
                let (is_kept, is_settled) =
                    (known.is_some_and(|known| position <= known), position <= standing.position);
                let had_stood = is_settled || stood(row, standing)?;
                match (had_stood, is_kept) {
                    (true, false) if is_settled => self.add(row, dictionary, &mut new, false)?,
                    (true, false) => self.add(row, dictionary, &mut beside, false)?,
                    (false, true) => self.add(row, dictionary, &mut beside, true)?,
                    (true, true) | (false, false) => {}
                }
            }
            if !glance.stretch.goes_on() {
                self.keep(new, standing);
                return Ok(beside);
            }
            start.place = glance.stretch.place();
        }
    }

    /// Adds what of a row is before the instant, or takes it off.
    fn add(
        &self,
        row: (OrgKey, Position, &[u8]),
        dictionary: &mut Dictionary,
        sums: &mut Sums,
        off: bool,
    ) -> Result<(), StoreError> {
        let (slot, at) = (Slot::of(self.at), self.at);
        make::add_some(row, dictionary, sums, &|time, figures| {
            let is_early = Slot::of(time) == slot && time < at;
            is_early.then_some(if off { figures.negated() } else { figures })
        })
    }

    fn keep(&mut self, new: Sums, standing: Standing) {
        for (cell, figures) in new {
            self.sums.entry(cell).or_default().add(&figures);
        }
        self.upto = self.upto.max(Some(standing.position));
    }
}

/// Whether a row may be of the hour that an instant is in: that of an event says its hour, and a void that of what it takes back.
fn is_of_hour(id: &KnownId, instant: Timestamp) -> bool {
    id.id == EventId::default() || id.hour == instant.hour()
}

/// When the log took a row.
fn logged(key: OrgKey, position: Position, bytes: &[u8]) -> Result<Timestamp, StoreError> {
    codec::decode_first(bytes).map_err(|source| StoreError::Row { key, position, source })
}
