//! What cells cost the keeper: the same buffers written as runs, with cells and without.

use std::sync::Arc;
use std::time::Duration;

use creditd::book::cells::Cells;
use creditd::book::commons::Commons;
use creditd::book::partition::{Item, Listener, Partition};
use creditd::book::shelf::{History, Shelf};
use creditd::clock::{self, Stopwatch};
use creditd::ledger::effect::{Effect, Outcome};
use creditd::log::{Draft, Record};
use creditd::store::history::{Limits, Runs};

use crate::load;

struct Deaf;

impl Listener for Deaf {
    fn outcome(&mut self, _: &Record, _: Item<'_>, _: &Outcome) {}
    fn effect(&mut self, _: &str, _: &Effect) {}
}

/// The rows of a run.
const ROWS: u64 = 500_000;

/// Writes runs of one organization, and of 100,000.
pub fn measure() {
    for (what, orgs) in [("one organization", 1), ("100,000 organizations", 100_000)] {
        let [(without, runs, _), (with, _, cells)] = [false, true].map(|with_cells| write(orgs, with_cells));
        let per_row = |time: Duration| time.as_secs_f64() * 1e9 / ROWS as f64;
        println!(
            "keeper, {what}: {:.0} ns a row without cells, {:.0} with: {:.2} and {:.2} runs/s; {:.1} B of runs a row, {:.2} of cells",
            per_row(without),
            per_row(with),
            1.0 / without.as_secs_f64(),
            1.0 / with.as_secs_f64(),
            runs as f64 / ROWS as f64,
            cells as f64 / ROWS as f64
        );
    }
}

/// How long the best of three runs took, and the bytes of a run and its cells.
fn write(orgs: usize, with_cells: bool) -> (Duration, u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::open(&folder.path().join("history")).unwrap();
    let cells = with_cells.then(|| Cells::open(&folder.path().join("cells"), &runs).unwrap());
    let shelf = Arc::new(Shelf::over(runs, cells));
    let history = History::new(Arc::clone(&shelf), Limits { rows: 1 << 20, bytes: 1 << 30 }, 0);
    let mut partition = Partition::new(Arc::default(), Commons::default(), history);
    let mut seq = 0;
    let mut apply = |partition: &mut Partition, draft: Draft| {
        seq += 1;
        partition.apply(&Record { seq, at: clock::now(), draft }, &mut Deaf).unwrap();
    };
    load::catalog().into_iter().for_each(|draft| apply(&mut partition, draft));
    let names = (0..orgs).map(|n| if orgs == 1 { "year".to_owned() } else { format!("org-{n}") });
    names.flat_map(|name| load::org(&name)).for_each(|draft| apply(&mut partition, draft));
    partition.history().seal();
    shelf.write_next(1).unwrap();
    let mut best = Duration::MAX;
    for run in 2..5_u32 {
        let first = u64::from(run) * ROWS / load::EVENTS_OF_MESSAGE;
        (first..first + ROWS / load::EVENTS_OF_MESSAGE)
            .for_each(|n| apply(&mut partition, load::message(n, orgs)));
        partition.history().seal();
        let watch = Stopwatch::start();
        assert!(shelf.write_next(run).unwrap().is_some());
        best = best.min(watch.elapsed());
    }
    let size = |path: &str| std::fs::metadata(folder.path().join(path)).map_or(0, |file| file.len());
    (best, size("history/run-0000000004.run"), size("cells/cells-0-0000000003.cells"))
}
