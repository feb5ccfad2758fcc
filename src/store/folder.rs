//! A folder of numbered files (`run-0000000042.run`), each of which appears whole or not at all.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::store::error::StoreError;

/// What a file is called until it is whole.
const UNFINISHED: &str = "unfinished";

/// A folder of numbered files of one kind.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    kind: &'static str,
    extension: &'static str,
}

impl Folder {
    /// Opens the folder, which is made if it is not there, and removes what a crash left unfinished.
    pub(super) fn open(path: &Path, kind: &'static str, extension: &'static str) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(StoreError::io(path, "created"))?;
        let folder = Folder { path: path.to_owned(), kind, extension };
        for name in folder.names()? {
            if name.strip_suffix(UNFINISHED).is_some_and(|name| folder.number(name).is_some()) {
                let file = path.join(name);
                fs::remove_file(&file).map_err(StoreError::io(&file, "removed"))?;
            }
        }
        Ok(folder)
    }

    /// The numbers of the files that are there, ascending. Other files are left alone.
    pub(super) fn list(&self) -> Result<Vec<u32>, StoreError> {
        let mut numbers: Vec<u32> =
            self.names()?.iter().filter_map(|name| self.number(name.strip_suffix(self.extension)?)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Where the file of that number is.
    pub(super) fn file(&self, number: u32) -> PathBuf {
        self.path.join(format!("{}-{number:010}.{}", self.kind, self.extension))
    }

    /// Begins the file of that number, under a name that says it is unfinished.
    pub(super) fn create(&self, number: u32) -> Result<NewFile, StoreError> {
        let path = self.file(number);
        if path.exists() {
            return Err(StoreError::Exists { path });
        }
        let unfinished = path.with_extension(UNFINISHED);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&unfinished)
            .map_err(StoreError::io(&unfinished, "created"))?;
        Ok(NewFile { file, unfinished, path, folder: self.path.clone(), len: 0, synced: 0, finished: false })
    }

    /// Deletes the file of that number, for good once [`Folder::sync`] was called.
    pub(super) fn remove(&self, number: u32) -> Result<(), StoreError> {
        let path = self.file(number);
        fs::remove_file(&path).map_err(StoreError::io(&path, "removed"))
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        sync(&self.path)
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = fs::read_dir(&self.path).map_err(StoreError::io(&self.path, "read"))?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(StoreError::io(&self.path, "read"))?.file_name();
            names.extend(name.into_string().ok());
        }
        Ok(names)
    }

    /// The number in a name without its extension (`run-0000000042.`).
    fn number(&self, stem: &str) -> Option<u32> {
        let digits = stem.strip_prefix(self.kind)?.strip_prefix('-')?.strip_suffix('.')?;
        (digits.len() == 10).then(|| digits.parse().ok())?
    }
}

/// Makes the names in a folder durable.
fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(StoreError::io(path, "synced"))
}

/// A file that is being written and has no name yet. Dropped before [`NewFile::finish`], it is gone.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    unfinished: PathBuf,
    path: PathBuf,
    folder: PathBuf,
    len: u64,
    synced: u64,
    finished: bool,
}

/// So many bytes are synced at a time: one large sync at the end would hold up whoever else syncs on this disk, and
/// the log does so for every group of events.
const SYNC_EVERY: u64 = 4 << 20;

impl NewFile {
    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all_at(bytes, self.len).map_err(StoreError::io(&self.unfinished, "written"))?;
        self.len += bytes.len() as u64;
        if self.len - self.synced >= SYNC_EVERY {
            self.file.sync_data().map_err(StoreError::io(&self.unfinished, "synced"))?;
            self.synced = self.len;
        }
        Ok(())
    }

    /// The bytes written so far, which is where the next ones go.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The name it will have.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file durable under its name, and hands it over.
    pub(super) fn finish(mut self) -> Result<File, StoreError> {
        self.file.sync_all().map_err(StoreError::io(&self.unfinished, "synced"))?;
        let file = self.file.try_clone().map_err(StoreError::io(&self.unfinished, "opened"))?;
        fs::rename(&self.unfinished, &self.path).map_err(StoreError::io(&self.path, "named"))?;
        if let Err(error) = sync(&self.folder) {
            // The name may not last: back to the name that a drop, or the next start, removes.
            fs::rename(&self.path, &self.unfinished).map_err(StoreError::io(&self.path, "named back"))?;
            return Err(error);
        }
        self.finished = true;
        Ok(file)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // What cannot be removed now, the next start removes.
        if !self.finished && fs::remove_file(&self.unfinished).is_err() {
            tracing::warn!(file = %self.unfinished.display(), "an unfinished file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), "run", "run").unwrap();
        let mut abandoned = folder.create(7).unwrap();
        abandoned.write(b"half").unwrap();
        assert!(folder.list().unwrap().is_empty());
        drop(abandoned);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

        let mut file = folder.create(7).unwrap();
        file.write(b"wh").unwrap();
        file.write(b"ole").unwrap();
        assert_eq!(file.len(), 5);
        file.finish().unwrap();
        assert_eq!(folder.list().unwrap(), [7]);
        assert_eq!(fs::read(folder.file(7)).unwrap(), b"whole");
        assert!(matches!(folder.create(7), Err(StoreError::Exists { .. })));
        folder.remove(7).unwrap();
        folder.sync().unwrap();
        assert!(folder.list().unwrap().is_empty());
    }

    #[test]
    fn opening_removes_what_a_crash_left_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["run-0000000003.run", "run-0000000004.unfinished", "run-4.run", "notes.unfinished"];
        names.iter().for_each(|name| fs::write(dir.path().join(name), b"x").unwrap());
        let folder = Folder::open(dir.path(), "run", "run").unwrap();
        assert_eq!(folder.list().unwrap(), [3]);
        assert!(!dir.path().join("run-0000000004.unfinished").exists());
        assert!(dir.path().join("notes.unfinished").exists());
    }
}
