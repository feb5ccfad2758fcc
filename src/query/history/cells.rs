//! The history and the call log as tables: a row for each kind of credits that a line is about.

use std::collections::BTreeMap;

use super::finished::FinishedCall;
use super::line::{EntityOf, HistoryLine};
use crate::ledger::price::{CreditType, Direction};
use crate::ledger::units::Credits;
use crate::query::csv::{Cell, Table};

/// The columns of the history. A position is two numbers: as one with a point a spreadsheet would take `17.10` for `17.1`.
pub(super) const HISTORY: [&str; 28] = [
    "record",
    "item",
    "kind",
    "at",
    "time",
    "credit_type",
    "in",
    "out",
    "moved",
    "remarks",
    "action",
    "add_ons",
    "quantity",
    "call_id",
    "source",
    "duration_ms",
    "billed_seconds",
    "account",
    "entity_type",
    "entity_id",
    "entity_name",
    "user",
    "team",
    "feature",
    "grants",
    "of",
    "reason",
    "by",
];

/// The columns of the call log.
pub(super) const CALLS: [&str; 25] = [
    "record",
    "item",
    "state",
    "at",
    "time",
    "call_id",
    "source",
    "direction",
    "destination",
    "started_at",
    "answered_at",
    "duration_ms",
    "billed_seconds",
    "credit_type",
    "credits",
    "credits_back",
    "action",
    "add_ons",
    "account",
    "entity_type",
    "entity_id",
    "entity_name",
    "user",
    "team",
    "feature",
];

pub(super) fn history(table: &mut Table, line: &HistoryLine) {
    let kinds = line.credit_types();
    let nothing = kinds.is_empty().then_some(None);
    for kind in kinds.iter().copied().map(Some).chain(nothing) {
        let [record, item] = position(&line.seq);
        let parts = line.parts.iter().filter(|part| Some(part.credit_type) == kind);
        let moved = parts.clone().fold(Credits::ZERO, |sum, part| sum.plus(part.amount));
        let mut grants: Vec<&str> = parts.filter_map(|part| part.grant.as_deref()).collect();
        grants.dedup();
        let call = line.call.as_ref();
        let name = kind.map(|kind| kind.to_string());
        let mut cells = vec![
            record,
            item,
            Cell::text(Some(line.kind)),
            Cell::text(Some(&line.at)),
            Cell::text(Some(&line.time)),
            Cell::text(name.as_deref()),
            amount(&line.came, kind),
            amount(&line.went, kind),
            kind.map_or(Cell::Empty, |_| Cell::Amount(moved)),
            Cell::text(Some(&line.remarks)),
            Cell::text(line.action.as_deref()),
            Cell::list(&line.add_ons),
            line.quantity.map_or(Cell::Empty, Cell::Count),
            Cell::text(call.map(|call| &*call.call_id)),
            Cell::text(call.map(|call| &*call.source)),
            call.map_or(Cell::Empty, |call| Cell::Count(call.duration_ms)),
            call.map_or(Cell::Empty, |call| Cell::Count(call.billed_seconds)),
            Cell::text(line.account.as_deref()),
        ];
        cells.extend(entity(line.entity.as_ref()));
        cells.extend([
            Cell::text(line.user.as_deref()),
            Cell::text(line.team.as_deref()),
            Cell::text(line.feature.as_deref()),
            Cell::list(&grants),
            Cell::text(line.of.as_deref()),
            Cell::text(line.reason.as_deref()),
            Cell::text(line.by.as_deref()),
        ]);
        table.row(&cells);
    }
}

pub(super) fn call(table: &mut Table, call: &FinishedCall) {
    let kinds = call.credits.keys().chain(call.credits_back.keys()).copied();
    let kinds: std::collections::BTreeSet<CreditType> = kinds.collect();
    let nothing = kinds.is_empty().then_some(None);
    for kind in kinds.iter().copied().map(Some).chain(nothing) {
        let ([record, item], facts) = (position(&call.seq), &call.call);
        let direction = facts.direction.map(|direction| match direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        });
        let name = kind.map(|kind| kind.to_string());
        let mut cells = vec![
            record,
            item,
            Cell::text(Some(call.state)),
            Cell::text(Some(&call.at)),
            Cell::text(Some(&call.time)),
            Cell::text(Some(&facts.call_id)),
            Cell::text(Some(&facts.source)),
            Cell::text(direction),
            Cell::text(facts.destination.as_deref()),
            Cell::text(facts.started_at.as_deref()),
            Cell::text(facts.answered_at.as_deref()),
            Cell::Count(facts.duration_ms),
            Cell::Count(facts.billed_seconds),
            Cell::text(name.as_deref()),
            amount(&call.credits, kind),
            amount(&call.credits_back, kind),
            Cell::text(call.action.as_deref()),
            Cell::list(&call.add_ons),
            Cell::text(call.account.as_deref()),
        ];
        cells.extend(entity(call.entity.as_ref()));
        let who = [&call.user, &call.team, &call.feature];
        cells.extend(who.map(|text| Cell::text(text.as_deref())));
        table.row(&cells);
    }
}

fn position(seq: &str) -> [Cell<'_>; 2] {
    let (record, item) = seq.split_once('.').unwrap_or((seq, "0"));
    [record, item].map(|number| number.parse().map_or(Cell::text(Some(number)), Cell::Count))
}

fn amount(of: &BTreeMap<CreditType, Credits>, kind: Option<CreditType>) -> Cell<'static> {
    kind.and_then(|kind| of.get(&kind)).map_or(Cell::Empty, |amount| Cell::Amount(*amount))
}

fn entity(entity: Option<&EntityOf>) -> [Cell<'_>; 3] {
    let of = |part: fn(&EntityOf) -> Option<&str>| Cell::text(entity.and_then(part));
    [
        of(|entity| Some(&entity.entity_type)),
        of(|entity| entity.id.as_deref()),
        of(|entity| entity.name.as_deref()),
    ]
}
