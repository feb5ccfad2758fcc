//! A balance: one pool of an organization, watched by its alert rules.

use serde::{Deserialize, Serialize};

use super::alerts::{Rule, Threshold, Thresholds, Watches, thresholds};
use super::calendar::Zone;
use super::catalog::{History, Plan};
use super::effect::{Effect, LowBalance};
use super::grants::{Booking, Pool};
use super::movement::Note;
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
    /// 0 where none are followed yet.
    pub(super) plan_version: u32,
}

/// The rules in force at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct RulesInForce<'a> {
    pub(super) version: RulesVersion,
    /// The organization's own, which go before the plan's.
    pub(super) own: Option<&'a [Rule]>,
    pub(super) plan: &'a History<Plan>,
}

impl<'a> RulesInForce<'a> {
    /// The thresholds that a version of the plan sets, where the organization has no rules of its own.
    fn thresholds(&self, plan_version: u32, credit_type: CreditType) -> Thresholds {
        let planned = || self.plan.version(plan_version).map(|plan| &*plan.alerts);
        thresholds(self.own.or_else(planned).unwrap_or_default(), credit_type)
    }
}

/// When and where a change happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) position: Position,
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

    /// Takes over the rules in force, before anything changes: a new rule is judged on the level it finds. Each version
    /// of the plan since the last change had its turn at that same level.
    pub(super) fn follow(&mut self, in_force: Option<RulesInForce<'_>>) {
        let (Some(in_force), known) = (in_force, self.followed) else { return };
        let now = in_force.version;
        if known == now {
            return;
        }
        let (first, mut until_now) = if known.plan_version > 0 && known.terms_from == now.terms_from {
            (
                known.plan_version.saturating_add(1),
                in_force.thresholds(known.plan_version, self.pool.credit_type),
            )
        } else {
            (now.plan_version, Thresholds::new())
        };
        for version in first..=now.plan_version {
            let from_now = in_force.thresholds(version, self.pool.credit_type);
            self.turn(&until_now, &from_now);
            until_now = from_now;
        }
        self.followed = now;
    }

    /// The thresholds that are followed where these rules are.
    pub(super) fn thresholds(&self, rules: Option<RulesInForce<'_>>) -> Thresholds {
        let of =
            |rules: RulesInForce<'_>| rules.thresholds(rules.version.plan_version, self.pool.credit_type);
        rules.map(of).unwrap_or_default()
    }

    /// Takes over the rules of new terms, from the thresholds of the ones before.
    pub(super) fn follow_anew(&mut self, until_now: &[Threshold], rules: Option<RulesInForce<'_>>) {
        self.turn(until_now, &self.thresholds(rules));
        self.followed = rules.map(|rules| rules.version).unwrap_or_default();
    }

    fn turn(&mut self, until_now: &[Threshold], from_now: &[Threshold]) {
        self.watches.follow(until_now, from_now);
        // Rules that stay have been judged on this very level: none of them can fire here.
        self.floor = self.watches.look(from_now, self.pool.level(), self.pool.base(), |_| ());
    }

    /// After grants came, ended or changed: what is due becomes usable and repays what is owed, and the rules look again.
    pub(super) fn go_on(
        &mut self,
        rules: Option<RulesInForce<'_>>,
        moment: Moment,
        zone: &Zone,
        note: Option<&Note>,
        out: &mut Vec<Effect>,
    ) {
        let mut booking = Booking { at: moment.at, note, out };
        self.pool.refill(moment.at, zone, &mut booking);
        self.pool.start(moment.at, zone);
        self.pool.settle(&mut booking);
        self.look(rules, moment, out);
    }

    /// Looks again after credits were taken: cheap while the level is above every threshold.
    pub(super) fn look_lower<'a>(
        &mut self,
        rules: impl FnOnce() -> Option<RulesInForce<'a>>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        if self.pool.level() <= self.floor {
            self.look(rules(), moment, out);
        }
    }

    /// Looks again after any change, by the rules that are followed.
    pub(super) fn look(&mut self, rules: Option<RulesInForce<'_>>, moment: Moment, out: &mut Vec<Effect>) {
        let credit_type = self.pool.credit_type;
        let Moment { at, position } = moment;
        let (level, total) = (self.pool.level(), self.pool.base());
        let thresholds = self.thresholds(rules);
        self.floor = self.watches.look(&thresholds, level, total, |crossing| {
            out.push(Effect::LowBalance(LowBalance { credit_type, crossing, level, total, at, position }));
        });
    }
}
