//! Checkpoints: the newest state of every organization, for a quick restart.
//!
//! A *generation* is one file: a *base*, in which every organization stands, and then *increments*, in which
//! those stand that have changed. Each of them is a *section*: frames of many items, closed by a *commit* frame
//! and made durable with it. A section without its commit never happened.
//!
//! ```text
//! checkpoint-0000000007.ckp   header · base: items… heads… commit · increment: items… heads… commit · …
//! ```
//!
//! Of an item that comes more than once the last one counts. When the increments outgrow the base, a new base
//! begins the next generation; the one before is kept, so that damage costs time (the log is replayed from
//! further back) and not credits.
//!
//! What a commit is good for, its owner says: it carries a description ([`Section::commit`]) that only its owner
//! can read, and [`Checkpoints::recover`] asks before it goes back to it.

mod scan;
mod section;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::store::codec::CodecError;
use crate::store::folder::Folder;
use crate::store::history::BlockRef;
use crate::store::{OrgKey, StoreError};

pub use section::Section;

/// A new base is due once the increments have this many times the bytes of the base.
const REBASE_RATIO: u64 = 1;
/// Increments up to this many bytes never ask for a new base: a small base is not rewritten all the time.
const REBASE_FLOOR: u64 = 4 << 20;
/// A new base is due after this many increments, however small.
const MAX_INCREMENTS: u32 = 10_000;
/// The sound generations that are always kept: one to go on from, and one to fall back to.
const KEPT: usize = 2;
/// The most bytes of one item and of the description of a commit.
const MAX_ITEM: usize = 40 << 20;

/// The checkpoints of one partition, in a folder of their own.
#[derive(Debug)]
pub struct Checkpoints {
    folder: Folder,
    /// The number of the newest generation there is, sound or not; 0 for none.
    newest: u32,
    /// The generation to which increments are appended.
    open: Option<Generation>,
}

/// A generation that is sound to its end.
#[derive(Debug)]
struct Generation {
    file: File,
    path: PathBuf,
    /// Where the base ends.
    base: u64,
    /// Where the last commit ends, in bytes.
    end: u64,
    increments: u32,
}

/// What is in a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The encoding of an organization.
    Org(OrgKey, &'a [u8]),
    /// The newest block of an organization's history.
    Head(OrgKey, BlockRef),
}

/// What [`Checkpoints::recover`] found.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The commit whose items were handed over; `None` when there is no usable one, and none were.
    pub commit: Option<Commit>,
    /// What was wrong on the way to it, in the order it was met: nothing after a clean stop.
    pub findings: Vec<Finding>,
}

/// A commit that was recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// What its owner wrote into it.
    pub meta: Vec<u8>,
    /// The number of its generation.
    pub generation: u32,
    /// Its number within the generation; the base is 0.
    pub number: u32,
    /// The items handed over, repeats included.
    pub items: u64,
}

/// What a recovery met that is not as it should be. Nothing of it needs a hand, as long as the log reaches back
/// to the commit recovered.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// A crash cut a section short before it was committed.
    #[error(
        "{path} ended in a checkpoint that was never finished: {bytes} bytes were cut off at byte {offset}"
    )]
    Torn {
        /// The file.
        path: PathBuf,
        /// Where the last commit ends.
        offset: u64,
        /// What stood behind it.
        bytes: u64,
    },
    /// A generation is not sound; commits before the damage are still used.
    #[error("{damage}; {usable} checkpoints before it are usable, the log restores what came after them")]
    Damaged {
        /// What is wrong, and where.
        damage: StoreError,
        /// The commits of the generation that stand before the damage.
        usable: usize,
    },
    /// The owner refused commits, newest first.
    #[error("{count} checkpoints of {path} were not taken from this log")]
    Refused {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
}

impl Checkpoints {
    /// Opens the folder, which is made if it is not there, and removes what a crash left unfinished.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(folder: &Path) -> Result<Checkpoints, StoreError> {
        let folder = Folder::open(folder, "checkpoint", "ckp")?;
        let newest = folder.list()?.last().copied().unwrap_or(0);
        Ok(Checkpoints { folder, newest, open: None })
    }

    /// Goes back to the newest sound commit whose description `accept` takes, and hands its items to `take`:
    /// base first, then increments, of which a later item replaces an earlier one.
    ///
    /// Every frame was checked before the first item is handed over. A section that was never committed is cut
    /// off. After damage or a refusal nothing is cut, and the next section must be a base.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Frame`] for a file of an unknown version; [`StoreError::Value`] when
    /// `take` cannot decode an item. Damage is no error but a [`Finding`].
    pub fn recover(
        &mut self,
        accept: impl Fn(&[u8]) -> bool,
        mut take: impl FnMut(Item<'_>) -> Result<(), CodecError>,
    ) -> Result<Recovery, StoreError> {
        self.open = None;
        let mut recovery = Recovery::default();
        for generation in self.folder.list()?.into_iter().rev() {
            let mut scan = scan::scan(&self.folder.file(generation), generation)?;
            let accepted = scan.newest_accepted(&accept)?;
            let refused = scan.commits.len() - accepted.as_ref().map_or(0, |found| found.number + 1);
            let sound = scan.damage.is_none();
            if let Some(damage) = scan.damage.take() {
                recovery.findings.push(Finding::Damaged { damage, usable: scan.commits.len() });
            }
            if refused > 0 {
                recovery.findings.push(Finding::Refused { path: scan.path.clone(), count: refused });
            }
            let Some(found) = accepted else {
                continue;
            };
            let items = scan.deliver(found.number, &mut take)?;
            if sound && refused == 0 && generation == self.newest {
                recovery.findings.extend(scan.cut()?);
                self.open = scan.into_generation();
            }
            let number = u32::try_from(found.number).unwrap_or(u32::MAX);
            recovery.commit = Some(Commit { meta: found.meta, generation, number, items });
            break;
        }
        Ok(recovery)
    }

    /// Whether the next section should be a base: there is nothing to append to, or the increments have outgrown
    /// the base.
    #[must_use]
    pub fn should_rebase(&self) -> bool {
        self.open.as_ref().is_none_or(|open| {
            let increments = open.end - open.base;
            open.increments >= MAX_INCREMENTS
                || increments > REBASE_FLOOR && increments > open.base.saturating_mul(REBASE_RATIO)
        })
    }

    /// Begins a base, which must hold every organization: the first section of a new generation.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn begin_base(&mut self) -> Result<Section<'_>, StoreError> {
        Section::base(self)
    }

    /// Begins an increment, which must hold every organization that has changed since the last commit.
    ///
    /// # Errors
    /// [`StoreError::BaseNeeded`] when there is no sound generation to append to (as after a failed sync:
    /// what the disk then holds is unknown); [`StoreError::Io`].
    pub fn begin_increment(&mut self) -> Result<Section<'_>, StoreError> {
        Section::increment(self)
    }

    /// Deletes generations, oldest first, up to the first one whose newest commit is still `needed`. The newest
    /// two that are sound are always kept. Answers how many are gone.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Frame`] for a file of an unknown version.
    pub fn retire(&mut self, needed: impl Fn(&[u8]) -> bool) -> Result<usize, StoreError> {
        let generations = self.folder.list()?;
        let mut old = generations.as_slice();
        let mut sound = 0;
        while let Some((newest, older)) = old.split_last()
            && sound < KEPT
        {
            sound += usize::from(self.is_sound(*newest)?);
            old = older;
        }
        let mut gone = 0;
        for generation in old {
            let scan = scan::scan(&self.folder.file(*generation), *generation)?;
            if scan.newest_accepted(|_| true)?.is_some_and(|newest| needed(&newest.meta)) {
                break;
            }
            self.folder.remove(*generation)?;
            gone += 1;
        }
        if gone > 0 {
            self.folder.sync()?;
        }
        Ok(gone)
    }

    fn is_sound(&self, generation: u32) -> Result<bool, StoreError> {
        // The open one was checked, or written, by ourselves.
        if generation == self.newest && self.open.is_some() {
            return Ok(true);
        }
        Ok(scan::scan(&self.folder.file(generation), generation)?.damage.is_none())
    }
}
