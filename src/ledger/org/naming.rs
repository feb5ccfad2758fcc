//! Names: what an organization is told of whom and what it has, and what its events name.

use super::Org;
use crate::ledger::entry::{Dimensions, Event};
use crate::ledger::names::{self, Digest, NameOrder, Names};
use crate::ledger::rejection::Rejection;

impl Org {
    /// Who and what there is in it; `None` where nothing was ever named.
    #[must_use]
    pub fn names(&self) -> Option<&Names> {
        self.names.as_deref()
    }

    /// Its own name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.names.as_ref()?.name()
    }

    pub(super) fn put_name(&mut self, order: &NameOrder) -> Result<(), Rejection> {
        names::put(&mut self.names, order, self.at)
    }

    pub(super) fn rename(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.names.get_or_insert_default().rename(name);
        }
    }

    /// What an event names, as a digest; none where it names nobody, or the same as the latest before it. Has the processor
    /// fetch where it stands what is known.
    pub(super) fn news(&self, event: &Event<'_>) -> Option<Digest> {
        let Dimensions { account, user, team, entity_type, .. } = event.dimensions;
        account.or(user).or(team).or(entity_type)?;
        let news = Some(Digest::of(&event.dimensions)).filter(|digest| self.learnt != Some(*digest))?;
        self.names.iter().for_each(|names| names.approach());
        Some(news)
    }

    /// Has the processor fetch what is noted of news. Changes nothing.
    pub(super) fn approach_news(&self, news: Option<Digest>) {
        if let (Some(names), Some(digest)) = (&self.names, news) {
            names.approach_news(digest);
        }
    }

    /// Registers what an event names that is charged.
    pub(super) fn learn_names(&mut self, event: &Event<'_>, news: Option<Digest>) {
        if let Some(digest) = news {
            let learnt = self.names.get_or_insert_default().learn(&event.dimensions, digest, self.at);
            self.learnt = learnt.then_some(digest);
        }
    }
}
