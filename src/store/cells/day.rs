//! Cells by columns: those of one day of UTC, and those of any time together.

use std::ops::Range;

use super::column::Column;
use super::{FIGURES, Figures, Slot};

/// So many sums are few.
const FEW: usize = 8;

/// Cells without their time: a column for the numbers of their tuples, and one for each figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    tuples: Box<[u32]>,
    columns: [Column; FIGURES],
}

/// The cells of a day of UTC, by ascending quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Counted from 1970.
    day: i32,
    quarters: Box<[u8]>,
    sheet: Sheet,
}

impl Sheet {
    /// That of some cells.
    #[must_use]
    pub fn of(cells: &[(u32, Figures)]) -> Sheet {
        let column = |nth: usize| Column::of(cells.iter().map(move |(_, figures)| figures.0[nth]));
        Sheet {
            tuples: cells.iter().map(|(tuple, _)| *tuple).collect(),
            columns: std::array::from_fn(column),
        }
    }

    /// Whether all tuples have numbers below that.
    pub(super) fn names_below(&self, tuples: usize) -> bool {
        self.tuples.iter().all(|tuple| (*tuple as usize) < tuples)
    }

    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tuples.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tuples.is_empty()
    }

    /// What it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Column::bytes).sum();
        size_of_val(&*self.tuples).saturating_add(columns)
    }

    /// The numbers of the tuples of some of the cells.
    #[must_use]
    pub fn tuples(&self, cells: Range<usize>) -> &[u32] {
        &self.tuples[cells]
    }

    /// Adds some of the cells to sums: `places` tells of every tuple to which.
    pub fn add_to(&self, cells: Range<usize>, places: &[u32], sums: &mut [Figures]) {
        if sums.len() <= FEW {
            return self.add_to_few(cells, places, sums);
        }
        let tuples = &self.tuples[cells.clone()];
        for (nth, column) in self.columns.iter().enumerate() {
            let mut tuples = tuples.iter();
            column.each(cells.clone(), |number| {
                if let Some(tuple) = tuples.next() {
                    let sum = &mut sums[places[*tuple as usize] as usize].0[nth];
                    *sum = sum.wrapping_add(number);
                }
            });
        }
    }

    /// The same, where most cells go to a sum that the one before has just gone to: each of four neighbours has a sum of its own, so that
    /// none waits for another.
    fn add_to_few(&self, cells: Range<usize>, places: &[u32], sums: &mut [Figures]) {
        let tuples = &self.tuples[cells.clone()];
        for (nth, column) in self.columns.iter().enumerate() {
            let (mut parts, mut tuples) = ([[0_i64; FEW]; 4], tuples.iter().enumerate());
            column.each(cells.clone(), |number| {
                if let Some((at, tuple)) = tuples.next() {
                    let part = &mut parts[at % 4][places[*tuple as usize] as usize];
                    *part = part.wrapping_add(number);
                }
            });
            for (place, sum) in sums.iter_mut().enumerate() {
                let parts = parts.iter().map(|part| part[place]);
                sum.0[nth] = parts.fold(sum.0[nth], i64::wrapping_add);
            }
        }
    }

    fn cells(&self) -> impl Iterator<Item = (u32, Figures)> {
        let figures = |at| Figures(std::array::from_fn(|nth| self.columns[nth].get(at)));
        self.tuples.iter().enumerate().map(move |(at, tuple)| (*tuple, figures(at)))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        Column::of(self.tuples.iter().map(|tuple| i64::from(*tuple))).encode(out);
        self.columns.iter().for_each(|column| column.encode(out));
    }

    fn decode(bytes: &[u8], len: usize) -> Option<(Sheet, &[u8])> {
        let (tuples, mut rest) = Column::decode(bytes, len)?;
        let tuples = (0..len).map(|at| u32::try_from(tuples.get(at)).ok()).collect::<Option<_>>()?;
        let mut columns = [const { Column::Zero(0) }; FIGURES];
        for column in &mut columns {
            (*column, rest) = Column::decode(rest, len)?;
        }
        Some((Sheet { tuples, columns }, rest))
    }
}

impl Day {
    /// The cells of a day: quarter, number of the tuple, figures; by ascending quarter.
    #[must_use]
    pub fn of(day: i32, cells: &[(u8, u32, Figures)]) -> Day {
        let plain: Vec<(u32, Figures)> = cells.iter().map(|(_, tuple, figures)| (*tuple, *figures)).collect();
        Day { day, quarters: cells.iter().map(|(quarter, ..)| *quarter).collect(), sheet: Sheet::of(&plain) }
    }

    /// The day of UTC, counted from 1970.
    #[must_use]
    pub fn day(&self) -> i32 {
        self.day
    }

    /// The cells without their time.
    #[must_use]
    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// Which of the cells are from a slot on, and before another.
    #[must_use]
    pub fn within(&self, from: Slot, to: Slot) -> Range<usize> {
        let before =
            |slot: Slot| self.quarters.partition_point(|quarter| Slot::of_day(self.day, *quarter) < slot);
        let begin = before(from);
        begin..before(to).max(begin)
    }

    /// All cells: quarter, number of the tuple, figures.
    pub fn cells(&self) -> impl Iterator<Item = (u8, u32, Figures)> {
        self.quarters
            .iter()
            .zip(self.sheet.cells())
            .map(|(quarter, (tuple, figures))| (*quarter, tuple, figures))
    }

    /// Gives every tuple the number that stands at its own. `None` where there is none.
    #[must_use]
    pub fn renumbered(mut self, numbers: &[u32]) -> Option<Day> {
        for tuple in &mut self.sheet.tuples {
            *tuple = *numbers.get(*tuple as usize)?;
        }
        Some(self)
    }

    /// Appends it.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.day.to_le_bytes());
        out.extend_from_slice(&u32::try_from(self.quarters.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.quarters);
        self.sheet.encode(out);
    }

    /// Reads one, and answers what follows it. `None` when it does not add up.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Day, &[u8])> {
        let (day, rest) = bytes.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (quarters, rest) = rest.split_at_checked(u32::from_le_bytes(*len).try_into().ok()?)?;
        if !quarters.is_sorted() {
            return None;
        }
        let (sheet, rest) = Sheet::decode(rest, quarters.len())?;
        Some((Day { day: i32::from_le_bytes(*day), quarters: quarters.into(), sheet }, rest))
    }
}
