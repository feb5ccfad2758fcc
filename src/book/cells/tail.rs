//! The rows that no file of cells covers yet, added up as they are read.

use std::collections::BTreeMap;

use super::cube::MOST_BYTES;
use super::make::{self, Sums};
use super::view::{Odd, Standing};
use crate::book::pipeline::Glance;
use crate::book::row::Row;
use crate::book::stretch::Start;
use crate::ledger::units::Position;
use crate::store::cells::{Dictionary, Figures, Slot};
use crate::store::{OrgKey, StoreError, codec};

/// What asks the pipeline for an organization's rows.
pub type Ask<'a> = &'a dyn Fn(Start) -> Result<Option<Glance>, &'static str>;

/// Sums of rows by the run that holds them, or will once it is written. When a file covers the run, its sums go.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// All runs up to this one are covered.
    covered: u32,
    /// The rows behind those runs up to this position are in it.
    upto: Option<Position>,
    runs: BTreeMap<u32, Sums>,
}

/// About what a cell takes in a table.
const CELL_BYTES: usize = 96;
/// After so many rows it is looked how much room they have taken.
const ROWS_OF_LOOK: usize = 4_096;

impl Tail {
    /// Files cover all runs up to this one now.
    pub(super) fn cover(&mut self, upto: u32) {
        if upto < self.covered {
            // A file was lost: rows are missing that were let go of.
            *self = Tail::default();
        }
        self.covered = upto;
        self.runs = self.runs.split_off(&upto.saturating_add(1));
    }

    /// Reads what is new, and answers how the organization stands, or stood where that is `wanted`, with the sums of those rows that
    /// are beyond: they are in files or here, and are to be taken off.
    pub(super) fn follow(
        &mut self,
        (key, dictionary): (OrgKey, &mut Dictionary),
        wanted: Option<Standing>,
        ask: Ask<'_>,
    ) -> Result<(Standing, Sums), Odd> {
        let followed = self.read((key, dictionary), wanted, ask);
        if followed.is_err() {
            let covered = self.covered;
            *self = Tail { covered, ..Tail::default() };
        }
        followed
    }

    fn read(
        &mut self,
        (key, dictionary): (OrgKey, &mut Dictionary),
        wanted: Option<Standing>,
        ask: Ask<'_>,
    ) -> Result<(Standing, Sums), Odd> {
        let known = self.upto;
        let mut start = Start { after: known, ..Start::default() };
        let look =
            |start: Start| -> Result<Glance, Odd> { ask(start).map_err(Odd::Gone)?.ok_or(Odd::Unknown) };
        let mut glance = look(start)?;
        let stands = Standing { position: glance.position, at: glance.at };
        let standing = wanted.map_or(stands, |wanted| wanted.at_most(stands));
        let is_behind = glance.is_replay || wanted.is_some();
        if is_behind && start.after > Some(standing.position) {
            start.after = Some(standing.position);
            glance = look(start)?;
        }
        let mut beyond = Sums::default();
        let (mut newest, mut looked) = (known, 0_usize);
        loop {
            if !is_behind {
                glance.stretch.end_after(self.covered);
            }
            while let Some((id, bytes)) = glance.stretch.next_stored()? {
                let position = id.position;
                let home = glance.stretch.home();
                let is_new = home > self.covered && known.is_none_or(|known| position > known);
                let is_beyond = is_behind && position > standing.position;
                if !is_new && !is_beyond {
                    self.upto = newest;
                    return Ok((standing, beyond));
                }
                if is_new {
                    newest = newest.max(Some(position));
                    make::add_stored(
                        (key, position, &bytes),
                        dictionary,
                        self.runs.entry(home).or_default(),
                    )?;
                }
                looked += 1;
                if looked % ROWS_OF_LOOK == 0
                    && self.bytes() + bytes_of(&beyond) + dictionary.bytes() > MOST_BYTES
                {
                    return Err(Odd::TooMany);
                }
                if is_beyond && !stood((key, position, &bytes), standing)? {
                    make::add_stored((key, position, &bytes), dictionary, &mut beyond)?;
                }
            }
            if !glance.stretch.goes_on() {
                self.upto = newest;
                return Ok((standing, beyond));
            }
            start.place = glance.stretch.place();
            glance = look(start)?;
        }
    }

    /// All cells that are in it.
    pub(super) fn cells(&self) -> impl Iterator<Item = (Slot, u32, &Figures)> {
        self.runs.values().flatten().map(|((slot, tuple), figures)| (*slot, *tuple, figures))
    }

    pub(super) fn bytes(&self) -> usize {
        self.runs.values().map(bytes_of).sum()
    }
}

fn bytes_of(sums: &Sums) -> usize {
    sums.capacity().saturating_mul(CELL_BYTES)
}

/// Whether the organization contained a row.
pub(super) fn stood(
    (key, position, bytes): (OrgKey, Position, &[u8]),
    standing: Standing,
) -> Result<bool, StoreError> {
    let row = codec::decode::<Row>(bytes).map_err(|source| StoreError::Row { key, position, source })?;
    Ok(row.stood(position, standing.position, standing.at))
}
