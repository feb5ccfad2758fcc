//! Rate cards and plans, as commands publish them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::call_terms::WrittenCallTerms;
use super::limit::{WrittenLimit, check_limits};
use super::{instant, invalid, name};
use crate::ledger::alerts::Rule;
use crate::ledger::calendar::Every;
use crate::ledger::catalog::{Allotment, CardIndex, OverageAtReset, Plan, RateCard, WhenExhausted};
use crate::ledger::entry::{GrantOrder, Versioned};
use crate::ledger::grants::Rollover;
use crate::ledger::limits::PastLimit;
use crate::ledger::price::{CreditType, Increment};
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Credits;
use crate::wire::catalog::{Amount, WrittenPrice, check_prices};
use crate::wire::rule::{WrittenRule, check_rules};

/// The most allotments of a plan.
const MOST_ALLOTMENTS: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCard {
    id: Box<str>,
    version: u32,
    #[serde(default)]
    effective_from: Option<String>,
    prices: BTreeMap<Box<str>, WrittenPrice>,
}

impl WrittenCard {
    pub(super) fn check(self) -> Result<Versioned<RateCard>, Rejection> {
        Ok(Versioned {
            id: name("id", self.id)?,
            version: number(self.version)?,
            effective_from: instant("effective_from", self.effective_from)?,
            content: RateCard { prices: check_prices(self.prices)? },
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPlanVersion {
    id: Box<str>,
    version: u32,
    #[serde(default)]
    effective_from: Option<String>,
    rate_card: Box<str>,
    #[serde(default)]
    increment: Option<Increment>,
    #[serde(default)]
    when_exhausted: WhenExhausted,
    #[serde(default)]
    alerts: Option<Vec<WrittenRule>>,
    #[serde(default)]
    cycle: Option<Every>,
    #[serde(default)]
    allotments: Vec<WrittenAllotment>,
    #[serde(default)]
    overage_at_reset: OverageAtReset,
    #[serde(default)]
    unmetered: bool,
    #[serde(default)]
    limits: Vec<WrittenLimit>,
    #[serde(default)]
    past_limit: PastLimit,
    #[serde(default)]
    calls: WrittenCallTerms,
}

impl WrittenPlanVersion {
    pub(super) fn check(self) -> Result<(Versioned<Plan>, Box<str>), Rejection> {
        let cycle = self.cycle.map(|every| check_every("cycle", every)).transpose()?;
        if cycle.is_none() && !self.allotments.is_empty() {
            return Err(invalid("allotments", "nothing brings them without a cycle; give the plan one"));
        }
        let content = Plan {
            rate_card: CardIndex::default(),
            increment: self.increment,
            when_exhausted: self.when_exhausted,
            alerts: self.alerts.map_or_else(|| Ok(Rule::defaults()), check_rules)?,
            cycle,
            allotments: check_allotments(self.allotments)?,
            overage_at_reset: self.overage_at_reset,
            unmetered: self.unmetered,
            limits: check_limits(self.limits)?,
            past_limit: self.past_limit,
            calls: self.calls.check()?,
        };
        let effective_from = instant("effective_from", self.effective_from)?;
        let version = number(self.version)?;
        let plan = Versioned { id: name("id", self.id)?, version, effective_from, content };
        Ok((plan, name("rate_card", self.rate_card)?))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAllotment {
    amount: Amount,
    #[serde(default)]
    credit_type: Option<CreditType>,
    #[serde(default)]
    priority: Option<u8>,
    #[serde(default)]
    rollover: Option<WrittenRollover>,
}

/// What may go on past a reset, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRollover {
    #[serde(default)]
    min: Option<Amount>,
    #[serde(default)]
    max: Option<Amount>,
}

impl WrittenRollover {
    pub(super) fn check(self) -> Result<Rollover, Rejection> {
        let (min, max) = (self.min.unwrap_or_default().0, self.max.map(|max| max.0));
        if let Some(max) = max.filter(|max| *max < min) {
            return Err(invalid("rollover", format!("max {max} is below min {min}; swap them")));
        }
        Ok(Rollover { min, max })
    }
}

/// The allotments in the order of their kinds of credits.
fn check_allotments(written: Vec<WrittenAllotment>) -> Result<Vec<Allotment>, Rejection> {
    if written.len() > MOST_ALLOTMENTS {
        return Err(invalid("allotments", format!("list up to {MOST_ALLOTMENTS}")));
    }
    let mut allotments = BTreeMap::new();
    for WrittenAllotment { amount, credit_type, priority, rollover } in written {
        let credit_type = credit_type.unwrap_or_default();
        let amount = amount.0;
        if amount == Credits::ZERO || amount > Credits::LARGEST_TOTAL {
            let why = format!(
                "{amount} {credit_type} are not an allotment; write an amount above 0 that fits a total"
            );
            return Err(invalid("allotments", why));
        }
        let rollover = rollover.map(WrittenRollover::check).transpose()?;
        let priority = priority.unwrap_or(GrantOrder::PRIORITY);
        let allotment = Allotment { credit_type, amount, priority, rollover };
        if allotments.insert(credit_type, allotment).is_some() {
            return Err(invalid(
                "allotments",
                format!("{credit_type} are allotted twice; add the amounts up"),
            ));
        }
    }
    Ok(allotments.into_values().collect())
}

/// A period that has a length.
pub(super) fn check_every(field: &'static str, every: Every) -> Result<Every, Rejection> {
    match every {
        Every::Days(days) if !(1..=Every::MOST_DAYS).contains(&days) => {
            Err(invalid(field, format!("{days} days are not a period; write 1 to {}", Every::MOST_DAYS)))
        }
        every => Ok(every),
    }
}

fn number(version: u32) -> Result<u32, Rejection> {
    if version == 0 {
        return Err(invalid("version", "0 is not a version; the first is 1"));
    }
    Ok(version)
}
