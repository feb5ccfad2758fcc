//! What is added up of usage, what it was before, and what became of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::book::cells::{Counted, Spent};
use crate::ledger::price::CreditType;
use crate::ledger::units::Credits;

/// Figures of usage: credits as `C`, everything that is counted as `N`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Figures<C, N> {
    /// Of each kind that something was charged in.
    pub credits: OfType<C>,
    /// How many things, of each action by itself; a call is one.
    pub quantity: N,
    /// How many calls were talked: those made and those received.
    pub calls: N,
    /// How many calls were made, and talked.
    pub calls_made: N,
    /// How many calls were received, and talked.
    pub calls_received: N,
    /// The seconds of calls that were billed.
    pub billed_seconds: N,
    /// How long calls were talked, in milliseconds.
    pub talked_ms: N,
    /// How many events were charged.
    pub charges: N,
}

/// What was used.
pub type Sums = Figures<Credits, u64>;
/// What is more than before; less where it is below 0.
pub type Differences = Figures<Credits, i64>;
/// The same in percent of what was before; none where that was nothing.
pub type Percents = Figures<Option<Percent>, Option<Percent>>;

/// Something of each kind of credits, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfType<C>(SmallVec<[(CreditType, C); 1]>);

impl<C> Default for OfType<C> {
    fn default() -> Self {
        OfType(SmallVec::new())
    }
}

impl<C> FromIterator<(CreditType, C)> for OfType<C> {
    fn from_iter<I: IntoIterator<Item = (CreditType, C)>>(all: I) -> Self {
        OfType(all.into_iter().collect())
    }
}

impl<C> OfType<C> {
    /// What is there of one kind.
    #[must_use]
    pub fn get(&self, credit_type: CreditType) -> Option<&C> {
        self.0.iter().find(|(known, _)| *known == credit_type).map(|(_, of_it)| of_it)
    }

    /// The kinds that there are.
    pub fn types(&self) -> impl Iterator<Item = CreditType> {
        self.0.iter().map(|(credit_type, _)| *credit_type)
    }
}

impl<C: Serialize> Serialize for OfType<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (credit_type, of_it) in &self.0 {
            map.serialize_entry(credit_type, of_it)?;
        }
        map.end()
    }
}

impl<C: JsonSchema> JsonSchema for OfType<C> {
    fn schema_name() -> Cow<'static, str> {
        format!("OfType_{}", C::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<CreditType, C>::json_schema(generator)
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A percentage with at most two decimals.",
            "pattern": "^-?[0-9]+(\\.[0-9]{1,2})?$",
        })
    }
}

impl Sums {
    /// Those of a part of a charge.
    pub(super) fn of(spent: &Spent<'_>, counted: &Counted) -> Sums {
        Sums::of_type(spent.credit_type, counted)
    }

    /// Those of what was counted in one kind of credits.
    pub(super) fn of_type(credit_type: CreditType, counted: &Counted) -> Sums {
        let Counted { credits, quantity, calls_made, calls_received, billed_seconds, talked_ms, charges } =
            *counted;
        let credits = [(credit_type, credits)].into_iter().collect();
        let calls = calls_made.saturating_add(calls_received);
        Sums { credits, quantity, calls, calls_made, calls_received, billed_seconds, talked_ms, charges }
    }

    /// Adds others.
    pub(super) fn add(&mut self, other: &Sums) {
        for (credit_type, amount) in &other.credits.0 {
            match self.credits.0.binary_search_by(|(known, _)| known.cmp(credit_type)) {
                Ok(at) => {
                    if let Some((_, sum)) = self.credits.0.get_mut(at) {
                        *sum = sum.plus(*amount);
                    }
                }
                Err(at) => self.credits.0.insert(at, (*credit_type, *amount)),
            }
        }
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.quantity, other.quantity);
        add(&mut self.calls, other.calls);
        add(&mut self.calls_made, other.calls_made);
        add(&mut self.calls_received, other.calls_received);
        add(&mut self.billed_seconds, other.billed_seconds);
        add(&mut self.talked_ms, other.talked_ms);
        add(&mut self.charges, other.charges);
    }

    /// The credits of one kind.
    pub(super) fn credits_of(&self, credit_type: CreditType) -> Credits {
        self.credits.get(credit_type).copied().unwrap_or(Credits::ZERO)
    }

    /// Of every kind together, to put groups in an order.
    pub(super) fn all_credits(&self) -> i128 {
        self.credits.0.iter().map(|(_, amount)| i128::from(amount.micros())).sum()
    }
}

/// What was used before, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Compared {
    /// What was used before.
    pub before: Sums,
    /// What was used, less that.
    pub difference: Differences,
    /// The difference in percent of it.
    pub percent: Percents,
}

impl Compared {
    pub(super) fn of(now: &Sums, before: Sums) -> Compared {
        let types: BTreeSet<CreditType> = now.credits.types().chain(before.credits.types()).collect();
        let credits =
            |credit_type: &CreditType| (now.credits_of(*credit_type), before.credits_of(*credit_type));
        let less = |now: u64, before: u64| {
            let less = i128::from(now).saturating_sub(i128::from(before));
            i64::try_from(less).unwrap_or(if less < 0 { i64::MIN } else { i64::MAX })
        };
        let percent = |now: u64, before: u64| Percent::of(i128::from(now), i128::from(before));
        let of_types = types.iter().map(|of| (*of, credits(of).0.minus(credits(of).1)));
        let difference = now.against(&before, of_types.collect(), less);
        let of_types = types.iter().map(|of| {
            let (now, before) = credits(of);
            (*of, Percent::of(i128::from(now.micros()), i128::from(before.micros())))
        });
        let percent = now.against(&before, of_types.collect(), percent);
        Compared { before, difference, percent }
    }
}

impl Sums {
    /// Both laid side by side, figure by figure.
    fn against<C, N>(&self, before: &Sums, credits: OfType<C>, by: impl Fn(u64, u64) -> N) -> Figures<C, N> {
        Figures {
            credits,
            quantity: by(self.quantity, before.quantity),
            calls: by(self.calls, before.calls),
            calls_made: by(self.calls_made, before.calls_made),
            calls_received: by(self.calls_received, before.calls_received),
            billed_seconds: by(self.billed_seconds, before.billed_seconds),
            talked_ms: by(self.talked_ms, before.talked_ms),
            charges: by(self.charges, before.charges),
        }
    }
}

/// A percentage, in hundredths of a percent: rounded to two decimals, half away from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(i128);

impl Percent {
    /// How much more there is than there was, in percent of that. None where there was nothing.
    pub(in crate::query) fn of(now: i128, before: i128) -> Option<Percent> {
        let scaled = now.checked_sub(before)?.checked_mul(10_000)?;
        let half = before.checked_div(2).filter(|_| before > 0)?;
        let magnitude = scaled.checked_abs()?.checked_add(half)?.checked_div(before)?;
        Some(Percent(magnitude.saturating_mul(scaled.signum())))
    }
}

impl Percent {
    /// How much a part is of the whole. None where there is nothing.
    pub(in crate::query) fn part(part: i128, whole: i128) -> Option<Percent> {
        Percent::of(whole.checked_add(part)?, whole)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (whole, hundredths) = (magnitude / 100, magnitude % 100);
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if hundredths == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{hundredths:02}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
