//! Where a value stands: in the body, or in what comes with it.

use std::borrow::Cow;
use std::fmt;

use super::Message;
use super::body::{Body, Found};
use crate::ledger::rejection::Rejection;
use crate::wire::time;

/// A place of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In the body: the names and numbers of a JSON pointer.
    Body(Vec<String>),
    /// A token of the subject, the first is 0.
    Subject(usize),
    /// A header, by its name.
    Header(String),
    /// When the message arrived.
    Time,
    /// Its number in the stream.
    Seq,
}

/// A message whose body was opened.
#[derive(Debug)]
pub(super) struct Opened<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) body: Body<'m>,
}

impl Source {
    /// Reads a source as it is written: `/a/0/b`, `$subject.3`, `$header.X`, `$time`, `$seq`.
    pub(super) fn parse(text: &str) -> Result<Source, String> {
        if let Some(pointer) = text.strip_prefix('/') {
            let part = |part: &str| part.replace("~1", "/").replace("~0", "~");
            return Ok(Source::Body(pointer.split('/').map(part).collect()));
        }
        match text {
            "$time" => return Ok(Source::Time),
            "$seq" => return Ok(Source::Seq),
            _ => {}
        }
        if let Some(name) = text.strip_prefix("$header.").filter(|name| !name.is_empty()) {
            return Ok(Source::Header(name.to_owned()));
        }
        let token = text.strip_prefix("$subject.").and_then(|number| number.parse::<usize>().ok());
        if let Some(place) = token.and_then(|number| number.checked_sub(1)) {
            return Ok(Source::Subject(place));
        }
        Err(format!(
            "{text:?} is no place of a message; write a JSON pointer such as \"/call/id\", or $subject.1, \
             $header.Name, $time, $seq; a fixed value is {{ const = {text:?} }}"
        ))
    }

    /// What stands there; `None` where nothing does.
    pub(super) fn find<'m>(&self, opened: &'m Opened<'_>) -> Result<Option<Found<'m>>, Rejection> {
        let message = opened.message;
        let text = |text: &'m str| Some(Found::Text(Cow::Borrowed(text)));
        Ok(match self {
            Source::Body(pointer) => opened.body.find(pointer)?,
            Source::Subject(place) => {
                message.subject.and_then(|subject| subject.split('.').nth(*place)).and_then(text)
            }
            Source::Header(name) => {
                let found = message.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.and_then(|(_, value)| text(value))
            }
            Source::Time => Some(Found::Text(Cow::Owned(time::format(message.at)))),
            Source::Seq => message.seq.map(|seq| Found::Text(Cow::Owned(seq.to_string()))),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Body(pointer) => pointer
                .iter()
                .try_for_each(|part| write!(f, "/{}", part.replace('~', "~0").replace('/', "~1"))),
            Source::Subject(place) => write!(f, "$subject.{}", place.saturating_add(1)),
            Source::Header(name) => write!(f, "$header.{name}"),
            Source::Time => f.write_str("$time"),
            Source::Seq => f.write_str("$seq"),
        }
    }
}
