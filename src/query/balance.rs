//! Balances: what is left, of what, and until when.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::limits::{LimitState, used_limits};
use super::names::NamesState;
use super::recharges::{RechargeState, recharges_of};
use crate::book::Book;
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Tally;
use crate::ledger::entry::GrantKind;
use crate::ledger::grants::{Grant, Origin, Phase, Pool, Totals};
use crate::ledger::org::{Burnt, Cycle, Org};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::wire::time;

/// The balance of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrgBalance<'a> {
    /// The organization.
    pub org: &'a str,
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant the figures are for.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// The zone of its days and months.
    pub zone: String,
    /// The billing period it is in.
    pub cycle: Option<CycleState>,
    /// One for each kind of credits.
    pub balances: Vec<Balance>,
}

/// A billing period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CycleState {
    /// 1 for the organization's first one.
    pub number: u32,
    /// Its begin.
    #[serde(serialize_with = "instant")]
    pub start: Timestamp,
    /// Its end, the begin of the next.
    #[serde(serialize_with = "end")]
    #[schemars(with = "Option<Timestamp>")]
    pub end: Timestamp,
    /// The zone whose calendar counts.
    pub time_zone: String,
}

impl CycleState {
    fn of(org: &Org, cycle: Cycle) -> CycleState {
        CycleState {
            number: cycle.number,
            start: cycle.start,
            end: cycle.end,
            time_zone: org.zone().to_string(),
        }
    }
}

/// What is left of one kind of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Balance {
    /// The kind.
    pub credit_type: CreditType,
    /// What is left of the usable grants, less what is owed.
    pub settled: Credits,
    /// What live calls have cost so far.
    pub pending: Credits,
    /// What is set aside for calls that are about to start.
    pub held: Credits,
    /// `settled − pending − held`: what may still be spent.
    pub available: Credits,
    /// What a percentage is of: what the usable grants amount to, see `docs/EVENTS.md`.
    pub total: Credits,
    /// Overage that is not repaid yet.
    pub owed: Credits,
    /// The grants that still matter, in the order in which they burn.
    pub grants: Vec<GrantState>,
}

/// A grant as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GrantState {
    /// Its name.
    pub id: String,
    /// Where it comes from.
    #[schemars(extend("enum" = ["plan", "bonus", "purchased"]))]
    pub kind: &'static str,
    /// Lower burns first.
    pub priority: u8,
    /// Where it is in its life.
    #[schemars(extend("enum" = ["ahead", "usable", "ended"]))]
    pub state: &'static str,
    /// Usable from here on.
    #[serde(serialize_with = "instant")]
    pub effective: Timestamp,
    /// Usable until here, exclusive; [`Timestamp::MAX`], written as null, for ever.
    #[serde(serialize_with = "end")]
    #[schemars(with = "Option<Timestamp>", description = "Usable until here, exclusive; null for ever.")]
    pub expires: Timestamp,
    /// How much was given.
    pub amount: Credits,
    /// What is left.
    pub remaining: Credits,
}

/// Everything about an organization, for a replay and for comparing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrgState {
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The log's time it stands at.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// How many events came to which end.
    pub events: TallyState,
    /// The billing period it is in.
    pub cycle: Option<CycleState>,
    /// One for each kind of credits.
    pub balances: Vec<BalanceState>,
    /// What is used of the limits: one for each that is for the whole, and for each value that was used.
    pub limits: Vec<LimitState>,
    /// Who and what there is in it.
    pub names: NamesState,
    /// The auto-recharges, by their kinds of credits.
    pub recharges: Vec<RechargeState>,
}

/// How many events came to which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TallyState {
    charged: u64,
    voided: u64,
    noted: u64,
    duplicate: u64,
    rejected: u64,
}

/// A balance with its books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BalanceState {
    #[serde(flatten)]
    balance: Balance,
    burn: BurnState,
    granted: Credits,
    remaining: Credits,
    consumed: Credits,
    expired: Credits,
    voided: Credits,
    charged: Credits,
    overage: Credits,
    covered: Credits,
    dropped: Credits,
}

/// What is burnt of one kind of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct BurnState {
    /// What was burnt in the last whole hours before the running one.
    sum: Credits,
    /// How many hours that is: at most 24, and no more than there were.
    hours: u32,
    /// What was burnt in the running hour so far.
    running: Credits,
}

/// The balance of an organization as it is at `now`, or at its last entry where that is later.
#[must_use]
pub fn balance<'a>(book: &Book, org: &'a str, now: Timestamp) -> Option<OrgBalance<'a>> {
    let catalog = book.catalog();
    let copied = book.read(org, |slot| {
        let at = now.max(slot.org.at());
        if slot.org.next_settled(&catalog) > at {
            Ok(org_balance(org, &slot.org, at))
        } else {
            Err((Box::new(slot.org.without_ids()), at))
        }
    })?;
    // What falls due is carried out once the guard is gone.
    Some(copied.unwrap_or_else(|(mut ahead, at)| {
        ahead.advance(at, &catalog, &mut Vec::new());
        org_balance(org, &ahead, at)
    }))
}

fn org_balance<'a>(name: &'a str, org: &Org, as_of: Timestamp) -> OrgBalance<'a> {
    let balances = org.pools().map(|pool| pool_balance(org, pool, as_of, matters)).collect();
    OrgBalance {
        org: name,
        seq: org.position(),
        as_of,
        zone: org.zone().to_string(),
        cycle: org.cycle().map(|cycle| CycleState::of(org, cycle)),
        balances,
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
    let (mut org, at) = book.read(org, |slot| (slot.org.without_ids(), now.max(slot.org.at())))?;
    org.advance(at, &book.catalog(), &mut Vec::new());
    org.pools().find_map(|pool| {
        let sought = |grant: &&Grant| match name {
            Some(name) => grant.is_named(name, pool.credit_type),
            None => grant.created == created && matches!(grant.origin, Origin::AtOnce | Origin::Ordered),
        };
        let grant = pool.grants().iter().find(sought)?;
        Some((pool.credit_type, grant_state(grant, pool.credit_type), grant.created == created))
    })
}

/// Everything about an organization at an instant, or at its last entry where that is later.
#[must_use]
pub fn org_state(book: &Book, name: &str, at: Timestamp) -> Option<OrgState> {
    let copy = |org: &Org| (org.with_limits_from(("", ""), usize::MAX), NamesState::of(org.names()));
    let (mut org, names) = book.read(name, |slot| copy(&slot.org))?;
    let catalog = book.catalog();
    org.advance(at, &catalog, &mut Vec::new());
    Some(state_of(&org, names, &catalog))
}

fn state_of(org: &Org, names: NamesState, catalog: &Catalog) -> OrgState {
    let Tally { charged, voided, noted, duplicate, rejected } = org.tally();
    let balances = org.pools().zip(org.burnt()).map(|(pool, burnt)| {
        let Totals { granted, consumed, expired, voided, charged, overage, covered, dropped } =
            *pool.totals();
        let remaining = pool.grants().iter().fold(Credits::ZERO, |sum, grant| sum.plus(grant.remaining));
        let balance = pool_balance(org, pool, org.at(), |_| true);
        let Burnt { lately, running, .. } = burnt;
        BalanceState {
            balance,
            burn: BurnState { sum: lately.sum, hours: lately.hours, running },
            granted,
            remaining,
            consumed,
            expired,
            voided,
            charged,
            overage,
            covered,
            dropped,
        }
    });
    OrgState {
        seq: org.position(),
        at: org.at(),
        events: TallyState { charged, voided, noted, duplicate, rejected },
        cycle: org.cycle().map(|cycle| CycleState::of(org, cycle)),
        balances: balances.collect(),
        limits: used_limits(org, catalog),
        names,
        recharges: recharges_of(org),
    }
}

fn pool_balance(org: &Org, pool: &Pool, at: Timestamp, shown: impl Fn(&&Grant) -> bool) -> Balance {
    let (settled, pending) = (pool.level(), org.pending(pool.credit_type, at));
    let held = org.calls().map_or(Credits::ZERO, |calls| calls.held(pool.credit_type, at));
    Balance {
        credit_type: pool.credit_type,
        settled,
        pending,
        held,
        available: settled.minus(pending).minus(held),
        total: pool.base(),
        owed: pool.totals().owed(),
        grants: pool
            .grants()
            .iter()
            .filter(shown)
            .map(|grant| grant_state(grant, pool.credit_type))
            .collect(),
    }
}

fn grant_state(grant: &Grant, credit_type: CreditType) -> GrantState {
    GrantState {
        id: grant.name(credit_type),
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
        expires: grant.ends(),
        amount: grant.amount,
        remaining: grant.remaining,
    }
}

/// Writes a value as text, without making the text first.
pub(super) fn text<S: Serializer>(value: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Writes an instant as RFC 3339.
pub(super) fn instant<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time::Rfc3339(*instant))
}

/// Writes an instant as RFC 3339, or null.
pub(super) fn instant_or_null<S: Serializer>(
    instant: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match instant {
        Some(instant) => self::instant(instant, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes the end of a grant.
fn end<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    if *instant == Timestamp::MAX { serializer.serialize_none() } else { self::instant(instant, serializer) }
}
