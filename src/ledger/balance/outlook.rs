//! What rules say about the end of grants, about credits that run out, and about an hour that burns too much.

use serde::{Deserialize, Serialize};

use super::{Balance, Moment, RulesInForce, rules_of};
use crate::ledger::alerts::{Days, Hours, MOST_DORMANT, Rule, days, hours, spikes};
use crate::ledger::burn::Rate;
use crate::ledger::effect::Effect;
use crate::ledger::forecast::{Ahead, Outcome, forecast};
use crate::ledger::grants::{Grant, Phase};
use crate::ledger::notice::{About, Expiring, Notice, RunOut, SpikeSeen};
use crate::ledger::units::{Credits, Hour, Millis, Timestamp};

/// What is remembered of rules about the burn that fired once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outlook {
    /// The one that fired last at the end.
    run_outs: Vec<Remembered>,
    /// The percentages that an hour went past, each with the latest such hour.
    spikes: Vec<(u16, Hour)>,
}

/// What is remembered of a rule about credits that run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    hours: Hours,
    /// How often it fired.
    nth: u32,
    /// Whether it fired and credits did not last long enough since.
    fired: bool,
}

/// The most grants that are looked at to tell when credits run out while an event is applied: others wait.
const MOST_LOOKS_AT_AN_EVENT: usize = 100_000;

/// Nothing that is burnt in an hour comes up to this.
const NEVER: Credits = Credits::from_micros(i64::MAX);

impl Outlook {
    fn of(&mut self, hours: Hours) -> Option<&mut Remembered> {
        self.run_outs.iter_mut().find(|known| known.hours == hours)
    }

    /// Notes that a rule fires, and answers for the how-many-th time.
    fn fire(&mut self, hours: Hours) -> u32 {
        let place = self.run_outs.iter().position(|known| known.hours == hours);
        let before = place.map_or(0, |place| self.run_outs.remove(place).nth);
        let nth = before.saturating_add(1);
        self.run_outs.push(Remembered { hours, nth, fired: true });
        nth
    }

    /// Goes on to other rules: of one that is not among them only the count stays, and only of so many.
    fn follow(&mut self, from_now: &[Hours]) {
        let gone = |known: &Remembered| !from_now.contains(&known.hours);
        let mut excess =
            self.run_outs.iter().filter(|known| gone(known)).count().saturating_sub(MOST_DORMANT);
        self.run_outs.retain_mut(|known| {
            let goes = gone(known);
            known.fired &= !goes;
            let forgotten = goes && excess > 0;
            excess = excess.saturating_sub(usize::from(forgotten));
            !forgotten
        });
    }

    /// Notes that an hour is past a percentage, and answers whether the one before it was not.
    fn spike(&mut self, percent: u16, hour: Hour) -> bool {
        let goes_on = self.spikes.contains(&(percent, hour.back(1)));
        // What was longer ago says nothing any more.
        self.spikes.retain(|(known, last)| *known != percent && *last >= hour.back(1));
        self.spikes.push((percent, hour));
        !goes_on
    }
}

impl Balance {
    /// Takes over rules about what lies ahead: what they want to be told of counts if it is after `since`.
    pub(super) fn look_out(&mut self, rules: &[Rule], since: Timestamp) {
        self.alarm = super::UNKNOWN;
        self.notice = self.next_notice(&days(rules, self.pool.credit_type), since);
        if let Some(outlook) = &mut self.outlook {
            outlook.follow(&hours(rules, self.pool.credit_type));
        }
    }

    /// The first instant after `since` that lies so many days before the end of a grant.
    fn next_notice(&self, days: &[Days], since: Timestamp) -> Timestamp {
        if days.is_empty() {
            return Timestamp::MAX;
        }
        let ending = self.pool.grants().iter().filter(|grant| is_noticed(grant));
        let instants = ending.flat_map(|grant| days.iter().map(|days| grant.expires.minus(days.span())));
        instants.filter(|instant| *instant > since).min().unwrap_or(Timestamp::MAX)
    }

    /// At an instant, when everything else of it is done: tells of the grants whose end is near enough now.
    pub(in crate::ledger) fn notice_ends(
        &mut self,
        rules: Option<RulesInForce<'_>>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        if self.notice > moment.at {
            return;
        }
        let days = days(rules_of(rules), self.pool.credit_type);
        for grant in self.pool.grants() {
            for days in days.iter().filter(|days| grant.expires.minus(days.span()) == moment.at) {
                self.tell_of_end(grant, *days, moment, out);
            }
        }
        self.notice = self.next_notice(&days, moment.at);
    }

    /// When a grant was given: tells of it if its end is near already.
    pub(in crate::ledger) fn notice_new(
        &mut self,
        rules: Option<RulesInForce<'_>>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        let Some(grant) = self.pool.grants().iter().max_by_key(|grant| grant.serial) else { return };
        let mut next = self.notice;
        for days in days(rules_of(rules), self.pool.credit_type) {
            let instant = grant.expires.minus(days.span());
            if instant <= moment.at {
                self.tell_of_end(grant, days, moment, out);
            } else if is_noticed(grant) {
                next = next.min(instant);
            }
        }
        self.notice = next;
    }

    fn tell_of_end(&self, grant: &Grant, days: Days, moment: Moment, out: &mut Vec<Effect>) {
        if is_noticed(grant) && grant.remaining > Credits::ZERO {
            let credit_type = self.pool.credit_type;
            let about = About::GrantExpiring(Expiring {
                credit_type,
                days,
                grant: grant.name(credit_type).into(),
                expires: grant.expires,
                remaining: grant.remaining,
                amount: grant.amount,
            });
            out.push(notice(about, moment));
        }
    }

    /// After a charge, where the burn of the running hour comes up to the alarm, or the alarm is not known.
    pub(super) fn look_at_burn<'a>(
        &mut self,
        rules: &[Rule],
        ahead: impl FnOnce() -> Ahead<'a>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        if self.burn.take_fresh() {
            self.look_for_run_out(&hours(rules, self.pool.credit_type), ahead, moment, out);
        }
        self.alarm = self.look_for_spikes(rules, moment, out);
    }

    fn look_for_run_out<'a>(
        &mut self,
        hours: &[Hours],
        ahead: impl FnOnce() -> Ahead<'a>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        let (credit_type, available) = (self.pool.credit_type, self.pool.level());
        let Some(longest) = hours.last().filter(|_| available > Credits::ZERO) else { return };
        let Some(rate) = self.burn.rate(moment.at.hour()) else { return };
        let found = forecast(
            &self.pool,
            Some(rate),
            moment.at,
            &ahead(),
            a_quarter_more(*longest),
            MOST_LOOKS_AT_AN_EVENT,
        );
        for hours in hours {
            let fired = self.outlook.as_mut().and_then(|outlook| outlook.of(*hours));
            match fired.filter(|known| known.fired) {
                Some(known) => known.fired = !found.outcome.lasts(moment.at.plus(a_quarter_more(*hours))),
                None => {
                    if let Outcome::RunsOut(runs_out_at) = found.outcome
                        && runs_out_at <= moment.at.plus(hours.span())
                    {
                        let nth = self.outlook.get_or_insert_default().fire(*hours);
                        let hours = *hours;
                        let run_out = RunOut { credit_type, hours, nth, runs_out_at, rate, available };
                        out.push(notice(About::RunOut(run_out), moment));
                    }
                }
            }
        }
    }

    /// Tells of percentages that the running hour is past, and answers from which burn on it will be past another.
    fn look_for_spikes(&mut self, rules: &[Rule], moment: Moment, out: &mut Vec<Effect>) -> Credits {
        let (credit_type, hour) = (self.pool.credit_type, moment.at.hour());
        let spikes = spikes(rules, credit_type);
        if spikes.is_empty() {
            return NEVER;
        }
        let Some(usual) = self.burn.usual(hour) else { return NEVER };
        let burnt = self.burn.running(hour);
        let ever_granted = self.pool.totals().granted > Credits::ZERO;
        let mut alarm = NEVER;
        for spike in spikes {
            let percent = spike.percent;
            let least = usual.more_than(percent).max(spike.at_least);
            let seen = self.outlook.as_ref().is_some_and(|outlook| outlook.spikes.contains(&(percent, hour)));
            if seen {
                continue;
            }
            if burnt < least || !ever_granted {
                alarm = alarm.min(least);
            } else if self.outlook.get_or_insert_default().spike(percent, hour) {
                let seen = SpikeSeen { credit_type, percent, hour, burnt, usual };
                out.push(notice(About::Spike(seen), moment));
            }
        }
        alarm
    }

    /// What was burnt lately, and in the running hour so far.
    pub(in crate::ledger) fn burnt(&self, at: Timestamp) -> (Rate, Credits) {
        (self.burn.lately(at.hour()), self.burn.running(at.hour()))
    }
}

/// Whether the end of a grant is worth telling: it is to come, and no cycle brings it.
fn is_noticed(grant: &Grant) -> bool {
    grant.phase != Phase::Ended && !grant.origin.is_of_cycle() && grant.expires != Timestamp::MAX
}

/// A quarter longer than so many hours.
fn a_quarter_more(hours: Hours) -> Millis {
    Millis(hours.span().0.saturating_mul(5) / 4)
}

fn notice(about: About, moment: Moment) -> Effect {
    Effect::Notice(Box::new(Notice { about, at: moment.at, position: moment.position }))
}
