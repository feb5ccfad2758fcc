//! What is known of one account, team, user or entity.

use serde::{Deserialize, Serialize};

use crate::ledger::units::Timestamp;

/// What a put says of one. What does not fit its kind is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its name.
    pub name: Option<Box<str>>,
    /// What it belongs to: a user's team, an entity's account.
    pub within: Option<Box<str>>,
    /// A URL where more can be seen.
    pub link: Option<Box<str>>,
    /// How it stands, in the sender's words.
    pub status: Option<Box<str>>,
    /// When it begins.
    pub start: Option<Timestamp>,
    /// When it ends; after `start`.
    pub end: Option<Timestamp>,
    /// How much it is to do in its life.
    pub planned_quantity: Option<u64>,
    /// Of which action; of all its actions and calls where none is named.
    pub planned_action: Option<Box<str>>,
}

impl Card {
    /// The bytes of its texts.
    pub(super) fn bytes(&self) -> usize {
        bytes([&self.name, &self.within, &self.link, &self.status, &self.planned_action])
    }
}

fn bytes<const N: usize>(texts: [&Option<Box<str>>; N]) -> usize {
    texts.into_iter().flatten().fold(0, |sum, text| sum.saturating_add(text.len()))
}

/// What is known of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The log's time of the event or put that named it first.
    pub first_seen: Timestamp,
    /// The log's time of the last put or event by which something about it became another.
    pub changed: Timestamp,
    /// What the last put said; none where it said nothing.
    said: Option<Box<Card>>,
    told: Told,
}

/// What events told last, each by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    name: Option<Box<str>>,
    within: Option<Box<str>>,
}

impl Record {
    pub(super) fn new(at: Timestamp) -> Record {
        Record { first_seen: at, changed: at, said: None, told: Told::default() }
    }

    /// Its name: what the last put said or else what the last charged event told.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.said.as_ref().and_then(|said| said.name.as_deref()).or(self.told.name.as_deref())
    }

    /// What it belongs to, a user's team or an entity's account: what the last put said or else what the last charged
    /// event told.
    #[must_use]
    pub fn within(&self) -> Option<&str> {
        self.said.as_ref().and_then(|said| said.within.as_deref()).or(self.told.within.as_deref())
    }

    /// What the last put said; none where it said nothing.
    #[must_use]
    pub fn said(&self) -> Option<&Card> {
        self.said.as_deref()
    }

    /// The bytes of all that is known of it.
    pub(super) fn bytes(&self) -> usize {
        let said = self.said.as_ref().map_or(0, |said| said.bytes());
        said.saturating_add(bytes([&self.told.name, &self.told.within]))
    }

    /// Takes down what an event told. Answers whether that took the place of something else.
    pub(super) fn hear(&mut self, name: Option<&str>, within: Option<&str>, at: Timestamp) -> bool {
        let mut replaced = false;
        let said = self.said.as_deref();
        let said =
            (said.is_some_and(|said| said.name.is_some()), said.is_some_and(|said| said.within.is_some()));
        for (known, heard, is_said) in
            [(&mut self.told.name, name, said.0), (&mut self.told.within, within, said.1)]
        {
            if heard.is_some() && known.as_deref() != heard {
                replaced |= known.is_some();
                *known = heard.map(Box::from);
                // What a put said is shown all the same.
                self.changed = if is_said { self.changed } else { at };
            }
        }
        replaced
    }

    /// Takes down what a put said: all that is said from now on.
    pub(super) fn say(&mut self, card: &Card, at: Timestamp) {
        let said = Some(card).filter(|card| **card != Card::default());
        if self.said.as_deref() != said {
            self.said = said.cloned().map(Box::new);
            self.changed = at;
        }
    }
}
