//! The names of groups: what their ids are called.

use super::dimension::{Dimension, OwnId};
use super::groups::Group;
use crate::book::Book;
use crate::ledger::names::Names;

/// So many groups are named under an organization's guard before it is let go.
const NAMED_AT_ONCE: usize = 256;

/// The value of a dimension as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown<'a> {
    pub(super) dimension: Dimension,
    /// The type of an entity; empty for everything else.
    pub(super) entity_type: &'a str,
    pub(super) id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
}

/// Gives groups the names by which their values are known now.
pub(super) fn learn(book: &Book, org: &str, group_by: &[Dimension], groups: &mut [Group]) {
    if group_by.iter().all(|dimension| dimension.kind().is_none()) {
        return;
    }
    for some in groups.chunks_mut(NAMED_AT_ONCE) {
        // An organization that is gone has no names.
        let _gone = book.read(org, |slot| {
            for group in some {
                group.names = names_of(group, group_by, slot.org.names());
            }
        });
    }
}

fn names_of(group: &Group, group_by: &[Dimension], names: Option<&Names>) -> Vec<Option<Box<str>>> {
    let name = |(dimension, own): (&Dimension, &OwnId)| {
        let record = names?.get(dimension.key(own.lend())?)?;
        record.name().map(Box::from)
    };
    group_by.iter().zip(&group.ids).map(name).collect()
}

/// The values of a group, with their names where these are known.
pub(super) fn shown<'a>(group: &'a Group, group_by: &[Dimension]) -> Vec<Shown<'a>> {
    let one = |(place, (dimension, own)): (usize, (&Dimension, &'a OwnId))| {
        let id = own.lend();
        let name = group.names.get(place).and_then(Option::as_deref);
        Shown { dimension: *dimension, entity_type: id.entity_type, id: id.id, name }
    };
    group_by.iter().zip(&group.ids).enumerate().map(one).collect()
}

/// Whether a text in small letters is in one of the ids or names.
pub(super) fn is_found(search: &str, shown: &[Shown<'_>]) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    shown.iter().any(|one| has(one.entity_type) || one.id.is_some_and(has) || one.name.is_some_and(has))
}
