//! One field of the event: where its text comes from, and what is made of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use regex::Regex;

use super::body::Found;
use super::source::{Opened, Source};
use crate::ledger::rejection::{Reason, Rejection};

/// Why a message gives no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It costs nothing, for this reason.
    Ignored(String),
    /// It is found wanting.
    Refused(Rejection),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Stop::Refused(rejection)
    }
}

/// How a field of the event is found.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its name in the event.
    pub(super) name: &'static str,
    pub(super) origin: Origin,
    /// Texts that stand for none, beside the empty one.
    pub(super) absent: Vec<String>,
    /// What of the text is taken: the first group, or all that matches. A text that does not match is none.
    pub(super) regex: Option<Regex>,
    /// What the text means.
    pub(super) map: Option<Map>,
    /// Whether a message without it is refused.
    pub(super) required: bool,
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From the adapter itself.
    Const(String),
    /// From the first place where something stands.
    First(Vec<Source>),
    /// From all of these places, joined by colons.
    Parts(Vec<Source>),
}

/// What texts mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) meanings: BTreeMap<String, String>,
    /// Whether a message with any other text, or none, is ignored; it is refused otherwise.
    pub(super) ignore_others: bool,
}

impl Field {
    /// A field that takes what it finds.
    pub(super) fn new(name: &'static str, origin: Origin) -> Field {
        Field { name, origin, absent: Vec::new(), regex: None, map: None, required: false }
    }

    /// The field's text; `None` where the message has none.
    pub(super) fn read<'v>(&'v self, opened: &'v Opened<'_>) -> Result<Option<Cow<'v, str>>, Stop> {
        let found = self.found(opened)?;
        let taken = match &self.regex {
            Some(regex) => found.and_then(|text| taken(regex, text)),
            None => found,
        };
        let meant = match (&self.map, taken) {
            (Some(map), taken) => self.meant(map, taken)?,
            (None, taken) => taken,
        };
        match meant {
            None if self.required => Err(self.missing().into()),
            meant => Ok(meant),
        }
    }

    /// The field's text, without which there is no event.
    pub(super) fn need<'v>(&'v self, opened: &'v Opened<'_>) -> Result<Cow<'v, str>, Stop> {
        Ok(self.read(opened)?.ok_or_else(|| self.missing())?)
    }

    fn found<'v>(&'v self, opened: &'v Opened<'_>) -> Result<Option<Cow<'v, str>>, Rejection> {
        match &self.origin {
            Origin::Const(text) => Ok(Some(Cow::Borrowed(text))),
            Origin::First(sources) => {
                for source in sources {
                    if let Some(text) = self.text(source, opened)? {
                        return Ok(Some(text));
                    }
                }
                Ok(None)
            }
            Origin::Parts(sources) => {
                let parts = sources.iter().map(|source| self.text(source, opened));
                let parts: Option<Vec<_>> = parts.collect::<Result<_, _>>()?;
                Ok(parts.map(|parts| Cow::Owned(parts.join(":"))))
            }
        }
    }

    fn text<'v>(&self, source: &Source, opened: &'v Opened<'_>) -> Result<Option<Cow<'v, str>>, Rejection> {
        match source.find(opened)? {
            Some(Found::Nested) => {
                let why =
                    format!("{source} is an object or a list; point at a text or a number inside of it");
                Err(Rejection::new(Reason::InvalidField, self.name, why))
            }
            Some(Found::Text(text)) if !text.is_empty() && !self.absent.iter().any(|none| text == *none) => {
                Ok(Some(text))
            }
            _ => Ok(None),
        }
    }

    fn meant<'v>(&'v self, map: &'v Map, text: Option<Cow<'v, str>>) -> Result<Option<Cow<'v, str>>, Stop> {
        let meaning = text.as_ref().and_then(|text| map.meanings.get(&**text));
        match (meaning, text) {
            (Some(meaning), _) => Ok(Some(Cow::Borrowed(meaning))),
            (None, Some(text)) if map.ignore_others => {
                Err(Stop::Ignored(format!("the map of {} does not list {:?}", self.name, shown(&text))))
            }
            (None, None) if map.ignore_others => Err(Stop::Ignored(format!("there is no {}", self.place()))),
            (None, Some(text)) => {
                let known: Vec<&str> = map.meanings.keys().map(String::as_str).collect();
                let why = format!(
                    "{:?} of {} is not in the map, which has {}; add it",
                    shown(&text),
                    self.place(),
                    known.join(", ")
                );
                Err(Rejection::new(Reason::InvalidField, self.name, why).into())
            }
            (None, None) => Ok(None),
        }
    }

    /// A refusal because of what the field says.
    pub(super) fn invalid(&self, text: &str, why: &str) -> Rejection {
        let why = format!("{:?} of {} {why}", shown(text), self.place());
        Rejection::new(Reason::InvalidField, self.name, why)
    }

    fn missing(&self) -> Rejection {
        let why =
            format!("nothing stands at {}; let the system send it, or correct the adapter", self.place());
        Rejection::new(Reason::MissingField, self.name, why)
    }

    /// Where it is looked for.
    pub(super) fn place(&self) -> String {
        let all = |sources: &[Source], between: &str| {
            sources.iter().map(Source::to_string).collect::<Vec<_>>().join(between)
        };
        match &self.origin {
            Origin::Const(_) => "the adapter".to_owned(),
            Origin::First(sources) => all(sources, " or "),
            Origin::Parts(sources) => all(sources, " and "),
        }
    }
}

/// What a regex takes of a text.
fn taken<'v>(regex: &Regex, text: Cow<'v, str>) -> Option<Cow<'v, str>> {
    let captures = regex.captures(&text)?;
    let taken = captures.get(1).or_else(|| captures.get(0)).map(|part| part.range())?;
    match text {
        Cow::Borrowed(text) => text.get(taken).map(Cow::Borrowed),
        Cow::Owned(text) => text.get(taken).map(|part| Cow::Owned(part.to_owned())),
    }
}

/// A text as an error shows it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
