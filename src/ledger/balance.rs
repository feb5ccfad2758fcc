//! A balance: one pool of an organization, watched by its alert rules.

use serde::{Deserialize, Serialize};

use super::alerts::{Rule, Watches};
use super::effect::{Effect, LowBalance};
use super::grants::Pool;
use super::price::CreditType;
use super::units::{Credits, Position, Timestamp};

/// One kind of credits of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Balance {
    pub(super) pool: Pool,
    watches: Watches,
    /// Above this level no rule has anything to say.
    floor: Credits,
    /// The rules that are followed.
    followed: RulesVersion,
}

/// Which rules are in force: since when the organization's terms, and the plan's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RulesVersion {
    pub(super) terms_from: Timestamp,
    pub(super) plan_version: u32,
}

/// The rules in force at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct RulesInForce<'a> {
    pub(super) version: RulesVersion,
    pub(super) rules: &'a [Rule],
}

impl Balance {
    pub(super) fn new(credit_type: CreditType) -> Self {
        Balance {
            pool: Pool::new(credit_type),
            watches: Watches::default(),
            floor: Credits::from_micros(i64::MAX),
            followed: RulesVersion::default(),
        }
    }

    /// Looks again after credits were taken: cheap while the level is above every threshold.
    pub(super) fn look_lower(
        &mut self,
        in_force: RulesInForce<'_>,
        at: Timestamp,
        position: Position,
        out: &mut Vec<Effect>,
    ) {
        if self.pool.level() <= self.floor || self.followed != in_force.version {
            self.look(in_force, at, position, out);
        }
    }

    /// Looks again after any change.
    pub(super) fn look(
        &mut self,
        in_force: RulesInForce<'_>,
        at: Timestamp,
        position: Position,
        out: &mut Vec<Effect>,
    ) {
        let credit_type = self.pool.credit_type;
        self.watches.follow(in_force.rules, credit_type);
        self.followed = in_force.version;
        let (level, total) = (self.pool.level(), self.pool.base());
        self.floor = self.watches.look(level, total, |crossing| {
            out.push(Effect::LowBalance(LowBalance { credit_type, crossing, level, total, at, position }));
        });
    }
}
