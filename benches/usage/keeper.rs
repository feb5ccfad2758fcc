//! What writing costs: buffers written as runs by the keeper, and cut into cells by the thread behind it.

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
        let Best { written, cut, bytes: [run, cells] } = write(orgs);
        let per_row = |time: Duration| time.as_secs_f64() * 1e9 / ROWS as f64;
        println!(
            "keeper, {what}: {:.0} ns a row and {:.1} B; cells {:.0} ns a row, on a thread of their own, and {:.2} B",
            per_row(written),
            run as f64 / ROWS as f64,
            per_row(cut),
            cells as f64 / ROWS as f64
        );
    }
}

/// How long the best of three runs and its cells took, and their bytes.
struct Best {
    written: Duration,
    cut: Duration,
    bytes: [u64; 2],
}

fn write(orgs: usize) -> Best {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::open(&folder.path().join("history")).unwrap();
    let cells = Cells::open(&folder.path().join("cells"), &runs).unwrap();
    let shelf = Arc::new(Shelf::over(runs, Some(cells)));
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
    let tend = || while shelf.tend_cells(&|| true).unwrap() {};
    tend();
    let (mut written, mut cut) = (Duration::MAX, Duration::MAX);
    for run in 2..5_u32 {
        let first = u64::from(run) * ROWS / load::EVENTS_OF_MESSAGE;
        (first..first + ROWS / load::EVENTS_OF_MESSAGE)
            .for_each(|n| apply(&mut partition, load::message(n, orgs)));
        partition.history().seal();
        let watch = Stopwatch::start();
        assert!(shelf.write_next(run).unwrap().is_some());
        written = written.min(watch.elapsed());
        let watch = Stopwatch::start();
        tend();
        cut = cut.min(watch.elapsed());
    }
    let size = |path: &str| std::fs::metadata(folder.path().join(path)).map_or(0, |file| file.len());
    Best { written, cut, bytes: [size("history/run-0000000004.run"), size("cells/cells-0-0000000003.cells")] }
}
