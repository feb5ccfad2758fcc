//! The civil days of a zone, in slots.

use jiff::civil::{Date, Time};

use crate::ledger::calendar::Zone;
use crate::store::cells::Slot;

/// The slots with which the days of a zone begin: from the day that holds `first` up to the day after that which holds `last`. None where
/// one of them begins within a slot, as days may have before 1972.
pub(super) fn days(zone: &Zone, first: Slot, last: Slot) -> Option<Vec<Slot>> {
    let mut date = zone.civil(first.begin())?.date();
    let mut begins: Vec<Slot> = Vec::new();
    loop {
        let begin = begin(zone, date)?;
        // A day that the clocks left out begins with the next.
        if begins.last().is_none_or(|before| *before < begin) {
            begins.push(begin);
        }
        if begin > last {
            return Some(begins);
        }
        date = date.tomorrow().ok()?;
    }
}

fn begin(zone: &Zone, date: Date) -> Option<Slot> {
    Slot::at(zone.instant(date.to_datetime(Time::midnight()))?)
}
