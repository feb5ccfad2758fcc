//! What was sent, on disk: a file for each report, which appears whole or not at all.
//!
//! It is written before the first attempt and after each. So what a crash cuts off was either never begun, or is tried again: a mail that the
//! server took and of which the file does not tell yet goes out once more, under the same Message-ID.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Key;
use super::sending::Past;
use crate::store::codec::{self, CodecError};
use crate::store::frame::{self, FrameError};

/// The frame of what is kept of a report.
const KIND_PAST: u8 = 1;
/// What the files end in; while they are written, and where they are damaged.
const ENDING: &str = "report";
const UNFINISHED: &str = "unfinished";
const DAMAGED: &str = "damaged";

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refused.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Another version of creditd wrote it.
    #[error(transparent)]
    Version(FrameError),
    /// It cannot be encoded.
    #[error("what is kept of a report cannot be encoded: {0}")]
    Encode(#[from] CodecError),
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    org: String,
    id: String,
    past: Past,
}

/// The folder of the journal.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// Opens the journal in a folder, which is made if it is not there, with all that it holds. A file that is not what was written is set
    /// aside, and what it told is forgotten: its report's last period may be sent once more, under the same Message-ID.
    pub(super) fn open(folder: &Path) -> Result<(Journal, BTreeMap<Key, Past>), JournalError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| failed(folder, "created", source))?;
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(|source| failed(folder, "listed", source))? {
            let path = entry.map_err(|source| failed(folder, "listed", source))?.path();
            match path.extension().and_then(|ending| ending.to_str()) {
                Some(ENDING) => all.extend(read(&path)?),
                Some(UNFINISHED) => {
                    fs::remove_file(&path).map_err(|source| failed(&path, "removed", source))?;
                }
                _ => {}
            }
        }
        Ok((Journal { folder: folder.to_owned() }, all))
    }

    /// Puts what is kept of a report on disk.
    pub(super) fn write(&self, key: &Key, past: &Past) -> Result<(), JournalError> {
        let kept = Kept { org: key.org.clone(), id: key.id.clone(), past: past.clone() };
        let mut encoded = Vec::new();
        codec::encode_into(&kept, &mut encoded)?;
        let (path, folder) = (self.path(key), &self.folder);
        let unfinished = path.with_extension(UNFINISHED);
        let mut options = File::options();
        // It holds addresses: for nobody but us.
        options.write(true).create(true).truncate(true).mode(0o600);
        let write = || {
            let mut file = options.open(&unfinished)?;
            frame::write(&mut file, KIND_PAST, &encoded)?;
            file.flush()?;
            file.sync_all()
        };
        write().map_err(|source| failed(&unfinished, "written", source))?;
        fs::rename(&unfinished, &path).map_err(|source| failed(&path, "named", source))?;
        sync(folder)
    }

    /// Forgets a report.
    pub(super) fn remove(&self, key: &Key) -> Result<(), JournalError> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Ok(()) => sync(&self.folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(failed(&path, "removed", source)),
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name = xxhash_rust::xxh3::xxh3_128(format!("{}\0{}", key.org, key.id).as_bytes());
        self.folder.join(format!("{name:032x}.{ENDING}"))
    }
}

/// What a file holds; nothing where it is not what was written.
fn read(path: &Path) -> Result<Option<(Key, Past)>, JournalError> {
    let file = File::open(path).map_err(|source| failed(path, "opened", source))?;
    let mut payload = Vec::new();
    let damage = match frame::read_at(&file, path, 0, &mut payload) {
        Ok(_) => match codec::decode::<Kept>(&payload) {
            Ok(Kept { org, id, past }) => return Ok(Some((Key { org, id }, past))),
            Err(error) => error.to_string(),
        },
        Err(error @ FrameError::Version { .. }) => return Err(JournalError::Version(error)),
        Err(FrameError::Io { source, .. }) => return Err(failed(path, "read", source)),
        Err(error) => error.to_string(),
    };
    tracing::warn!(file = %path.display(), %damage, "what was sent of a report is forgotten; the file is kept with the ending .{DAMAGED}");
    fs::rename(path, path.with_extension(DAMAGED)).map_err(|source| failed(path, "set aside", source))?;
    Ok(None)
}

fn failed(path: &Path, verb: &'static str, source: io::Error) -> JournalError {
    JournalError::Io { path: path.to_owned(), verb, source }
}

/// Makes the names in a folder durable.
fn sync(folder: &Path) -> Result<(), JournalError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| failed(folder, "synced", source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::units::Timestamp;

    fn key(id: &str) -> Key {
        Key { org: "acme".to_owned(), id: id.to_owned() }
    }

    fn past(micros: i64) -> Past {
        Past { handled: Some(Timestamp::from_micros(micros)), ..Past::default() }
    }

    #[test]
    fn what_was_written_is_there_again_and_what_was_removed_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, all) = Journal::open(folder.path()).unwrap();
        assert!(all.is_empty());
        journal.write(&key("a"), &past(1)).unwrap();
        journal.write(&key("b"), &past(2)).unwrap();
        journal.write(&key("a"), &past(3)).unwrap();
        journal.remove(&key("b")).unwrap();
        journal.remove(&key("c")).unwrap();
        fs::write(folder.path().join("x.unfinished"), "half").unwrap();
        let (_, all) = Journal::open(folder.path()).unwrap();
        assert_eq!(all, BTreeMap::from([(key("a"), past(3))]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_the_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(folder.path()).unwrap();
        journal.write(&key("a"), &past(1)).unwrap();
        journal.write(&key("b"), &past(2)).unwrap();
        let mut bytes = fs::read(journal.path(&key("a"))).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(journal.path(&key("a")), bytes).unwrap();
        let (journal, all) = Journal::open(folder.path()).unwrap();
        assert_eq!(all, BTreeMap::from([(key("b"), past(2))]));
        assert!(journal.path(&key("a")).with_extension(DAMAGED).exists());
    }
}
