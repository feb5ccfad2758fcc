//! What a limit counts: whose use, of what, and in which windows.

use std::collections::BTreeMap;

use super::Moment;
use crate::model::Instant;
use crate::model::calendar::{Date, Grid, Period, Zone};
use crate::model::rating::Line;
use crate::model::read::{Event, What};

/// What of an event a limit asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The account that spent.
    Account,
    /// The user.
    User,
    /// The team.
    Team,
    /// The product area.
    Feature,
    /// The action; of credits, that of a line.
    Action,
    /// An entity of this type.
    Entity(String),
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Credits of this type.
    Credits(String),
    /// Things done.
    Quantity,
}

/// How long is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// From midnight to midnight.
    Day,
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
    /// As the organization's billing period; for ever where there is none.
    Cycle,
    /// For ever.
    Life,
}

/// What a limit counts. While this stays the same, it counts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Whose use: of this value, or of each value by itself.
    pub on: BTreeMap<Dimension, Option<String>>,
    /// Of what.
    pub unit: Unit,
    /// In what time.
    pub window: Window,
}

/// The values of what a limit counts each by itself, in the order of [`Dimension`].
pub(super) type Value = Vec<String>;

impl Measure {
    /// How much an event uses, by value; nothing of what it is not in.
    pub fn of(&self, event: &Event, lines: &[Line]) -> BTreeMap<Value, i128> {
        let parts: Vec<(&str, i128)> = match (&self.unit, &event.what) {
            (Unit::Credits(credit_type), _) => {
                let in_type = lines.iter().filter(|line| line.credit_type == *credit_type);
                in_type.map(|line| (&*line.action, line.amount)).collect()
            }
            (Unit::Quantity, What::Action(action, quantity)) => vec![(action, *quantity)],
            (Unit::Quantity, What::Call(call)) => vec![(&call.action, 1)],
            (Unit::Quantity, What::Void(..) | What::Live(..) | What::End(..) | What::Restarted) => Vec::new(),
        };
        let mut used = BTreeMap::new();
        for (action, amount) in parts.into_iter().filter(|(_, amount)| *amount > 0) {
            if let Some(value) = self.value(event, action) {
                *used.entry(value).or_default() += amount;
            }
        }
        used
    }

    /// The value a part of an event counts under, if it counts.
    fn value(&self, event: &Event, action: &str) -> Option<Value> {
        let spender = &event.spender;
        let mut value = Value::new();
        for (dimension, wanted) in &self.on {
            let said = match dimension {
                Dimension::Account => spender.account.as_deref(),
                Dimension::User => spender.user.as_deref(),
                Dimension::Team => spender.team.as_deref(),
                Dimension::Feature => spender.feature.as_deref(),
                Dimension::Action => Some(action),
                Dimension::Entity(kind) => {
                    spender.entity.as_ref().filter(|(of, _)| of == kind).map(|(_, id)| &**id)
                }
            }?;
            match wanted {
                Some(wanted) if wanted != said => return None,
                Some(_) => {}
                None => value.push(said.to_string()),
            }
        }
        Some(value)
    }

    /// Whether values are counted each by itself.
    pub fn is_split(&self) -> bool {
        self.on.values().any(Option::is_none)
    }
}

impl Window {
    /// As commands call it.
    pub fn word(self) -> &'static str {
        match self {
            Window::Day => "day",
            Window::Week => "week",
            Window::Month => "month",
            Window::Cycle => "cycle",
            Window::Life => "life",
        }
    }

    /// The calendar's windows of this length; none of what the calendar does not know.
    pub fn grid(self, zone: &Zone) -> Option<Grid> {
        let period = match self {
            Window::Day => Period::Days(1),
            Window::Week => Period::Days(7),
            Window::Month => Period::Months(1),
            Window::Cycle | Window::Life => return None,
        };
        // A Monday, and the first of a month.
        let monday = Date { year: 2024, month: 1, day: 1 }.day_number() * 86_400_000_000;
        Some(Grid { zone: zone.clone(), anchor: zone.instant(monday), period })
    }

    /// The begin and the end of the window that runs; none of what is for life.
    pub fn bounds(self, moment: Moment<'_>) -> Option<(Instant, Instant)> {
        match self {
            Window::Cycle => moment.cycle.map(|cycle| (cycle.start, cycle.end)),
            calendar => calendar.grid(moment.zone).map(|grid| (grid.last(moment.at), grid.next(moment.at))),
        }
    }
}
