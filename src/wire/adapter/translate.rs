//! From a message to its event.

use super::body::Body;
use super::condition::first_unmet;
use super::event::{CallEvent, Kind};
use super::field::Stop;
use super::source::Opened;
use super::{Adapter, Message};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::EventId;
use crate::wire::Decoder;

/// What an adapter makes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translation {
    /// An event.
    Event(Box<Normalised>),
    /// Nothing: it costs nothing.
    Ignored {
        /// The adapter that took it.
        adapter: String,
        /// Why it costs nothing, as a sentence.
        why: String,
    },
}

/// An event that the decoder takes, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The adapter that made it.
    pub adapter: String,
    /// The organization it is of.
    pub org: String,
    /// The same for every repeat of the message: what a stream knows a message by.
    pub message_id: String,
    /// The event.
    pub event: CallEvent,
}

impl Normalised {
    /// The event as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // What it is made of, texts, numbers and instants, is always written.
        serde_json::to_string(&self.event).unwrap_or_default()
    }
}

/// What the first of the adapters that takes the message makes of it.
pub(super) fn by_first<'a>(
    adapters: impl Iterator<Item = &'a Adapter>,
    message: &Message<'_>,
) -> Result<Translation, Rejection> {
    let mut unread = None;
    for adapter in adapters.filter(|adapter| adapter.may_take(message)) {
        let opened = match Body::open(message.body, &adapter.body, adapter.url_encoded) {
            Ok(body) => Opened { message, body },
            // Another adapter may read bodies of another form.
            Err(rejection) => {
                unread.get_or_insert_with(|| adapter.named_in(rejection));
                continue;
            }
        };
        if first_unmet(&adapter.when, &opened).map_err(|why| adapter.named_in(why))?.is_some() {
            continue;
        }
        return match adapter.event(&opened) {
            Ok(event) => Ok(Translation::Event(Box::new(event))),
            Err(Stop::Ignored(why)) => Ok(Translation::Ignored { adapter: adapter.name.clone(), why }),
            Err(Stop::Refused(rejection)) => Err(adapter.named_in(rejection)),
        };
    }
    Err(unread.unwrap_or_else(|| {
        let why = "no adapter takes this message: its subject or its `when` differs; correct one, or add one";
        Rejection::new(Reason::UnknownType, "", why)
    }))
}

impl Adapter {
    /// Whether a message comes from where this adapter's come from.
    fn may_take(&self, message: &Message<'_>) -> bool {
        match (message.subject, &self.subject) {
            (Some(subject), Some(pattern)) => pattern.covers(subject),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    fn named_in(&self, mut rejection: Rejection) -> Rejection {
        rejection.detail = format!("adapter {:?}: {}", self.name, rejection.detail);
        rejection
    }

    fn event(&self, opened: &Opened<'_>) -> Result<Normalised, Stop> {
        if let Some(unmet) = first_unmet(&self.only, opened)? {
            return Err(Stop::Ignored(format!("it does not hold that {unmet}")));
        }
        let event = self.mapping.event(opened)?;
        let normalised = Normalised {
            adapter: self.name.clone(),
            org: event.org.clone(),
            message_id: format!("{}.{:032x}", self.name, event.identity().to_u128()),
            event,
        };
        // What the adapter lets through and the decoder would not is refused here, where the message is still known.
        let decoder = Decoder { org: &normalised.org, headers: &[], at: opened.message.at };
        let mut refusal = None;
        decoder.decode(normalised.json().as_bytes(), &mut |_, decoded| refusal = decoded.err());
        match refusal {
            Some(rejection) => Err(rejection.into()),
            None => Ok(normalised),
        }
    }
}

impl CallEvent {
    /// What tells it from other events: the same for every repeat.
    fn identity(&self) -> EventId {
        let id = self.id.as_ref().unwrap_or(&self.call_id);
        let so_far = self.length.duration_ms.filter(|_| self.kind == Kind::Progress).unwrap_or_default();
        EventId::of(&self.source, &[&self.org, self.kind.name(), id, &so_far.0.to_string()].join("\0"))
    }
}
