//! Who spends, what limits count of it, and what a walk over all calls and holds finds.

use std::collections::BTreeSet;

use creditd::ledger::calls::{Calls, Hold};
use creditd::ledger::entry::{CallName, Dimensions};
use creditd::ledger::limits::{Field, Limit, Measure, On, Part, Unit, Window};
use creditd::ledger::price::CreditType;
use creditd::ledger::units::{Credits, EventId, Timestamp};

pub(super) const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
/// Who spends: one of these users, with or without a team and an account, and one of these entities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Somebody(pub(super) usize, pub(super) bool, pub(super) usize);

/// The names of limits of its own: some take the place of those of plans.
pub(super) const OWN: [&str; 9] =
    ["each-action", "each-user", "each-user", "ana-calls", "pairs", "campaigns", "total", "emea", "all"];

pub(super) fn email() -> CreditType {
    CreditType::new("email").unwrap()
}

pub(super) fn limit(which: usize, max: u64, hard: bool, window: Window) -> Limit {
    let part = |field, value: Option<&str>| Part { field, value: value.map(Box::from) };
    let parts = match which {
        0 => vec![part(Field::Action, None)],
        1 | 2 => vec![part(Field::User, None)],
        3 => vec![part(Field::User, Some("ana")), part(Field::Action, Some("phone_call"))],
        4 => vec![part(Field::User, None), part(Field::Team, None)],
        5 => vec![part(Field::Entity("campaign".into()), None)],
        7 => vec![part(Field::Account, Some("emea")), part(Field::Feature, None)],
        _ => vec![],
    };
    let credits = |kind| (Unit::Credits(kind), max * 1_000_000);
    let (unit, max) = match which {
        2 | 3 | 5 | 8 => (Unit::Quantity, max),
        4 => credits(email()),
        _ => credits(CreditType::default()),
    };
    let (id, on) = (OWN[which].into(), On::new(parts).unwrap());
    Limit { id, on, unit, max: Measure::of_quantity(max), window, hard }
}

impl Somebody {
    pub(super) fn dimensions(self) -> Dimensions<'static> {
        let Somebody(user, team, entity) = self;
        let (entity_type, entity_id) = match entity {
            0 => (Some("campaign"), Some("c1")),
            1 => (Some("campaign"), Some("c2")),
            2 => (Some("assistant"), Some("c1")),
            _ => (None, None),
        };
        Dimensions {
            account: team.then_some("emea"),
            entity_type,
            entity_id,
            entity_name: None,
            user: [Some("ana"), Some("b/n"), Some("cem"), None][user],
            team: team.then_some("sales"),
            feature: (entity == 0).then_some("vip"),
        }
    }
}

/// The value under which a limit counts what somebody does; none where it does not.
pub(super) fn value(limit: &Limit, who: &Dimensions<'_>, action: &str) -> Option<String> {
    let mut values = Vec::new();
    for part in limit.on.parts() {
        let actual = match &part.field {
            Field::Account => who.account?,
            Field::User => who.user?,
            Field::Team => who.team?,
            Field::Feature => who.feature?,
            Field::Action => action,
            Field::Entity(kind) => who.entity_id.filter(|_| who.entity_type == Some(&**kind))?,
        };
        match &part.value {
            Some(wanted) if **wanted != *actual => return None,
            Some(_) => {}
            None => values.push(actual.to_owned()),
        }
    }
    if values.len() > 1 {
        values.iter_mut().for_each(|value| *value = value.replace('%', "%25").replace('/', "%2F"));
    }
    Some(values.join("/"))
}

pub(super) fn micros(amount: Credits) -> u64 {
    u64::try_from(amount.micros()).unwrap()
}

/// What a hold claims of a limit under a value.
pub(super) fn of_hold(hold: &Hold, limit: &Limit, of: &str) -> u64 {
    let is_of = value(limit, &hold.who.dimensions(), &hold.action).is_some_and(|value| value == of);
    let claim = match limit.unit {
        Unit::Quantity => hold.quantity,
        Unit::Credits(kind) => micros(hold.amount(kind)),
    };
    if is_of { claim } else { 0 }
}

/// What is claimed of a limit under a value, by a walk over all calls and holds. Of some identities nothing counts that rings or is held. A call
/// that rings counts as one call, and so what is held for it as one less.
pub(super) fn walked(calls: &Calls, limit: &Limit, of: &str, at: Timestamp, but: &[EventId]) -> u64 {
    let mut claimed = 0;
    let mut ringing = BTreeSet::new();
    for (key, call) in calls.live_from(EventId::default()) {
        if call.answered().is_none() {
            ringing.insert(key);
        }
        let counts = call.answered().is_some() || !but.contains(&key);
        if counts && value(limit, &call.dimensions(), call.action()).is_some_and(|value| value == of) {
            claimed += match limit.unit {
                Unit::Quantity => 1,
                Unit::Credits(kind) => micros(call.cost(kind, at)),
            };
        }
    }
    for (key, hold) in calls.holds_from(EventId::default()) {
        if hold.until > at && !but.contains(&key) {
            let quantity = if ringing.contains(&key) { hold.quantity - 1 } else { hold.quantity };
            claimed += of_hold(&Hold { quantity, ..hold.clone() }, limit, of);
        }
    }
    claimed
}

pub(super) fn name(id: usize) -> CallName<'static> {
    CallName { source: "sbc", id: IDS[id] }
}

pub(super) fn hold(
    id: usize,
    who: Somebody,
    (thousandths, is_email): (i64, bool),
    until: Timestamp,
    messages: Option<u64>,
) -> Hold {
    let kind = if is_email { email() } else { CreditType::default() };
    let amounts = std::iter::once((kind, Credits::from_micros(thousandths * 1_000))).collect();
    Hold {
        source: "sbc".into(),
        id: IDS[id].into(),
        action: if messages.is_some() { "message".into() } else { "phone_call".into() },
        quantity: messages.unwrap_or(1),
        who: who.dimensions().into(),
        amounts,
        increment: [].into_iter().collect(),
        until,
    }
}
