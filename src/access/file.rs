//! The file of the tokens: replaced as a whole, under a lock, so that the command line may change it beside a daemon.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::AccessError;
use super::folder::Folder;
use super::token::Token;

/// The form that is written.
const VERSION: u32 = 1;
const NAME: &str = "tokens.json";
const UNFINISHED: &str = "tokens.unfinished";

/// Where the tokens are.
#[derive(Clone, Debug)]
pub(super) struct TokenFile {
    data: PathBuf,
    path: PathBuf,
}

/// What tells one state of the file from the next: each is a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(told: &Metadata) -> Stamp {
        Stamp { inode: told.ino(), length: told.len(), changed: (told.mtime(), told.mtime_nsec()) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    tokens: Vec<Token>,
}

/// Held while the file is changed.
pub(super) struct Held {
    folder: Folder,
    _lock: File,
}

impl TokenFile {
    /// The file in a data folder. It need not be there.
    pub(super) fn in_folder(data: &Path) -> TokenFile {
        TokenFile { data: data.to_owned(), path: data.join("access").join(NAME) }
    }

    /// What the file is now; `None` where there is none.
    pub(super) fn stamp(&self) -> Result<Option<Stamp>, AccessError> {
        match fs::metadata(&self.path) {
            Ok(told) => Ok(Some(Stamp::of(&told))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AccessError::io(&self.path, "read")(error)),
        }
    }

    /// Reads the tokens. Without a file there are none.
    pub(super) fn read(&self) -> Result<Vec<Token>, AccessError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(AccessError::io(&self.path, "read")(error)),
        };
        let damaged = |why: String| AccessError::Damaged { path: self.path.clone(), why };
        let content: Content = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if content.version != VERSION {
            return Err(damaged(format!("it is of version {}, not {VERSION}", content.version)));
        }
        Ok(content.tokens)
    }

    /// Waits until nobody else changes the file, and keeps others from it.
    pub(super) fn hold(&self) -> Result<Held, AccessError> {
        let folder = Folder::within(&self.data, &["access"])?;
        let failed = || AccessError::io(&self.path, "locked");
        let lock = folder.append("lock").map_err(failed())?;
        lock.lock().map_err(failed())?;
        Ok(Held { folder, _lock: lock })
    }

    /// Replaces the file. Whoever reads it finds the tokens of before or these.
    pub(super) fn replace(&self, held: &Held, tokens: Vec<Token>) -> Result<Vec<Token>, AccessError> {
        let content = Content { version: VERSION, tokens };
        let failed = || AccessError::io(&self.path, "written");
        let text = serde_json::to_vec(&content).map_err(io::Error::from).map_err(failed())?;
        let folder = &held.folder;
        let mut file = folder.create(UNFINISHED).map_err(failed())?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed())?;
        folder.rename(UNFINISHED, NAME).and_then(|()| folder.sync()).map_err(failed())?;
        Ok(content.tokens)
    }
}
