//! What is sent at once: a few commands of one organization, or a batch of events.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::workload::{Item, ItemKind};

/// Lines that go into one message or request.
#[derive(Clone, Debug, Default)]
pub(super) struct Parcel {
    /// Whose they are; none for the catalog, and for events of several organizations.
    pub(super) org: Option<Arc<str>>,
    pub(super) commands: bool,
    /// One line each.
    pub(super) lines: Vec<Arc<str>>,
    pub(super) repeats: u64,
    pub(super) bad: u64,
}

impl Parcel {
    fn push(&mut self, item: Item) {
        self.commands = item.kind.is_command();
        self.repeats += u64::from(item.kind == ItemKind::Repeat);
        self.bad += u64::from(item.kind == ItemKind::Bad);
        self.lines.push(item.text);
    }

    /// The lines as one text.
    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// Gathers events into parcels.
#[derive(Debug)]
pub(super) struct Gathering {
    batch: usize,
    /// Whether a parcel holds events of one organization only.
    by_org: bool,
    open: BTreeMap<Option<Arc<str>>, Parcel>,
}

impl Gathering {
    pub(super) fn new(batch: usize, by_org: bool) -> Gathering {
        Gathering { batch, by_org, open: BTreeMap::new() }
    }

    /// Takes an item; answers the parcel that is full with it. A command goes alone.
    pub(super) fn take(&mut self, item: Item) -> Option<Parcel> {
        if item.kind.is_command() {
            let mut parcel = Parcel { org: item.org.clone(), ..Parcel::default() };
            parcel.push(item);
            return Some(parcel);
        }
        let key = if self.by_org { item.org.clone() } else { None };
        let parcel = self.open.entry(key.clone()).or_default();
        parcel.org.clone_from(&key);
        parcel.push(item);
        if parcel.lines.len() < self.batch { None } else { self.open.remove(&key) }
    }

    /// What is left at the end.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Parcel> + use<> {
        std::mem::take(&mut self.open).into_values()
    }
}
