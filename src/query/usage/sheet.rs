//! The answer about usage for people to read: the figures that are there, largest groups first, with names where there are any.

use std::collections::BTreeSet;

use super::answer::{Point, Usage, UsageLine, Value};
use super::dimension::Dimension;
use super::sums::Sums;
use crate::ledger::price::CreditType;

/// What is shown for something that has no value.
const NONE: &str = "(none)";

/// What is counted beside credits: its name, and the figure.
type Counted = (&'static str, fn(&Sums) -> u64);

const COUNTED: [Counted; 6] = [
    ("Quantity", |sums| sums.quantity),
    ("Calls", |sums| sums.calls),
    ("Calls made", |sums| sums.calls_made),
    ("Calls received", |sums| sums.calls_received),
    ("Billed seconds", |sums| sums.billed_seconds),
    ("Charges", |sums| sums.charges),
];

/// A table for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The names of the columns; first those of what the rows are about.
    pub head: Vec<String>,
    /// How many of the columns tell what a row is about. The others hold figures.
    pub keys: usize,
    /// The rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
    /// The figures of all rows together, those that are not shown too.
    pub totals: Vec<String>,
}

impl Sheet {
    /// Whether there are no figures: nothing was used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }
}

/// The figures that are there.
struct Columns {
    types: BTreeSet<CreditType>,
    counted: Vec<Counted>,
    compares: bool,
}

impl Usage {
    /// The first groups, so many at most.
    #[must_use]
    pub fn sheet(&self, most: usize) -> Sheet {
        let columns = Columns::of(self);
        let dimensions = Dimension::ALL.iter().filter(|one| self.group_by.contains(&one.name()));
        let mut head: Vec<String> = dimensions.map(|dimension| capital(dimension.name())).collect();
        let keys = head.len();
        head.extend(columns.names());
        let rows = self.data.iter().take(most).map(|line| {
            let values =
                |dimension| line.group.all().iter().filter(move |value| value.dimension == dimension);
            let mut row: Vec<String> = Dimension::ALL.into_iter().flat_map(values).map(shown).collect();
            row.extend(columns.line(&line.line));
            row
        });
        // One line of everything is the totals.
        let rows = if keys == 0 { Vec::new() } else { rows.collect() };
        Sheet { head, keys, rows, totals: columns.line(&self.totals) }
    }

    /// The totals point by point, where a series was asked for.
    #[must_use]
    pub fn series_sheet(&self) -> Option<Sheet> {
        let series = self.totals.series.as_ref()?;
        let columns = Columns { compares: false, ..Columns::of(self) };
        let head = std::iter::once("From".to_owned()).chain(columns.names()).collect();
        let row = |point: &Point| {
            // To the minute: `2026-01-31T00:00`.
            let begin = point.from.get(..16).unwrap_or(&point.from).replace('T', " ");
            std::iter::once(begin).chain(columns.figures(&point.figures)).collect()
        };
        let totals = columns.figures(&self.totals.figures);
        Some(Sheet { head, keys: 1, rows: series.iter().map(row).collect(), totals })
    }
}

impl Columns {
    fn of(usage: &Usage) -> Columns {
        let now = &usage.totals.figures;
        let before = usage.totals.compared.as_ref().map(|compared| &compared.before);
        let types = now.credits.types().chain(before.iter().flat_map(|before| before.credits.types()));
        let is_there =
            |(_, figure): &Counted| figure(now) > 0 || before.is_some_and(|before| figure(before) > 0);
        Columns {
            types: types.collect(),
            counted: COUNTED.into_iter().filter(is_there).collect(),
            compares: before.is_some(),
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for kind in &self.types {
            let name = capital(kind.name());
            names.push(name.clone());
            if self.compares {
                names.extend([format!("{name} before"), "Change".to_owned()]);
            }
        }
        names.extend(self.counted.iter().map(|(name, _)| (*name).to_owned()));
        names
    }

    fn figures(&self, sums: &Sums) -> Vec<String> {
        let credits = self.types.iter().map(|kind| sums.credits_of(*kind).to_string());
        credits.chain(self.counted.iter().map(|(_, figure)| figure(sums).to_string())).collect()
    }

    fn line(&self, line: &UsageLine) -> Vec<String> {
        let Some(compared) = line.compared.as_ref().filter(|_| self.compares) else {
            return self.figures(&line.figures);
        };
        let mut row = Vec::new();
        for kind in &self.types {
            row.push(line.figures.credits_of(*kind).to_string());
            row.push(compared.before.credits_of(*kind).to_string());
            let percent = compared.percent.credits.get(*kind).and_then(Option::as_ref);
            row.push(percent.map_or_else(|| "–".to_owned(), |percent| signed(&percent.to_string())));
        }
        row.extend(self.counted.iter().map(|(_, figure)| figure(&line.figures).to_string()));
        row
    }
}

fn signed(percent: &str) -> String {
    let sign = if percent.starts_with('-') || percent == "0" { "" } else { "+" };
    // The sign of percent stays with its number.
    format!("{sign}{percent}\u{a0}%")
}

/// A name with its id, or the id alone.
fn shown(value: &Value) -> String {
    let Some(id) = &value.id else { return NONE.to_owned() };
    let id = match value.dimension {
        Dimension::Entity => format!("{}/{id}", value.entity_type),
        _ => id.to_string(),
    };
    match &value.name {
        Some(name) if **name != *id => format!("{name} ({id})"),
        _ => id,
    }
}

/// `billed_seconds` for people.
fn capital(name: &str) -> String {
    let mut name = name.replace('_', " ");
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}
