//! The table `event` of an adapter: where each field of the event stands.

use super::super::event::{DIRECTIONS, Kind};
use super::super::field::{Field, Origin};
use super::super::guard::Guard;
use super::super::mapping::{DetailFields, Mapping, Moments};
use super::super::table::Keys;
use super::super::usage::{Point, Usage};
use super::conditions;
use super::fields::{field, moment, needed, told};
use crate::ledger::price::Direction;

pub(super) fn mapping(mut keys: Keys<'_>, adapter: &str, guard: Guard) -> Option<Mapping> {
    let wrong_before = keys.problems();
    let kind = kind(&mut keys);
    let direction = direction(&mut keys);
    let org = needed(&mut keys, "org", "say whose calls these are, such as org = \"/accountcode\"");
    let call_id = needed(&mut keys, "call_id", "say what names a call, such as call_id = \"/call/id\"");
    let id = field(&mut keys, "id", "id");
    let source = field(&mut keys, "source", "source");
    let moments = Moments {
        time: moment(&mut keys, "time"),
        started: moment(&mut keys, "started"),
        answered: moment(&mut keys, "answered"),
        ended: moment(&mut keys, "ended"),
    };
    let details = details(&mut keys);
    let [inbound, outbound] = usages(&mut keys);
    let mapping = || {
        Some(Mapping {
            kind: kind?,
            org: org?,
            source: source.unwrap_or_else(|| Field::new("source", Origin::Const(adapter.to_owned()))),
            call_id: call_id?,
            id,
            direction: direction?,
            details,
            moments,
            inbound,
            outbound,
            guard,
        })
    };
    let mapping = mapping();
    if let Some(mapping) = mapping.as_ref().filter(|_| keys.problems() == wrong_before) {
        cross_check(&keys, mapping);
    }
    keys.finish();
    mapping
}

/// The type: fixed, or by a map; nothing else makes it one of ours.
fn kind(keys: &mut Keys<'_>) -> Option<Field> {
    let names = Kind::ALL.map(|(name, _)| name).join(", ");
    let field = needed(keys, "type", &format!("write {{ const = \"call.ended\" }}, or map it to {names}"))?;
    match wrong_value(&field, &|value| Kind::named(value).is_some()) {
        Wrong::Nothing => Some(field),
        Wrong::Open => keys.report("type", format!("is not mapped; add map = {{ … }} with {names}")),
        Wrong::Value(value) => keys.wrong_text("type", &value, &format!("is no type; write {names}")),
    }
}

/// The direction: fixed, by a map, or what a variable says. There is none by default.
fn direction(keys: &mut Keys<'_>) -> Option<Field> {
    let remedy = "the switch's view is not the customer's, so it is never guessed: map it, set it in the dialplan and \
                  name that variable, or write { const = \"outbound\" }";
    let field = needed(keys, "direction", remedy)?;
    match wrong_value(&field, &|value| DIRECTIONS.iter().any(|(name, _)| *name == value)) {
        Wrong::Value(value) => {
            keys.wrong_text("direction", &value, "is no direction; write inbound or outbound")
        }
        Wrong::Nothing | Wrong::Open => Some(field),
    }
}

/// What is wrong with the values that a field can have.
enum Wrong {
    Nothing,
    /// It can have any.
    Open,
    Value(String),
}

fn wrong_value(field: &Field, sound: &dyn Fn(&str) -> bool) -> Wrong {
    match possible(field) {
        None => Wrong::Open,
        Some(values) => match values.into_iter().find(|value| !sound(value)) {
            Some(value) => Wrong::Value(value.to_owned()),
            None => Wrong::Nothing,
        },
    }
}

/// The values that a field can have; `None` where the message decides.
fn possible(field: &Field) -> Option<Vec<&str>> {
    match (&field.map, &field.origin) {
        (Some(map), _) => Some(map.meanings.values().map(String::as_str).collect()),
        (None, Origin::Const(text)) => Some(vec![text]),
        (None, _) => None,
    }
}

fn details(keys: &mut Keys<'_>) -> DetailFields {
    let add_ons = keys.tables("add_ons").into_iter().filter_map(|mut keys| {
        let name = keys.text("name").map(str::to_owned);
        if name.is_none() {
            keys.missing::<()>("name", "write the add-on's name in the rate card");
        }
        let when = conditions(&mut keys, "when");
        keys.finish();
        Some((name?, when))
    });
    let add_ons = add_ons.collect();
    let entity = keys.table("entity").and_then(|mut keys| {
        let kind = field(&mut keys, "type", "entity.type");
        let id = field(&mut keys, "id", "entity.id");
        let name = field(&mut keys, "name", "entity.name");
        if kind.is_none() || id.is_none() {
            keys.missing::<()>("type and id", "say both where an entity spends");
        }
        keys.finish();
        Some((kind?, id?, name))
    });
    DetailFields {
        destination: field(keys, "destination", "destination"),
        action: field(keys, "action", "action"),
        add_ons,
        account: field(keys, "account", "account"),
        user: field(keys, "user", "user"),
        team: field(keys, "team", "team"),
        feature: field(keys, "feature", "feature"),
        entity,
    }
}

/// The lengths of inbound and outbound calls.
fn usages(keys: &mut Keys<'_>) -> [Option<Usage>; 2] {
    let Some(mut keys) = keys.table("usage") else { return [None, None] };
    if !keys.has("inbound") && !keys.has("outbound") {
        let both = usage(keys);
        return [both.clone(), both];
    }
    let usages = ["inbound", "outbound"].map(|direction| keys.table(direction).and_then(usage));
    keys.finish();
    usages
}

fn usage(mut keys: Keys<'_>) -> Option<Usage> {
    let usage = if keys.has("between") { between(&mut keys) } else { told(&mut keys).map(Usage::Told) };
    keys.finish();
    usage
}

fn between(keys: &mut Keys<'_>) -> Option<Usage> {
    let names = keys.texts("between")?;
    let point = |name: &str| Point::ALL.iter().find(|(known, _)| *known == name).map(|(_, point)| *point);
    let points: Option<Vec<Point>> = names.iter().map(|name| point(name)).collect();
    match points.as_deref() {
        Some([from, to]) if from < to => Some(Usage::Between(*from, *to)),
        _ => {
            keys.report("between", format!("{names:?} are no two instants; write [\"answered\", \"ended\"]"))
        }
    }
}

/// What only several keys together can get wrong, each of which is right.
fn cross_check(keys: &Keys<'_>, mapping: &Mapping) {
    let kinds: Vec<Kind> =
        possible(&mapping.kind).unwrap_or_default().into_iter().filter_map(Kind::named).collect();
    let Moments { time, started, answered, ended } = &mapping.moments;
    for kind in &kinds {
        let (own, name) = match kind {
            Kind::Started => (started, "started"),
            Kind::Answered => (answered, "answered"),
            Kind::Progress => (time, "time"),
            Kind::Ended | Kind::Failed => (ended, "ended"),
        };
        if own.is_none() && time.is_none() {
            keys.missing::<()>(name, &format!("{} happens then; say where that instant stands", kind.name()));
        }
    }
    for (name, direction) in possible_directions(mapping) {
        let usage = match direction {
            Direction::Inbound => &mapping.inbound,
            Direction::Outbound => &mapping.outbound,
        };
        if usage.is_none() && (mapping.inbound.is_some() || mapping.outbound.is_some()) {
            keys.missing::<()>(
                &format!("usage.{name}"),
                "the other direction has one: add this, or leave out both",
            );
        }
        let cumulative = matches!(usage, Some(Usage::Told(told)) if told.cumulative);
        if kinds.contains(&Kind::Progress) && !cumulative {
            keys.missing::<()>(
                &format!("usage.{name}"),
                "call.progress tells one with form = \"cumulative\"",
            );
        }
        if let Some(Usage::Between(from, to)) = usage {
            check_points(keys, mapping, [*from, *to]);
        }
    }
}

fn check_points(keys: &Keys<'_>, mapping: &Mapping, points: [Point; 2]) {
    let Moments { time, started, answered, ended } = &mapping.moments;
    for point in points {
        let there = match point {
            Point::Started => started.is_some(),
            Point::Answered => answered.is_some(),
            Point::Ended => ended.is_some() || time.is_some(),
        };
        if !there {
            keys.missing::<()>(point.name(), "usage counts from or to it; say where that instant stands");
        }
    }
}

fn possible_directions(mapping: &Mapping) -> Vec<(&'static str, Direction)> {
    let named = possible(&mapping.direction);
    DIRECTIONS
        .into_iter()
        .filter(|(name, _)| named.as_ref().is_none_or(|named| named.contains(name)))
        .collect()
}
