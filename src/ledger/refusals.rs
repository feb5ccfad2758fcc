//! The refusals of an organization, in words: what was wrong, the value, and what to do.

use std::collections::BTreeSet;

use super::catalog::Catalog;
use super::entry::{CLOCK_SKEW, OLDEST_EVENT};
use super::limits::{Limit, Measure};
use super::price::CreditType;
use super::rejection::{Reason, Rejection};
use super::units::{Credits, Millis, Position, Timestamp};

pub(super) fn out_of_range(field: &'static str, time: Timestamp, at: Timestamp) -> Rejection {
    let days = OLDEST_EVENT.0.div_euclid(86_400_000);
    let minutes = CLOCK_SKEW.0.div_euclid(60_000);
    let seconds = |t: Timestamp| t.micros().div_euclid(1_000_000);
    let why = format!(
        "{} s since 1970 is not within {days} days before and {minutes} minutes after the log's time, {} s; check the unit and the clock",
        seconds(time),
        seconds(at)
    );
    Rejection::new(Reason::TimeOutOfRange, field, why)
}

pub(crate) fn unknown_org(org: &str) -> Rejection {
    let why = format!("there is no organization {org:?}; create it with PUT /v1/orgs/{org}");
    Rejection::new(Reason::UnknownOrg, "org", why)
}

pub(super) fn insufficient(credit_type: CreditType, amount: Credits, usable: Credits) -> Rejection {
    let why = format!("the event costs {amount} {credit_type} and {usable} are left; top up or send less");
    Rejection::new(Reason::InsufficientCredits, "org", why)
}

pub(super) fn limit_reached(limit: &Limit, value: &str, used: Measure, amount: Measure) -> Rejection {
    let (unit, field) = (limit.unit, limit.on.parts().first().map_or("org", |part| part.field.name()));
    let of = if value.is_empty() { String::new() } else { format!(" of {value:?}") };
    let why = format!(
        "the limit {:?}{of} is {} {unit}, {} are used and the event would use {}; raise the limit or wait for its next window",
        limit.id,
        unit.show(limit.max),
        unit.show(used),
        unit.show(amount)
    );
    Rejection::new(Reason::LimitReached, field, why)
}

pub(super) fn too_much_use(limit: &Limit) -> Rejection {
    let why = format!("what is used of the limit {:?} would not fit any more; remove the limit", limit.id);
    Rejection::new(Reason::AmountTooLarge, "quantity", why)
}

pub(super) fn too_many_values(most: usize) -> Rejection {
    let why = format!(
        "the organization's limits count {most} values one by one already, and the event has a new one; limit by fields with fewer values"
    );
    Rejection::new(Reason::TooMany, "org", why)
}

pub(super) fn too_many_limits(most: usize) -> Rejection {
    let why = format!("the organization has {most} limits of its own; remove one or use its plan's");
    Rejection::new(Reason::TooMany, "id", why)
}

pub(super) fn too_many_holds(most: usize) -> Rejection {
    let why = format!(
        "the organization has {most} holds, or too much is said of them; release some or let them end"
    );
    Rejection::new(Reason::TooMany, "org", why)
}

pub(super) fn unknown_limit(id: &str) -> Rejection {
    let why = format!(
        "the organization has no limit {id:?} of its own; compare with its limits, or put one that is off"
    );
    Rejection::new(Reason::UnknownLimit, "id", why)
}

pub(super) fn too_many_recharges(most: usize) -> Rejection {
    let why = format!(
        "the organization has {most} recharges, or had too many kinds of credits asked for; change one"
    );
    Rejection::new(Reason::TooMany, "credit_type", why)
}

pub(super) fn unknown_recharge(field: &'static str, name: &str) -> Rejection {
    let why = format!(
        "the organization has no recharge or request {name:?}; compare with its recharges and their alerts"
    );
    Rejection::new(Reason::UnknownRecharge, field, why)
}

pub(super) fn other_credits(asked: CreditType, given: CreditType) -> Rejection {
    let why = format!("the request asks for {asked} and the grant is of {given}; grant what was asked for");
    Rejection::new(Reason::InvalidField, "credit_type", why)
}

pub(super) fn answers_late(effective: Timestamp, at: Timestamp) -> Rejection {
    let micros = effective.micros().saturating_sub(at.micros());
    let why = format!(
        "it is usable {} s after the log time; what answers a request is usable at once: leave effective out",
        micros.div_euclid(1_000_000)
    );
    Rejection::new(Reason::InvalidField, "effective", why)
}

pub(super) fn answered(name: &str) -> Rejection {
    let why =
        format!("the request {name:?} was answered with a grant; take the grant back if it should not be");
    Rejection::new(Reason::Conflict, "id", why)
}

pub(super) fn too_large(field: &'static str, amount: Credits) -> Rejection {
    let why =
        format!("{amount} would lead past the largest total, {}; check the amount", Credits::LARGEST_TOTAL);
    Rejection::new(Reason::AmountTooLarge, field, why)
}

pub(super) fn no_terms() -> Rejection {
    Rejection::new(Reason::UnknownPlan, "org", "the organization has no plan; put it on one first")
}

pub(super) fn unknown_event() -> Rejection {
    let why = "no charged event has this source and id; check them, or give its time if it is yet to arrive";
    Rejection::new(Reason::UnknownEvent, "voids", why)
}

pub(super) fn other_grant(name: &str) -> Rejection {
    let why = format!("a grant {name:?} was given with another content; choose another id");
    Rejection::new(Reason::Conflict, "id", why)
}

pub(super) fn unknown_grant(name: &str) -> Rejection {
    let why = format!("there is no grant {name:?}; compare with the organization's grants");
    Rejection::new(Reason::UnknownGrant, "id", why)
}

pub(super) fn other_adjustment(name: &str) -> Rejection {
    let why = format!("an adjustment or grant {name:?} is known with another content; choose another id");
    Rejection::new(Reason::Conflict, "id", why)
}

pub(super) fn too_little(credit_type: CreditType, amount: Credits, usable: Credits) -> Rejection {
    let why =
        format!("{amount} {credit_type} are to be taken and the usable grants hold {usable}; take less");
    Rejection::new(Reason::InsufficientCredits, "amount", why)
}

pub(super) fn call_ended(id: &str, by: Position, first: Millis, second: Millis) -> Rejection {
    let why = format!(
        "the call {id:?} ended at {by} after {} ms, and this end says {} ms: the first one counts; void it to send another",
        first.0, second.0
    );
    Rejection::new(Reason::CallEnded, "call_id", why)
}

pub(super) fn call_over(id: &str) -> Rejection {
    let why = format!("the call {id:?} is over; one that starts anew needs a call_id of its own");
    Rejection::new(Reason::CallEnded, "call_id", why)
}

pub(super) fn call_settled(id: &str, days: u64) -> Rejection {
    let why = format!(
        "the call {id:?} was closed without its end, and charged, more than {days} days ago, or too many were since: that stays; adjust the balance by hand"
    );
    Rejection::new(Reason::CallEnded, "call_id", why)
}

pub(super) fn call_answered(id: &str) -> Rejection {
    let why = format!("the call {id:?} was answered, so it did not fail; send its end");
    Rejection::new(Reason::CallAnswered, "call_id", why)
}

pub(super) fn not_said(field: &'static str, id: &str) -> Rejection {
    let why = format!("nothing said the {field} of the call {id:?} so far; say it here");
    Rejection::new(Reason::MissingField, field, why)
}

pub(super) fn too_many_calls(most: usize, most_bytes: usize) -> Rejection {
    let why = format!(
        "an organization has up to {most} live calls, of {most_bytes} bytes in all; end those that are over. The call is charged at its end as ever"
    );
    Rejection::new(Reason::TooMany, "call_id", why)
}

pub(super) fn no_cycle() -> Rejection {
    let why = "the organization is in no cycle that would end; change it now";
    Rejection::new(Reason::InvalidField, "change", why)
}

pub(super) fn unknown_plan(plan: &str, catalog: &Catalog) -> Rejection {
    let known: Vec<&str> = catalog.plans().iter().map(|history| &*history.id).take(20).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let why = format!("there is no plan {plan:?}; publish it first (known: {known})");
    Rejection::new(Reason::UnknownPlan, "plan", why)
}

pub(super) fn unknown_credit_type(credit_type: CreditType, known: &BTreeSet<CreditType>) -> Rejection {
    let known: Vec<&str> = known.iter().map(CreditType::name).take(20).collect();
    let why = format!("no rate card has a price in {credit_type:?}; use one of {}", known.join(", "));
    Rejection::new(Reason::InvalidField, "credit_type", why)
}
