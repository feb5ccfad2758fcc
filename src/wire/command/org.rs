//! Organizations, grants and corrections, as commands ask for them.

use serde::Deserialize;

use super::published::{WrittenRollover, check_every};
use super::{instant, invalid, missing, name};
use crate::ledger::calendar::{Every, Zone};
use crate::ledger::entry::{Adjustment, Change, GrantKind, GrantOrder, GrantVoid, OrgTerms};
use crate::ledger::grants::{Recurrence, Scope};
use crate::ledger::movement::Note;
use crate::ledger::price::CreditType;
use crate::ledger::recharge::REQUESTS;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Credits;
use crate::wire::catalog::{Amount, SignedAmount, WrittenOverrides, check_overrides};

/// The most entries of one list of a scope.
const LONGEST_SCOPE: usize = 64;

/// Names that cycles give to their grants begin like this.
const RESERVED: [&str; 2] = ["plan.", "rollover."];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenOrg {
    plan: Box<str>,
    #[serde(default)]
    overrides: WrittenOverrides,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    cycle_anchor: Option<String>,
    #[serde(default)]
    change: Change,
    #[serde(default)]
    prorate: bool,
    #[serde(default)]
    name: Option<Box<str>>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

impl WrittenOrg {
    pub(super) fn check(self) -> Result<OrgTerms, Rejection> {
        Ok(OrgTerms {
            plan: name("plan", self.plan)?,
            overrides: check_overrides(self.overrides)?,
            time_zone: self.time_zone.map(|name| zone("time_zone", &name)).transpose()?,
            cycle_anchor: instant("cycle_anchor", self.cycle_anchor)?,
            change: self.change,
            prorate: self.prorate,
            name: self.name.map(|text| name("name", text)).transpose()?,
            note: note(self.reason, self.by)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGrant {
    #[serde(default)]
    id: Option<Box<str>>,
    #[serde(default)]
    credit_type: Option<CreditType>,
    amount: Amount,
    #[serde(default)]
    kind: WrittenGrantKind,
    #[serde(default)]
    priority: Option<u8>,
    #[serde(default)]
    effective: Option<String>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default)]
    scope: Option<WrittenScope>,
    #[serde(default)]
    recurrence: Option<WrittenRecurrence>,
    #[serde(default)]
    rollover: Option<WrittenRollover>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenGrantKind {
    Plan,
    Bonus,
    #[default]
    Purchased,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenScope {
    #[serde(default)]
    features: Option<Vec<Box<str>>>,
    #[serde(default)]
    actions: Option<Vec<Box<str>>>,
    #[serde(default)]
    entities: Option<Vec<WrittenEntity>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntity {
    #[serde(rename = "type")]
    kind: Box<str>,
    #[serde(default)]
    id: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRecurrence {
    every: Every,
    #[serde(default)]
    anchor: Option<String>,
}

impl WrittenGrant {
    pub(super) fn check(self) -> Result<GrantOrder, Rejection> {
        if self.amount.0 == Credits::ZERO {
            return Err(invalid("amount", "a grant of nothing; write an amount above 0"));
        }
        let id = self.id.map(|id| name("id", id)).transpose()?;
        if let Some(id) = id.as_deref().filter(|id| RESERVED.iter().any(|start| id.starts_with(start))) {
            return Err(invalid("id", format!("{id:?} is a name of the cycles; choose another id")));
        }
        Ok(GrantOrder {
            id,
            credit_type: self.credit_type.unwrap_or_default(),
            amount: self.amount.0,
            kind: match self.kind {
                WrittenGrantKind::Plan => GrantKind::Plan,
                WrittenGrantKind::Bonus => GrantKind::Bonus,
                WrittenGrantKind::Purchased => GrantKind::Purchased,
            },
            priority: self.priority.unwrap_or(GrantOrder::PRIORITY),
            effective: instant("effective", self.effective)?,
            expires: instant("expires", self.expires)?,
            scope: self.scope.map_or_else(|| Ok(Scope::default()), WrittenScope::check)?,
            recurrence: self.recurrence.map(WrittenRecurrence::check).transpose()?,
            rollover: self.rollover.map(WrittenRollover::check).transpose()?,
            note: note(self.reason, self.by)?,
        })
    }
}

impl WrittenScope {
    fn check(self) -> Result<Scope, Rejection> {
        let entity = |written: WrittenEntity| {
            let id = written.id.map(|id| name("scope.entities.id", id)).transpose()?;
            Ok((name("scope.entities.type", written.kind)?, id))
        };
        let scope = Scope {
            features: list("scope.features", self.features, |text| name("scope.features", text))?,
            actions: list("scope.actions", self.actions, |text| name("scope.actions", text))?,
            entities: list("scope.entities", self.entities, entity)?,
        };
        if scope.is_open() {
            return Err(invalid("scope", "it has no list; leave it out for a grant that pays anything"));
        }
        Ok(scope)
    }
}

fn list<W, T>(
    field: &'static str,
    written: Option<Vec<W>>,
    check: impl Fn(W) -> Result<T, Rejection>,
) -> Result<Vec<T>, Rejection> {
    match written {
        None => Ok(Vec::new()),
        Some(items) if (1..=LONGEST_SCOPE).contains(&items.len()) => items.into_iter().map(check).collect(),
        Some(items) => Err(invalid(field, format!("{} entries; list 1 to {LONGEST_SCOPE}", items.len()))),
    }
}

impl WrittenRecurrence {
    fn check(self) -> Result<Recurrence, Rejection> {
        Ok(Recurrence {
            every: check_every("recurrence", self.every)?,
            anchor: instant("recurrence.anchor", self.anchor)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGrantVoid {
    id: Box<str>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

impl WrittenGrantVoid {
    pub(super) fn check(self) -> Result<GrantVoid, Rejection> {
        Ok(GrantVoid { id: name("id", self.id)?, note: note(self.reason, self.by)? })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAdjustment {
    #[serde(default)]
    id: Option<Box<str>>,
    #[serde(default)]
    credit_type: Option<CreditType>,
    amount: SignedAmount,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

impl WrittenAdjustment {
    pub(super) fn check(self) -> Result<Adjustment, Rejection> {
        if self.amount.0 == Credits::ZERO {
            return Err(invalid("amount", "an adjustment of nothing; write what is to be given or taken"));
        }
        if self.reason.is_none() {
            return Err(missing("reason"));
        }
        let id = self.id.map(|id| name("id", id)).transpose()?;
        if let Some(id) = id.as_deref().filter(|id| RESERVED.iter().any(|start| id.starts_with(start))) {
            return Err(invalid("id", format!("{id:?} is a name of the cycles; choose another id")));
        }
        if let Some(id) = id.as_deref().filter(|id| id.starts_with(REQUESTS)) {
            let why = format!(
                "{id:?} is a name of the auto-recharge; answer it with a grant, or choose another id"
            );
            return Err(invalid("id", why));
        }
        Ok(Adjustment {
            id,
            credit_type: self.credit_type.unwrap_or_default(),
            amount: self.amount.0,
            note: note(self.reason, self.by)?,
        })
    }
}

pub(super) fn zone(field: &'static str, name: &str) -> Result<Zone, Rejection> {
    let shown: String = name.chars().take(40).collect();
    let why = format!("{shown:?} is not a time zone; write an IANA name such as \"Europe/Berlin\"");
    Zone::named(name).ok_or_else(|| invalid(field, why))
}

pub(super) fn note(reason: Option<Box<str>>, by: Option<Box<str>>) -> Result<Note, Rejection> {
    let text = |field, text: Option<Box<str>>| text.map(|text| name(field, text)).transpose();
    Ok(Note { reason: text("reason", reason)?, by: text("by", by)? })
}
