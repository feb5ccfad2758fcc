//! Why something about access could not be done.

use std::io;
use std::path::{Path, PathBuf};

/// Why something about access could not be done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The disk refused.
    #[error(
        "{path} cannot be {verb}: {source}; nothing was changed. The user that runs creditd must own the folder"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what was written to it.
    #[error(
        "{path} is damaged: {why}. Restore it from a backup, or remove it: then there are no tokens, and new ones must be created"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// What was asked for cannot be.
    #[error("{field}: {why}")]
    Invalid {
        /// Which part of it.
        field: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
    /// There is no such token, or it is over.
    #[error("there is no token {0:?} that is in force; `creditd token list` names them")]
    Unknown(String),
    /// The system has no randomness to give.
    #[error("the system gives no random numbers; try again")]
    NoRandomness,
}

impl AccessError {
    pub(super) fn io(path: &Path, verb: &'static str) -> impl FnOnce(io::Error) -> AccessError {
        move |source| AccessError::Io { path: path.to_owned(), verb, source }
    }

    pub(super) fn invalid(field: &'static str, why: String) -> AccessError {
        AccessError::Invalid { field, why }
    }
}
