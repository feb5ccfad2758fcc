//! A partition whose every step the test takes: records, runs, cells, checkpoints and crashes.

use std::path::Path;
use std::sync::Arc;

use creditd::book::cells::Cells;
use creditd::book::keeper::Meta;
use creditd::book::partition::{Item, Listener, Partition};
use creditd::book::pipeline::{Glance, Look};
use creditd::book::recovery::recover;
use creditd::book::stretch::Start;
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::units::Timestamp;
use creditd::log::{Draft, Fingerprint, Record};
use creditd::query::{Parameters, Sources, UsageError, usage_from};
use creditd::store::OrgKey;
use creditd::store::checkpoint::Checkpoints;
use creditd::store::codec;
use creditd::store::history::Limits;
use serde_json::Value;

/// Small, so that buffers are sealed in the middle of a record too.
const LIMITS: Limits = Limits { rows: 7, bytes: 1 << 20 };

/// A partition on disk, with the log that it can be replayed from.
pub(super) struct Stepped {
    folder: tempfile::TempDir,
    log: Vec<Record>,
    partition: Partition,
    checkpoints: Checkpoints,
    run: u32,
    /// The last record whose rows are in runs, by the newest checkpoint.
    sealed: Fingerprint,
}

struct Deaf;

impl Listener for Deaf {
    fn outcome(&mut self, _: &Record, _: Item<'_>, _: &Outcome) {}
    fn effect(&mut self, _: &str, _: &Effect) {}
}

impl Stepped {
    pub(super) fn new() -> Stepped {
        let folder = tempfile::tempdir().unwrap();
        let (partition, checkpoints, run, sealed) = Stepped::recovered(folder.path());
        Stepped { folder, log: Vec::new(), partition, checkpoints, run, sealed }
    }

    fn recovered(folder: &Path) -> (Partition, Checkpoints, u32, Fingerprint) {
        let recovered = recover(folder, u64::MAX, LIMITS).unwrap();
        assert!(recovered.findings.is_empty(), "{:?}", recovered.findings);
        (recovered.partition, recovered.checkpoints, recovered.run, recovered.sealed)
    }

    fn records(&self) -> u64 {
        self.log.len() as u64
    }

    /// Whether records are applied again that were before a crash.
    pub(super) fn is_replay(&self) -> bool {
        self.partition.commons().seq < self.records()
    }

    /// Appends a record, and applies it unless a replay is under way.
    pub(super) fn write(&mut self, subject: &str, at: Timestamp, items: &[Value]) {
        let payload: Vec<String> = items.iter().map(Value::to_string).collect();
        let draft =
            Draft { subject: subject.to_owned(), payload: payload.join("\n").into(), ..Draft::default() };
        let replays = self.is_replay();
        self.log.push(Record { seq: self.records() + 1, at, draft });
        if !replays {
            self.replay(1);
        }
    }

    /// Applies so many of the records that are not applied yet.
    pub(super) fn replay(&mut self, most: usize) {
        let next = usize::try_from(self.partition.commons().seq).unwrap();
        for record in self.log.iter().skip(next).take(most) {
            self.partition.apply(record, &mut Deaf).unwrap();
        }
    }

    /// Writes what is sealed, or all of it.
    pub(super) fn write_runs(&mut self, all: bool) {
        if all {
            self.partition.history().seal();
        }
        let shelf = Arc::clone(self.partition.history().shelf());
        while shelf.write_next(self.run + 1).unwrap().is_some() {
            self.run += 1;
        }
    }

    /// Takes a checkpoint: cut, then so many records, then sealed.
    pub(super) fn checkpoint(&mut self, records: usize) {
        if self.is_replay() {
            return;
        }
        let at_cut = self.fingerprint();
        let commons = self.partition.commons().clone();
        let orgs: Vec<(OrgKey, Vec<u8>)> = (0..)
            .map(OrgKey)
            .zip(self.partition.names())
            .map(|(key, name)| {
                let mut bytes = Vec::new();
                let encode = |slot: &creditd::book::Slot, bytes: &mut Vec<u8>| {
                    codec::encode_into(&(&**name, &slot.org), bytes).unwrap();
                };
                self.partition.book().read(name, |slot| encode(slot, &mut bytes)).unwrap();
                (key, bytes)
            })
            .collect();
        for _ in 0..records {
            let at = self.partition.commons().at;
            let event = serde_json::json!({ "type": "action", "id": format!("meanwhile-{}", self.records()), "action": "mail" });
            self.write("credits.events.acme", at, &[event]);
        }
        self.write_runs(true);
        let sealed = self.fingerprint();
        let mut section = self.checkpoints.begin_base().unwrap();
        orgs.iter().for_each(|(key, bytes)| section.put(*key, bytes).unwrap());
        let heads = self.partition.history().shelf().heads();
        heads.into_iter().for_each(|(key, block)| section.head(key, block).unwrap());
        let meta = Meta {
            cut: at_cut,
            sealed: sealed.clone(),
            commons,
            run: self.run,
            outbox: Vec::new(),
            kept_from: None,
        };
        let mut bytes = Vec::new();
        codec::encode_into(&meta, &mut bytes).unwrap();
        section.commit(&bytes).unwrap();
        self.sealed = sealed;
        self.cells().commit(self.run);
    }

    /// Whether the organization is there: a crash may have taken it back.
    pub(super) fn knows_acme(&self) -> bool {
        self.partition.book().read("acme", |_| ()).is_some()
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint { seq: self.partition.commons().seq, ..Fingerprint::default() }
    }

    /// Ends as a crash would, and starts from the newest checkpoint; nothing is replayed yet.
    pub(super) fn crash(&mut self) {
        let (partition, checkpoints, run, sealed) = Stepped::recovered(self.folder.path());
        (self.partition, self.checkpoints, self.run, self.sealed) = (partition, checkpoints, run, sealed);
    }

    fn cells(&self) -> &Cells {
        self.partition.past().shelf().cells().unwrap()
    }

    /// Makes cells and merges, so many times or until nothing is left to do.
    pub(super) fn tend(&mut self, most: usize) {
        let shelf = Arc::clone(self.partition.past().shelf());
        // What is damaged is thrown away, and made again.
        let is_done = (0..most).any(|_| shelf.tend_cells(&|| true).is_ok_and(|did| !did));
        assert!(is_done || most < 1_000, "the cells are never done");
    }

    /// Takes a file of cells away, or turns one of its bytes.
    pub(super) fn harm(&mut self, which: usize, byte: Option<usize>) {
        let files = std::fs::read_dir(self.folder.path().join("cells")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let Some(file) = files.get(which.checked_rem(files.len()).unwrap_or(0)) else { return };
        match byte {
            None => std::fs::remove_file(file).unwrap(),
            Some(at) => {
                let mut bytes = std::fs::read(file).unwrap();
                let at = at % bytes.len();
                bytes[at] ^= 0x10;
                std::fs::write(file, bytes).unwrap();
            }
        }
    }

    /// Asks once of the cells and once of the rows. Answers both, and from what the first was added up.
    pub(super) fn ask(
        &self,
        query: &[(String, String)],
        now: Timestamp,
    ) -> ([Result<Value, String>; 2], &'static str) {
        let from = std::cell::Cell::new("nothing");
        let name = "acme";
        let read = || self.partition.book().read(name, |slot| (slot.key, slot.org.position(), slot.org.at()));
        let is_replay = self.partition.commons().seq < self.sealed.seq;
        let stretch = |start: Start| -> Result<Option<Glance>, &'static str> {
            Ok(read().map(|(key, position, at)| Glance {
                position,
                at,
                is_replay,
                stretch: self.partition.past().stretch(key, start),
            }))
        };
        let look = || -> Result<Option<Look>, &'static str> {
            let found = self.partition.book().read(name, |slot| (Box::new(slot.org.without_ids()), slot.key));
            Ok(found.map(|(org, key)| Look { org, past: self.partition.past().past(key) }))
        };
        let told = |one| from.set(one);
        let book = &**self.partition.book();
        let mut sources = Sources {
            book,
            cells: Some(self.cells()),
            stretch: &stretch,
            look: &look,
            kept_from: None,
            told: &told,
        };
        let answer = |sources: &Sources<'_>| {
            let given = Parameters::of_pairs(query.iter().cloned());
            match usage_from(sources, name, given, now) {
                Err(UsageError::Refused(refused)) => Err(refused.why),
                told => Ok(serde_json::to_value(told.unwrap().unwrap()).unwrap()),
            }
        };
        let by_cells = answer(&sources);
        let told_by = from.get();
        sources.cells = None;
        ([by_cells, answer(&sources)], told_by)
    }
}
