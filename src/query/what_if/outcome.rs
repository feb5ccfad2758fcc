//! What comes out: a line for each organization, and all of them together.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use smallvec::SmallVec;

use crate::ledger::charge::Line;
use crate::ledger::price::CreditType;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Credits;
use crate::query::charged::Charged;
use crate::query::csv::{Cell, Table};
use crate::query::usage::Percent;
use crate::query::usage::parameters::Refused;

/// The most actions that are named that the prices do not have.
const MOST_UNPRICED: usize = 20;

/// Credits of each kind.
type Amounts = BTreeMap<CreditType, Credits>;

/// What was charged beside what would have been.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    charges: u64,
    as_charged: Amounts,
    as_priced: Amounts,
    unpriced: Unpriced,
}

/// What these prices cannot price: it is in neither sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unpriced {
    /// How many charges.
    pub charges: u64,
    /// What they had cost.
    pub credits: Amounts,
    /// By action, the first by name.
    pub actions: Vec<UnpricedAction>,
}

/// An action that these prices cannot price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnpricedAction {
    /// The action.
    pub action: Box<str>,
    /// How many charges.
    pub charges: u64,
    /// Why, in words.
    pub why: Box<str>,
}

/// What an organization would have been charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrgOutcome {
    /// The organization.
    pub org: Box<str>,
    /// Its name for people.
    pub name: Option<Box<str>>,
    /// The plan it is on.
    pub plan: Option<Arc<str>>,
    /// What is compared.
    #[serde(flatten)]
    pub compared: Compared,
    /// Why nothing could be compared, where that is so.
    pub why_not: Option<String>,
}

/// Two sums, and what lies between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WhatIfCompared")]
pub struct Compared {
    /// The charges that both sums are of.
    pub charges: u64,
    /// What was charged.
    pub as_charged: Amounts,
    /// What would have been.
    pub as_priced: Amounts,
    /// How much more that is; less where it is below 0.
    pub difference: Amounts,
    /// The same in percent of what was charged; null where that was nothing.
    pub percent: BTreeMap<CreditType, Option<Percent>>,
    /// What these prices cannot price.
    pub unpriced: Unpriced,
}

/// All organizations together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WhatIfTotals")]
pub struct Totals {
    /// What is compared.
    #[serde(flatten)]
    pub compared: Compared,
    /// Organizations that would pay more.
    pub pay_more: u64,
    /// Organizations that would pay less.
    pub pay_less: u64,
    /// Organizations for which it is the same.
    pub pay_the_same: u64,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All organizations together.
    pub totals: Totals,
    lines: Vec<OrgOutcome>,
}

/// A page of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutcomePage<'o> {
    /// The organizations, in the order asked for.
    pub data: Vec<&'o OrgOutcome>,
    /// Where the next page begins: after so many.
    pub next: Option<usize>,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Who would pay most more.
    #[default]
    MostMore,
    /// Who would pay most less.
    MostLess,
    /// By the organization.
    Org,
}

impl Order {
    /// Reads it.
    ///
    /// # Errors
    /// [`Refused`] where there is none of that name.
    pub fn read(text: &str) -> Result<Order, Refused> {
        match text {
            "-difference" => Ok(Order::MostMore),
            "difference" => Ok(Order::MostLess),
            "org" => Ok(Order::Org),
            other => Err(Refused::value("sort", other, "write -difference, difference or org")),
        }
    }
}

impl Sums {
    /// Adds a charge, and what it would have cost.
    pub(super) fn add(&mut self, charged: &Charged<'_>, priced: Result<SmallVec<[Line; 1]>, Rejection>) {
        match priced {
            Ok(lines) => {
                self.charges = self.charges.saturating_add(1);
                add(&mut self.as_charged, &charged.charge.lines);
                add(&mut self.as_priced, &lines);
            }
            Err(rejection) => {
                add(&mut self.unpriced.credits, &charged.charge.lines);
                let action = charged.actions.first().copied().unwrap_or_default();
                self.unpriced.count(action, 1, &rejection.detail);
            }
        }
    }

    fn compared(self) -> Compared {
        let Sums { charges, as_charged, as_priced, unpriced } = self;
        let of = |amounts: &Amounts, kind: &CreditType| amounts.get(kind).copied().unwrap_or(Credits::ZERO);
        let kinds: Vec<CreditType> = as_charged.keys().chain(as_priced.keys()).copied().collect();
        let both = |kind: &CreditType| (of(&as_charged, kind), of(&as_priced, kind));
        let difference = kinds.iter().map(|kind| {
            let (charged, priced) = both(kind);
            (*kind, priced.minus(charged))
        });
        let percent = kinds.iter().map(|kind| {
            let (charged, priced) = both(kind);
            (*kind, Percent::of(i128::from(priced.micros()), i128::from(charged.micros())))
        });
        let (difference, percent) = (difference.collect(), percent.collect());
        Compared { charges, as_charged, as_priced, difference, percent, unpriced }
    }
}

fn add(amounts: &mut Amounts, lines: &[Line]) {
    for line in lines {
        let sum = amounts.entry(line.credit_type).or_default();
        *sum = sum.plus(line.amount);
    }
}

impl Unpriced {
    fn count(&mut self, action: &str, charges: u64, why: &str) {
        self.charges = self.charges.saturating_add(charges);
        match self.actions.binary_search_by(|known| (*known.action).cmp(action)) {
            Ok(at) => {
                if let Some(known) = self.actions.get_mut(at) {
                    known.charges = known.charges.saturating_add(charges);
                }
            }
            Err(at) => {
                self.actions.insert(at, UnpricedAction { action: action.into(), charges, why: why.into() });
                self.actions.truncate(MOST_UNPRICED);
            }
        }
    }
}

impl OrgOutcome {
    pub(super) fn new(
        (org, name, plan): (&str, Option<&str>, Option<Arc<str>>),
        sums: Sums,
        why_not: Option<String>,
    ) -> OrgOutcome {
        OrgOutcome { org: org.into(), name: name.map(Box::from), plan, compared: sums.compared(), why_not }
    }

    /// How much more it would pay, of every kind of credits together.
    fn more(&self) -> i128 {
        self.compared.difference.values().map(|amount| i128::from(amount.micros())).sum()
    }
}

impl Outcome {
    pub(super) fn of(mut lines: Vec<OrgOutcome>) -> Outcome {
        lines.sort_unstable_by(|a, b| a.org.cmp(&b.org));
        let mut all = Sums::default();
        let mut totals = Totals::default();
        for line in &lines {
            all.take_in(&line.compared);
            let side = match line.more().signum() {
                1 => &mut totals.pay_more,
                -1 => &mut totals.pay_less,
                _ => &mut totals.pay_the_same,
            };
            *side = side.saturating_add(1);
        }
        totals.compared = all.compared();
        Outcome { totals, lines }
    }

    /// A page of so many organizations, after so many.
    #[must_use]
    pub fn page(&self, order: Order, after: usize, limit: usize) -> OutcomePage<'_> {
        let ordered = self.ordered(order);
        let data: Vec<&OrgOutcome> = ordered.iter().skip(after).take(limit).copied().collect();
        let end = after.saturating_add(data.len());
        OutcomePage { next: (end < ordered.len()).then_some(end), data }
    }

    fn ordered(&self, order: Order) -> Vec<&OrgOutcome> {
        let mut lines: Vec<&OrgOutcome> = self.lines.iter().collect();
        // They are in the order of their names, and stay so where they are the same.
        match order {
            Order::MostMore => lines.sort_by_key(|line| Reverse(line.more())),
            Order::MostLess => lines.sort_by_key(|line| line.more()),
            Order::Org => {}
        }
        lines
    }

    /// All organizations as CSV.
    #[must_use]
    pub fn csv(&self, order: Order) -> Vec<u8> {
        const SUMS: [&str; 4] = ["as_charged", "as_priced", "difference", "percent"];
        let kinds: Vec<CreditType> = self.totals.compared.difference.keys().copied().collect();
        let mut table = Table::new();
        let mut head: Vec<String> = ["org", "name", "plan", "charges"].map(str::to_owned).to_vec();
        head.extend(SUMS.iter().flat_map(|sum| kinds.iter().map(move |kind| format!("{sum}.{kind}"))));
        head.extend(["unpriced_charges", "why_not"].map(str::to_owned));
        table.head(&head);
        for line in self.ordered(order) {
            table.row(&line.cells(&kinds));
        }
        table.finish()
    }
}

impl Sums {
    fn take_in(&mut self, other: &Compared) {
        self.charges = self.charges.saturating_add(other.charges);
        let sums = [
            (&mut self.as_charged, &other.as_charged),
            (&mut self.as_priced, &other.as_priced),
            (&mut self.unpriced.credits, &other.unpriced.credits),
        ];
        for (all, own) in sums {
            for (kind, amount) in own {
                let sum = all.entry(*kind).or_default();
                *sum = sum.plus(*amount);
            }
        }
        // Those that are not named, because they are too many, count all the same.
        let named: u64 = other.unpriced.actions.iter().map(|action| action.charges).sum();
        for action in &other.unpriced.actions {
            self.unpriced.count(&action.action, action.charges, &action.why);
        }
        let unnamed = other.unpriced.charges.saturating_sub(named);
        self.unpriced.charges = self.unpriced.charges.saturating_add(unnamed);
    }
}

impl OrgOutcome {
    fn cells(&self, kinds: &[CreditType]) -> Vec<Cell<'_>> {
        let Compared { charges, as_charged, as_priced, difference, percent, unpriced } = &self.compared;
        let mut cells = vec![
            Cell::text(Some(&*self.org)),
            Cell::text(self.name.as_deref()),
            Cell::text(self.plan.as_deref()),
            Cell::Count(*charges),
        ];
        for amounts in [as_charged, as_priced, difference] {
            let amount = |kind| amounts.get(kind).copied().unwrap_or(Credits::ZERO);
            cells.extend(kinds.iter().map(|kind| Cell::Amount(amount(kind))));
        }
        cells.extend(kinds.iter().map(|kind| match percent.get(kind).copied().flatten() {
            Some(percent) => Cell::Plain(percent.to_string().into()),
            None => Cell::Empty,
        }));
        cells.push(Cell::Count(unpriced.charges));
        cells.push(Cell::text(self.why_not.as_deref()));
        cells
    }
}
