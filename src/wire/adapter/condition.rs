//! Conditions on a message: whether it is an adapter's at all (`when`), and whether it costs anything (`only`).

use std::fmt;

use super::body::Found;
use super::decimal::Decimal;
use super::source::{Opened, Source};
use crate::ledger::rejection::Rejection;

/// Something that must hold of what stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) source: Source,
    pub(super) test: Test,
}

/// What must hold. Nothing but `exists = false` holds where nothing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// It is this text.
    Equal(String),
    /// It is one of these.
    In(Vec<String>),
    /// It is there and not empty; or it is not.
    Exists(bool),
    /// It begins with this.
    Prefix(String),
    /// It is a number above this one.
    Above(Decimal, String),
    /// It is the same as what stands there.
    Same(Source),
}

impl Condition {
    pub(super) fn holds(&self, opened: &Opened<'_>) -> Result<bool, Rejection> {
        let text = match self.source.find(opened)? {
            Some(Found::Text(text)) if !text.is_empty() => text,
            Some(Found::Nested) => return Ok(self.test == Test::Exists(true)),
            _ => return Ok(self.test == Test::Exists(false)),
        };
        Ok(match &self.test {
            Test::Equal(wanted) => text == *wanted,
            Test::In(wanted) => wanted.iter().any(|wanted| text == *wanted),
            Test::Exists(wanted) => *wanted,
            Test::Prefix(prefix) => text.starts_with(prefix),
            Test::Above(least, _) => Decimal::parse(&text).is_some_and(|number| number > *least),
            Test::Same(other) => other.find(opened)? == Some(Found::Text(text)),
        })
    }
}

/// Whether all of them hold; the first that does not.
pub(super) fn first_unmet<'c>(
    conditions: &'c [Condition],
    opened: &Opened<'_>,
) -> Result<Option<&'c Condition>, Rejection> {
    for condition in conditions {
        if !condition.holds(opened)? {
            return Ok(Some(condition));
        }
    }
    Ok(None)
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = &self.source;
        match &self.test {
            Test::Equal(wanted) => write!(f, "{source} is {wanted:?}"),
            Test::In(wanted) => write!(f, "{source} is one of {wanted:?}"),
            Test::Exists(true) => write!(f, "{source} is there"),
            Test::Exists(false) => write!(f, "{source} is not there"),
            Test::Prefix(prefix) => write!(f, "{source} begins with {prefix:?}"),
            Test::Above(_, least) => write!(f, "{source} is above {least}"),
            Test::Same(other) => write!(f, "{source} is the same as {other}"),
        }
    }
}
