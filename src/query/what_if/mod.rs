//! What if: what the events that were charged would have cost by other prices. Nothing is changed; the history alone is read.
//!
//! [`WhatIf`] is the question, with its prices ([`prices`]). [`WhatIf::answer`] goes through the organizations one after the other, tells how
//! far it is, and stops where it is told to. What comes out is a line for each organization ([`outcome`]).

mod outcome;
mod prices;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Map, Value};

use self::outcome::Sums;
use self::prices::Prices;
use super::charged::{Standing, each_charged_row};
use super::usage::parameters::{Parameters, Refused};
use super::usage::range::{Bearings, Range, Span};
use crate::book::desk::Desk;
use crate::book::pipeline::Look;
use crate::ledger::calendar::Zone;
use crate::ledger::catalog::Catalog;
use crate::ledger::units::Timestamp;
use crate::store::StoreError;

pub use self::outcome::{Order, OrgOutcome, Outcome, OutcomePage, Totals, Unpriced, UnpricedAction};
pub use self::prices::PricesState;

/// A question: by which prices, about what time, of whom.
#[derive(Clone, Debug)]
pub struct WhatIf {
    prices: Prices,
    range: Range,
    /// That of each organization where none is given.
    zone: Option<Zone>,
    /// All where none are named.
    orgs: Option<Vec<String>>,
}

/// How far an answer is, and whether it is still wanted.
#[derive(Debug, Default)]
pub struct Progress {
    /// Organizations that are done.
    pub done: AtomicU64,
    /// Organizations in all; 0 until they are counted.
    pub all: AtomicU64,
    /// Charges that were looked at.
    pub charges: AtomicU64,
    /// Turns true where the answer is not wanted any more.
    pub cancelled: AtomicBool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// The history cannot be read.
    #[error(transparent)]
    Unread(#[from] StoreError),
    /// The pipeline does not answer.
    #[error("{0}")]
    Gone(&'static str),
    /// It was not wanted any more.
    #[error("it was cancelled")]
    Cancelled,
}

const KNOWN: &str = "rate_card, plan, own_prices, orgs, range, from, to and zone";

impl WhatIf {
    /// Reads a question from the fields of an object.
    ///
    /// # Errors
    /// [`Refused`], which names the field, its value and the remedy.
    pub fn read(mut fields: Map<String, Value>, catalog: &Catalog) -> Result<WhatIf, Refused> {
        let prices = Prices::read(&mut fields, catalog)?;
        let orgs = match fields.remove("orgs") {
            None | Some(Value::Null) => None,
            Some(Value::Array(names)) if !names.is_empty() => Some(names_of(names)?),
            Some(other) => {
                let remedy = "write an array of organizations, or leave it out for all";
                return Err(Refused::value("orgs", &other.to_string(), remedy));
            }
        };
        let texts = fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name, text)
        });
        let mut given = Parameters::of_pairs(texts);
        let range = Range::read(&mut given)?;
        let zone = given.one("zone")?.map(|name| zone(&name)).transpose()?;
        given.none_left(KNOWN)?;
        Ok(WhatIf { prices, range, zone, orgs })
    }

    /// Organizations that are asked about and that nobody knows.
    pub fn unknown_orgs<'q>(&'q self, desk: &'q Desk) -> impl Iterator<Item = &'q str> {
        let named = self.orgs.iter().flatten().map(String::as_str);
        named.filter(|org| desk.book.read(org, |_| ()).is_none())
    }

    /// By which prices, as they were given.
    #[must_use]
    pub fn prices(&self) -> &PricesState {
        &self.prices.told
    }

    /// The name of the range, where it has one.
    #[must_use]
    pub fn range(&self) -> Option<&'static str> {
        self.range.name()
    }

    /// What would have been charged, as it is at `now`. Reads, and waits: not for the threads of a runtime.
    ///
    /// # Errors
    /// [`WhatIfError`] where the history cannot be read, or the answer is not wanted any more.
    pub fn answer(&self, desk: &Desk, now: Timestamp, progress: &Progress) -> Result<Outcome, WhatIfError> {
        let orgs = self.orgs.clone().unwrap_or_else(|| {
            let mut all = Vec::new();
            desk.book.each_name(|name| all.push(name.to_string()));
            all
        });
        progress.all.store(u64::try_from(orgs.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let catalog = desk.book.catalog();
        let mut lines = Vec::with_capacity(orgs.len());
        for org in orgs {
            // Who is gone by now has no history to speak of.
            if let Some(look) = desk.look_and_wait(&org).map_err(WhatIfError::Gone)? {
                let name = desk.book.read(&org, |slot| slot.org.name().map(str::to_owned)).flatten();
                lines.push(self.line((&org, name), &look, &catalog, now, progress)?);
            }
            progress.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Outcome::of(lines))
    }

    fn line(
        &self,
        (org, name): (&str, Option<String>),
        look: &Look,
        catalog: &Catalog,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<OrgOutcome, WhatIfError> {
        let bearings = Bearings::of(&look.org, &self.range);
        let zone = self.zone.clone().unwrap_or_else(|| bearings.zone.clone());
        let plan = look.org.plan().and_then(|plan| catalog.plan(plan)).map(|plan| Arc::from(&*plan.id));
        let begin = |sums, why_not| OrgOutcome::new((org, name.as_deref(), plan.clone()), sums, why_not);
        match self.range.span(&zone, now.max(look.org.at()), &bearings) {
            Ok(span) => Ok(begin(self.add_up(look, span, catalog, progress)?, None)),
            Err(refused) => Ok(begin(Sums::default(), Some(refused.why))),
        }
    }

    fn add_up(
        &self,
        look: &Look,
        span: Span,
        catalog: &Catalog,
        progress: &Progress,
    ) -> Result<Sums, WhatIfError> {
        let mut sums = Sums::default();
        each_charged_row(look, Standing::of(&look.org), span.from, &mut |charged, row| {
            if span.contains(charged.time) {
                progress.charges.fetch_add(1, Ordering::Relaxed);
                let own = look.org.own_terms_at(charged.charge.rated_at);
                sums.add(&charged, self.prices.again(&charged, row.destination(), own, catalog));
            }
            !progress.cancelled.load(Ordering::Relaxed)
        })?;
        if progress.cancelled.load(Ordering::Relaxed) {
            return Err(WhatIfError::Cancelled);
        }
        Ok(sums)
    }
}

fn names_of(names: Vec<Value>) -> Result<Vec<String>, Refused> {
    let mut orgs = Vec::with_capacity(names.len());
    for name in names {
        match name {
            Value::String(name) => orgs.push(name),
            other => {
                return Err(Refused::value("orgs", &other.to_string(), "write the id of an organization"));
            }
        }
    }
    orgs.sort_unstable();
    orgs.dedup();
    Ok(orgs)
}

fn zone(name: &str) -> Result<Zone, Refused> {
    Zone::named(name).ok_or_else(|| Refused::value("zone", name, "write an IANA name such as Europe/Berlin"))
}
