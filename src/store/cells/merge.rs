//! Several files of cells become one: equal cells are added up, and those that come to nothing go.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};

use super::{Block, CellsFile, Day, Dictionary, Figures, Writer};
use crate::store::{OrgKey, StoreError};

/// Writes the cells of all files. Answers whether it came to the end: `go_on` is asked before every organization.
pub(super) fn merge(
    files: &[&CellsFile],
    writer: &mut Writer,
    go_on: &dyn Fn() -> bool,
) -> Result<bool, StoreError> {
    let mut readers: Vec<Reader<'_>> = files.iter().map(|file| Reader::new(file)).collect();
    loop {
        let mut next = None;
        for reader in &mut readers {
            next = [next, reader.peek()?].into_iter().flatten().min();
        }
        let Some(key) = next else { return Ok(true) };
        if !go_on() {
            return Ok(false);
        }
        let mut blocks = Vec::new();
        for reader in &mut readers {
            if reader.peek()? == Some(key) {
                blocks.extend(reader.blocks.next());
            }
        }
        merge_blocks(key, &blocks, writer)?;
    }
}

/// The blocks of a file, one after the other.
struct Reader<'f> {
    file: &'f CellsFile,
    frame: usize,
    blocks: std::iter::Peekable<std::vec::IntoIter<Block>>,
}

impl Reader<'_> {
    fn new(file: &CellsFile) -> Reader<'_> {
        Reader { file, frame: 0, blocks: Vec::new().into_iter().peekable() }
    }

    /// Whose block is the next.
    fn peek(&mut self) -> Result<Option<OrgKey>, StoreError> {
        while self.blocks.peek().is_none() && self.frame < self.file.frames() {
            self.blocks = self.file.blocks(self.frame)?.into_iter().peekable();
            self.frame += 1;
        }
        Ok(self.blocks.peek().map(Block::key))
    }
}

fn merge_blocks(key: OrgKey, blocks: &[Block], writer: &mut Writer) -> Result<(), StoreError> {
    let days: BTreeSet<i32> = blocks.iter().flat_map(Block::days).collect();
    let mut dictionary = Dictionary::default();
    writer.begin(key);
    for day in days {
        let mut sums: HashMap<(u8, u32), Figures> = HashMap::new();
        for block in blocks {
            for (quarter, tuple, figures) in block.day(day)?.iter().flat_map(|day| day.cells()) {
                let number = block.dictionary().texts(tuple).map(|texts| dictionary.number(texts));
                sums.entry((quarter, number.unwrap_or_default())).or_default().add(&figures);
            }
        }
        let mut cells: Vec<(u8, u32, Figures)> = sums
            .into_iter()
            .filter(|(_, figures)| !figures.are_nothing())
            .map(|((quarter, tuple), figures)| (quarter, tuple, figures))
            .collect();
        cells.sort_unstable_by_key(|(quarter, tuple, _)| (*quarter, *tuple));
        if !cells.is_empty() {
            writer.day(Day::of(day, &cells))?;
        }
    }
    writer.end(&dictionary)
}
