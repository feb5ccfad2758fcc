//! A section of bytes, compressed where that pays: `raw length u32`, `stored length u32`, the bytes.
//!
//! Equal lengths say that the bytes are stored as they are. Integers are little endian.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};

/// Below this there is nothing for lz4 to find.
const SHORTEST: usize = 64;
/// Of eight bytes, one at least must be saved: less is not worth the time of every reader.
const SAVES_ONE_OF: usize = 8;
/// The most bytes of a section, compressed or not: a damaged length is an error, never an allocation.
pub(super) const MAX_SECTION: usize = 48 << 20;

/// Writes sections, with the compressor's table kept from one to the next.
#[derive(Default)]
pub(super) struct Packer {
    table: CompressTable,
    packed: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packer {
    /// Appends `raw` as a section to `out`. The caller keeps `raw` within [`MAX_SECTION`].
    pub(super) fn pack(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        debug_assert!(raw.len() <= MAX_SECTION, "a section of {} bytes", raw.len());
        let stored = self.compressed(raw).unwrap_or(raw);
        out.extend_from_slice(&length(raw).to_le_bytes());
        out.extend_from_slice(&length(stored).to_le_bytes());
        out.extend_from_slice(stored);
    }

    /// The compressed bytes, where that pays.
    fn compressed(&mut self, raw: &[u8]) -> Option<&[u8]> {
        if raw.len() < SHORTEST {
            return None;
        }
        self.packed.resize(get_maximum_output_size(raw.len()), 0);
        let packed = compress_into_with_table(raw, &mut self.packed, &mut self.table).ok()?;
        (packed <= raw.len() - raw.len() / SAVES_ONE_OF).then(|| &self.packed[..packed])
    }
}

/// A length within [`MAX_SECTION`], which is far below `u32::MAX`.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Reads the section at the start of `input`: answers its raw bytes (in `scratch`, if they were compressed)
/// and what follows it. `None` when the section is not what [`Packer::pack`] writes.
pub(super) fn unpack<'a>(input: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<(&'a [u8], &'a [u8])> {
    let (raw, rest) = take_u32(input)?;
    let (stored, rest) = take_u32(rest)?;
    let (raw, stored) = (usize::try_from(raw).ok()?, usize::try_from(stored).ok()?);
    let (stored, rest) = rest.split_at_checked(stored)?;
    if stored.len() == raw {
        return Some((stored, rest));
    }
    if raw > MAX_SECTION {
        return None;
    }
    scratch.resize(raw, 0);
    (decompress_into(stored, scratch).ok()? == raw).then_some((scratch.as_slice(), rest))
}

/// The little-endian number at the start of `input`, and what follows it.
pub(super) fn take_u32(input: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = input.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

/// The little-endian number at the start of `input`, and what follows it.
pub(super) fn take_u64(input: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = input.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(raw: &[u8]) -> usize {
        let mut section = Vec::new();
        Packer::default().pack(raw, &mut section);
        section.extend_from_slice(b"behind");
        let mut scratch = Vec::new();
        assert_eq!(unpack(&section, &mut scratch), Some((raw, &b"behind"[..])));
        section.len() - 8 - 6
    }

    #[test]
    fn what_repeats_shrinks_and_what_does_not_stays_as_it_is() {
        assert!(round(&b"a call of a minute; ".repeat(5_000)) < 1_000);
        assert_eq!(round(b""), 0);
        assert_eq!(round(b"short"), 5);
        let noise: Vec<u8> =
            (0..200_u128).flat_map(|n| xxhash_rust::xxh3::xxh3_128(&n.to_le_bytes()).to_le_bytes()).collect();
        assert_eq!(round(&noise), noise.len());
    }

    #[test]
    fn one_packer_takes_small_and_large_sections_in_turn() {
        let mut packer = Packer::default();
        let raws = [b"ab".repeat(100), b"xyz".repeat(100_000), b"ab".repeat(100)];
        let mut sections = Vec::new();
        raws.iter().for_each(|raw| packer.pack(raw, &mut sections));
        let mut rest = sections.as_slice();
        for expected in &raws {
            let mut scratch = Vec::new();
            let (raw, behind) = unpack(rest, &mut scratch).unwrap();
            assert_eq!(raw, expected);
            rest = &rest[rest.len() - behind.len()..];
        }
        assert_eq!(rest, b"");
    }

    #[test]
    fn cut_and_false_lengths_are_refused() {
        let mut section = Vec::new();
        Packer::default().pack(&b"credits ".repeat(100), &mut section);
        for end in 0..section.len() {
            assert_eq!(unpack(&section[..end], &mut Vec::new()), None, "cut at {end}");
        }
        for raw in [801_u32, 799, u32::MAX] {
            section[..4].copy_from_slice(&raw.to_le_bytes());
            assert_eq!(unpack(&section, &mut Vec::new()), None, "raw length {raw}");
        }
    }
}
