//! Balances: what is left, of what, and until when.

use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::book::Book;
use crate::ledger::effect::Tally;
use crate::ledger::entry::GrantKind;
use crate::ledger::grants::{Grant, Phase, Pool, Totals};
use crate::ledger::org::Org;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::wire::time;

/// The balance of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrgBalance<'a> {
    /// The organization.
    pub org: &'a str,
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant the figures are for.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// One for each kind of credits.
    pub balances: Vec<Balance>,
}

/// What is left of one kind of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The kind.
    pub credit_type: CreditType,
    /// What is left of the usable grants, less what is owed.
    pub settled: Credits,
    /// What live calls and holds have set aside.
    pub pending: Credits,
    /// `settled − pending`: what may still be spent.
    pub available: Credits,
    /// What the usable grants were when they were given.
    pub total: Credits,
    /// Overage that is not repaid yet.
    pub owed: Credits,
    /// The grants that still matter, in the order in which they burn.
    pub grants: Vec<GrantState>,
}

/// A grant as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantState {
    /// Its name.
    pub id: String,
    /// Where it comes from.
    pub kind: &'static str,
    /// Lower burns first.
    pub priority: u8,
    /// Where it is in its life.
    pub state: &'static str,
    /// Usable from here on.
    #[serde(serialize_with = "instant")]
    pub effective: Timestamp,
    /// Usable until here, exclusive; [`Timestamp::MAX`], written as null, for ever.
    #[serde(serialize_with = "end")]
    pub expires: Timestamp,
    /// How much was given.
    pub amount: Credits,
    /// What is left.
    pub remaining: Credits,
}

/// Everything about an organization, for a replay and for comparing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrgState {
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The log's time it stands at.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// How many events came to which end.
    pub events: TallyState,
    /// One for each kind of credits.
    pub balances: Vec<BalanceState>,
}

/// How many events came to which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TallyState {
    charged: u64,
    voided: u64,
    duplicate: u64,
    rejected: u64,
}

/// A balance with its books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BalanceState {
    #[serde(flatten)]
    balance: Balance,
    granted: Credits,
    remaining: Credits,
    consumed: Credits,
    expired: Credits,
    voided: Credits,
    charged: Credits,
    overage: Credits,
    covered: Credits,
}

/// The balance of an organization as it is at `now`, or at its last entry where that is later.
#[must_use]
pub fn balance<'a>(book: &Book, org: &'a str, now: Timestamp) -> Option<OrgBalance<'a>> {
    let (seq, as_of, copies) = book.read(org, |slot| {
        let at = now.max(slot.org.at());
        let copies = slot.org.pools().map(|pool| Copied::of(pool, at));
        (slot.org.position(), at, copies.collect::<SmallVec<[Copied; 2]>>())
    })?;
    let balances = copies.into_iter().map(|copy| copy.balance(as_of)).collect();
    Some(OrgBalance { org, seq, as_of, balances })
}

/// What is copied of a pool under its organization's guard.
enum Copied {
    /// The balance itself: nothing falls due before the instant that was asked for.
    Balance(Balance),
    /// The pool: what falls due is carried out once the guard is gone.
    Due(Box<Pool>),
}

impl Copied {
    fn of(pool: &Pool, at: Timestamp) -> Copied {
        if pool.next_change() > at {
            Copied::Balance(pool_balance(pool, matters))
        } else {
            Copied::Due(Box::new(pool.clone()))
        }
    }

    fn balance(self, at: Timestamp) -> Balance {
        match self {
            Copied::Balance(balance) => balance,
            Copied::Due(mut pool) => {
                while pool.step(at).is_some() {}
                pool_balance(&pool, matters)
            }
        }
    }
}

/// Whether a grant is shown in a balance: something is left of it.
fn matters(grant: &&Grant) -> bool {
    grant.phase != Phase::Ended && grant.remaining > Credits::ZERO
}

/// A grant of an organization as it is at `now`, found by its name; the name of a grant that was given none is of the
/// entry that gave it. Whether that entry is `created` tells a new grant from one that was there before.
#[must_use]
pub fn grant(
    book: &Book,
    org: &str,
    name: Option<&str>,
    created: Position,
    now: Timestamp,
) -> Option<(CreditType, GrantState, bool)> {
    let (mut pool, number, at) = book.read(org, |slot| {
        slot.org.pools().find_map(|pool| {
            let sought = |grant: &&Grant| match name {
                Some(name) => grant.id.as_deref() == Some(name),
                None => grant.created == created,
            };
            let number = pool.grants().iter().find(sought)?.serial;
            Some((pool.clone(), number, now.max(slot.org.at())))
        })
    })??;
    while pool.step(at).is_some() {}
    let grant = pool.grants().iter().find(|grant| grant.serial == number)?;
    Some((pool.credit_type, grant_state(grant), grant.created == created))
}

/// Everything about an organization, at its last entry.
#[must_use]
pub fn org_state(org: &Org) -> OrgState {
    let Tally { charged, voided, duplicate, rejected } = org.tally();
    let balances = org.pools().map(|pool| {
        let Totals { granted, consumed, expired, voided, charged, overage, covered } = *pool.totals();
        let remaining = pool.grants().iter().fold(Credits::ZERO, |sum, grant| sum.plus(grant.remaining));
        let balance = pool_balance(pool, |_| true);
        BalanceState { balance, granted, remaining, consumed, expired, voided, charged, overage, covered }
    });
    OrgState {
        seq: org.position(),
        at: org.at(),
        events: TallyState { charged, voided, duplicate, rejected },
        balances: balances.collect(),
    }
}

fn pool_balance(pool: &Pool, shown: impl Fn(&&Grant) -> bool) -> Balance {
    let settled = pool.level();
    Balance {
        credit_type: pool.credit_type,
        settled,
        pending: Credits::ZERO,
        available: settled,
        total: pool.base(),
        owed: pool.totals().owed(),
        grants: pool.grants().iter().filter(shown).map(grant_state).collect(),
    }
}

fn grant_state(grant: &Grant) -> GrantState {
    GrantState {
        id: grant.name(),
        kind: match grant.kind {
            GrantKind::Plan => "plan",
            GrantKind::Bonus => "bonus",
            GrantKind::Purchased => "purchased",
        },
        priority: grant.priority,
        state: match grant.phase {
            Phase::Ahead => "ahead",
            Phase::Usable => "usable",
            Phase::Ended => "ended",
        },
        effective: grant.effective,
        expires: grant.expires,
        amount: grant.amount,
        remaining: grant.remaining,
    }
}

/// Writes a value as text, without making the text first.
fn text<S: Serializer>(value: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Writes an instant as RFC 3339.
fn instant<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time::Rfc3339(*instant))
}

/// Writes the end of a grant.
fn end<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    if *instant == Timestamp::MAX { serializer.serialize_none() } else { self::instant(instant, serializer) }
}
