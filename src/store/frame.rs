//! The one frame that every file of the store is made of.
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic    FF 'c' 'r' FE: where a reader finds its way back after damage
//!      4      1  version  of the payload; the layout of the header is the same in every version
//!      5      1  kind     what the payload is; each file gives its own meaning
//!      6      2  reserved written as zero
//!      8      4  length   of the payload, little-endian
//!     12      4  CRC-32   of the twelve bytes above and the payload, little-endian
//!     16      …  payload
//! ```
//!
//! A file is written by appending whole frames, each made durable before the next one is begun. So what a crash
//! cuts short is the last frame and nothing else, and a frame that does not check out means one of two things:
//!
//! - no sound frame follows: the write was cut short. The frame is a [`FrameError::Torn`] tail;
//! - a sound frame follows: the write was once complete. The frame is [`FrameError::Damaged`].
//!
//! The magic holds two bytes that no UTF-8 text has, so JSON in a payload never looks like the start of a frame.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

/// The bytes of a frame before its payload.
pub const HEADER_BYTES: usize = 16;

/// The largest payload, 64 MiB: a length above it is damage and is never allocated.
pub const MAX_PAYLOAD: usize = 64 << 20;

/// The version of the payloads written today.
pub const VERSION: u8 = 1;

const MAGIC: [u8; 4] = [0xFF, b'c', b'r', 0xFE];

/// How much a [`FrameReader`] asks its source for at once.
const CHUNK: usize = 1 << 20;

/// A payload does not fit into a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a payload of {length} bytes does not fit into a frame of at most {MAX_PAYLOAD}: write it as several"
)]
pub struct TooLarge {
    /// The payload's length in bytes.
    pub length: usize,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The file ends before the frame does.
    #[error("it is cut short")]
    Cut,
    /// The first four bytes are not the magic.
    #[error("it does not start with the magic")]
    Magic,
    /// The length is above [`MAX_PAYLOAD`].
    #[error("its length of {0} bytes is above the limit")]
    Length(u32),
    /// The checksum does not match.
    #[error("its checksum does not match")]
    Checksum,
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The system refused to read.
    #[error("{path} cannot be read at byte {offset}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Where the read began.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The last frame was not written to its end; whoever owns the file may cut it off there.
    #[error(
        "{path} has a torn tail: the last frame, at byte {offset}, is not sound ({flaw}); cut its {bytes} bytes"
    )]
    Torn {
        /// The file.
        path: PathBuf,
        /// Where the frame starts: the end of what is sound.
        offset: u64,
        /// How many bytes follow from there to the end of the file.
        bytes: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// A frame that was once complete is no longer sound, and sound frames follow it.
    #[error(
        "{path} is damaged: the frame at byte {offset} is not sound ({flaw}), the next sound one starts at byte \
         {next_sound}; restore the file from a copy"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the frame starts.
        offset: u64,
        /// Where the next sound frame starts.
        next_sound: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// No sound frame stands at an offset that should hold one.
    #[error(
        "{path} is damaged: the frame at byte {offset} is not sound ({flaw}); restore the file from a copy"
    )]
    Unsound {
        /// The file.
        path: PathBuf,
        /// Where the frame should start.
        offset: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// The frame is sound, but of a version this program does not know.
    #[error(
        "{path} was written by another version of creditd: the frame at byte {offset} has version {found}, this \
         program knows {VERSION}; start the version that wrote it, or a newer one"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Where the frame starts.
        offset: u64,
        /// The version found.
        found: u8,
    },
}

impl FrameError {
    /// The file that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            FrameError::Io { path, .. }
            | FrameError::Torn { path, .. }
            | FrameError::Damaged { path, .. }
            | FrameError::Unsound { path, .. }
            | FrameError::Version { path, .. } => path,
        }
    }
}

/// A frame as it was read; the payload stands in the reader's buffer until the next read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where the frame starts in its file.
    pub offset: u64,
    /// What the payload is.
    pub kind: u8,
    /// The payload.
    pub payload: &'a [u8],
}

/// Appends a frame to a buffer; `fill` writes the payload in place, so that it is not copied.
///
/// # Errors
/// [`TooLarge`] when the payload is above [`MAX_PAYLOAD`]; the buffer is then as it was before.
pub fn append(out: &mut Vec<u8>, kind: u8, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(), TooLarge> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    fill(out);
    let (_, frame) = out.split_at_mut(start);
    let (header, payload) = frame.split_at_mut(HEADER_BYTES);
    match encode_header(kind, payload) {
        Ok(bytes) => {
            header.copy_from_slice(&bytes);
            Ok(())
        }
        Err(too_large) => {
            out.truncate(start);
            Err(too_large)
        }
    }
}

/// Writes a frame.
///
/// # Errors
/// What the writer says, or [`io::ErrorKind::InvalidInput`] around [`TooLarge`] before anything is written.
pub fn write(out: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    let header =
        encode_header(kind, payload).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    out.write_all(&header)?;
    out.write_all(payload)
}

/// Reads the frame that starts at `offset` of a file into `payload` and answers its kind.
///
/// # Errors
/// [`FrameError::Unsound`] when no sound frame starts there, [`FrameError::Version`], [`FrameError::Io`].
pub fn read_at(file: &File, path: &Path, offset: u64, payload: &mut Vec<u8>) -> Result<u8, FrameError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::UnexpectedEof => FrameError::Unsound { path: path.into(), offset, flaw: Flaw::Cut },
        _ => FrameError::Io { path: path.into(), offset, source },
    };
    let unsound = |flaw| FrameError::Unsound { path: path.into(), offset, flaw };
    let mut bytes = [0; HEADER_BYTES];
    file.read_exact_at(&mut bytes, offset).map_err(failed)?;
    let header = Header::decode(&bytes).map_err(unsound)?;
    payload.clear();
    payload.resize(header.length, 0);
    file.read_exact_at(payload, offset + HEADER_BYTES as u64).map_err(failed)?;
    header.verify(&bytes, payload).map_err(unsound)?;
    if header.version != VERSION {
        return Err(FrameError::Version { path: path.into(), offset, found: header.version });
    }
    Ok(header.kind)
}

fn encode_header(kind: u8, payload: &[u8]) -> Result<[u8; HEADER_BYTES], TooLarge> {
    let too_large = TooLarge { length: payload.len() };
    if payload.len() > MAX_PAYLOAD {
        return Err(too_large);
    }
    let length = u32::try_from(payload.len()).map_err(|_| too_large)?;
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&MAGIC);
    header[4] = VERSION;
    header[5] = kind;
    header[8..12].copy_from_slice(&length.to_le_bytes());
    let crc = checksum(&header, payload);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    Ok(header)
}

fn checksum(header: &[u8; HEADER_BYTES], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..12]);
    hasher.update(payload);
    hasher.finalize()
}

/// A header that looks right; whether it is, the checksum tells.
struct Header {
    version: u8,
    kind: u8,
    length: usize,
    crc: u32,
}

impl Header {
    fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Header, Flaw> {
        let [a, b, c, d, version, kind, _, _, l0, l1, l2, l3, c0, c1, c2, c3] = *bytes;
        if [a, b, c, d] != MAGIC {
            return Err(Flaw::Magic);
        }
        let claimed = u32::from_le_bytes([l0, l1, l2, l3]);
        match usize::try_from(claimed) {
            Ok(length) if length <= MAX_PAYLOAD => {
                Ok(Header { version, kind, length, crc: u32::from_le_bytes([c0, c1, c2, c3]) })
            }
            _ => Err(Flaw::Length(claimed)),
        }
    }

    fn verify(&self, bytes: &[u8; HEADER_BYTES], payload: &[u8]) -> Result<(), Flaw> {
        if checksum(bytes, payload) == self.crc { Ok(()) } else { Err(Flaw::Checksum) }
    }
}

/// Reads the frames of a file one after the other, in large pieces, into one buffer.
#[derive(Debug)]
pub struct FrameReader<R> {
    source: R,
    path: PathBuf,
    /// Bytes that were read; those before `start` are done with.
    window: Vec<u8>,
    start: usize,
    /// Where `window[start]` stands in the file.
    offset: u64,
}

impl<R: Read> FrameReader<R> {
    /// Reads from `source`, which stands at `offset` of the file `path` (named in errors only).
    pub fn new(source: R, path: impl Into<PathBuf>, offset: u64) -> Self {
        FrameReader { source, path: path.into(), window: Vec::new(), start: 0, offset }
    }

    /// Where the next frame starts.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next frame, or `None` where the file ends on the border of a frame.
    ///
    /// # Errors
    /// [`FrameError::Torn`], after which the reader is at the end; [`FrameError::Damaged`], after which it stands at
    /// the next sound frame; [`FrameError::Version`], [`FrameError::Io`], after which it stands where it was.
    #[expect(clippy::should_implement_trait, reason = "the frame borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        if !self.fill(1)? {
            return Ok(None);
        }
        let header = match self.examine()? {
            Ok(header) => header,
            Err(flaw) => return Err(self.resync(flaw)?),
        };
        let offset = self.offset;
        if header.version != VERSION {
            return Err(FrameError::Version { path: self.path.clone(), offset, found: header.version });
        }
        let from = self.start + HEADER_BYTES;
        self.skip(HEADER_BYTES + header.length);
        Ok(Some(Frame { offset, kind: header.kind, payload: &self.window[from..from + header.length] }))
    }

    /// Checks the frame that starts here, reading as much of it as there is.
    fn examine(&mut self) -> Result<Result<Header, Flaw>, FrameError> {
        if !self.fill(HEADER_BYTES)? {
            return Ok(Err(Flaw::Cut));
        }
        let mut bytes = [0; HEADER_BYTES];
        bytes.copy_from_slice(&self.rest()[..HEADER_BYTES]);
        let header = match Header::decode(&bytes) {
            Ok(header) => header,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let end = HEADER_BYTES + header.length;
        if !self.fill(end)? {
            return Ok(Err(Flaw::Cut));
        }
        Ok(header.verify(&bytes, &self.rest()[HEADER_BYTES..end]).map(|()| header))
    }

    /// Looks for a sound frame after the unsound one that starts here, and tells what that makes of it.
    fn resync(&mut self, flaw: Flaw) -> Result<FrameError, FrameError> {
        let (path, offset) = (self.path.clone(), self.offset);
        self.skip(1);
        while self.fill(HEADER_BYTES)? {
            match memmem::find(self.rest(), &MAGIC) {
                // The magic may begin in the last three bytes and end in those not read yet.
                None => self.skip(self.rest().len() - (MAGIC.len() - 1)),
                Some(ahead) => {
                    self.skip(ahead);
                    if self.examine()?.is_ok() {
                        return Ok(FrameError::Damaged { path, offset, next_sound: self.offset, flaw });
                    }
                    self.skip(1);
                }
            }
        }
        self.skip(self.rest().len());
        Ok(FrameError::Torn { path, offset, bytes: self.offset - offset, flaw })
    }

    /// What was read and is not done with.
    fn rest(&self) -> &[u8] {
        &self.window[self.start..]
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Reads until at least `needed` bytes are there; `false` when the file ends before that.
    ///
    /// Memory grows with what was really read, never with what a damaged header claims.
    fn fill(&mut self, needed: usize) -> Result<bool, FrameError> {
        while self.rest().len() < needed {
            self.window.drain(..self.start);
            self.start = 0;
            let held = self.window.len();
            self.window.resize(held + CHUNK, 0);
            let read = self.source.read(&mut self.window[held..]);
            self.window.truncate(held + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let offset = self.offset + held as u64;
                    return Err(FrameError::Io { path: self.path.clone(), offset, source });
                }
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
