//! Who did what: lines of JSON in files that are only ever appended to, the oldest of which go.
//!
//! A write is a line of its own, on disk before it is answered. What programs do all day long (send events, authorize), and what is
//! refused, is counted and told once a minute: otherwise a load, or somebody who tries doors, would push everything else out.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::AccessError;
use super::folder::Folder;
use super::token::Token;
use crate::ledger::units::Timestamp;
use crate::wire::time;

/// A file that is larger is followed by another.
const FILE_BYTES: u64 = 8 << 20;
/// So many files are kept.
const MOST_FILES: usize = 16;
/// So many different things are counted; then they are told before the minute is over.
const MOST_COUNTED: usize = 4_096;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// The id of a token, or who else it was.
    pub who: String,
    /// What the token is called.
    pub name: Option<String>,
    /// The role it has.
    pub role: Option<String>,
}

impl Actor {
    /// Who showed a token.
    #[must_use]
    pub fn token(token: &Token) -> Actor {
        Actor {
            who: token.id.clone(),
            name: Some(token.name.clone()),
            role: Some(token.role.name().to_owned()),
        }
    }

    /// Somebody without one.
    #[must_use]
    pub fn other(who: &str) -> Actor {
        Actor { who: who.to_owned(), name: None, role: None }
    }
}

/// Something that was done, or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// Who.
    #[serde(flatten)]
    pub actor: Actor,
    /// From which address.
    pub from: Option<String>,
    /// What was asked: the method and the route.
    pub request: String,
    /// The path itself; never its parameters.
    pub path: Option<String>,
    /// The organization that the path names.
    pub org: Option<String>,
    /// What else it was about: the token that was made.
    pub about: Option<String>,
    /// The status of the answer; none where nobody waited for it.
    pub status: Option<u16>,
    /// The kind of problem, where it was one.
    pub problem: Option<String>,
    /// Where it stands in the log.
    pub seq: Option<u64>,
}

impl Deed {
    /// Something that was asked, of which nothing more is known yet.
    #[must_use]
    pub fn new(actor: Actor, request: String) -> Deed {
        let (from, path, org, about) = (None, None, None, None);
        Deed { actor, from, request, path, org, about, status: None, problem: None, seq: None }
    }
}

/// A deed at an instant.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    #[serde(flatten)]
    deed: &'a Deed,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

/// What is counted together: whatever organization it is about, of which there are too many.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    actor: Actor,
    request: String,
    status: Option<u16>,
    problem: Option<String>,
}

#[derive(Clone, Debug)]
struct Counted {
    since: Timestamp,
    last: Timestamp,
    from: Option<String>,
    count: u64,
}

/// A page of the log, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The lines.
    pub data: Vec<Value>,
    /// Where the next page begins; none where this is the last.
    pub next: Option<String>,
}

/// The audit log of a data folder.
#[derive(Debug)]
pub struct Audit {
    data: PathBuf,
    folder: PathBuf,
    counted: Mutex<HashMap<Kind, Counted>>,
}

impl Audit {
    /// The log in a data folder. Nothing is written before there is a line.
    #[must_use]
    pub fn in_folder(data: &Path) -> Audit {
        let folder = data.join("access").join("audit");
        Audit { data: data.to_owned(), folder, counted: Mutex::default() }
    }

    /// Appends a deed. It is on disk when this returns.
    ///
    /// # Errors
    /// [`AccessError::Io`] where the disk refuses.
    pub fn append(&self, deed: &Deed, at: Timestamp) -> Result<(), AccessError> {
        self.write(&[Line { at: time::format(at), deed, count: None, since: None }])
    }

    /// Counts a deed, to be told with others of its kind. Answers whether so many are counted that they should be told now.
    #[must_use]
    pub fn count(&self, deed: Deed, at: Timestamp) -> bool {
        let Deed { actor, from, request, status, problem, .. } = deed;
        let mut kind = Kind { actor, request, status, problem };
        let mut counted = self.counted.lock();
        let full = counted.len() >= MOST_COUNTED;
        if full && !counted.contains_key(&kind) {
            // The disk refuses, or they would have been told: rather not know who it was than grow.
            kind.actor = Actor::other("others");
        }
        let known = counted.entry(kind).or_insert(Counted { since: at, last: at, from: None, count: 0 });
        known.count = known.count.saturating_add(1);
        (known.last, known.from) = (at, from);
        !full && counted.len() >= MOST_COUNTED
    }

    /// Appends what was counted.
    ///
    /// # Errors
    /// [`AccessError::Io`] where the disk refuses; it stays counted.
    pub fn tell_counted(&self) -> Result<(), AccessError> {
        let counted = std::mem::take(&mut *self.counted.lock());
        if counted.is_empty() {
            return Ok(());
        }
        let deeds: Vec<(Deed, &Counted)> =
            counted.iter().map(|(kind, counted)| (deed(kind, counted), counted)).collect();
        let lines: Vec<Line<'_>> = deeds
            .iter()
            .map(|(deed, counted)| Line {
                at: time::format(counted.last),
                deed,
                count: Some(counted.count),
                since: Some(time::format(counted.since)),
            })
            .collect();
        let written = self.write(&lines);
        if written.is_err() {
            let mut now = self.counted.lock();
            for (kind, before) in counted {
                // What was counted meanwhile is later.
                let later = now.entry(kind).or_insert(Counted { count: 0, ..before.clone() });
                later.count = later.count.saturating_add(before.count);
                later.since = before.since;
            }
        }
        written
    }

    /// A page of the log, newest first, from where the page before ended. `None` for a cursor that no page told.
    ///
    /// # Errors
    /// [`AccessError::Io`] where it cannot be read.
    pub fn page(&self, cursor: Option<&str>, limit: usize) -> Result<Option<AuditPage>, AccessError> {
        let end = match cursor.map(read_cursor) {
            None => None,
            Some(Some(end)) => Some(end),
            Some(None) => return Ok(None),
        };
        let mut page = AuditPage::default();
        for number in self.numbers()?.into_iter().rev() {
            if end.is_some_and(|(file, _)| number > file) {
                continue;
            }
            let path = self.file(number);
            let text = fs::read(&path).map_err(AccessError::io(&path, "read"))?;
            let offset = end.filter(|(file, _)| *file == number).map(|(_, offset)| offset);
            let offset = offset.and_then(|offset| usize::try_from(offset).ok()).unwrap_or(text.len());
            let mut rest = text.get(..offset).unwrap_or(&text);
            while let Some(line) = last_line(&mut rest) {
                // A line that a crash cut off is none.
                let Ok(told) = serde_json::from_slice(line) else { continue };
                if page.data.len() == limit {
                    let end = rest.len() + line.len() + 1;
                    page.next = Some(format!("{number}.{end}"));
                    return Ok(Some(page));
                }
                page.data.push(told);
            }
        }
        Ok(Some(page))
    }

    fn write(&self, lines: &[Line<'_>]) -> Result<(), AccessError> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)
                .map_err(io::Error::from)
                .map_err(AccessError::io(&self.folder, "written"))?;
            text.push(b'\n');
        }
        let folder = Folder::within(&self.data, &["access", "audit"])?;
        // The command line writes here, too.
        let failed = || AccessError::io(&self.folder, "locked");
        let held = folder.append("lock").map_err(failed())?;
        held.lock().map_err(failed())?;
        let name = file_name(self.current()?);
        let written = folder.append(&name).and_then(|file| append(file, &text));
        written.map_err(AccessError::io(&self.folder.join(name), "written"))
    }

    /// The number of the file that is written to. The oldest goes where it is one too many.
    fn current(&self) -> Result<u64, AccessError> {
        let mut numbers = self.numbers()?;
        let newest = numbers.last().copied().unwrap_or(1);
        if fs::metadata(self.file(newest)).map_or(0, |told| told.len()) < FILE_BYTES {
            return Ok(newest);
        }
        while numbers.len() >= MOST_FILES {
            let oldest = self.file(numbers.remove(0));
            fs::remove_file(&oldest).map_err(AccessError::io(&oldest, "removed"))?;
        }
        Ok(newest.saturating_add(1))
    }

    fn file(&self, number: u64) -> PathBuf {
        self.folder.join(file_name(number))
    }

    /// The numbers of the files that are there, ascending.
    fn numbers(&self) -> Result<Vec<u64>, AccessError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(AccessError::io(&self.folder, "read")(error)),
        };
        let number = |name: &str| name.strip_prefix("audit-")?.strip_suffix(".jsonl")?.parse().ok();
        let mut numbers: Vec<u64> =
            entries.flatten().filter_map(|entry| number(entry.file_name().to_str()?)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn file_name(number: u64) -> String {
    format!("audit-{number:010}.jsonl")
}

fn deed(kind: &Kind, counted: &Counted) -> Deed {
    let Kind { actor, request, status, problem } = kind.clone();
    let from = counted.from.clone();
    Deed { from, status, problem, ..Deed::new(actor, request) }
}

/// Appends whole lines, and ends one that a crash cut off.
fn append(mut file: File, text: &[u8]) -> io::Result<()> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last != *b"\n" {
        file.write_all(b"\n")?;
    }
    file.write_all(text)?;
    file.sync_data()
}

/// Takes the last line off a text, without what ends it.
fn last_line<'t>(text: &mut &'t [u8]) -> Option<&'t [u8]> {
    let all = *text;
    if all.is_empty() {
        return None;
    }
    let whole = all.strip_suffix(b"\n").unwrap_or(all);
    let start = memchr::memrchr(b'\n', whole).map_or(0, |end| end + 1);
    let (rest, line) = whole.split_at(start);
    *text = rest;
    Some(line)
}

fn read_cursor(text: &str) -> Option<(u64, u64)> {
    let (file, offset) = text.split_once('.')?;
    Some((file.parse().ok()?, offset.parse().ok()?))
}

#[cfg(test)]
mod tests;
