//! Cells: what the rows of the history add up to, by quarters of an hour and by what they say.
//!
//! A cell holds the [`Figures`] of one [`Slot`] and one *tuple*: nine texts, any of which may be missing. What they mean, the book
//! knows. Figures have a sign, so that what takes something back is a cell too; cells add up in any order, and what comes to nothing
//! goes.
//!
//! There is a file of cells for every run, beside the runs, and eight files become one of the next [tier](Tiers):
//!
//! ```text
//! file         header frame · (block)… · index frame · end frame {offset of the index}
//! small blocks of organizations with few cells, many in one frame: key, dictionary, days
//! large block  one organization: (day frame)… · (dictionary frame)… · head frame {where these are}
//! day          the cells of a day of UTC, by quarter and tuple; a column for each figure, as narrow as its numbers allow
//! ```
//!
//! All of it is made of the runs and can be made again. So nothing here is ever repaired: what is not sound is thrown away.

mod block;
mod column;
mod day;
mod dictionary;
mod file;
mod merge;
mod tiers;
mod write;

#[cfg(test)]
mod tests;

use crate::ledger::units::Timestamp;

pub use block::Block;
pub use day::{Day, Sheet};
pub use dictionary::Dictionary;
pub use file::CellsFile;
pub use tiers::{Cover, Tier, Tiers};
pub use write::Writer;

/// The texts of a tuple.
pub const TEXTS: usize = 9;
/// The figures of a cell.
pub const FIGURES: usize = 8;

/// The texts of a tuple, as far as there are any.
pub type Texts<'a> = [Option<&'a str>; TEXTS];

/// What is added up. Wraps, so that what is added and taken off again leaves no trace; the true sums are far below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures(pub [i64; FIGURES]);

impl Figures {
    /// Adds others.
    pub fn add(&mut self, other: &Figures) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = sum.wrapping_add(more);
        }
    }

    /// The same with the other sign.
    #[must_use]
    pub fn negated(self) -> Figures {
        Figures(self.0.map(i64::wrapping_neg))
    }

    /// Whether all of them are 0.
    #[must_use]
    pub fn are_nothing(&self) -> bool {
        self.0 == [0; FIGURES]
    }
}

/// A quarter of an hour in UTC, counted from 1970. The offset of every zone since 1972 is a multiple of it, so that civil hours and
/// days of all zones begin with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub i32);

/// A quarter of an hour in microseconds.
const QUARTER: i64 = 900_000_000;
/// The slots of a day.
pub const SLOTS_OF_DAY: i32 = 96;

impl Slot {
    /// That of an instant. Instants tens of thousands of years off are all in the first, or the last.
    #[must_use]
    pub fn of(instant: Timestamp) -> Slot {
        let number = instant.micros().div_euclid(QUARTER);
        let end = if number < 0 { i32::MIN } else { i32::MAX };
        Slot(i32::try_from(number).unwrap_or(end))
    }

    /// That which begins at an instant, if one does.
    #[must_use]
    pub fn at(instant: Timestamp) -> Option<Slot> {
        Some(Slot::of(instant)).filter(|slot| slot.begin() == instant)
    }

    /// Its first instant.
    #[must_use]
    pub fn begin(self) -> Timestamp {
        Timestamp::from_micros(i64::from(self.0).saturating_mul(QUARTER))
    }

    /// The day of UTC that it is in, counted from 1970.
    #[must_use]
    pub fn day(self) -> i32 {
        self.0.div_euclid(SLOTS_OF_DAY)
    }

    /// Which of that day's it is.
    #[must_use]
    pub fn quarter(self) -> u8 {
        u8::try_from(self.0.rem_euclid(SLOTS_OF_DAY)).unwrap_or_default()
    }

    /// The slot of a day with that number.
    #[must_use]
    pub fn of_day(day: i32, quarter: u8) -> Slot {
        Slot(day.saturating_mul(SLOTS_OF_DAY).saturating_add(i32::from(quarter)))
    }
}
