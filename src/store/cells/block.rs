//! What a file holds of one organization.

use std::borrow::Cow;
use std::sync::Arc;

use super::file::Source;
use super::{Day, Dictionary, Texts};
use crate::store::{OrgKey, StoreError};

/// The cells of one organization in one file. Those of a large block are read day by day.
#[derive(Debug)]
pub struct Block {
    key: OrgKey,
    dictionary: Dictionary,
    days: Vec<DayAt>,
    /// Of each tuple the number that cells have for it.
    numbers: Box<[u32]>,
    source: Arc<Source>,
}

/// The cells of a day.
#[derive(Debug)]
pub(super) enum DayAt {
    Here(Box<Day>),
    /// In a frame of their own.
    There {
        day: i32,
        offset: u64,
    },
}

impl DayAt {
    fn day(&self) -> i32 {
        match self {
            DayAt::Here(day) => day.day(),
            DayAt::There { day, .. } => *day,
        }
    }
}

impl Block {
    /// None where a cell names a tuple that is not there.
    pub(super) fn new(
        key: OrgKey,
        dictionary: Dictionary,
        days: Vec<DayAt>,
        source: Arc<Source>,
    ) -> Option<Block> {
        let is_sound = |at: &DayAt| match at {
            DayAt::Here(day) => day.sheet().names_below(dictionary.len()),
            DayAt::There { .. } => true,
        };
        let is_sound = days.iter().all(is_sound);
        let numbers = (0..).take(dictionary.len()).collect();
        is_sound.then_some(Block { key, dictionary, days, numbers, source })
    }

    /// Whose it is.
    #[must_use]
    pub fn key(&self) -> OrgKey {
        self.key
    }

    /// The tuples that its cells name by number.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Whether its days are read one by one.
    #[must_use]
    pub fn is_large(&self) -> bool {
        matches!(self.days.first(), Some(DayAt::There { .. }))
    }

    /// About what it takes in memory, its tuples aside.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |at: &DayAt| match at {
            DayAt::Here(day) => {
                day.sheet().bytes().saturating_add(day.sheet().len()).saturating_add(size_of::<Day>())
            }
            DayAt::There { .. } => 0,
        };
        let days: usize = self.days.iter().map(|at| of(at).saturating_add(size_of::<DayAt>())).sum();
        days.saturating_add(size_of_val(&*self.numbers))
    }

    /// The days of UTC with cells, from one to another.
    pub fn days_within(&self, first: i32, last: i32) -> impl Iterator<Item = i32> {
        let days = self.days.iter().map(DayAt::day);
        days.skip_while(move |day| *day < first).take_while(move |day| *day <= last)
    }

    /// The days of UTC with cells, counted from 1970, ascending.
    pub fn days(&self) -> impl Iterator<Item = i32> {
        self.days.iter().map(DayAt::day)
    }

    /// The cells of a day.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Frame`] and [`StoreError::Damaged`].
    pub fn day(&self, day: i32) -> Result<Option<Cow<'_, Day>>, StoreError> {
        let Ok(at) = self.days.binary_search_by_key(&day, DayAt::day) else { return Ok(None) };
        match &self.days[at] {
            DayAt::Here(day) => Ok(Some(Cow::Borrowed(day))),
            DayAt::There { offset, .. } => {
                let day = self.source.day(*offset)?.renumbered(&self.numbers);
                day.map(|day| Some(Cow::Owned(day))).ok_or_else(|| self.strange())
            }
        }
    }

    /// Takes the tuples out. From then on cells have for each of them the number that stands at its own.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a cell names a tuple that is not there.
    pub fn renumber(&mut self, number: impl FnMut(Texts<'_>) -> u32) -> Result<(), StoreError> {
        self.numbers = std::mem::take(&mut self.dictionary).all().map(number).collect();
        for at in &mut self.days {
            if let DayAt::Here(day) = at {
                let renumbered = Day::clone(day).renumbered(&self.numbers);
                **day = renumbered.ok_or_else(|| self.source.damaged(0, STRANGE))?;
            }
        }
        Ok(())
    }

    fn strange(&self) -> StoreError {
        self.source.damaged(0, STRANGE)
    }
}

const STRANGE: &str = "a cell names a tuple that is not there";
