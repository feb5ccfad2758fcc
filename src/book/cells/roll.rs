//! A block of cells rolled up by the civil days of a zone: what is asked about long times touches one cell a day and tuple.

use std::borrow::Cow;

use super::civil;
use super::cube::Part;
use crate::ledger::calendar::Zone;
use crate::store::StoreError;
use crate::store::cells::{Day, Figures, SLOTS_OF_DAY, Sheet, Slot};

/// The civil days of a block: from one slot on, up to another, and what they add up to.
#[derive(Debug)]
pub(super) struct Roll {
    pub(super) days: Vec<(Slot, Slot, Sheet)>,
}

impl Roll {
    /// Rolls a block up, whose tuples have numbers below `tuples`. None where days of the zone begin within slots.
    pub(super) fn of(part: &Part, tuples: usize, zone: &Zone) -> Result<Option<Roll>, StoreError> {
        let Some((first, last)) = part.extent() else { return Ok(Some(Roll { days: Vec::new() })) };
        let Some(begins) = civil::days(zone, first, last) else { return Ok(None) };
        let mut days = Days::of(part);
        let mut sums =
            Touched { sums: vec![Figures::default(); tuples], of: vec![false; tuples], list: Vec::new() };
        let places: Vec<u32> = (0..u32::try_from(tuples).unwrap_or(u32::MAX)).collect();
        let mut rolled = Vec::new();
        for pair in begins.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            days.each(from, to, &mut |day, cells| {
                sums.touch(day.sheet().tuples(cells.clone()));
                day.sheet().add_to(cells, &places, &mut sums.sums);
            })?;
            let sheet = sums.take();
            if !sheet.is_empty() {
                rolled.push((from, to, sheet));
            }
        }
        Ok(Some(Roll { days: rolled }))
    }

    pub(super) fn bytes(&self) -> usize {
        self.days
            .iter()
            .map(|(.., sheet)| sheet.bytes().saturating_add(size_of::<(Slot, Slot, Sheet)>()))
            .sum()
    }
}

/// Sums by the number of their tuple, of which few are touched at a time.
struct Touched {
    sums: Vec<Figures>,
    of: Vec<bool>,
    list: Vec<u32>,
}

impl Touched {
    fn touch(&mut self, tuples: &[u32]) {
        for tuple in tuples {
            if !std::mem::replace(&mut self.of[*tuple as usize], true) {
                self.list.push(*tuple);
            }
        }
    }

    /// The cells that were touched, and do not come to nothing.
    fn take(&mut self) -> Sheet {
        self.list.sort_unstable();
        let mut cells = Vec::with_capacity(self.list.len());
        for tuple in self.list.drain(..) {
            self.of[tuple as usize] = false;
            let figures = std::mem::take(&mut self.sums[tuple as usize]);
            if !figures.are_nothing() {
                cells.push((tuple, figures));
            }
        }
        Sheet::of(&cells)
    }
}

/// The days of a block, read as they are needed: ascending questions read each of them once.
pub(super) struct Days<'p> {
    part: &'p Part,
    at: Option<Cow<'p, Day>>,
}

impl<'p> Days<'p> {
    pub(super) fn of(part: &'p Part) -> Days<'p> {
        Days { part, at: None }
    }

    /// Hands over the cells from one slot on, up to another.
    pub(super) fn each(
        &mut self,
        from: Slot,
        to: Slot,
        visit: &mut dyn FnMut(&Day, std::ops::Range<usize>),
    ) -> Result<(), StoreError> {
        let last = Slot(to.0.saturating_sub(1)).day();
        for day in self.part.days_within(from.day(), last) {
            if self.at.as_ref().is_none_or(|at| at.day() != day) {
                self.at = self.part.day(day)?;
            }
            let Some(at) = self.at.as_deref() else { continue };
            let cells = at.within(from, to);
            if !cells.is_empty() {
                visit(at, cells);
            }
        }
        Ok(())
    }
}

/// The first slot of a day of UTC, and its last.
pub(super) fn slots_of(day: i32) -> (Slot, Slot) {
    let first = Slot::of_day(day, 0);
    (first, Slot(first.0.saturating_add(SLOTS_OF_DAY).saturating_sub(1)))
}
