//! From an item on a commands subject to a command.

mod alerts;
pub mod limits;
pub mod names;
mod plans;
pub mod prices;
pub mod recharges;

use self::alerts::alerts;
use self::plans::{period, plan, rollover};
use self::prices::{increment, prices};
use super::calendar::{Period, Zone};
use super::catalog::{Increment, Plan, Prices, Release, Rollover};
use super::fields::{self, Object, needed};
use super::limits::Limit;
use super::names::Stated;
use super::read::Item;
use super::recharge;
use super::rules::Rule;
use super::scope::Scope;
use super::{Instant, Micros, Reason};

const INVALID: Reason = "invalid_field";

/// Something we are told.
pub enum Command {
    /// A version of a rate card.
    Card {
        /// The card.
        id: String,
        /// Its version.
        release: Release,
        /// The prices by action.
        prices: Prices,
    },
    /// A version of a plan.
    Plan {
        /// The plan.
        id: String,
        /// Its version.
        release: Release,
        /// What it says.
        plan: Plan,
    },
    /// An organization's terms.
    Org(Put),
    /// Credits given.
    Grant(Order),
    /// A grant taken back.
    GrantVoid(String),
    /// Credits moved by hand.
    Adjust(Adjustment),
    /// A limit of the organization's own; none to switch off the plan's.
    Limit(String, Option<Limit>),
    /// A limit of its own taken away.
    LimitRemove(String),
    /// What is to be bought by itself.
    Recharge(String, recharge::Order),
    /// No more of a credit type is to be bought by itself.
    RechargeRemove(String),
    /// The request of this name was not answered with credits.
    RechargeFailed(String),
    /// Who or what there is, for people.
    Name(Stated),
}

/// The plan of an organization and its own deviations.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The plan.
    pub plan: String,
    /// Stronger than the plan's.
    pub increment: Option<Increment>,
    /// Stronger than the card's, action by action.
    pub prices: Prices,
    /// Instead of the plan's.
    pub alerts: Option<Vec<Rule>>,
}

/// What an organization is to be.
pub struct Put {
    /// Its plan and its own deviations.
    pub terms: Terms,
    /// Its calendar; as it was if not given.
    pub zone: Option<Zone>,
    /// A begin of its cycles; as it was if not given.
    pub anchor: Option<Instant>,
    /// Whether the terms wait for the next reset.
    pub waits: bool,
    /// Whether allotments count for the rest of the cycle only.
    pub prorate: bool,
    /// Its name for people; as it was if not given.
    pub name: Option<String>,
}

/// Credits to be moved by hand.
pub struct Adjustment {
    /// Its name, if it has one.
    pub id: Option<String>,
    /// The kind of credit.
    pub credit_type: String,
    /// How much; below zero it is taken.
    pub amount: Micros,
}

/// When a grant is full again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrence {
    /// How often.
    pub every: Period,
    /// One of the instants; the first of the grant's if not given.
    pub anchor: Option<Instant>,
}

/// Credits to be given.
#[derive(Clone, Debug)]
pub struct Order {
    /// The grant's name, if it has one.
    pub id: Option<String>,
    /// The kind of credit.
    pub credit_type: String,
    /// How much.
    pub amount: Micros,
    /// `plan`, `bonus` or `purchased`.
    pub kind: &'static str,
    /// Lower burns first.
    pub priority: i128,
    /// Usable from; from now on if not given.
    pub effective: Option<Instant>,
    /// Usable until.
    pub expires: Option<Instant>,
    /// What it may pay; anything if not given.
    pub scope: Option<Scope>,
    /// When it is full again.
    pub recurrence: Option<Recurrence>,
    /// Between what it is brought at a reset.
    pub rollover: Option<Rollover>,
}

/// The command that an item on the subject of `org` (or of `_catalog`) is.
pub fn command(item: &Item, org: &str) -> Result<Command, Reason> {
    let envelope = item.as_ref().map_err(|reason| *reason)?;
    let data = &envelope.data;
    match (envelope.kind(), org == "_catalog") {
        ("creditd.rate_card.put.v1", true) => {
            fields::only(data, &["id", "version", "effective_from", "prices"])?;
            let prices = prices(needed(fields::object(data, "prices")?)?)?;
            Ok(Command::Card { id: needed(fields::text(data, "id")?)?, release: release(data)?, prices })
        }
        ("creditd.plan.put.v1", true) => Ok(Command::Plan {
            id: needed(fields::text(data, "id")?)?,
            release: release(data)?,
            plan: plan(data)?,
        }),
        ("creditd.org.put.v1", false) => put(data, org).map(Command::Org),
        ("creditd.grant.v1", false) => grant(data, org).map(Command::Grant),
        ("creditd.grant.void.v1", false) => ended(data, org).map(Command::GrantVoid),
        ("creditd.adjust.v1", false) => adjustment(data, org).map(Command::Adjust),
        ("creditd.limit.put.v1", false) => {
            texts(data)?;
            let (id, limit) = limits::put(data)?;
            same_org(data, org)?;
            Ok(Command::Limit(id, limit))
        }
        ("creditd.limit.remove.v1", false) => ended(data, org).map(Command::LimitRemove),
        ("creditd.recharge.put.v1", false) => {
            texts(data)?;
            let (credit_type, order) = recharges::put(data)?;
            same_org(data, org)?;
            Ok(Command::Recharge(credit_type, order))
        }
        ("creditd.recharge.remove.v1", false) => {
            fields::only(data, &["credit_type", "reason", "by", "org"])?;
            texts(data)?;
            let credit_type = credit_type(data)?.unwrap_or("credits".to_string());
            same_org(data, org)?;
            Ok(Command::RechargeRemove(credit_type))
        }
        ("creditd.recharge.failed.v1", false) => ended(data, org).map(Command::RechargeFailed),
        (kind, false) if names::is_name(kind) => {
            let stated = names::stated(kind, data)?;
            same_org(data, org)?;
            Ok(Command::Name(stated))
        }
        _ => Err("unknown_type"),
    }
}

/// The name of what is taken away.
fn ended(data: &Object, org: &str) -> Result<String, Reason> {
    fields::only(data, &["id", "reason", "by", "org"])?;
    texts(data)?;
    let id = needed(fields::text(data, "id")?)?;
    same_org(data, org)?;
    Ok(id)
}

fn same_org(data: &Object, org: &str) -> Result<(), Reason> {
    let other = fields::text(data, "org")?.is_some_and(|named| named != org);
    if other { Err("org_mismatch") } else { Ok(()) }
}

fn release(data: &Object) -> Result<Release, Reason> {
    let number = needed(fields::integer(data, "version", 1..=4_294_967_295)?)?;
    Ok(Release { number, effective_from: fields::instant(data, "effective_from")? })
}

/// Why and who: not part of the books, but they must be well formed.
fn texts(data: &Object) -> Result<(), Reason> {
    fields::text(data, "reason")?;
    fields::text(data, "by")?;
    Ok(())
}

fn put(data: &Object, org: &str) -> Result<Put, Reason> {
    let nothing = Object::new();
    let overrides = fields::object(data, "overrides")?.unwrap_or(&nothing);
    let own_prices = fields::object(overrides, "prices")?.unwrap_or(&nothing);
    let known = [
        "plan",
        "overrides",
        "time_zone",
        "cycle_anchor",
        "change",
        "prorate",
        "name",
        "reason",
        "by",
        "org",
    ];
    fields::only(data, &known)?;
    fields::only(overrides, &["increment", "prices", "alerts"])?;
    texts(data)?;
    let terms = Terms {
        plan: needed(fields::text(data, "plan")?)?,
        increment: increment(overrides)?,
        prices: prices(own_prices)?,
        alerts: alerts(overrides)?,
    };
    let zone = fields::text(data, "time_zone")?;
    let put = Put {
        terms,
        zone: zone.map(|name| Zone::named(&name).ok_or(INVALID)).transpose()?,
        anchor: fields::instant(data, "cycle_anchor")?,
        waits: fields::word(data, "change", &["now", "next_cycle"])? == Some("next_cycle"),
        prorate: fields::boolean(data, "prorate")?.unwrap_or(false),
        name: fields::text(data, "name")?,
    };
    same_org(data, org)?;
    Ok(put)
}

fn grant(data: &Object, org: &str) -> Result<Order, Reason> {
    let known = [
        "id",
        "credit_type",
        "amount",
        "kind",
        "priority",
        "effective",
        "expires",
        "scope",
        "recurrence",
        "rollover",
        "reason",
        "by",
        "org",
    ];
    fields::only(data, &known)?;
    texts(data)?;
    let order = Order {
        id: own_name(data)?,
        credit_type: credit_type(data)?.unwrap_or("credits".to_string()),
        amount: needed(fields::amount(data, "amount")?)?,
        kind: fields::word(data, "kind", &["plan", "bonus", "purchased"])?.unwrap_or("purchased"),
        priority: fields::integer(data, "priority", 0..=255)?.unwrap_or(100),
        effective: fields::instant(data, "effective")?,
        expires: fields::instant(data, "expires")?,
        scope: fields::object(data, "scope")?.map(Scope::read).transpose()?,
        recurrence: recurrence(data)?,
        rollover: rollover(data)?,
    };
    let backwards =
        order.expires.zip(order.effective).is_some_and(|(expires, effective)| expires <= effective);
    if order.amount == 0 || backwards {
        return Err(INVALID);
    }
    same_org(data, org)?;
    Ok(order)
}

/// A name that is not one of those that cycles give.
fn own_name(data: &Object) -> Result<Option<String>, Reason> {
    let id = fields::text(data, "id")?;
    let taken = id.as_ref().is_some_and(|id| id.starts_with("plan.") || id.starts_with("rollover."));
    if taken { Err(INVALID) } else { Ok(id) }
}

fn recurrence(data: &Object) -> Result<Option<Recurrence>, Reason> {
    let Some(data) = fields::object(data, "recurrence")? else { return Ok(None) };
    fields::only(data, &["every", "anchor"])?;
    let every = needed(period(data, "every")?)?;
    Ok(Some(Recurrence { every, anchor: fields::instant(data, "anchor")? }))
}

fn adjustment(data: &Object, org: &str) -> Result<Adjustment, Reason> {
    fields::only(data, &["id", "amount", "credit_type", "reason", "by", "org"])?;
    texts(data)?;
    let adjustment = Adjustment {
        id: own_name(data)?,
        credit_type: credit_type(data)?.unwrap_or("credits".to_string()),
        amount: needed(fields::signed_amount(data, "amount")?)?,
    };
    needed(fields::text(data, "reason")?)?;
    // The names of requests are for their answers.
    let taken = adjustment.id.as_ref().is_some_and(|id| id.starts_with("recharge."));
    if taken || adjustment.amount == 0 {
        return Err(INVALID);
    }
    same_org(data, org)?;
    Ok(adjustment)
}

fn credit_type(data: &Object) -> Result<Option<String>, Reason> {
    let name = fields::text(data, "credit_type")?;
    let plain = |name: &String| {
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        name.len() <= 16 && name.bytes().all(sound)
    };
    if name.as_ref().is_none_or(plain) { Ok(name) } else { Err(INVALID) }
}
