//! Balances: what is left, of what, and until when.

use serde::Serialize;

use crate::book::Book;
use crate::ledger::effect::Tally;
use crate::ledger::entry::GrantKind;
use crate::ledger::grants::{Grant, Phase, Pool, Totals};
use crate::ledger::org::Org;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Timestamp};
use crate::wire::time;

/// The balance of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrgBalance {
    /// The organization.
    pub org: String,
    /// The record and item of its last entry.
    pub seq: String,
    /// The instant the figures are for.
    pub as_of: String,
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
    pub effective: String,
    /// Usable until here, exclusive; none for ever.
    pub expires: Option<String>,
    /// How much was given.
    pub amount: Credits,
    /// What is left.
    pub remaining: Credits,
}

/// Everything about an organization, for a replay and for comparing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrgState {
    /// The record and item of its last entry.
    pub seq: String,
    /// The log's time it stands at.
    pub at: String,
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
pub fn balance(book: &Book, org: &str, now: Timestamp) -> Option<OrgBalance> {
    let (seq, at, pools) = book.read(org, |slot| {
        let at = now.max(slot.org.at());
        (slot.org.position(), at, slot.org.pools().map(|pool| at_instant(pool, at)).collect::<Vec<_>>())
    })?;
    let live = |grant: &&Grant| grant.phase != Phase::Ended && grant.remaining > Credits::ZERO;
    let balances = pools.iter().map(|pool| pool_balance(pool, live)).collect();
    Some(OrgBalance { org: org.to_owned(), seq: seq.to_string(), as_of: time::format(at), balances })
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
        seq: org.position().to_string(),
        at: time::format(org.at()),
        events: TallyState { charged, voided, duplicate, rejected },
        balances: balances.collect(),
    }
}

/// A pool as it will be at an instant that nothing has been applied at yet.
fn at_instant(pool: &Pool, at: Timestamp) -> Pool {
    let mut pool = pool.clone();
    while pool.step(at).is_some() {}
    pool
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
        effective: time::format(grant.effective),
        expires: (grant.expires != Timestamp::MAX).then(|| time::format(grant.expires)),
        amount: grant.amount,
        remaining: grant.remaining,
    }
}
