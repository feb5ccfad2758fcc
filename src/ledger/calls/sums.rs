//! What many calls, or holds, spend together: of each kind of credits, and of each of these by what it is spent on, for grants may pay for
//! some things only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ledger::grants::Purpose;
use crate::ledger::price::CreditType;

/// What some spend together of one kind of credits. The sums of micro-credits have room for any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::ledger) struct Sum {
    pub(in crate::ledger) credit_type: CreditType,
    /// How many calls, or holds, there are.
    pub(in crate::ledger) calls: u64,
    /// What they have cost so far, or set aside.
    pub(in crate::ledger) cost: i128,
    /// What a minute of all of them costs.
    pub(in crate::ledger) a_minute: i128,
    /// What one more increment of each costs, at most.
    pub(in crate::ledger) an_increment: i128,
}

impl Sum {
    /// Nobody spends.
    pub(super) const fn nothing(credit_type: CreditType) -> Sum {
        Sum { credit_type, calls: 0, cost: 0, a_minute: 0, an_increment: 0 }
    }

    /// How many seconds an amount lasts at the rate of now; none where it has no end.
    pub(in crate::ledger) fn lasts(&self, left: i128) -> Option<u64> {
        let seconds = left.max(0).saturating_mul(60).checked_div(self.a_minute)?;
        Some(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    pub(super) fn add(&mut self, part: &Sum) {
        self.calls = self.calls.saturating_add(part.calls);
        self.cost = self.cost.saturating_add(part.cost);
        self.a_minute = self.a_minute.saturating_add(part.a_minute);
        self.an_increment = self.an_increment.saturating_add(part.an_increment);
    }

    fn take_off(&mut self, part: &Sum) {
        self.calls = self.calls.saturating_sub(part.calls);
        self.cost = self.cost.saturating_sub(part.cost);
        self.a_minute = self.a_minute.saturating_sub(part.a_minute);
        self.an_increment = self.an_increment.saturating_sub(part.an_increment);
    }
}

/// What something is spent on, by its name: 128 bits of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Mark(u128);

impl Mark {
    pub(super) fn of(purpose: &Purpose<'_>) -> Mark {
        let (entity_type, entity_id) = purpose.entity.unzip();
        let mut text: SmallVec<[u8; 128]> = SmallVec::new();
        for part in [Some(purpose.action), purpose.feature, entity_type, entity_id.flatten()] {
            // What is not said is not what is empty.
            text.push(u8::from(part.is_some()));
            text.extend_from_slice(part.unwrap_or_default().as_bytes());
            text.push(0);
        }
        Mark(xxhash_rust::xxh3::xxh3_128(&text))
    }

    /// The value that a limit counts it by.
    pub(super) fn of_value(value: &str) -> Mark {
        Mark(xxhash_rust::xxh3::xxh3_128(value.as_bytes()))
    }
}

/// A purpose that outlives its event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OwnPurpose {
    action: Box<str>,
    feature: Option<Box<str>>,
    entity: Option<(Box<str>, Option<Box<str>>)>,
}

impl From<Purpose<'_>> for OwnPurpose {
    fn from(Purpose { action, feature, entity }: Purpose<'_>) -> OwnPurpose {
        let entity = entity.map(|(kind, id)| (kind.into(), id.map(Into::into)));
        OwnPurpose { action: action.into(), feature: feature.map(Into::into), entity }
    }
}

impl OwnPurpose {
    fn purpose(&self) -> Purpose<'_> {
        let entity = self.entity.as_ref().map(|(kind, id)| (&**kind, id.as_deref()));
        Purpose { action: &self.action, feature: self.feature.as_deref(), entity }
    }
}

/// What is spent on one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Share {
    purpose: OwnPurpose,
    /// A call counts here once for each of its lines.
    sum: Sum,
}

/// What many spend together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    /// In no order that means anything: no kind of which nobody spends.
    kinds: SmallVec<[Sum; 1]>,
    shares: BTreeMap<(CreditType, Mark), Box<Share>>,
}

impl Sums {
    /// By kinds of credits.
    pub(super) fn kinds(&self) -> &[Sum] {
        &self.kinds
    }

    /// Of one kind of credits.
    pub(super) fn kind(&self, credit_type: CreditType) -> Option<&Sum> {
        self.kinds.iter().find(|known| known.credit_type == credit_type)
    }

    /// Of one kind of credits, by what it is spent on.
    pub(super) fn by_purpose(
        &self,
        credit_type: CreditType,
    ) -> impl Iterator<Item = (Mark, Purpose<'_>, &Sum)> {
        let of_kind = self.shares.range((credit_type, Mark(u128::MIN))..=(credit_type, Mark(u128::MAX)));
        of_kind.map(|((_, mark), share)| (*mark, share.purpose.purpose(), &share.sum))
    }

    /// Whether anybody spends on that.
    pub(super) fn is_spent_on(&self, credit_type: CreditType, mark: Mark) -> bool {
        self.shares.contains_key(&(credit_type, mark))
    }

    /// One more spends: this is a part of it, and what for. Its first part of a kind counts it.
    pub(super) fn add(&mut self, purpose: Purpose<'_>, part: &Sum) {
        let kind = part.credit_type;
        match self.kinds.iter_mut().find(|known| known.credit_type == kind) {
            Some(known) => known.add(part),
            None => self.kinds.push(*part),
        }
        let share = self
            .shares
            .entry((kind, Mark::of(&purpose)))
            .or_insert_with(|| Box::new(Share { purpose: purpose.into(), sum: Sum::nothing(kind) }));
        share.sum.add(&Sum { calls: 1, ..*part });
    }

    /// One of them spends no more: this was a part of it.
    pub(super) fn take_off(&mut self, purpose: Purpose<'_>, part: &Sum) {
        let kind = part.credit_type;
        if let Some(known) = self.kinds.iter_mut().find(|known| known.credit_type == kind) {
            known.take_off(part);
        }
        self.kinds.retain(|known| known.calls > 0);
        let place = (kind, Mark::of(&purpose));
        if let Some(share) = self.shares.get_mut(&place) {
            share.sum.take_off(&Sum { calls: 1, ..*part });
            if share.sum.calls == 0 {
                self.shares.remove(&place);
            }
        }
    }

    /// One of them has cost more.
    pub(super) fn grow(&mut self, credit_type: CreditType, purpose: Purpose<'_>, more: i128) {
        let of_kind = self.kinds.iter_mut().find(|known| known.credit_type == credit_type);
        let share = self.shares.get_mut(&(credit_type, Mark::of(&purpose))).map(|share| &mut share.sum);
        for sum in of_kind.into_iter().chain(share) {
            sum.cost = sum.cost.saturating_add(more);
        }
    }
}
