//! Usage added up by groups, and of chosen groups point by point.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::asked::Asked;
use super::buckets::Buckets;
use super::dimension::{Dimension, OwnId};
use super::parameters::Refused;
use super::range::Span;
use super::rows::Rows;
use super::sums::Sums;
use super::{Failure, MOST_GROUPS};
use crate::book::cells::Spent;
use crate::ledger::units::Timestamp;

/// The time that is asked about, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans {
    pub(super) now: Span,
    pub(super) before: Option<Span>,
}

/// What has the same values in all dimensions by which usage is grouped.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) ids: SmallVec<[OwnId; 1]>,
    /// What the ids are called, once that was looked up.
    pub(super) names: Vec<Option<Box<str>>>,
    pub(super) now: Sums,
    pub(super) before: Sums,
}

impl Group {
    /// What it is found by, as [`key_of`] has it.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = Vec::new();
        self.ids.iter().for_each(|id| id.lend().write(&mut key));
        key
    }

    /// The credits of all kinds, less those before.
    pub(super) fn difference(&self) -> i128 {
        self.now.all_credits().saturating_sub(self.before.all_credits())
    }
}

/// What was used at one time, by someone, for something.
#[derive(Clone, Debug)]
pub(super) struct Cell<'a> {
    /// When it happened.
    pub(super) time: Timestamp,
    pub(super) spent: Spent<'a>,
    pub(super) sums: Sums,
}

/// Writes by what the group of something is found.
pub(super) fn key_of(spent: &Spent<'_>, group_by: &[Dimension], key: &mut Vec<u8>) {
    key.clear();
    group_by.iter().for_each(|dimension| dimension.of(spent).write(key));
}

/// All groups of a question.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) all: Vec<Group>,
    places: HashMap<Vec<u8>, usize>,
    /// When the first and the last of what was asked about happened, or the begins of their days.
    pub(super) charged: Option<(Timestamp, Timestamp)>,
}

impl Groups {
    /// None yet, but where everything is one group.
    pub(super) fn of_question(asked: &Asked) -> Groups {
        let mut groups = Groups::default();
        if asked.group_by.is_empty() {
            groups.all.push(Group::default());
            groups.places.insert(Vec::new(), 0);
        }
        groups
    }

    /// Adds up what is asked about, row by row.
    pub(super) fn of_rows(rows: &Rows<'_>, asked: &Asked, spans: Spans) -> Result<Groups, Failure> {
        let mut groups = Groups::of_question(asked);
        let mut key = Vec::new();
        rows.each(spans.now.with(spans.before), &mut |cell| {
            if !asked.filters.iter().all(|filter| filter.lets_pass(&cell.spent)) {
                return true;
            }
            let (now, before) = (spans.now.contains(cell.time), spans.before);
            let before = before.is_some_and(|span| span.contains(cell.time));
            if !now && !before {
                return true;
            }
            key_of(&cell.spent, &asked.group_by, &mut key);
            let place = groups.place(&key, &cell.spent, &asked.group_by);
            let Some(group) = groups.all.get_mut(place) else { return false };
            if before {
                group.before.add(&cell.sums);
            }
            if now {
                group.now.add(&cell.sums);
                let (first, last) = groups.charged.unwrap_or((cell.time, cell.time));
                groups.charged = Some((first.min(cell.time), last.max(cell.time)));
            }
            groups.all.len() <= MOST_GROUPS
        })?;
        groups.check()?;
        Ok(groups)
    }

    /// Refuses what is more than an answer holds.
    pub(super) fn check(&self) -> Result<(), Refused> {
        if self.all.len() > MOST_GROUPS {
            let why = format!(
                "group_by: these are more than {MOST_GROUPS} groups; group by less, choose some of them, or a shorter range"
            );
            return Err(Refused::new("group_by", why));
        }
        Ok(())
    }

    /// The place of a group, which it gets if it has none.
    pub(super) fn place(&mut self, key: &[u8], spent: &Spent<'_>, group_by: &[Dimension]) -> usize {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let ids = group_by.iter().map(|dimension| dimension.of(spent).keep()).collect();
        let place = self.all.len();
        self.places.insert(key.to_vec(), place);
        self.all.push(Group { ids, ..Group::default() });
        place
    }
}

/// What was used in the points of a span, and in those before it.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) now: Vec<Sums>,
    pub(super) before: Vec<Sums>,
}

impl Series {
    pub(super) fn empty(now: &Buckets, before: Option<&Buckets>) -> Series {
        let zeroes = |buckets: &Buckets| vec![Sums::default(); buckets.len()];
        Series { now: zeroes(now), before: before.map(zeroes).unwrap_or_default() }
    }

    fn add(&mut self, cell: &Cell<'_>, now: &Buckets, before: Option<&Buckets>) {
        let add = |sums: &mut Vec<Sums>, place: Option<usize>| {
            if let Some(sum) = place.and_then(|place| sums.get_mut(place)) {
                sum.add(&cell.sums);
            }
        };
        add(&mut self.now, now.place(cell.time));
        add(&mut self.before, before.and_then(|buckets| buckets.place(cell.time)));
    }
}

/// The points of a question: those asked about, and those of what it is compared with.
pub(super) type Points<'b> = (&'b Buckets, Option<&'b Buckets>);

/// The series of all groups that count together, and of each that is shown, row by row.
pub(super) fn series_of_rows(
    rows: &Rows<'_>,
    asked: &Asked,
    spans: Spans,
    (now, before): Points<'_>,
    counted: &HashMap<Vec<u8>, Option<usize>>,
    shown: usize,
) -> Result<(Series, Vec<Series>), Failure> {
    let mut all = Series::empty(now, before);
    let mut each = vec![all.clone(); shown];
    let mut key = Vec::new();
    rows.each(spans.now.with(spans.before), &mut |cell| {
        if asked.filters.iter().all(|filter| filter.lets_pass(&cell.spent)) {
            key_of(&cell.spent, &asked.group_by, &mut key);
            if let Some(place) = counted.get(&key) {
                all.add(cell, now, before);
                if let Some(own) = place.and_then(|place| each.get_mut(place)) {
                    own.add(cell, now, before);
                }
            }
        }
        true
    })?;
    Ok((all, each))
}
