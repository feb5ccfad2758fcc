//! A balance: one pool of an organization, watched by its alert rules.

mod outlook;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::alerts::{Rule, Threshold, Thresholds, Watches, thresholds};
use super::burn::Burn;
use super::calendar::Zone;
use super::catalog::{History, Plan};
use super::charge::{Draw, Return};
use super::effect::{Effect, LowBalance};
use super::forecast::Ahead;
use super::grants::{Booking, Pool, Purpose};
use super::movement::Note;
use super::price::CreditType;
use super::units::{Credits, Position, Timestamp};
use outlook::Outlook;

/// One kind of credits of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Balance {
    pub(super) pool: Pool,
    pub(super) burn: Burn,
    /// What live calls have cost so far.
    pending: Credits,
    watches: Watches,
    /// Above this level no rule has anything to say.
    floor: Credits,
    /// Below this burn of the running hour no rule has anything to say.
    alarm: Credits,
    /// The next instant at which some grant is so near its end that a rule has something to say.
    notice: Timestamp,
    /// Few ever have any.
    outlook: Option<Box<Outlook>>,
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
    /// The rules, where a version of the plan is in force: the organization's own go before it.
    fn of_version(&self, plan_version: u32) -> &'a [Rule] {
        let planned = || self.plan.version(plan_version).map(|plan| &*plan.alerts);
        self.own.or_else(planned).unwrap_or_default()
    }

    /// The rules.
    pub(super) fn rules(&self) -> &'a [Rule] {
        self.of_version(self.version.plan_version)
    }
}

/// The rules in force; none where there are no terms.
pub(super) fn rules_of(in_force: Option<RulesInForce<'_>>) -> &[Rule] {
    in_force.map(|in_force| in_force.rules()).unwrap_or_default()
}

/// An alarm that is to be reckoned at the next charge.
const UNKNOWN: Credits = Credits::from_micros(i64::MIN);

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
            burn: Burn::default(),
            pending: Credits::ZERO,
            watches: Watches::default(),
            floor: Credits::from_micros(i64::MAX),
            alarm: UNKNOWN,
            notice: Timestamp::MAX,
            outlook: None,
            followed: RulesVersion::default(),
        }
    }

    /// What rules and recharges look at: what is left once what is live ends.
    pub(super) fn level(&self) -> Credits {
        self.pool.level().minus(self.pending)
    }

    /// Above this level no rule has anything to say.
    pub(super) fn floor(&self) -> Credits {
        self.floor
    }

    /// The next instant at which something happens by itself, for an organization that stands at `at`: a grant, a rule about its
    /// end, or that the versions of its plan bring such a rule.
    pub(super) fn next_change(&self, at: Timestamp, plan: Option<&History<Plan>>) -> Timestamp {
        let next = self.pool.next_change().min(self.notice);
        match plan {
            Some(plan) if plan.newest() > self.followed.plan_version => next.min(self.next_rules(at, plan)),
            _ => next,
        }
    }

    /// From when on a version that is not followed yet has rules about the end of grants.
    fn next_rules(&self, at: Timestamp, plan: &History<Plan>) -> Timestamp {
        let known = self.followed.plan_version;
        let mut new = plan.versions().skip_while(|(version, _, _)| *version <= known);
        let first = new.find(|(_, _, plan)| plan.alerts.iter().any(Rule::is_of_ends));
        first.map_or(Timestamp::MAX, |(_, from, _)| from.max(at))
    }

    /// Takes over the rules in force, before anything changes: a new rule is judged on the level it finds. Each version
    /// of the plan since the last change had its turn at that same level. What the rules want to be told of counts if it
    /// is after `since`.
    pub(super) fn follow(&mut self, in_force: Option<RulesInForce<'_>>, since: Timestamp) {
        let (Some(in_force), known) = (in_force, self.followed) else { return };
        let now = in_force.version;
        if known == now {
            return;
        }
        let (first, mut until_now) = if known.plan_version > 0 && known.terms_from == now.terms_from {
            (known.plan_version.saturating_add(1), self.thresholds(in_force.of_version(known.plan_version)))
        } else {
            (now.plan_version, Thresholds::new())
        };
        for version in first..=now.plan_version {
            let from_now = in_force.of_version(version);
            self.turn(&until_now, from_now, since);
            until_now = self.thresholds(from_now);
        }
        self.followed = now;
    }

    /// The thresholds that are followed where these rules are.
    pub(super) fn thresholds(&self, rules: &[Rule]) -> Thresholds {
        thresholds(rules, self.pool.credit_type)
    }

    /// Takes over the rules of new terms, from the thresholds of the ones before.
    pub(super) fn follow_anew(
        &mut self,
        until_now: &[Threshold],
        rules: Option<RulesInForce<'_>>,
        since: Timestamp,
    ) {
        self.turn(until_now, rules_of(rules), since);
        self.followed = rules.map(|rules| rules.version).unwrap_or_default();
    }

    fn turn(&mut self, until_now: &[Threshold], from_now: &[Rule], since: Timestamp) {
        let thresholds = self.thresholds(from_now);
        self.watches.follow(until_now, &thresholds);
        // Rules that stay have been judged on this very level: none of them can fire here.
        self.floor = self.watches.look(&thresholds, self.level(), self.pool.base(), |_| ());
        self.look_out(from_now, since);
    }

    /// Takes what a line of a charge costs.
    pub(super) fn take(
        &mut self,
        amount: Credits,
        purpose: Purpose<'_>,
        at: Timestamp,
        draws: &mut SmallVec<[Draw; 2]>,
    ) {
        self.pool.take(amount, purpose, draws);
        if self.burn.charge(at.hour(), amount) {
            self.alarm = UNKNOWN;
        }
    }

    /// Gives back what a charge took.
    pub(super) fn give_back(
        &mut self,
        draws: &[Draw],
        returns: &mut SmallVec<[Return; 2]>,
        booking: &mut Booking<'_>,
    ) {
        let before = self.pool.totals().charged;
        let hour = booking.at.hour();
        self.pool.give_back(draws, returns, booking);
        if self.burn.give_back(hour, before.minus(self.pool.totals().charged)) {
            self.alarm = UNKNOWN;
        }
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

    /// Looks again after credits were taken: cheap while the level is above every threshold, and the burn below every alarm.
    pub(super) fn look_after_charge<'a>(
        &mut self,
        rules: impl FnOnce() -> Option<RulesInForce<'a>>,
        ahead: impl FnOnce() -> Ahead<'a>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        let low = self.level() <= self.floor;
        let burns = self.burn.running(moment.at.hour()) >= self.alarm;
        if low || burns {
            let rules = rules();
            if low {
                self.look(rules, moment, out);
            }
            if burns {
                self.look_at_burn(rules_of(rules), ahead, moment, out);
            }
        }
    }

    /// What live calls have cost by now. Where it is less than before, the rules are to look at the next occasion.
    pub(super) fn expect(&mut self, pending: Credits) {
        if pending < self.pending {
            self.floor = Credits::from_micros(i64::MAX);
        }
        self.pending = pending;
    }

    /// Looks again after live calls cost more, or less.
    pub(super) fn look_after_calls(
        &mut self,
        pending: Credits,
        rules: Option<RulesInForce<'_>>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        self.follow(rules, moment.at);
        self.expect(pending);
        if self.level() <= self.floor {
            self.look(rules, moment, out);
        }
    }

    /// Looks again after any change, by the rules that are followed.
    pub(super) fn look(&mut self, rules: Option<RulesInForce<'_>>, moment: Moment, out: &mut Vec<Effect>) {
        let credit_type = self.pool.credit_type;
        let Moment { at, position } = moment;
        let (level, total) = (self.level(), self.pool.base());
        let thresholds = self.thresholds(rules_of(rules));
        let mut low: Option<LowBalance> = None;
        self.floor = self.watches.look(&thresholds, level, total, |crossing| match &mut low {
            Some(low) => low.others.push(crossing),
            None => {
                let others = Vec::new();
                low = Some(LowBalance { credit_type, crossing, others, level, total, at, position });
            }
        });
        out.extend(low.map(Effect::LowBalance));
    }
}
