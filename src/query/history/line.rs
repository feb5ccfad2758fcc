//! A row of the history as it is shown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::remarks;
use super::wanted::{Kind, actions, call_of};
use crate::book::row::{OneCall, Row, What};
use crate::ledger::charge::{Basis, Charge, Destination, Return, Source};
use crate::ledger::movement::{Movement, MovementKind};
use crate::ledger::price::{CreditType, Direction};
use crate::ledger::units::{Credits, Position};
use crate::wire::time;

/// The names of grants, by their kinds of credits and numbers.
pub(super) type GrantNames = HashMap<(CreditType, u32), String>;

/// A movement of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryLine {
    /// The record and item of the entry that moved them, or of the one that came after time did.
    #[schemars(extend("pattern" = "^[0-9]+\\.[0-9]+$"))]
    pub seq: String,
    /// What moved them.
    #[schemars(extend("enum" = ["charge", "void", "call_closed", "call_corrected", "adjusted", "granted", "expired", "voided", "rolled_out", "rolled_in", "covered", "dropped"]))]
    pub kind: &'static str,
    /// The log's time: when they moved.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// When it happened: the event's time, or the instant at which it fell due.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// What it was, in words.
    pub remarks: String,
    /// What came, by kind of credits.
    #[serde(rename = "in")]
    pub came: BTreeMap<CreditType, Credits>,
    /// What went.
    #[serde(rename = "out")]
    pub went: BTreeMap<CreditType, Credits>,
    /// From where, or to where, in the order in which they moved.
    pub parts: Vec<Part>,
    /// The action that was charged.
    pub action: Option<Box<str>>,
    /// The actions that shared its seconds.
    pub add_ons: Vec<Box<str>>,
    /// How many things it was.
    pub quantity: Option<u64>,
    /// The call, where it was one.
    pub call: Option<CallFacts>,
    /// Who spent.
    pub account: Option<Box<str>>,
    /// What spent.
    pub entity: Option<EntityOf>,
    /// Who spent.
    pub user: Option<Box<str>>,
    /// Who spent.
    pub team: Option<Box<str>>,
    /// On what.
    pub feature: Option<Box<str>>,
    /// The hard limits that a charge went past.
    pub past_limits: Vec<Box<str>>,
    /// The charge that a void takes back.
    #[schemars(extend("pattern" = "^[0-9]+\\.[0-9]+$"))]
    pub of: Option<String>,
    /// The adjustment by hand, by its name.
    pub adjustment: Option<Box<str>>,
    /// Why it was done, where that was said.
    pub reason: Option<Box<str>>,
    /// Who did it, where that was said.
    pub by: Option<Box<str>>,
}

/// Credits that came from one place, or went to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// The kind.
    pub credit_type: CreditType,
    /// How many.
    pub amount: Credits,
    /// `drawn` from a grant or counted as `overage`; `given_back` to a grant, `expired` with one that has ended, not `owed` any more or
    /// `forgiven` already; or the kind of the movement.
    #[schemars(extend("enum" = ["drawn", "overage", "given_back", "owed", "forgiven", "granted", "expired", "voided", "rolled_out", "rolled_in", "covered", "dropped"]))]
    pub how: &'static str,
    /// The grant, by its name; none where there is none, and of a charge also where the organization does not keep it any more, as of a
    /// cycle that is over.
    pub grant: Option<String>,
    /// Its number among the grants of its kind of credits: what a `granted` row of the same number gave.
    pub grant_number: Option<u32>,
}

/// What spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EntityOf {
    /// Its type.
    #[serde(rename = "type")]
    pub entity_type: Box<str>,
    /// Its id.
    pub id: Option<Box<str>>,
    /// Its name for people, as the event had it.
    pub name: Option<Box<str>>,
}

/// A call that was charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallFacts {
    /// Who told of it.
    pub source: Box<str>,
    /// Its id there; the id of its event, where one event told all of it.
    pub call_id: Box<str>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// The number called, if that was told.
    pub destination: Option<Box<str>>,
    /// When it began to ring, if that was told.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: Option<String>,
    /// When it was answered, if that was told.
    #[schemars(extend("format" = "date-time"))]
    pub answered_at: Option<String>,
    /// How long it was talked.
    pub duration_ms: u64,
    /// How many seconds of it were billed.
    pub billed_seconds: u64,
}

impl CallFacts {
    /// The call that a row is about, where it is one.
    fn of(what: &What) -> Option<CallFacts> {
        let (source, id) = call_of(what)?;
        let (source, call_id) = (source.into(), id.into());
        let (charge, one) = match what {
            What::Charge { charge, call, .. } => (Some(charge), call.as_ref()),
            What::Orphan { charge, .. } => (Some(charge), None),
            What::Void { .. } | What::Moved(_) | What::OrphanReturned { .. } => (None, None),
        };
        let (mut direction, mut duration_ms, mut billed) = (None, 0, 0);
        for line in charge.iter().flat_map(|charge| &charge.lines) {
            match &line.basis {
                Basis::PerMinute { direction: own, duration, billed_seconds, .. } => {
                    (direction, duration_ms) = (direction.or(Some(*own)), duration.0);
                    billed = billed.max(*billed_seconds);
                }
                Basis::Unmetered { duration, direction: own, .. } => {
                    (direction, duration_ms) = (direction.or(*own), duration.0);
                }
                Basis::PerAction { .. } | Basis::PerUnits { .. } => {}
            }
        }
        let ended = charge.and_then(|charge| charge.call.as_deref());
        let of_one = one.and_then(|OneCall { destination, .. }| destination.clone());
        Some(CallFacts {
            source,
            call_id,
            direction,
            destination: of_one.or_else(|| ended?.destination.clone()),
            started_at: ended.and_then(|call| call.started).map(time::format),
            answered_at: ended.and_then(|call| call.answered).map(time::format),
            duration_ms,
            billed_seconds: billed,
        })
    }
}

impl HistoryLine {
    /// The row of a position, with the row that it takes back.
    pub(super) fn of(position: Position, row: &Row, target: Option<&Row>, names: &GrantNames) -> HistoryLine {
        let about = target.unwrap_or(row);
        let [account, entity_type, id, name, user, team, feature] = about.dimensions.clone();
        let mut line = HistoryLine {
            seq: position.to_string(),
            kind: Kind::of(&row.what).slug(),
            at: time::format(row.at),
            time: time::format(row.time),
            remarks: String::new(),
            came: BTreeMap::new(),
            went: BTreeMap::new(),
            parts: Vec::new(),
            action: actions(&about.what).first().cloned(),
            add_ons: actions(&about.what).get(1..).unwrap_or_default().to_vec(),
            quantity: quantity(&about.what),
            call: CallFacts::of(&about.what),
            account,
            entity: entity_type.map(|entity_type| EntityOf { entity_type, id, name }),
            user,
            team,
            feature,
            past_limits: Vec::new(),
            of: None,
            adjustment: None,
            reason: None,
            by: None,
        };
        match &row.what {
            What::Charge { charge, .. } | What::Orphan { charge, .. } => line.charged(charge, names),
            What::Void { target, returns, .. } => {
                line.of = target.map(|target| target.to_string());
                line.returned(returns, names);
            }
            What::OrphanReturned { returns, .. } => line.returned(returns, names),
            What::Moved(movement) => line.moved(movement),
        }
        line.remarks = remarks::of(row, &line);
        line
    }

    fn charged(&mut self, charge: &Charge, names: &GrantNames) {
        self.past_limits = charge.past_limits().to_vec();
        for draw in &charge.draws {
            let (how, number) = match draw.from {
                Source::Grant(number) => ("drawn", Some(number)),
                Source::Overage => ("overage", None),
            };
            add(&mut self.went, draw.credit_type, draw.amount);
            let grant = number.and_then(|number| names.get(&(draw.credit_type, number)).cloned());
            self.parts.push(Part {
                credit_type: draw.credit_type,
                amount: draw.amount,
                how,
                grant,
                grant_number: number,
            });
        }
    }

    fn returned(&mut self, returns: &[Return], names: &GrantNames) {
        for back in returns {
            let (how, number) = match back.to {
                Destination::Grant(number) => ("given_back", Some(number)),
                Destination::Expired => ("expired", None),
                Destination::Owed => ("owed", None),
                Destination::Dropped => ("forgiven", None),
            };
            // What has ended, or was forgiven, is not there to be spent again.
            if matches!(back.to, Destination::Grant(_) | Destination::Owed) {
                add(&mut self.came, back.credit_type, back.amount);
            }
            let grant = number.and_then(|number| names.get(&(back.credit_type, number)).cloned());
            self.parts.push(Part {
                credit_type: back.credit_type,
                amount: back.amount,
                how,
                grant,
                grant_number: number,
            });
        }
    }

    fn moved(&mut self, movement: &Movement) {
        let Movement { credit_type, kind, grant, amount, note, adjustment, .. } = movement;
        match kind {
            MovementKind::Granted | MovementKind::RolledIn | MovementKind::Dropped => {
                add(&mut self.came, *credit_type, *amount);
            }
            MovementKind::Expired | MovementKind::Voided | MovementKind::RolledOut => {
                add(&mut self.went, *credit_type, *amount);
            }
            // They leave a grant, and what is owed is less by as many.
            MovementKind::Covered => {}
        }
        let grant_number = grant.as_ref().map(|(number, _)| *number);
        let grant = grant.as_ref().map(|(_, name)| name.to_string());
        self.parts.push(Part {
            credit_type: *credit_type,
            amount: *amount,
            how: kind.slug(),
            grant,
            grant_number,
        });
        self.adjustment.clone_from(adjustment);
        self.reason = note.as_ref().and_then(|note| note.reason.clone());
        self.by = note.as_ref().and_then(|note| note.by.clone());
    }

    /// The kinds of credits that it is about.
    pub(super) fn credit_types(&self) -> BTreeSet<CreditType> {
        self.parts.iter().map(|part| part.credit_type).collect()
    }

    /// Whether that is in an id, a name or the remarks.
    pub(super) fn has(&self, search: &str) -> bool {
        let entity = self
            .entity
            .iter()
            .flat_map(|entity| [Some(&*entity.entity_type), entity.id.as_deref(), entity.name.as_deref()]);
        let call = self
            .call
            .iter()
            .flat_map(|call| [Some(&*call.source), Some(&*call.call_id), call.destination.as_deref()]);
        let texts = [&self.action, &self.account, &self.user, &self.team, &self.feature];
        let texts = texts.into_iter().chain([&self.adjustment, &self.reason, &self.by]);
        let lists = self.add_ons.iter().chain(&self.past_limits).map(|text| Some(&**text));
        let grants = self.parts.iter().map(|part| part.grant.as_deref());
        let own = [Some(&*self.seq), Some(self.kind), Some(&*self.remarks), self.of.as_deref()];
        let all = own.into_iter().chain(entity).chain(call).chain(lists).chain(grants);
        let mut all = all.chain(texts.map(|text| text.as_deref())).flatten();
        all.any(|text| text.to_lowercase().contains(search))
    }
}

/// How many things a charge is about.
fn quantity(what: &What) -> Option<u64> {
    let (What::Charge { charge, .. } | What::Orphan { charge, .. }) = what else { return None };
    charge.lines.first().map(|line| line.basis.things())
}

/// The grants whose names are needed to show a row.
pub(super) fn grants_of(row: &Row, needed: &mut BTreeSet<(CreditType, u32)>) {
    match &row.what {
        What::Charge { charge, .. } | What::Orphan { charge, .. } => {
            needed.extend(charge.draws.iter().filter_map(|draw| match draw.from {
                Source::Grant(number) => Some((draw.credit_type, number)),
                Source::Overage => None,
            }));
        }
        What::Void { returns, .. } | What::OrphanReturned { returns, .. } => {
            needed.extend(returns.iter().filter_map(|back| match back.to {
                Destination::Grant(number) => Some((back.credit_type, number)),
                Destination::Expired | Destination::Owed | Destination::Dropped => None,
            }));
        }
        What::Moved(_) => {}
    }
}

fn add(sums: &mut BTreeMap<CreditType, Credits>, credit_type: CreditType, amount: Credits) {
    let sum = sums.entry(credit_type).or_default();
    *sum = sum.plus(amount);
}
