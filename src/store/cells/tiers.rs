//! The files of cells of a partition, in tiers: a file of the lowest covers one run, one of the next eight, and so on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::merge::merge;
use super::{CellsFile, Writer};
use crate::store::StoreError;
use crate::store::folder::{Folder, NewFile};
use crate::store::history::{Runs, Summary};

/// So many files of a tier become one of the next.
const FANOUT: u32 = 8;
/// The names of the tiers. The highest covers more runs than there are numbers for.
const NAMES: [&str; 11] = [
    "cells-0", "cells-1", "cells-2", "cells-3", "cells-4", "cells-5", "cells-6", "cells-7", "cells-8",
    "cells-9", "cells-10",
];

/// A file by its tier and its number in it, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tier {
    tier: usize,
    number: u32,
}

impl Tier {
    /// The file of one run.
    #[must_use]
    pub fn of_run(run: u32) -> Tier {
        Tier { tier: 0, number: run.saturating_sub(1) }
    }

    fn runs(self) -> u64 {
        u64::from(FANOUT).pow(u32::try_from(self.tier).unwrap_or_default())
    }

    /// The first and the last run that it covers.
    fn covers(self) -> (u64, u64) {
        let before = u64::from(self.number).saturating_mul(self.runs());
        (before + 1, before + self.runs())
    }

    /// The file of the next tier that covers its runs too.
    fn parent(self) -> Option<Tier> {
        (self.tier + 1 < NAMES.len()).then(|| Tier { tier: self.tier + 1, number: self.number / FANOUT })
    }

    /// The files that become this one.
    fn children(self) -> impl Iterator<Item = Tier> {
        let below = self.tier.checked_sub(1);
        let first = self.number.saturating_mul(FANOUT);
        below.into_iter().flat_map(move |tier| {
            (0..FANOUT).map(move |nth| Tier { tier, number: first.saturating_add(nth) })
        })
    }
}

/// The files of cells. One thread writes and merges, any number read.
#[derive(Debug)]
pub struct Tiers {
    folders: Vec<Folder>,
    files: Mutex<BTreeMap<Tier, Arc<CellsFile>>>,
}

/// Files that cover all runs up to one, each run once.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    /// The files.
    pub files: Vec<(Tier, Arc<CellsFile>)>,
    /// The last run that is covered.
    pub upto: u32,
}

impl Tiers {
    /// Opens the folder, which is made if it is not there. What a crash left, and what is not of these runs, is removed, as far as it can
    /// be made again.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(path: &Path, runs: &Runs) -> Result<Tiers, StoreError> {
        let folders: Vec<Folder> =
            NAMES.iter().map(|name| Folder::open(path, name, "cells")).collect::<Result<_, _>>()?;
        let mut files = BTreeMap::new();
        for (tier, folder) in folders.iter().enumerate() {
            for number in folder.list()? {
                let file = Tier { tier, number };
                match sound(folder, file, runs) {
                    Ok(open) => drop(files.insert(file, Arc::new(open))),
                    Err(why) if file.covers().0 < u64::from(runs.oldest()) => {
                        let path = folder.file(number);
                        tracing::error!(file = %path.display(), why, "cells of deleted rows cannot be used; restore the file from a backup");
                    }
                    Err(why) => {
                        tracing::warn!(file = %folder.file(number).display(), why, "cells are made again");
                        folder.remove(number)?;
                    }
                }
            }
        }
        let tiers = Tiers { folders, files: Mutex::new(files) };
        let merged: Vec<Tier> = tiers.files.lock().keys().filter(|file| file.tier > 0).copied().collect();
        merged.into_iter().for_each(|file| tiers.remove_children(file));
        Ok(tiers)
    }

    /// The files that cover the most runs from the first on.
    #[must_use]
    pub fn cover(&self) -> Cover {
        let files = self.files.lock();
        let mut cover = Cover::default();
        while let Some((file, upto)) = behind(&files, cover.upto) {
            cover.files.extend(files.get(&file).map(|open| (file, Arc::clone(open))));
            cover.upto = upto;
        }
        cover
    }

    /// Whether a run is covered.
    #[must_use]
    pub fn has(&self, run: u32) -> bool {
        let files = self.files.lock();
        std::iter::successors(Some(Tier::of_run(run)), |file| file.parent())
            .any(|file| files.contains_key(&file))
    }

    /// The first run behind `after`, up to another, that no file covers, those aside that are `left_out`.
    #[must_use]
    pub fn gap(&self, after: u32, upto: u32, left_out: &BTreeSet<Tier>) -> Option<u32> {
        let files = self.files.lock();
        let mut covered = 0;
        while covered < upto {
            let run = covered.saturating_add(1);
            match behind(&files, covered) {
                Some((_, upto)) => covered = upto,
                None if run <= after || left_out.contains(&Tier::of_run(run)) => covered = run,
                None => return Some(run),
            }
        }
        None
    }

    /// Writes the cells of a run, which `fill` hands over. Answers the bytes of the file.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses: nothing is left behind.
    pub fn write(
        &self,
        last: Summary,
        fill: impl FnOnce(&mut Writer) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let file = Tier::of_run(last.run);
        let mut writer = Writer::begin_file(self.create(file)?, last)?;
        fill(&mut writer)?;
        let bytes = writer.finish()?;
        self.insert(file)?;
        Ok(bytes)
    }

    /// Makes a file of the eight that it covers. Answers whether it did; `go_on` is asked on the way.
    ///
    /// # Errors
    /// [`StoreError`] where one of them is damaged, which is then thrown away, or the disk refuses.
    pub fn merge(&self, into: Tier, go_on: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        let inputs = inputs(&self.files.lock(), into);
        let Some((_, last)) = inputs.as_ref().and_then(|inputs| inputs.last()) else { return Ok(false) };
        let mut writer = Writer::begin_file(self.create(into)?, *last.last())?;
        let files: Vec<&CellsFile> = inputs.iter().flatten().map(|(_, file)| &**file).collect();
        match merge(&files, &mut writer, go_on) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => {
                let harmed = inputs.iter().flatten().filter(|(_, file)| is_harmed(file.path(), &error));
                harmed.for_each(|(file, _)| self.lose(*file));
                return Err(error);
            }
        }
        writer.finish()?;
        self.insert(into)?;
        self.remove_children(into);
        Ok(true)
    }

    /// A file whose eight are there, and all of whose runs are committed; none that is `left_out`.
    #[must_use]
    pub fn mergeable(&self, committed: u32, left_out: &BTreeSet<Tier>) -> Option<Tier> {
        let files = self.files.lock();
        let parents = files.keys().filter(|file| file.number % FANOUT == 0).filter_map(|file| file.parent());
        let is_wanted = |into: &Tier| into.covers().1 <= u64::from(committed) && !left_out.contains(into);
        parents.filter(is_wanted).find(|into| inputs(&files, *into).is_some())
    }

    /// Throws a file away whose cells are not sound, or are not to be trusted.
    pub fn lose(&self, file: Tier) {
        if self.files.lock().remove(&file).is_some() {
            self.remove(file);
        }
    }

    /// The same, if an error says that it does not hold what was written to it. A disk that refuses has harmed nothing.
    pub fn lose_harmed(&self, file: Tier, error: &StoreError) {
        if is_harmed(&self.folder(file).file(file.number), error) {
            self.lose(file);
        }
    }

    /// Deletes the files with runs newer than the one that the checkpoint knows.
    pub fn discard_after(&self, committed: Option<u32>) {
        let committed = u64::from(committed.unwrap_or(0));
        let newer: Vec<Tier> =
            self.files.lock().keys().filter(|file| file.covers().1 > committed).copied().collect();
        newer.into_iter().for_each(|file| self.lose(file));
    }

    /// How many files there are, and how many bytes they have.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        let files = self.files.lock();
        let bytes = files.keys().filter_map(|file| self.folder(*file).file(file.number).metadata().ok());
        (files.len(), bytes.map(|file| file.len()).sum())
    }

    fn folder(&self, file: Tier) -> &Folder {
        &self.folders[file.tier]
    }

    fn create(&self, file: Tier) -> Result<NewFile, StoreError> {
        let folder = self.folder(file);
        match folder.create(file.number) {
            Err(StoreError::Exists { .. }) if !self.files.lock().contains_key(&file) => {
                // It could not be removed, or not be opened, when it should have been.
                folder.remove(file.number)?;
                folder.create(file.number)
            }
            created => created,
        }
    }

    fn insert(&self, file: Tier) -> Result<(), StoreError> {
        let open = CellsFile::open(&self.folder(file).file(file.number))?;
        self.files.lock().insert(file, Arc::new(open));
        Ok(())
    }

    /// Deletes what a merged file stands for: all files below it, as a crash may have left some.
    fn remove_children(&self, of: Tier) {
        let below: Vec<Tier> = {
            let files = self.files.lock();
            let (first, last) = of.covers();
            let within =
                |file: &&Tier| file.tier < of.tier && first <= file.covers().0 && file.covers().1 <= last;
            files.keys().filter(within).copied().collect()
        };
        below.into_iter().for_each(|file| self.lose(file));
    }

    fn remove(&self, file: Tier) {
        if let Err(error) = self.folder(file).remove(file.number) {
            tracing::warn!(%error, "a file of cells stays for now");
        }
    }
}

/// The file that covers the most of the runs behind one, and the last of them.
fn behind(files: &BTreeMap<Tier, Arc<CellsFile>>, run: u32) -> Option<(Tier, u32)> {
    (0..NAMES.len()).rev().find_map(|tier| {
        let runs = Tier { tier, number: 0 }.runs();
        let number = u64::from(run).checked_div(runs).filter(|_| u64::from(run) % runs == 0)?;
        let file = Tier { tier, number: number.try_into().ok()? };
        let upto = file.covers().1.try_into().ok()?;
        files.contains_key(&file).then_some((file, upto))
    })
}

/// The files that become one, if all are there.
fn inputs(files: &BTreeMap<Tier, Arc<CellsFile>>, into: Tier) -> Option<Vec<(Tier, Arc<CellsFile>)>> {
    into.children().map(|file| Some((file, Arc::clone(files.get(&file)?)))).collect()
}

/// Whether an error says that a file does not hold what was written to it.
fn is_harmed(file: &Path, error: &StoreError) -> bool {
    match error {
        StoreError::Damaged { path, .. } => path == file,
        StoreError::Frame(error) => error.path() == file,
        _ => false,
    }
}

/// Opens a file, if it is what its name says.
fn sound(folder: &Folder, file: Tier, runs: &Runs) -> Result<CellsFile, String> {
    let open = CellsFile::open(&folder.file(file.number)).map_err(|error| error.to_string())?;
    if !open.is_of_this_layout() {
        return Err("it was written by another version".to_owned());
    }
    let last = u32::try_from(file.covers().1).map_err(|_| "there is no such run".to_owned())?;
    if last < runs.oldest() {
        // Its runs were deleted for their age: nothing else tells what they came to.
        return Ok(open);
    }
    let summary = runs.summary(last).map_err(|error| error.to_string())?;
    if summary == *open.last() { Ok(open) } else { Err("it is of other runs".to_owned()) }
}
