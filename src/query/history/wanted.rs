//! Which part of a history: what is asked for, checked.

use serde::{Deserialize, Deserializer};

use crate::book::row::{OneCall, Row, What};
use crate::book::stretch::Place;
use crate::ledger::charge::Charge;
use crate::ledger::movement::MovementKind;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Position, Timestamp};
use crate::query::page::page_length;
use crate::store::history::BlockRef;
use crate::wire::time;

/// Which part of an organization's history, as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryOf {
    /// Only rows of these kinds.
    #[serde(deserialize_with = "one_or_more")]
    pub kind: Vec<String>,
    /// Only what moved at that instant of the log's time, or later.
    pub from: Option<String>,
    /// Only what moved before that instant of the log's time.
    pub to: Option<String>,
    /// Only what that user spent, or got back.
    pub user: Option<String>,
    /// The same of a team.
    pub team: Option<String>,
    /// The same of an account.
    pub account: Option<String>,
    /// The same of an entity, `type/id`, or of all of a type.
    pub entity: Option<String>,
    /// The same of a feature.
    pub feature: Option<String>,
    /// Only what that action, or add-on, cost.
    pub action: Option<String>,
    /// Only what moved credits of that kind.
    pub credit_type: Option<String>,
    /// Only what a call of that id cost.
    pub call_id: Option<String>,
    /// Only rows with that in an id, a name or the remarks, in capitals or not.
    pub search: Option<String>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// The most rows on it: 1 to 1,000, 100 where nothing is said.
    pub limit: Option<usize>,
}

/// What is asked for and cannot be: which field, its value, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Wrong {
    /// The parameter.
    pub field: String,
    /// What is wrong with it, and what to write.
    pub why: String,
}

impl Wrong {
    fn new(field: &str, why: impl Into<String>) -> Wrong {
        Wrong { field: field.chars().take(40).collect(), why: why.into() }
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        One(String),
        More(Vec<String>),
    }
    Ok(match Words::deserialize(deserializer)? {
        Words::One(word) => vec![word],
        Words::More(words) => words,
    })
}

impl HistoryOf {
    /// Reads the parameters of a request: `kind` may be there several times, every other once.
    ///
    /// # Errors
    /// [`Wrong`] for one that is not known, is there twice, or is no number where one is needed.
    pub fn read(pairs: Vec<(String, String)>) -> Result<HistoryOf, Wrong> {
        let mut wanted = HistoryOf::default();
        for (name, value) in pairs {
            let field = match &*name {
                "kind" => {
                    wanted.kind.push(value);
                    continue;
                }
                "limit" => {
                    let read = value.parse().map_err(|_| {
                        Wrong::new("limit", format!("{:?} is no number; write 1 to 1000", cut(&value)))
                    });
                    wanted.limit = Some(read?);
                    continue;
                }
                "from" => &mut wanted.from,
                "to" => &mut wanted.to,
                "user" => &mut wanted.user,
                "team" => &mut wanted.team,
                "account" => &mut wanted.account,
                "entity" => &mut wanted.entity,
                "feature" => &mut wanted.feature,
                "action" => &mut wanted.action,
                "credit_type" => &mut wanted.credit_type,
                "call_id" => &mut wanted.call_id,
                "search" => &mut wanted.search,
                "cursor" => &mut wanted.cursor,
                _ => {
                    return Err(Wrong::new(
                        &name,
                        "it is no parameter here; those that are, are in docs/HTTP.md",
                    ));
                }
            };
            if field.replace(value).is_some() {
                return Err(Wrong::new(&name, "it is there twice; only kind may be given several times"));
            }
        }
        Ok(wanted)
    }
}

/// The kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Charge,
    Void,
    CallClosed,
    CallCorrected,
    Adjusted,
    Moved(MovementKind),
}

impl Kind {
    const ALL: [Kind; 12] = [
        Kind::Charge,
        Kind::Void,
        Kind::CallClosed,
        Kind::CallCorrected,
        Kind::Adjusted,
        Kind::Moved(MovementKind::Granted),
        Kind::Moved(MovementKind::Expired),
        Kind::Moved(MovementKind::Voided),
        Kind::Moved(MovementKind::RolledOut),
        Kind::Moved(MovementKind::RolledIn),
        Kind::Moved(MovementKind::Covered),
        Kind::Moved(MovementKind::Dropped),
    ];

    pub(super) fn of(what: &What) -> Kind {
        match what {
            What::Charge { .. } => Kind::Charge,
            What::Void { .. } => Kind::Void,
            What::Orphan { .. } => Kind::CallClosed,
            What::OrphanReturned { .. } => Kind::CallCorrected,
            What::Moved(movement) if movement.adjustment.is_some() => Kind::Adjusted,
            What::Moved(movement) => Kind::Moved(movement.kind),
        }
    }

    pub(super) const fn slug(self) -> &'static str {
        match self {
            Kind::Charge => "charge",
            Kind::Void => "void",
            Kind::CallClosed => "call_closed",
            Kind::CallCorrected => "call_corrected",
            Kind::Adjusted => "adjusted",
            Kind::Moved(kind) => kind.slug(),
        }
    }

    fn read(word: &str) -> Result<Kind, Wrong> {
        Kind::ALL.into_iter().find(|kind| kind.slug() == word).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.into_iter().map(Kind::slug).collect();
            Wrong::new("kind", format!("{:?} is none; write one of {}", cut(word), known.join(", ")))
        })
    }
}

/// Which part of a history, checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    kinds: Vec<Kind>,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    /// By the place of the dimension in a row.
    who: Vec<(usize, String)>,
    action: Option<String>,
    pub(super) credit_type: Option<CreditType>,
    call_id: Option<String>,
    pub(super) search: Option<String>,
    /// Only calls.
    calls: bool,
    pub(super) place: Option<Place>,
    pub(super) most: usize,
}

impl Wanted {
    pub(super) fn check(of: &HistoryOf, calls: bool) -> Result<Wanted, Wrong> {
        let instant = |field, text: &Option<String>| {
            text.as_deref().map(|text| time::parse(text).map_err(|why| Wrong::new(field, why))).transpose()
        };
        let mut who = Vec::new();
        let dimensions = [(0, &of.account), (4, &of.user), (5, &of.team), (6, &of.feature)];
        who.extend(dimensions.into_iter().filter_map(|(place, text)| Some((place, text.clone()?))));
        if let Some(entity) = &of.entity {
            let (kind, id) = entity.split_once('/').map_or((&**entity, None), |(kind, id)| (kind, Some(id)));
            if kind.is_empty() || id == Some("") {
                let why = format!("{:?} is no entity; write type/id, or a type", cut(entity));
                return Err(Wrong::new("entity", why));
            }
            who.push((1, kind.to_owned()));
            who.extend(id.map(|id| (2, id.to_owned())));
        }
        let credit_type = of.credit_type.as_deref().map(|name| {
            let why = || format!("{:?} is no kind of credits; write 1 to 16 of a-z, 0-9 and _", cut(name));
            CreditType::new(name).ok_or_else(|| Wrong::new("credit_type", why()))
        });
        let cursor = of.cursor.as_deref().map(|cursor| {
            let why = || format!("{:?} is none; take it from meta.next of the page before", cut(cursor));
            read_cursor(cursor).ok_or_else(|| Wrong::new("cursor", why()))
        });
        let most = page_length(of.limit).map_err(|error| Wrong::new("limit", error.to_string()))?;
        Ok(Wanted {
            kinds: of.kind.iter().map(|word| Kind::read(word)).collect::<Result<_, _>>()?,
            from: instant("from", &of.from)?,
            to: instant("to", &of.to)?,
            who,
            action: of.action.clone(),
            credit_type: credit_type.transpose()?,
            call_id: of.call_id.clone(),
            search: of.search.as_ref().map(|text| text.to_lowercase()).filter(|text| !text.is_empty()),
            calls,
            place: cursor.transpose()?,
            most,
        })
    }

    /// Whether every row is wanted, from its begin on.
    pub(super) fn is_all(&self) -> bool {
        let Wanted { kinds, from: _, to, who, action, credit_type, call_id, search, calls, .. } = self;
        let narrow = action.is_some() || credit_type.is_some() || call_id.is_some() || search.is_some();
        kinds.is_empty() && who.is_empty() && to.is_none() && !narrow && !calls
    }

    /// Whether a row is wanted as far as its kind and the log's time go.
    pub(super) fn takes_kind(&self, row: &Row) -> bool {
        let in_time = self.to.is_none_or(|to| row.at < to) && self.from.is_none_or(|from| row.at >= from);
        in_time && (self.kinds.is_empty() || self.kinds.contains(&Kind::of(&row.what)))
    }

    /// Whether a row is wanted as far as what it is about goes; a void is about what it takes back.
    pub(super) fn takes(&self, row: &Row, target: Option<&Row>) -> bool {
        let about = target.unwrap_or(row);
        let who = self.who.iter().all(|(place, text)| about.dimensions[*place].as_deref() == Some(&**text));
        let actions = actions(&about.what);
        let action =
            self.action.as_deref().is_none_or(|action| actions.iter().any(|known| **known == *action));
        let call = call_of(&about.what);
        let named = self.call_id.as_deref().is_none_or(|id| call.is_some_and(|(_, known)| known == id));
        who && action && named && (!self.calls || call.is_some())
    }
}

/// The action of a charge, then its add-ons.
pub(super) fn actions(what: &What) -> &[Box<str>] {
    match what {
        What::Charge { actions, .. } => actions,
        What::Orphan { charge, .. } => charge.call.as_ref().map_or(&[], |call| &call.actions),
        What::Void { .. } | What::Moved(_) | What::OrphanReturned { .. } => &[],
    }
}

/// The call that a row is about: who told of it, and its id there.
pub(super) fn call_of(what: &What) -> Option<(&str, &str)> {
    let ended = |charge: &'_ Charge| charge.call.is_some();
    match what {
        What::Charge { call: Some(OneCall { source, id, .. }), .. } => Some((source, id)),
        What::Charge { charge, .. } | What::Orphan { charge, .. } if ended(charge) => {
            charge.call.as_ref().map(|call| (&*call.source, &*call.id))
        }
        What::OrphanReturned { name: (source, id), .. } => Some((source, id)),
        _ => None,
    }
}

/// The cursor of the page behind a place.
pub(super) fn cursor(place: Place) -> String {
    let Place { position, rows, block } = place;
    let block = block.map(|BlockRef { run, offset }| format!(".{run}.{offset}"));
    format!("{position}.{rows}{}", block.unwrap_or_default())
}

fn read_cursor(cursor: &str) -> Option<Place> {
    let parts: Vec<&str> = cursor.split('.').collect();
    let (seq, item, rows, block) = match *parts {
        [seq, item, rows] => (seq, item, rows, None),
        [seq, item, rows, run, offset] => {
            (seq, item, rows, Some(BlockRef { run: run.parse().ok()?, offset: offset.parse().ok()? }))
        }
        _ => return None,
    };
    let position = Position { seq: seq.parse().ok()?, item: item.parse().ok()? };
    Some(Place { position, rows: rows.parse().ok()?, block })
}

/// A position, as answers tell it.
pub(super) fn read_position(text: &str) -> Result<Position, Wrong> {
    let read = text
        .split_once('.')
        .and_then(|(seq, item)| Some(Position { seq: seq.parse().ok()?, item: item.parse().ok()? }));
    read.ok_or_else(|| {
        let why = format!("{:?} is no position; write record and item, such as 17.2", cut(text));
        Wrong::new("seq", why)
    })
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(pairs: &[(&str, &str)]) -> String {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let checked = HistoryOf::read(pairs).and_then(|of| Wanted::check(&of, false));
        checked.map_or_else(|wrong| wrong.field, |_| String::new())
    }

    #[test]
    fn what_cannot_be_is_told_by_its_field() {
        for (name, value) in [
            ("kind", "payment"),
            ("from", "yesterday"),
            ("to", "2026-01-05"),
            ("entity", "campaign/"),
            ("entity", "/7"),
            ("credit_type", "Credits"),
            ("cursor", "17.2"),
            ("cursor", "17.2.1.4"),
            ("limit", "0"),
            ("limit", "1001"),
            ("limit", "ten"),
            ("colour", "red"),
        ] {
            assert_eq!(field(&[(name, value)]), name, "{value}");
        }
        assert_eq!(field(&[("user", "a"), ("user", "b")]), "user");
        assert_eq!(field(&[("kind", "charge"), ("kind", "adjusted"), ("entity", "campaign")]), "");
    }

    #[test]
    fn a_cursor_reads_back_as_it_was_written() {
        let place = Place { position: Position { seq: 17, item: 2 }, rows: 3, block: None };
        let block = Some(BlockRef { run: 4, offset: 1_234_567 });
        for place in [place, Place { block, ..place }] {
            assert_eq!(read_cursor(&cursor(place)), Some(place));
        }
    }
}
