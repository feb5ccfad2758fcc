//! Cells from rows: what a run adds up to.

use foldhash::{HashMap, HashMapExt};

use super::cut::{Charged, Counted};
use super::lean::Lean;
use crate::ledger::units::{Position, Timestamp};
use crate::store::cells::{Day, Dictionary, Figures, Slot, Writer};
use crate::store::history::{Buffer, Runs};
use crate::store::{OrgKey, StoreError, codec};

/// The places of the figures in a cell.
pub(super) const CREDITS: usize = 0;
pub(super) const QUANTITY: usize = 1;
pub(super) const CALLS_MADE: usize = 2;
pub(super) const CALLS_RECEIVED: usize = 3;
pub(super) const BILLED_SECONDS: usize = 4;
pub(super) const TALKED_MS: usize = 5;
pub(super) const CHARGES: usize = 6;
/// How many parts of charges are in it: a cell without any is as if it had never been.
pub(super) const PARTS: usize = 7;

/// Cells added up, by slot and tuple.
pub(super) type Sums = HashMap<(Slot, u32), Figures>;

/// Adds what a row adds, and takes off what it takes back, as far as `choose` makes something of it.
fn add(
    row: &Lean<'_>,
    dictionary: &mut Dictionary,
    sums: &mut Sums,
    choose: &dyn Fn(Timestamp, Figures) -> Option<Figures>,
) {
    let mut each = |charged: Charged<'_>, signed: fn(Figures) -> Figures| {
        let slot = Slot::of(charged.time);
        charged.parts(&mut |spent, counted| {
            if let Some(figures) = choose(charged.time, signed(figures(counted))) {
                let tuple = dictionary.number(spent.texts());
                sums.entry((slot, tuple)).or_default().add(&figures);
            }
            true
        });
    };
    if let Some(charged) = row.adds() {
        each(charged, |figures| figures);
    }
    if let Some(charged) = row.takes_back() {
        each(charged, Figures::negated);
    }
}

fn figures(counted: Counted) -> Figures {
    let Counted { credits, quantity, calls_made, calls_received, billed_seconds, talked_ms, charges } =
        counted;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut figures = Figures::default();
    figures.0[CREDITS] = credits.micros();
    figures.0[QUANTITY] = number(quantity);
    figures.0[CALLS_MADE] = number(calls_made);
    figures.0[CALLS_RECEIVED] = number(calls_received);
    figures.0[BILLED_SECONDS] = number(billed_seconds);
    figures.0[TALKED_MS] = number(talked_ms);
    figures.0[CHARGES] = number(charges);
    figures.0[PARTS] = 1;
    figures
}

/// The cells of an organization on their way into a file.
#[derive(Default)]
struct Draft {
    dictionary: Dictionary,
    sums: Sums,
}

/// The same, of a row as it is kept.
pub(super) fn add_some(
    (key, position, bytes): (OrgKey, Position, &[u8]),
    dictionary: &mut Dictionary,
    sums: &mut Sums,
    choose: &dyn Fn(Timestamp, Figures) -> Option<Figures>,
) -> Result<(), StoreError> {
    let row = codec::decode_borrowed::<Lean<'_>>(bytes);
    add(&row.map_err(|source| StoreError::Row { key, position, source })?, dictionary, sums, choose);
    Ok(())
}

/// Adds all that a row adds, and takes off all that it takes back.
pub(super) fn add_stored(
    row: (OrgKey, Position, &[u8]),
    dictionary: &mut Dictionary,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    add_some(row, dictionary, sums, &|_, figures| Some(figures))
}

impl Draft {
    fn add(&mut self, key: OrgKey, position: Position, bytes: &[u8]) -> Result<(), StoreError> {
        add_stored((key, position, bytes), &mut self.dictionary, &mut self.sums)
    }

    fn write(&mut self, key: OrgKey, writer: &mut Writer) -> Result<(), StoreError> {
        let Draft { dictionary, sums } = std::mem::take(self);
        let mut cells: Vec<(Slot, u32, Figures)> = sums
            .into_iter()
            .filter(|(_, figures)| !figures.are_nothing())
            .map(|((slot, tuple), figures)| (slot, tuple, figures))
            .collect();
        cells.sort_unstable_by_key(|(slot, tuple, _)| (*slot, *tuple));
        writer.begin(key);
        for of_day in cells.chunk_by(|(one, ..), (other, ..)| one.day() == other.day()) {
            let Some((first, ..)) = of_day.first() else { continue };
            let cells = of_day.iter().map(|(slot, tuple, figures)| (slot.quarter(), *tuple, *figures));
            writer.day(Day::of(first.day(), &cells.collect::<Vec<_>>()))?;
        }
        writer.end(&dictionary)
    }
}

/// Writes the cells of the rows in a buffer.
pub(super) fn of_buffer(buffer: &Buffer, writer: &mut Writer) -> Result<(), StoreError> {
    let mut draft = Draft { dictionary: Dictionary::default(), sums: HashMap::new() };
    for key in buffer.orgs() {
        for (known, bytes) in buffer.newest(key) {
            draft.add(key, known.position, bytes)?;
        }
        draft.write(key, writer)?;
    }
    Ok(())
}

/// Writes the cells of the rows in a run.
pub(super) fn of_run(runs: &Runs, run: u32, writer: &mut Writer) -> Result<(), StoreError> {
    let (mut draft, mut of) = (Draft::default(), None);
    runs.each_row(run, &mut |key, position, bytes| {
        if let Some(before) = of.replace(key).filter(|before| *before != key) {
            draft.write(before, writer)?;
        }
        draft.add(key, position, bytes)
    })?;
    of.map_or(Ok(()), |last| draft.write(last, writer))
}
