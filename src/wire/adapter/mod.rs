//! Adapters: what telephony systems really publish, turned into events by configuration alone.
//!
//! ```text
//! file.toml ── table: keys and types ── check ──► Adapter: one event, field by field
//!                                                   │
//! message ── body: JSON, form, wrapped ── when ─────┤ the first adapter that takes it
//!                                                   ▼
//!             only → ignored     fields, instants, usage → guards → an event that the decoder takes
//! ```
//!
//! Three things are never guessed: the unit of a number, the form of a time, and the direction of a call, which is the
//! switch's view where the customer's is needed. An adapter that leaves one of them open is refused when it is read.
//! What a message lacks, or says against itself, refuses the message, with the value and what to do.
//!
//! A translation depends on the message and the adapter alone: the same message is the same event, under the same id,
//! however often it comes. The language is described for its users in `docs/ADAPTERS.md`.

mod body;
mod check;
mod condition;
mod decimal;
mod event;
mod field;
mod guard;
mod instant;
mod mapping;
mod pattern;
mod source;
mod table;
mod translate;
mod usage;

pub use self::event::CallEvent;
pub use self::pattern::Pattern;
pub use self::translate::{Normalised, Translation};

use self::body::BodyForm;
use self::condition::Condition;
use self::mapping::Mapping;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Timestamp;

/// A message as a system sent it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Where it was published; `None` where it came another way.
    pub subject: Option<&'a str>,
    /// Its headers.
    pub headers: &'a [(String, String)],
    /// When it arrived: the stream's time, or ours.
    pub at: Timestamp,
    /// Its number in the stream, where it has one.
    pub seq: Option<u64>,
    /// What was sent.
    pub body: &'a [u8],
}

/// How one kind of message is read.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Its name: what it is called by over HTTP, and the source of its events unless it names another.
    pub name: String,
    /// Where its messages are published; `None` where they come over HTTP alone.
    pub subject: Option<Pattern>,
    /// The JetStream stream that keeps them; `None` where they are heard or missed.
    pub stream: Option<String>,
    body: BodyForm,
    url_encoded: bool,
    when: Vec<Condition>,
    only: Vec<Condition>,
    mapping: Mapping,
}

/// Adapters in order: the first that takes a message has it.
#[derive(Clone, Debug, Default)]
pub struct Adapters(Vec<Adapter>);

/// Everything that is wrong with a file of adapters: for each the file, the adapter, the key, the value and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct AdapterError(pub Vec<String>);

impl Adapters {
    /// Reads a file of adapters; `file` is what it is called in errors.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_toml(file: &str, text: &str) -> Result<Adapters, AdapterError> {
        check::adapters(file, text).map(Adapters)
    }

    /// Adds the adapters of another file behind these.
    ///
    /// # Errors
    /// A name that both have.
    pub fn append(&mut self, file: &str, others: Adapters) -> Result<(), AdapterError> {
        let twice = others.0.iter().filter(|adapter| self.named(&adapter.name).is_some());
        let twice: Vec<String> =
            twice.map(|adapter| check::named_twice(&format!("{file}: adapter {:?}", adapter.name))).collect();
        if !twice.is_empty() {
            return Err(AdapterError(twice));
        }
        self.0.extend(others.0);
        Ok(())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Adapter> {
        self.0.iter()
    }

    /// The adapter of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Adapter> {
        self.0.iter().find(|adapter| adapter.name == name)
    }

    /// What the first adapter that takes a message makes of it.
    ///
    /// # Errors
    /// Why it is refused: no adapter takes it, or the one that does finds it wanting.
    pub fn translate(&self, message: &Message<'_>) -> Result<Translation, Rejection> {
        translate::by_first(self.iter(), message)
    }
}

impl Adapter {
    /// What this adapter makes of a message.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn translate(&self, message: &Message<'_>) -> Result<Translation, Rejection> {
        translate::by_first(std::iter::once(self), message)
    }
}

#[cfg(test)]
mod tests;
