//! Finding where an organization's history goes on behind a damaged block.

use std::fs::File;

use super::block::Index;
use super::{BlockRef, Runs, run};
use crate::store::frame::{FrameError, FrameReader};
use crate::store::{OrgKey, StoreError};

impl Runs {
    /// The newest sound block with rows of the organization that is older than `lost`, found by reading the run
    /// of `lost` and, one by one, the runs before it. Slow: for a chain that is broken.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Frame`] when a file cannot be read at all.
    pub fn salvage(&self, key: OrgKey, lost: BlockRef) -> Result<Option<BlockRef>, StoreError> {
        for run in self.list().into_iter().rev().filter(|run| *run <= lost.run) {
            let end = if run == lost.run { lost.offset } else { u64::MAX };
            if let Some(offset) = self.newest_in(run, key, end)? {
                return Ok(Some(BlockRef { run, offset }));
            }
        }
        Ok(None)
    }

    /// The last sound block of the run before `end` with rows of the organization.
    fn newest_in(&self, run: u32, key: OrgKey, end: u64) -> Result<Option<u64>, StoreError> {
        let path = self.file(run)?.path.clone();
        let file = File::open(&path).map_err(StoreError::io(&path, "opened"))?;
        let mut reader = FrameReader::new(file, path, 0);
        let mut newest = None;
        loop {
            match reader.next() {
                Ok(Some(frame)) if frame.offset < end => {
                    let index = (frame.kind == run::INDEX).then(|| Index::decode(frame.payload)).flatten();
                    if index.is_some_and(|index| index.slice(key).is_some()) {
                        newest = Some(frame.offset);
                    }
                }
                // The reader stands at the next sound frame, or at the end.
                Err(FrameError::Damaged { .. } | FrameError::Torn { .. }) => {}
                Ok(_) => return Ok(newest),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
