//! Subjects: which organization a record is about, and how it is read.

use std::fmt;

/// The name that stands where an organization would, for commands that change the catalog.
pub const CATALOG: &str = "_catalog";

/// A subject of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// `credits.events.<org>`: events of an organization.
    Events(&'a str),
    /// `credits.commands.<org>`: commands to an organization.
    Commands(&'a str),
    /// `credits.commands._catalog`: commands that change the catalog.
    Catalog,
    /// `credits.commands._tick`: nothing but the log's time, written where nothing else is.
    Tick,
}

const EVENTS: &str = "credits.events.";
const COMMANDS: &str = "credits.commands.";
const TICK: &str = "_tick";

/// The longest name of an organization, in bytes.
const LONGEST_ORG: usize = 64;

/// Why a text is not a subject of ours or the name of an organization.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// The subject is not one of ours.
    #[error("subject {0:?} is not credits.events.<org> or credits.commands.<org>")]
    Unknown(String),
    /// The organization's name cannot be one.
    #[error(
        "{0:?} is not the name of an organization: write 1 to 64 of A-Z, a-z, 0-9, - and _, the first not _"
    )]
    Org(String),
}

/// The name of an organization, checked: it fits a token of a subject.
///
/// # Errors
/// [`SubjectError::Org`] where it does not.
pub fn org_id(name: &str) -> Result<&str, SubjectError> {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let fits = !name.is_empty() && name.len() <= LONGEST_ORG && !name.starts_with('_');
    if fits && name.bytes().all(sound) {
        Ok(name)
    } else {
        Err(SubjectError::Org(name.chars().take(80).collect()))
    }
}

impl<'a> Subject<'a> {
    /// Reads a subject.
    ///
    /// # Errors
    /// [`SubjectError`] for one that is not ours.
    pub fn parse(subject: &'a str) -> Result<Self, SubjectError> {
        if let Some(org) = subject.strip_prefix(EVENTS) {
            return org_id(org).map(Subject::Events);
        }
        match subject.strip_prefix(COMMANDS) {
            Some(CATALOG) => Ok(Subject::Catalog),
            Some(TICK) => Ok(Subject::Tick),
            Some(org) => org_id(org).map(Subject::Commands),
            None => Err(SubjectError::Unknown(subject.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Events(org) => write!(f, "{EVENTS}{org}"),
            Subject::Commands(org) => write!(f, "{COMMANDS}{org}"),
            Subject::Catalog => write!(f, "{COMMANDS}{CATALOG}"),
            Subject::Tick => write!(f, "{COMMANDS}{TICK}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_as_it_was_written() {
        for subject in [Subject::Events("acme"), Subject::Commands("A-1_b"), Subject::Catalog, Subject::Tick]
        {
            assert_eq!(Subject::parse(&subject.to_string()), Ok(subject));
        }
        for bad in
            ["credits.events.", "credits.events.a.b", "credits.events._x", "other", "credits.events.a b"]
        {
            assert!(Subject::parse(bad).is_err(), "{bad}");
        }
    }
}
