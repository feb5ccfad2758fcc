//! The history: every movement of an organization's credits, newest first, a page at a time.
//!
//! Reading stops as soon as a page is full, so that the newest page costs as much as the newest block, however long the history is. Where
//! few rows are wanted, so many are looked at for a page, and the next one goes on from there.

mod cells;
mod charge;
mod export;
mod finished;
mod line;
mod remarks;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use self::line::{GrantNames, grants_of};
use self::wanted::{Wanted, cursor};
use super::balance::{instant, instant_or_null, text};
use crate::book::desk::Desk;
use crate::book::itemise::Itemise;
use crate::book::row::{Row, What};
use crate::book::stretch::{Place, Start, Stretch};
use crate::ledger::price::CreditType;
use crate::ledger::units::{EventId, Hour, Position, Timestamp};
use crate::store::StoreError;
use crate::store::history::KnownId;

pub use self::charge::charge;
pub use self::export::{Export, Exported, Step};
pub use self::finished::{FinishedCall, finished_calls};
pub use self::line::{CallFacts, EntityOf, HistoryLine, Part};
pub use self::wanted::{HistoryOf, Wrong};

/// The most rows that are looked at for one page.
pub const MOST_LOOKED_AT: usize = 20_000;

/// So many rows are looked at together where not all are wanted, and at first so many for each line: most pages are full then.
const TOGETHER: usize = 512;
const FOR_A_LINE: usize = 4;

/// Why there is no page of a history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// What is asked for cannot be.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// The pipeline does not answer.
    #[error("{0}")]
    Gone(&'static str),
    /// The history cannot be read.
    #[error("the history cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// A page of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryPage<L> {
    /// The organization.
    pub org: String,
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant it is of.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// The zone of the organization's days and months.
    pub zone: String,
    /// Newest first.
    pub data: Vec<L>,
    /// Where the next page is.
    pub meta: HistoryMeta,
}

/// Where the next page is, and what no page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryMeta {
    /// The cursor of the next page; none where this is the last.
    pub next: Option<String>,
    /// What is older, by the log's time, is not kept any more; none where everything is.
    #[serde(serialize_with = "instant_or_null")]
    pub kept_from: Option<Timestamp>,
    /// Which charges are shown one by one: `all`, those of `calls`, or `none`.
    pub itemised: &'static str,
}

/// A page of an organization's history. None for one that is not known. Reads, and waits: not for the threads of a runtime.
///
/// # Errors
/// [`HistoryError`] where the page cannot be, or cannot be read.
pub fn history(
    desk: &Desk,
    org: &str,
    of: &HistoryOf,
    now: Timestamp,
) -> Result<Option<HistoryPage<HistoryLine>>, HistoryError> {
    let wanted = Wanted::check(of, false)?;
    let Some(gathered) = gather(desk, org, &wanted)? else { return Ok(None) };
    Ok(Some(gathered.page(org, now, Some)))
}

/// What a page holds, and where the next one begins.
struct Gathered {
    seq: Position,
    at: Timestamp,
    zone: String,
    lines: Vec<HistoryLine>,
    next: Option<Place>,
    kept_from: Option<Timestamp>,
    itemised: Itemise,
}

impl Gathered {
    fn page<L>(self, org: &str, now: Timestamp, line: impl Fn(HistoryLine) -> Option<L>) -> HistoryPage<L> {
        HistoryPage {
            org: org.to_owned(),
            seq: self.seq,
            as_of: now.max(self.at),
            zone: self.zone,
            data: self.lines.into_iter().filter_map(line).collect(),
            meta: HistoryMeta {
                next: self.next.map(cursor),
                kept_from: self.kept_from,
                itemised: self.itemised.name(),
            },
        }
    }
}

/// A row, and the place behind it.
struct Found {
    position: Position,
    id: EventId,
    row: Row,
    place: Option<Place>,
}

/// A history that is read from a place back.
struct Reading<'d> {
    desk: &'d Desk,
    org: &'d str,
    start: Start,
    stretch: Stretch,
    /// How far the organization is.
    seq: Position,
    at: Timestamp,
}

impl<'d> Reading<'d> {
    fn begin(desk: &'d Desk, org: &'d str, start: Start) -> Result<Option<Reading<'d>>, HistoryError> {
        let glance = desk.stretch(org, start).map_err(HistoryError::Gone)?;
        Ok(glance.map(|glance| Reading {
            desk,
            org,
            start,
            stretch: glance.stretch,
            seq: glance.position,
            at: glance.at,
        }))
    }

    /// The next row that the organization contains: the history may be ahead of it.
    fn next(&mut self) -> Result<Option<Found>, HistoryError> {
        loop {
            match self.stretch.next_row()? {
                Some((position, id, row)) if row.stood(position, self.seq, self.at) => {
                    return Ok(Some(Found { position, id, row, place: self.stretch.place() }));
                }
                Some(_) => {}
                None if self.goes_on()? => {}
                None => return Ok(None),
            }
        }
    }

    /// The next row as it is kept, be it of an entry that the organization contains or not.
    fn next_stored(&mut self) -> Result<Option<(KnownId, Vec<u8>)>, HistoryError> {
        loop {
            match self.stretch.next_stored()? {
                Some(stored) => return Ok(Some(stored)),
                None if self.goes_on()? => {}
                None => return Ok(None),
            }
        }
    }

    /// Asks for the stretch behind one that has ended before the history has. Answers whether there is one.
    fn goes_on(&mut self) -> Result<bool, HistoryError> {
        if !self.stretch.goes_on() {
            return Ok(false);
        }
        let start = Start { place: self.stretch.place(), ..self.start };
        let glance = self.desk.stretch(self.org, start).map_err(HistoryError::Gone)?;
        Ok(glance.map(|glance| self.stretch = glance.stretch).is_some())
    }
}

/// Reads until a page is full, the history has ended, or enough was looked at.
fn gather(desk: &Desk, org: &str, wanted: &Wanted) -> Result<Option<Gathered>, HistoryError> {
    let logged = wanted.to.map_or(Hour(i32::MAX), Timestamp::hour);
    let start = Start { place: wanted.place, logged, ..Start::default() };
    let Some(mut reading) = Reading::begin(desk, org, start)? else { return Ok(None) };
    let (mut lines, mut last) = (Vec::new(), wanted.place);
    let (mut looked, mut ended) = (0_usize, false);
    let next = loop {
        let missing = wanted.most.saturating_add(1).saturating_sub(lines.len());
        let together = match wanted.is_all() && desk.itemise() == Itemise::All {
            true => missing,
            false if looked == 0 => missing.saturating_mul(FOR_A_LINE).min(TOGETHER),
            false => TOGETHER,
        };
        let mut some = Vec::new();
        while some.len() < together && looked < MOST_LOOKED_AT && !ended {
            match reading.next()? {
                Some(found) if wanted.from.is_none_or(|from| found.row.at >= from) => some.push(found),
                _ => ended = true,
            }
            looked = looked.saturating_add(1);
        }
        let mut full = false;
        for (line, place) in show(desk, org, wanted, some)? {
            full = lines.len() >= wanted.most;
            if full {
                break;
            }
            lines.push(line);
            last = place;
        }
        if full {
            break last;
        }
        if ended {
            break None;
        }
        if looked >= MOST_LOOKED_AT {
            break reading.stretch.place().or(wanted.place);
        }
    };
    let (kept_from, itemised) = (desk.kept_from(), desk.itemise());
    let (seq, at, zone) = (reading.seq, reading.at, zone(desk, org));
    Ok(Some(Gathered { seq, at, zone, lines, next, kept_from, itemised }))
}

/// The zone of an organization's days and months.
fn zone(desk: &Desk, org: &str) -> String {
    desk.book.read(org, |slot| slot.org.zone().to_string()).unwrap_or_default()
}

/// Those of some rows that are wanted, as they are shown.
fn show(
    desk: &Desk,
    org: &str,
    wanted: &Wanted,
    mut some: Vec<Found>,
) -> Result<Vec<(HistoryLine, Option<Place>)>, HistoryError> {
    some.retain(|found| wanted.takes_kind(&found.row) && desk.itemise().shows(&found.row));
    let targets = targets(desk, org, &some)?;
    let target = |row: &Row| match &row.what {
        What::Void { target: Some(target), .. } => targets.get(target),
        _ => None,
    };
    some.retain(|found| wanted.takes(&found.row, target(&found.row)));
    let names = grant_names(desk, org, &some);
    let shown = some
        .iter()
        .map(|found| (HistoryLine::of(found.position, &found.row, target(&found.row), &names), found.place));
    let sought = |line: &HistoryLine| {
        wanted.search.as_deref().is_none_or(|search| line.has(search))
            && wanted.credit_type.is_none_or(|kind| line.credit_types().contains(&kind))
    };
    Ok(shown.filter(|(line, _)| sought(line)).collect())
}

/// What the voids among some rows take back.
fn targets(desk: &Desk, org: &str, some: &[Found]) -> Result<BTreeMap<Position, Row>, HistoryError> {
    let positions: BTreeSet<Position> = some
        .iter()
        .filter_map(|found| match &found.row.what {
            What::Void { target, .. } => *target,
            _ => None,
        })
        .collect();
    if positions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = desk.find(org, positions.into_iter().collect()).map_err(HistoryError::Gone)?;
    Ok(found.map(|found| found.rows()).transpose()?.unwrap_or_default())
}

/// The names of the grants that some rows are about, as far as they are kept.
fn grant_names(desk: &Desk, org: &str, some: &[Found]) -> GrantNames {
    let mut needed: BTreeSet<(CreditType, u32)> = BTreeSet::new();
    some.iter().for_each(|found| grants_of(&found.row, &mut needed));
    let mut names = GrantNames::new();
    if !needed.is_empty() {
        let look = |org: &crate::ledger::org::Org| {
            for pool in org.pools() {
                let kind = pool.credit_type;
                let wanted = pool.grants().iter().filter(|grant| needed.contains(&(kind, grant.serial)));
                names.extend(wanted.map(|grant| ((kind, grant.serial), grant.name(kind))));
            }
        };
        let mut look = look;
        desk.book.read(org, |slot| look(&slot.org));
    }
    names
}
