//! The folder of runs: writing one, finding one, deleting old ones.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::run::{self, Summary, Written};
use super::{BlockRef, Buffer};
use crate::store::folder::Folder;
use crate::store::{OrgKey, StoreError, codec, frame};

/// The most run files that are kept open.
const OPEN_FILES: usize = 128;

/// The runs of one partition. One thread writes and deletes, any number read.
#[derive(Debug)]
pub struct Runs {
    folder: Folder,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    present: BTreeSet<u32>,
    /// Open files, the one used last at the end.
    open: Vec<(u32, Arc<RunFile>)>,
}

/// An open run.
#[derive(Debug)]
pub(super) struct RunFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl Runs {
    /// Opens the folder, which is made if it is not there, and removes what a crash left unfinished.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(folder: &Path) -> Result<Runs, StoreError> {
        let folder = Folder::open(folder, "run", "run")?;
        let present = folder.list()?.into_iter().collect();
        Ok(Runs { folder, state: Mutex::new(State { present, open: Vec::new() }) })
    }

    /// Writes the buffer's rows as the run of that number, durably; `prev` tells each organization's newest
    /// block so far. An empty buffer makes no run. The buffer stays as it is: clear it once readers know the new
    /// heads.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses, for one because it is full: nothing is left behind and the next
    /// try may work. [`StoreError::Exists`] when there is a run of that number already.
    pub fn write(
        &self,
        run: u32,
        buffer: &Buffer,
        prev: impl Fn(OrgKey) -> Option<BlockRef>,
    ) -> Result<Option<Written>, StoreError> {
        let written = run::write(&self.folder, run, buffer, prev)?;
        if written.is_some() {
            self.state.lock().present.insert(run);
        }
        Ok(written)
    }

    /// The numbers of the runs that are there, ascending.
    #[must_use]
    pub fn list(&self) -> Vec<u32> {
        self.state.lock().present.iter().copied().collect()
    }

    /// The number of the oldest run that is there; 0 where there is none.
    #[must_use]
    pub fn oldest(&self) -> u32 {
        self.state.lock().present.first().copied().unwrap_or(0)
    }

    /// What a run holds, read from its first frame.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is not there, [`StoreError::Frame`] and [`StoreError::Damaged`] when its first
    /// frame is not sound.
    pub fn summary(&self, run: u32) -> Result<Summary, StoreError> {
        let run = self.file(run)?;
        let mut payload = Vec::new();
        let kind = frame::read_at(&run.file, &run.path, 0, &mut payload)?;
        let summary = (kind == run::HEADER).then(|| codec::decode(&payload).ok()).flatten();
        summary.ok_or_else(|| {
            let what = "its first frame is not that of a run: restore the file from a backup".to_owned();
            StoreError::Damaged { path: run.path.clone(), offset: 0, what }
        })
    }

    /// Deletes the runs newer than the one that the checkpoint knows (all, if it knows none): what a crash left
    /// between writing a run and committing it. Answers their numbers.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn discard_after(&self, committed: Option<u32>) -> Result<Vec<u32>, StoreError> {
        self.delete(|state| match committed {
            Some(run) => state.present.iter().copied().filter(|number| *number > run).collect(),
            None => state.present.iter().copied().collect(),
        })
    }

    /// Deletes the runs older than that one, but never the newest: it marks where history begins. From then on
    /// every chain ends where it leads into a deleted run. Answers their numbers.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn delete_before(&self, run: u32) -> Result<Vec<u32>, StoreError> {
        self.delete(|state| {
            let keep = state.present.last().map_or(0, |newest| run.min(*newest));
            state.present.range(..keep).copied().collect()
        })
    }

    /// Deletes oldest first, so that a crash on the way leaves no hole.
    fn delete(&self, choose: impl FnOnce(&State) -> Vec<u32>) -> Result<Vec<u32>, StoreError> {
        let chosen = choose(&self.state.lock());
        for run in &chosen {
            let mut state = self.state.lock();
            state.present.remove(run);
            state.open.retain(|(number, _)| number != run);
            drop(state);
            // Whoever follows a chain meanwhile takes it for deleted; what cannot be deleted is there again.
            if let Err(error) = self.folder.remove(*run) {
                self.state.lock().present.insert(*run);
                return Err(error);
            }
        }
        if !chosen.is_empty() {
            self.folder.sync()?;
        }
        Ok(chosen)
    }

    /// The run that a chain of that organization leads to; `None` when it was deleted for its age.
    pub(super) fn of_chain(&self, run: u32, key: OrgKey) -> Result<Option<Arc<RunFile>>, StoreError> {
        if self.is_deleted(run) {
            return Ok(None);
        }
        match self.file(run) {
            Err(StoreError::Io { path, source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                // It may have been deleted just now.
                if self.is_deleted(run) { Ok(None) } else { Err(StoreError::RunMissing { path, key }) }
            }
            found => found.map(Some),
        }
    }

    fn is_deleted(&self, run: u32) -> bool {
        self.state.lock().present.first().is_some_and(|oldest| run < *oldest)
    }

    pub(super) fn file(&self, run: u32) -> Result<Arc<RunFile>, StoreError> {
        let mut state = self.state.lock();
        if let Some(at) = state.open.iter().rposition(|(number, _)| *number == run) {
            state.open[at..].rotate_left(1);
            if let Some((_, file)) = state.open.last() {
                return Ok(Arc::clone(file));
            }
        }
        drop(state);
        let path = self.folder.file(run);
        let file = File::open(&path).map_err(StoreError::io(&path, "opened"))?;
        let file = Arc::new(RunFile { file, path });
        let mut state = self.state.lock();
        if state.present.contains(&run) {
            if state.open.len() >= OPEN_FILES {
                state.open.remove(0);
            }
            state.open.push((run, Arc::clone(&file)));
        }
        Ok(file)
    }
}
