//! A limit as it is put: whose use, of what, how much, and in which window.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ledger::entry::Dimensions;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Timestamp};

/// How much of something may be used in a window of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Its name.
    pub id: Box<str>,
    /// Whose use.
    pub on: On,
    /// What is counted.
    pub unit: Unit,
    /// How much may be used.
    pub max: Measure,
    /// The window in which it is counted.
    pub window: Window,
    /// Whether an event past it is held against it; a soft limit only warns.
    pub hard: bool,
}

impl Limit {
    /// Whether it counts the same as the other one, in whichever windows.
    #[must_use]
    pub fn counts_what(&self, other: &Limit) -> bool {
        (&self.on, self.unit) == (&other.on, other.unit)
    }

    /// Whether what was used counts on under the other one.
    #[must_use]
    pub fn counts_as(&self, other: &Limit) -> bool {
        (&self.id, &self.on, self.unit, self.window) == (&other.id, &other.on, other.unit, other.window)
    }
}

/// Whose use a limit is about: what an event must have to count. The whole organization where nothing is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct On(Vec<Part>);

/// The most fields that a limit names.
pub const MOST_PARTS: usize = 2;

/// A field that an event must have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Which.
    pub field: Field,
    /// The value it must have; each by itself where none is given.
    pub value: Option<Box<str>>,
}

/// The fields by which use is limited, in the order in which their values are named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Field {
    /// A unit inside the organization.
    Account,
    /// Who spends.
    User,
    /// Whose team spends.
    Team,
    /// The product area.
    Feature,
    /// The kind of action.
    Action,
    /// What spends, of this type: its id.
    Entity(Box<str>),
}

impl Field {
    /// The name in commands and answers.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Field::Account => "account",
            Field::User => "user",
            Field::Team => "team",
            Field::Feature => "feature",
            Field::Action => "action",
            Field::Entity(_) => "entity",
        }
    }

    fn of<'e>(&self, dimensions: &Dimensions<'e>, action: &'e str) -> Option<&'e str> {
        match self {
            Field::Account => dimensions.account,
            Field::User => dimensions.user,
            Field::Team => dimensions.team,
            Field::Feature => dimensions.feature,
            Field::Action => Some(action),
            Field::Entity(kind) => dimensions.entity_id.filter(|_| dimensions.entity_type == Some(&**kind)),
        }
    }
}

impl On {
    /// The parts in their order. `None` for more than [`MOST_PARTS`].
    #[must_use]
    pub fn new(mut parts: Vec<Part>) -> Option<On> {
        parts.sort_unstable();
        (parts.len() <= MOST_PARTS).then_some(On(parts))
    }

    /// What it names, in the order of the fields.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether values are counted one by one.
    #[must_use]
    pub fn is_each(&self) -> bool {
        self.0.iter().any(|part| part.value.is_none())
    }

    /// Whether lines of a charge count by their actions.
    #[must_use]
    pub fn names_action(&self) -> bool {
        self.0.iter().any(|part| part.field == Field::Action)
    }

    /// The value under which an event is counted, empty where values are not counted one by one; `None` for an event that
    /// does not count. Two values stand side by side, with a `/` between them that neither has.
    pub(super) fn value<'e>(&self, dimensions: &Dimensions<'e>, action: &'e str) -> Option<Cow<'e, str>> {
        let mut value = Cow::Borrowed("");
        for part in &self.0 {
            let actual = part.field.of(dimensions, action)?;
            match &part.value {
                Some(wanted) if **wanted != *actual => return None,
                Some(_) => {}
                None if value.is_empty() => value = Cow::Borrowed(actual),
                None => value = Cow::Owned(format!("{}/{}", plain(&value), plain(actual))),
            }
        }
        Some(value)
    }
}

/// A value without a `/`.
fn plain(value: &str) -> String {
    value.replace('%', "%25").replace('/', "%2F")
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Credits of one kind.
    Credits(CreditType),
    /// A number of things: the quantity of an action, 1 for a call.
    Quantity,
}

impl Unit {
    /// A measure in this unit, for people and for answers: a decimal number.
    #[must_use]
    pub fn show(self, measure: Measure) -> String {
        match self {
            Unit::Credits(_) => {
                Credits::from_micros(i64::try_from(measure.0).unwrap_or(i64::MAX)).to_string()
            }
            Unit::Quantity => measure.0.to_string(),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Credits(credit_type) => write!(f, "{credit_type}"),
            Unit::Quantity => f.write_str("things"),
        }
    }
}

/// How much is or may be used: micro-credits or things, as the limit's [`Unit`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Measure(u64);

impl Measure {
    /// Nothing.
    pub const ZERO: Measure = Measure(0);

    /// A number of things.
    #[must_use]
    pub const fn of_quantity(quantity: u64) -> Measure {
        Measure(quantity)
    }

    /// An amount of credits; nothing for one below 0.
    #[must_use]
    pub fn of_credits(amount: Credits) -> Measure {
        Measure(u64::try_from(amount.micros()).unwrap_or(0))
    }

    /// The sum, or `None` where it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Measure) -> Option<Measure> {
        self.0.checked_add(other.0).map(Measure)
    }

    /// A sum of many, as far as there is room.
    pub(in crate::ledger) fn of_sum(sum: u128) -> Measure {
        Measure(u64::try_from(sum).unwrap_or(u64::MAX))
    }

    /// As a part of a sum of many, which has room for any number of them.
    pub(in crate::ledger) fn as_sum(self) -> u128 {
        u128::from(self.0)
    }

    /// The sum, as far as there is room.
    #[must_use]
    pub const fn plus(self, other: Measure) -> Measure {
        Measure(self.0.saturating_add(other.0))
    }

    /// What is left after taking away, at least nothing.
    #[must_use]
    pub const fn less(self, other: Measure) -> Measure {
        Measure(self.0.saturating_sub(other.0))
    }
}

/// The window of time in which use is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first of a month.
    Month,
    /// The organization's cycle; for life outside of cycles.
    Cycle,
    /// For ever.
    Life,
}

impl Window {
    /// Whether a window of this kind with that end is over by the calendar. Those of the cycle turn with it.
    pub(in crate::ledger) fn is_over(self, end: Timestamp, at: Timestamp) -> bool {
        end <= at && !matches!(self, Window::Cycle | Window::Life)
    }
}

/// How far a limit is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Less than 80 %.
    #[default]
    Ok,
    /// 80 % or more.
    Near,
    /// All of it or more.
    Reached,
}

impl Level {
    /// The level of what is used.
    #[must_use]
    pub fn of(used: Measure, max: Measure) -> Level {
        if used >= max {
            Level::Reached
        } else if u128::from(used.0).saturating_mul(5) >= u128::from(max.0).saturating_mul(4) {
            Level::Near
        } else {
            Level::Ok
        }
    }

    /// The name in answers and in the ids of alerts.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Near => "near",
            Level::Reached => "reached",
        }
    }
}

/// What happens to an event past a hard limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PastLimit {
    /// It has happened: it is charged, and the charge names the limit.
    #[default]
    Charge,
    /// It takes nothing and is rejected.
    Reject,
}
