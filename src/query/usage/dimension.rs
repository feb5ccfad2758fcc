//! By what usage is grouped and chosen.

use super::parameters::{Parameters, Refused};
use crate::book::cells::{Field, PaidBy, Spent};
use crate::ledger::names::{Key, Kind};
use crate::ledger::price::CreditType;

/// What can be told apart in usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Account,
    EntityType,
    Entity,
    User,
    Team,
    Feature,
    Action,
    CreditType,
    GrantKind,
}

/// The most values by which one dimension is chosen.
const MOST_VALUES: usize = 100;

/// The most dimensions by which usage is grouped.
const MOST_GROUPED: usize = 3;

/// One value of a dimension; none where there is none, as of what no user did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id<'a> {
    /// The type of an entity; empty for everything else.
    pub(super) entity_type: &'a str,
    pub(super) id: Option<&'a str>,
}

/// The same, kept. Those without a value come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnId {
    pub(super) entity_type: Box<str>,
    pub(super) id: Option<Box<str>>,
}

impl Id<'_> {
    pub(super) fn keep(self) -> OwnId {
        OwnId { entity_type: self.entity_type.into(), id: self.id.map(Box::from) }
    }

    /// Appends it in a form that no other has.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        // No text in UTF-8 has these bytes.
        const NONE: u8 = 0xFE;
        const END: u8 = 0xFF;
        out.extend_from_slice(self.entity_type.as_bytes());
        out.push(END);
        match self.id {
            Some(id) => out.extend_from_slice(id.as_bytes()),
            None => out.push(NONE),
        }
        out.push(END);
    }
}

impl OwnId {
    pub(super) fn lend(&self) -> Id<'_> {
        Id { entity_type: &self.entity_type, id: self.id.as_deref() }
    }
}

impl Dimension {
    pub(super) const ALL: [Dimension; 9] = [
        Dimension::Account,
        Dimension::EntityType,
        Dimension::Entity,
        Dimension::User,
        Dimension::Team,
        Dimension::Feature,
        Dimension::Action,
        Dimension::CreditType,
        Dimension::GrantKind,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Dimension::Account => "account",
            Dimension::EntityType => "entity_type",
            Dimension::Entity => "entity",
            Dimension::User => "user",
            Dimension::Team => "team",
            Dimension::Feature => "feature",
            Dimension::Action => "action",
            Dimension::CreditType => "credit_type",
            Dimension::GrantKind => "grant_kind",
        }
    }

    /// The kind of names its values have; none where ids are all there is.
    pub(super) const fn kind(self) -> Option<Kind> {
        match self {
            Dimension::Account => Some(Kind::Account),
            Dimension::Entity => Some(Kind::Entity),
            Dimension::User => Some(Kind::User),
            Dimension::Team => Some(Kind::Team),
            _ => None,
        }
    }

    /// Under which a value's name is known.
    pub(super) fn key<'a>(self, id: Id<'a>) -> Option<Key<'a>> {
        Some(Key { kind: self.kind()?, entity_type: id.entity_type, id: id.id? })
    }

    /// What its value is told by.
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Dimension::Account => &[Field::Account],
            Dimension::EntityType => &[Field::EntityType],
            Dimension::Entity => &[Field::EntityType, Field::EntityId],
            Dimension::User => &[Field::User],
            Dimension::Team => &[Field::Team],
            Dimension::Feature => &[Field::Feature],
            Dimension::Action => &[Field::Action],
            Dimension::CreditType => &[Field::CreditType],
            Dimension::GrantKind => &[Field::PaidBy],
        }
    }

    /// Its value in what was spent.
    pub(super) fn of<'c>(self, spent: &'c Spent<'_>) -> Id<'c> {
        let plain = |id| Id { entity_type: "", id };
        match self {
            Dimension::Account => plain(spent.account),
            Dimension::EntityType => plain(spent.entity.map(|(entity_type, _)| entity_type)),
            Dimension::Entity => match spent.entity {
                Some((entity_type, id)) => Id { entity_type, id: Some(id) },
                None => plain(None),
            },
            Dimension::User => plain(spent.user),
            Dimension::Team => plain(spent.team),
            Dimension::Feature => plain(spent.feature),
            Dimension::Action => plain(Some(spent.action)),
            Dimension::CreditType => plain(Some(spent.credit_type.name())),
            Dimension::GrantKind => plain(spent.paid_by.map(PaidBy::slug)),
        }
    }

    /// The dimensions by which to group, taken out of the parameters.
    pub(super) fn read_grouping(parameters: &mut Parameters) -> Result<Vec<Dimension>, Refused> {
        let given = parameters.all("group_by");
        let mut grouping = Vec::new();
        for name in given.iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty()) {
            let found = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
            let dimension = found.ok_or_else(|| {
                let known = Dimension::ALL.map(Dimension::name).join(", ");
                Refused::value("group_by", name, &format!("write up to {MOST_GROUPED} of {known}"))
            })?;
            if grouping.contains(&dimension) {
                return Err(Refused::value("group_by", name, "it is there already; write it once"));
            }
            grouping.push(dimension);
        }
        if grouping.len() > MOST_GROUPED {
            let why = format!(
                "group_by: these are {}, at most {MOST_GROUPED} are possible; leave some out",
                grouping.len()
            );
            return Err(Refused::new("group_by", why));
        }
        Ok(grouping)
    }
}

/// Chooses what has one of some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    dimension: Dimension,
    /// As they are written; none for what has no value.
    values: Vec<Option<String>>,
}

impl Filter {
    /// Those of all dimensions, taken out of the parameters.
    pub(super) fn read_all(parameters: &mut Parameters) -> Result<Vec<Filter>, Refused> {
        let mut filters = Vec::new();
        for dimension in Dimension::ALL {
            let given = parameters.all(dimension.name());
            if given.len() > MOST_VALUES {
                let (name, many) = (dimension.name(), given.len());
                let why = format!(
                    "{name}: these are {many} values, at most {MOST_VALUES} are possible; ask more than once"
                );
                return Err(Refused::new(name, why));
            }
            given.iter().try_for_each(|value| check_value(dimension, value))?;
            if !given.is_empty() {
                let values = given.into_iter().map(|value| Some(value).filter(|value| !value.is_empty()));
                filters.push(Filter { dimension, values: values.collect() });
            }
        }
        Ok(filters)
    }

    pub(super) const fn dimension(&self) -> Dimension {
        self.dimension
    }

    pub(super) fn lets_pass(&self, spent: &Spent<'_>) -> bool {
        let Id { entity_type, id } = self.dimension.of(spent);
        self.values.iter().any(|value| match (value.as_deref(), id) {
            (Some(value), Some(id)) if self.dimension == Dimension::Entity => {
                value.strip_prefix(entity_type).and_then(|rest| rest.strip_prefix('/')) == Some(id)
            }
            (value, id) => value == id,
        })
    }
}

/// Refuses what no value of a dimension can be; an empty one is none.
fn check_value(dimension: Dimension, value: &str) -> Result<(), Refused> {
    let remedy = match dimension {
        _ if value.is_empty() => return Ok(()),
        Dimension::Entity if !value.contains('/') => "write its type, a / and its id, such as campaign/c7",
        Dimension::CreditType if CreditType::new(value).is_none() => {
            "write the name of a kind of credits: 1 to 16 of a-z, 0-9 and _"
        }
        Dimension::GrantKind if !PaidBy::ALL.iter().any(|kind| kind.slug() == value) => {
            "write plan, bonus, purchased or overage, or nothing for what was free"
        }
        _ => return Ok(()),
    };
    Err(Refused::value(dimension.name(), value, remedy))
}
