//! The answer about spikes, as the faces show it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::query::balance::{instant, instant_or_null, text};
use crate::query::csv::{Cell, Table};
use crate::query::usage::answer::{RangeState, Values};
use crate::query::usage::sums::Percent;

/// The spikes of an organization.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Spikes {
    /// The organization.
    pub org: String,
    /// The record and item of the last entry that is counted.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant of the answer.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// What was before cannot be told any more; none where everything can.
    #[serde(serialize_with = "instant_or_null")]
    pub kept_from: Option<Timestamp>,
    /// The zone whose hours and days these are.
    pub zone: String,
    /// In what was looked for them.
    pub range: RangeState,
    /// What may be a spike: each `hour` or each `day`.
    pub interval: &'static str,
    /// More than so many percent of the usual are one.
    pub percent: u32,
    /// If they are so many credits at least.
    pub at_least: Credits,
    /// The newest first.
    pub data: Vec<Spike>,
    /// How many there are.
    pub meta: SpikesMeta,
}

/// How many spikes there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SpikesMeta {
    /// Those that `data` has no room for too.
    pub spikes: usize,
}

/// An hour or a day in which far more was used than before.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Spike {
    /// Its begin.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,
    /// Its end, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub to: String,
    /// In which kind of credits.
    pub credit_type: CreditType,
    /// What was used.
    pub credits: Credits,
    /// The mean of the hours or days before it.
    pub usual: Credits,
    /// Of so many of them.
    pub usual_of: usize,
    /// What was used, in percent of the usual.
    pub percent: Option<Percent>,
    /// Who and what used more than usual: by each dimension the first few, the largest first.
    pub causes: Vec<Cause>,
}

/// Who or what used more than usual.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Cause {
    /// The value of one dimension.
    pub group: Values,
    /// What it used in the spike.
    pub credits: Credits,
    /// What it used before, in the mean.
    pub usual: Credits,
    /// What it used more.
    pub more: Credits,
    /// That, in percent of all that was used more. Above 100 where others used less.
    pub share: Option<Percent>,
}

const HEAD: [&str; 14] = [
    "from",
    "to",
    "credit_type",
    "credits",
    "usual",
    "percent",
    "cause.dimension",
    "cause.entity_type",
    "cause.id",
    "cause.name",
    "cause.credits",
    "cause.usual",
    "cause.more",
    "cause.share",
];

impl Spikes {
    /// A row for each cause of each spike.
    #[must_use]
    pub fn csv(&self) -> Vec<u8> {
        let mut table = Table::new();
        table.head(&HEAD);
        for spike in &self.data {
            if spike.causes.is_empty() {
                table.row(&[spike.cells().as_slice(), &[const { Cell::Empty }; 8]].concat());
            }
            for cause in &spike.causes {
                table.row(&[spike.cells(), cause.cells()].concat());
            }
        }
        table.finish()
    }
}

fn plain(shown: impl ToString) -> Cell<'static> {
    Cell::Plain(shown.to_string().into())
}

fn percent(percent: Option<Percent>) -> Cell<'static> {
    percent.map_or(Cell::Empty, plain)
}

impl Spike {
    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Plain((&*self.from).into()),
            Cell::Plain((&*self.to).into()),
            plain(self.credit_type),
            Cell::Amount(self.credits),
            Cell::Amount(self.usual),
            percent(self.percent),
        ]
    }
}

impl Cause {
    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = Vec::new();
        for value in self.group.all() {
            let entity_type = Some(&*value.entity_type).filter(|name| !name.is_empty());
            cells.extend([
                Cell::Plain(value.dimension.name().into()),
                Cell::text(entity_type),
                Cell::text(value.id.as_deref()),
                Cell::text(value.name.as_deref()),
            ]);
        }
        cells.extend([self.credits, self.usual, self.more].map(Cell::Amount));
        cells.push(percent(self.share));
        cells
    }
}
