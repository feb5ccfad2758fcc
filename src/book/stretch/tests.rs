//! Stretches over open, sealed and written rows.

use tempfile::TempDir;

use super::*;
use crate::ledger::units::{Millis, Timestamp};
use crate::store::history::{Limits, Row as StoredRow, Runs};

/// The organization whose rows are read.
const ACME: OrgKey = OrgKey(1);
/// A buffer holds so many rows; positions, of three rows each, are cut by its end.
const BUFFER: usize = 5_000;

/// A history with the numbers from 0 to `many`: nine of ten are `ACME`'s, all but the last few in runs, one sealed buffer on the shelf.
struct Numbers {
    history: History,
    _folder: TempDir,
}

impl Numbers {
    fn new(many: usize, on_shelf: usize) -> Numbers {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Arc::new(Shelf::over(Runs::open(folder.path()).unwrap(), None));
        let limits = Limits { rows: BUFFER, bytes: 64 << 20 };
        let mut history = History::new(Arc::clone(&shelf), limits, 0);
        let mut run = 0;
        for number in 0..many {
            let key = if number % 10 == 3 { OrgKey(2) } else { ACME };
            let position = Position { seq: 1 + number as u64 / 3, item: 0 };
            let at = Timestamp::default().plus(Millis(number as u64 * 1_000));
            let bytes = number.to_le_bytes();
            let row = StoredRow { key, position, at, id: EventId::default(), hour: at.hour(), bytes: &bytes };
            history.push(row).unwrap();
            if many - number > BUFFER * (1 + on_shelf) && shelf.waiting() > 0 {
                shelf.write_next(run).unwrap();
                run += 1;
            }
        }
        Numbers { history, _folder: folder }
    }

    /// As the desk asks.
    fn stretch(&self, start: Start) -> Stretch {
        let mut stretch = self.history.stretch(ACME, start);
        if !stretch.begins_well() {
            let place = start.place.map(|place| Place { block: None, ..place });
            stretch = self.history.stretch(ACME, Start { place, ..start });
        }
        stretch
    }

    /// Reads the newest rows until that is so.
    fn reach(&self, is_so: impl Fn(&Stretch) -> bool) -> Stretch {
        let mut stretch = self.stretch(Start::default());
        while !is_so(&stretch) {
            let more = stretch.next_stored().unwrap().is_some();
            assert!(more || stretch.goes_on());
            if !more {
                stretch = self.stretch(Start { place: stretch.place(), ..Start::default() });
            }
        }
        stretch
    }

    /// Reads to the end, so many rows of a stretch at a time. Answers the numbers, and the most blocks that one stretch read.
    fn all(&self, mut start: Start, at_once: usize) -> (Vec<usize>, usize) {
        let (mut numbers, mut most) = (Vec::new(), 0);
        loop {
            let mut stretch = self.stretch(start);
            let mut ended = false;
            for _ in 0..at_once {
                match stretch.next_stored().unwrap() {
                    Some((_, bytes)) => numbers.push(usize::from_le_bytes(bytes.try_into().unwrap())),
                    None => {
                        ended = !stretch.goes_on();
                        break;
                    }
                }
            }
            most = most.max(stretch.blocks_read().0);
            if ended {
                return (numbers, most);
            }
            start.place = stretch.place();
        }
    }
}

fn expected(many: usize) -> Vec<usize> {
    (0..many).filter(|number| number % 10 != 3).rev().collect()
}

#[test]
fn every_row_is_handed_out_once_however_often_it_is_gone_on_from() {
    let many = BUFFER * 6 + 4_900;
    let numbers = Numbers::new(many, 1);
    assert!(numbers.history.shelf().waiting() > 0 && numbers.history.shelf().head(ACME).is_some());
    for at_once in [1, 2, 97, 1_000, usize::MAX] {
        // With one row at a time only the last third is read, for the time that it takes.
        let many = if at_once == 1 { BUFFER * 2 } else { many };
        let numbers = if at_once == 1 { &Numbers::new(many, 0) } else { &numbers };
        assert!(numbers.all(Start::default(), at_once).0 == expected(many), "{at_once} at once");
    }
}

#[test]
fn the_newest_rows_cost_one_block_however_many_there_are_and_so_does_a_page_far_back() {
    let numbers = Numbers::new(BUFFER * 200, 0);
    // What is still in memory comes first.
    let mut stretch = numbers.reach(|stretch| stretch.blocks_read().1 > 0);
    for _ in 0..100 {
        stretch.next_stored().unwrap().unwrap();
    }
    assert_eq!(stretch.blocks_read(), (1, 1));
    let (read, most) = numbers.all(Start::default(), 1_000);
    assert_eq!(read.len(), BUFFER * 180);
    // A block has up to 1,024 rows of all organizations, and a page may begin and end within one.
    assert!(most <= 4, "{most} blocks for a page of 1,000");
}

#[test]
fn a_block_that_is_none_any_more_does_no_harm() {
    let numbers = Numbers::new(BUFFER * 4, 0);
    let in_runs = |stretch: &Stretch| stretch.place().is_some_and(|place| place.block.is_some());
    let stretch = numbers.reach(in_runs);
    let place = stretch.place().unwrap();
    let rest = |place| numbers.all(Start { place: Some(place), ..Start::default() }, 1_000).0;
    let wanted = rest(Place { block: None, ..place });
    assert_eq!(rest(place), wanted);
    let block = place.block.unwrap();
    for (run, offset) in [(block.run, block.offset + 1), (block.run + 900, 0), (0, block.offset)] {
        assert!(rest(Place { block: Some(BlockRef { run, offset }), ..place }) == wanted, "{run} {offset}");
    }
}

#[test]
fn what_the_log_took_later_is_passed_over_unread() {
    let numbers = Numbers::new(BUFFER * 40, 1);
    let start = Start { logged: Hour(10), ..Start::default() };
    let mut stretch = numbers.stretch(start);
    let (_, bytes) = stretch.next_stored().unwrap().unwrap();
    let first = usize::from_le_bytes(bytes.try_into().unwrap());
    // The hour ends with that number; what a block holds beside it is not passed over.
    assert!((11 * 3_600 - 1..11 * 3_600 + 1_024).contains(&first), "{first}");
    assert_eq!(stretch.blocks_read().1, 1);
}
