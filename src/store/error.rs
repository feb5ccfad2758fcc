//! Why the store could not be read or written.

use std::path::{Path, PathBuf};

use crate::ledger::units::Position;
use crate::store::OrgKey;
use crate::store::codec::CodecError;
use crate::store::frame::{FrameError, TooLarge};

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refused. What was being written is undone, and may be tried again.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "read", "written", "synced", …
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what was written to it.
    #[error("{path} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file the damaged frame starts, in bytes.
        offset: u64,
        /// What is wrong, what is lost, and what can be done.
        what: String,
    },
    /// A frame is not sound.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A block of history is not sound: the rows of an organization from there back cannot be reached.
    #[error(
        "history of organization {key}: {source}. Its rows up to {last} are out of reach: restore run {run} from a \
         backup, or replay the log from {first}; what older runs hold can be salvaged"
    )]
    BlockLost {
        /// Whose rows.
        key: OrgKey,
        /// The number of the run.
        run: u32,
        /// Where the run's first row stands in the log: no lost row of this run is before it.
        first: Position,
        /// No lost row of this run is behind it.
        last: Position,
        /// What is wrong.
        source: Box<StoreError>,
    },
    /// What the caller was handed is not what it knows how to decode.
    #[error("{path}, frame at byte {offset}, organization {key}: {source}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Where in the file the frame starts, in bytes.
        offset: u64,
        /// Whose value it is.
        key: OrgKey,
        /// What the codec said.
        source: CodecError,
    },
    /// A frame could not be encoded.
    #[error("the frame at byte {offset} of {path}: {source}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// Where in the file the frame would start, in bytes.
        offset: u64,
        /// What the codec said.
        source: CodecError,
    },
    /// A frame would be larger than a frame can be.
    #[error("the frame at byte {offset} of {path}: {source}")]
    Oversized {
        /// The file.
        path: PathBuf,
        /// Where in the file the frame would start, in bytes.
        offset: u64,
        /// How large it is.
        source: TooLarge,
    },
    /// One value is larger than a frame can be.
    #[error("{what} of organization {key} has {bytes} bytes; the store takes at most {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Whose it is.
        key: OrgKey,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A history row that an id leads to is not there.
    #[error(
        "the history row of organization {key} at {position} is missing: restore the history from a backup"
    )]
    RowMissing {
        /// Whose row.
        key: OrgKey,
        /// Where it stands in the log.
        position: Position,
    },
    /// A history row could not be encoded.
    #[error("the history row of organization {key} at {position}: {source}")]
    Row {
        /// Whose row.
        key: OrgKey,
        /// Where it stands in the log.
        position: Position,
        /// What the codec said.
        source: CodecError,
    },
    /// The description of a checkpoint could not be encoded or decoded.
    #[error("the description of a checkpoint: {source}")]
    Meta {
        /// What the codec said.
        source: CodecError,
    },
    /// The opaque part of a commit is larger than a frame can be.
    #[error("the description of a checkpoint has {bytes} bytes; the store takes at most {limit}")]
    MetaTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// There is no sound generation that an increment could be appended to.
    #[error("there is no sound checkpoint to append to: write a base first")]
    BaseNeeded,
    /// An earlier write of this section failed.
    #[error("an earlier write of this section failed; drop it and begin another")]
    SectionFailed,
    /// A row came in behind one that is later in the log.
    #[error("row {position} came after row {last}: rows are pushed in the order of the log")]
    OutOfOrder {
        /// Where the row stands in the log.
        position: Position,
        /// Where the row before it stands.
        last: Position,
    },
    /// The buffer holds as much as it may.
    #[error("the history buffer is full ({rows} rows): write it as a run first")]
    BufferFull {
        /// The rows in it.
        rows: usize,
    },
    /// A run that a block chain leads to is not there.
    #[error("{path}, which holds rows of organization {key}, is not there: restore it from a backup")]
    RunMissing {
        /// Where it should be.
        path: PathBuf,
        /// Whose chain leads there.
        key: OrgKey,
    },
    /// There is a file of that number already.
    #[error("{path} is there already: a committed file is never written over")]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

impl StoreError {
    /// Names what the system refused: `.map_err(StoreError::io(path, "read"))`.
    pub(super) fn io<'a>(
        path: &'a Path,
        verb: &'static str,
    ) -> impl FnOnce(std::io::Error) -> StoreError + 'a {
        move |source| StoreError::Io { path: path.to_owned(), verb, source }
    }
}
