//! Holds, as commands write them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{instant, invalid, missing, name};
use crate::ledger::calls::{Amounts, Hold, PHONE_CALL, Who};
use crate::ledger::entry::{Dimensions, LARGEST_QUANTITY};
use crate::ledger::price::CreditType;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::EventId;
use crate::wire::catalog::Amount;

/// The most kinds of credits of one hold.
const MOST_KINDS: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenHold {
    #[serde(rename = "for")]
    what: WrittenName,
    until: String,
    amounts: BTreeMap<CreditType, Amount>,
    #[serde(default)]
    increment: BTreeMap<CreditType, Amount>,
    #[serde(default)]
    action: Option<Box<str>>,
    #[serde(default)]
    quantity: Option<u64>,
    #[serde(default)]
    account: Option<Box<str>>,
    #[serde(default)]
    user: Option<Box<str>>,
    #[serde(default)]
    team: Option<Box<str>>,
    #[serde(default)]
    feature: Option<Box<str>>,
    #[serde(default)]
    entity: Option<WrittenEntity>,
}

/// What credits are set aside for: a call, or the event of an action.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenName {
    source: Box<str>,
    id: Box<str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntity {
    #[serde(rename = "type")]
    kind: Box<str>,
    id: Box<str>,
    #[serde(default)]
    name: Option<Box<str>>,
}

impl WrittenHold {
    pub(super) fn check(self) -> Result<Hold, Rejection> {
        let (source, id) = (name("for.source", self.what.source)?, name("for.id", self.what.id)?);
        let until = instant("until", Some(self.until))?.ok_or_else(|| missing("until"))?;
        let quantity = self.quantity.unwrap_or(1);
        if !(1..=LARGEST_QUANTITY).contains(&quantity) {
            let why =
                format!("{quantity} is not a quantity; write a whole number from 1 to {LARGEST_QUANTITY}");
            return Err(invalid("quantity", why));
        }
        let (amounts, increment) = (amounts("amounts", self.amounts)?, amounts("increment", self.increment)?);
        let optional = |field, text: Option<Box<str>>| text.map(|text| name(field, text)).transpose();
        let (account, user) = (optional("account", self.account)?, optional("user", self.user)?);
        let (team, feature) = (optional("team", self.team)?, optional("feature", self.feature)?);
        let entity = self.entity.as_ref();
        for (field, text) in
            entity.iter().flat_map(|entity| [("entity.type", &entity.kind), ("entity.id", &entity.id)])
        {
            name(field, text.clone())?;
        }
        let entity_name = optional("entity.name", entity.and_then(|entity| entity.name.clone()))?;
        let who = Who::from(Dimensions {
            account: account.as_deref(),
            entity_type: entity.map(|entity| &*entity.kind),
            entity_id: entity.map(|entity| &*entity.id),
            entity_name: entity_name.as_deref(),
            user: user.as_deref(),
            team: team.as_deref(),
            feature: feature.as_deref(),
        });
        let action = optional("action", self.action)?.unwrap_or_else(|| PHONE_CALL.into());
        Ok(Hold { source, id, action, quantity, who, amounts, increment, until })
    }
}

fn amounts(field: &'static str, written: BTreeMap<CreditType, Amount>) -> Result<Amounts, Rejection> {
    if written.len() > MOST_KINDS {
        return Err(invalid(field, format!("name up to {MOST_KINDS} kinds of credits")));
    }
    Ok(written.into_iter().map(|(kind, amount)| (kind, amount.0)).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenHoldRelease {
    #[serde(rename = "for")]
    what: WrittenName,
}

impl WrittenHoldRelease {
    pub(super) fn check(self) -> Result<EventId, Rejection> {
        Ok(EventId::of(&name("for.source", self.what.source)?, &name("for.id", self.what.id)?))
    }
}
