//! All rows of a run, in the order of its file.

use std::fs::File;

use super::block::{self, Index};
use super::{Runs, run};
use crate::ledger::units::Position;
use crate::store::frame::FrameReader;
use crate::store::{OrgKey, StoreError};

/// Takes a row: whose it is, where it stands in the log, its bytes.
pub type Visit<'v> = dyn FnMut(OrgKey, Position, &[u8]) -> Result<(), StoreError> + 'v;

impl Runs {
    /// Hands over every row of a run: by ascending organization, and within it by ascending position.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Frame`] and [`StoreError::Damaged`] where not all of it can be read.
    pub fn each_row(&self, run: u32, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let path = self.file(run)?.path.clone();
        let file = File::open(&path).map_err(StoreError::io(&path, "opened"))?;
        let mut reader = FrameReader::new(file, &*path, 0);
        let mut index = Index::default();
        while let Some(frame) = reader.next()? {
            let damaged = |what: &str| {
                let (path, offset, what) = (path.clone(), frame.offset, what.to_owned());
                StoreError::Damaged { path, offset, what }
            };
            match frame.kind {
                run::INDEX => {
                    index = Index::decode(frame.payload).ok_or_else(|| damaged("it is not an index"))?;
                }
                run::ROWS => {
                    let rows = block::decode_rows(frame.payload, index.rows_len());
                    let rows = rows.ok_or_else(|| damaged("the rows do not match their index"))?;
                    for slice in &index.slices {
                        for row in &index.rows[slice.rows.clone()] {
                            visit(slice.key, row.position, &rows[row.start..][..row.len])?;
                        }
                    }
                }
                run::END => return Ok(()),
                _ => {}
            }
        }
        Err(StoreError::Damaged { path, offset: reader.offset(), what: "the run is cut short".to_owned() })
    }
}
