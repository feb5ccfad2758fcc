//! The watch over running calls: who is warned, and who is cut off at which instant.
//!
//! What the calls cost is known for any instant, so nothing is polled. While the headroom is wide, it cannot be used up before
//! so much time as one more increment of every call, and then their rate, leaves: until then nobody looks. When it is
//! narrow, the watch looks at the instant each increment starts, and nowhere else can anything happen. The same goes for the level at
//! which an alert rule or a recharge has something to say.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::accrual::{Accrual, amount, micros};
use super::{Calls, LiveCall};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, EventId, Millis, Position, Timestamp};

/// The most calls that one message names.
pub const MOST_NAMED: usize = 500;

/// What the watch remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    /// The kinds of credits of which calls were warned, or cut off, and that did not recover since.
    tight: SmallVec<[CreditType; 1]>,
    /// The running calls that were cut off.
    cut: BTreeSet<EventId>,
    /// How many messages there were.
    told: u64,
}

/// What running calls are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallNews {
    /// What it is.
    pub news: News,
    /// The how-many-th of the organization, from 1: together with it, the message's id.
    pub number: u64,
    /// The kind of credits.
    pub credit_type: CreditType,
    /// What calls may still take.
    pub headroom: Credits,
    /// How many seconds that lasts at the rate of now.
    pub seconds_left: u64,
    /// How many calls are talked that cost such credits.
    pub running: u64,
    /// The calls it concerns, by who tells of them and their ids there.
    pub calls: Vec<(Box<str>, Box<str>)>,
    /// When it happened.
    pub at: Timestamp,
    /// The entry at which it happened, or the last one before where time did it.
    pub position: Position,
}

/// The kinds of what running calls are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// The credits end soon.
    Warning,
    /// These calls are over.
    Cutoff,
    /// Credits came; these calls were cut off, and may go on.
    Extended,
}

impl News {
    /// The name on subjects and in types.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            News::Warning => "warning",
            News::Cutoff => "cutoff",
            News::Extended => "extended",
        }
    }
}

/// What calls may take at an instant: of each kind of credits the level with the overdraft, or none where there is no bound.
pub(in crate::ledger) struct Cover<'a> {
    pub(in crate::ledger) of: &'a dyn Fn(CreditType) -> Option<i128>,
    /// So long before their end calls are warned.
    pub(in crate::ledger) lead: Millis,
}

impl Cover<'_> {
    /// What running calls use up in the time before their end at which they are warned.
    fn needed(&self, accrual: &Accrual) -> i128 {
        accrual.a_minute.saturating_mul(i128::from(self.lead.0)).div_euclid(60_000)
    }
}

/// Where and when something is told.
pub(in crate::ledger) struct Telling<'a> {
    pub(in crate::ledger) at: Timestamp,
    pub(in crate::ledger) position: Position,
    pub(in crate::ledger) tell: &'a mut dyn FnMut(CallNews),
}

impl Calls {
    /// The next instant at which something may happen to the calls by itself, or their cost reaches what is `untold`: what they may
    /// take of each kind of credits before it is told to others, if it is.
    pub(in crate::ledger) fn next_look(
        &self,
        cover: &Cover<'_>,
        untold: impl Fn(CreditType) -> Option<i128>,
    ) -> Timestamp {
        let watched = self.accruals.kinds().iter().filter(|accrual| accrual.a_minute > 0);
        let looks = watched.map(|accrual| {
            let untold = untold(accrual.credit_type);
            let told = untold.map(|untold| self.used_up(accrual, untold.saturating_sub(accrual.cost)));
            self.next_news(accrual, cover).min(told.unwrap_or(Timestamp::MAX))
        });
        looks.fold(self.holds.next().min(self.next_closing()), Timestamp::min)
    }

    /// When there may be news for the calls.
    fn next_news(&self, accrual: &Accrual, cover: &Cover<'_>) -> Timestamp {
        let Some(headroom) = self.headroom(accrual, cover) else { return Timestamp::MAX };
        let tight = self.watch.tight.contains(&accrual.credit_type);
        let cut = || u64::try_from(self.cut(accrual.credit_type).count()).unwrap_or(u64::MAX);
        if tight && cut() >= accrual.calls {
            return Timestamp::MAX;
        }
        let needed = if tight { 0 } else { cover.needed(accrual) };
        self.used_up(accrual, headroom.saturating_sub(needed))
    }

    /// When calls may have used up so much more: not before the next increment starts, and, while that is far away, a lower bound.
    fn used_up(&self, accrual: &Accrual, left: i128) -> Timestamp {
        let wide = left.saturating_sub(accrual.an_increment).max(0);
        let lasts = wide.saturating_mul(60_000_000).checked_div(accrual.a_minute).unwrap_or(0);
        let lasts = i64::try_from(lasts).unwrap_or(i64::MAX);
        let reached = Timestamp::from_micros(self.accruals.at().micros().saturating_add(lasts));
        reached.max(self.accruals.next())
    }

    /// What calls may still take, where there is a bound.
    fn headroom(&self, accrual: &Accrual, cover: &Cover<'_>) -> Option<i128> {
        let held = self.holds.sum_at(accrual.credit_type, self.accruals.at());
        Some((cover.of)(accrual.credit_type)?.saturating_sub(accrual.cost).saturating_sub(held))
    }

    /// Lets time pass: holds go, increments start, and a call whose increment is not covered is cut off.
    pub(in crate::ledger) fn pass(&mut self, to: &mut Telling<'_>, cover: &Cover<'_>) {
        let Calls { live, accruals, holds, watch, .. } = self;
        holds.expire(to.at);
        let mut over: Vec<(CreditType, EventId)> = Vec::new();
        accruals.pass(to.at, live, |key, call, kinds| {
            if let Some(kind) = uncovered(call, kinds, |kind| {
                Some((cover.of)(kind)?.saturating_sub(holds.sum_at(kind, to.at)))
            }) && watch.cut.insert(key)
            {
                over.push((kind, key));
            }
        });
        self.cut_off(&over, to, cover);
    }

    /// A call costs more since it was heard of: where that is not covered, it is cut off at once.
    pub(in crate::ledger) fn check(&mut self, key: EventId, to: &mut Telling<'_>, cover: &Cover<'_>) {
        let Some(call) = self.live.get(&key) else { return };
        let held = |kind| self.holds.sum_at(kind, to.at);
        let kinds = self.accruals.kinds();
        let over = uncovered(call, kinds, |kind| Some((cover.of)(kind)?.saturating_sub(held(kind))));
        if let Some(kind) = over
            && self.watch.cut.insert(key)
        {
            self.cut_off(&[(kind, key)], to, cover);
        }
    }

    fn cut_off(&mut self, over: &[(CreditType, EventId)], to: &mut Telling<'_>, cover: &Cover<'_>) {
        let kinds: BTreeSet<CreditType> = over.iter().map(|(kind, _)| *kind).collect();
        for kind in kinds {
            if !self.watch.tight.contains(&kind) {
                self.watch.tight.push(kind);
            }
            let keys: Vec<EventId> = over.iter().filter(|(of, _)| *of == kind).map(|(_, key)| *key).collect();
            self.tell_calls(News::Cutoff, kind, &keys, to, cover);
        }
    }

    /// Looks whether calls are to be warned, or whether they may go on.
    pub(in crate::ledger) fn look(&mut self, to: &mut Telling<'_>, cover: &Cover<'_>) {
        let running =
            |kind: &CreditType, kinds: &[Accrual]| kinds.iter().any(|known| known.credit_type == *kind);
        self.watch.tight.retain(|kind| running(kind, self.accruals.kinds()));
        let kinds: SmallVec<[Accrual; 1]> = self.accruals.kinds().into();
        for accrual in &kinds {
            let (kind, needed) = (accrual.credit_type, cover.needed(accrual));
            let headroom = self.headroom(accrual, cover).unwrap_or(i128::MAX);
            let tight = self.watch.tight.contains(&kind);
            if !tight && headroom < needed && cover.lead > Millis(0) {
                self.watch.tight.push(kind);
                let keys: Vec<EventId> = self.running(kind).collect();
                self.tell_calls(News::Warning, kind, &keys, to, cover);
            } else if tight && headroom >= needed.saturating_add(accrual.an_increment) {
                self.watch.tight.retain(|known| *known != kind);
                let keys = self.free_again(kind, cover);
                keys.iter().for_each(|key| self.watch.forget(*key));
                self.tell_calls(News::Extended, kind, &keys, to, cover);
            }
        }
    }

    fn running(&self, kind: CreditType) -> impl Iterator<Item = EventId> {
        let costs = move |call: &LiveCall| call.credit_types().any(|of| of == kind);
        self.live.iter().filter(move |(_, call)| costs(call)).map(|(key, _)| *key)
    }

    fn cut(&self, kind: CreditType) -> impl Iterator<Item = EventId> {
        let costs = move |key: &EventId| {
            self.live.get(key).is_some_and(|call| call.credit_types().any(|of| of == kind))
        };
        self.watch.cut.iter().copied().filter(costs)
    }

    /// The calls that were cut off and may go on now that there is enough of a kind of credits: whatever else they cost is covered too.
    fn free_again(&self, kind: CreditType, cover: &Cover<'_>) -> Vec<EventId> {
        let short = |accrual: &&Accrual| self.headroom(accrual, cover).is_some_and(|headroom| headroom < 0);
        let short: SmallVec<[CreditType; 1]> =
            self.accruals.kinds().iter().filter(short).map(|accrual| accrual.credit_type).collect();
        let is_free = |key: &EventId| {
            self.live.get(key).is_some_and(|call| !call.credit_types().any(|of| short.contains(&of)))
        };
        self.cut(kind).filter(is_free).collect()
    }

    /// Tells calls something, in as many messages as it takes.
    fn tell_calls(
        &mut self,
        news: News,
        credit_type: CreditType,
        keys: &[EventId],
        to: &mut Telling<'_>,
        cover: &Cover<'_>,
    ) {
        let known = self.accruals.kinds().iter().find(|known| known.credit_type == credit_type).copied();
        let Some(accrual) = known else { return };
        let headroom = self.headroom(&accrual, cover).map_or(Credits::LARGEST_TOTAL, amount);
        let seconds_left = accrual.lasts(micros(headroom)).unwrap_or(u64::MAX);
        let mut parts = keys.chunks(MOST_NAMED);
        // Nobody in particular may be concerned.
        let mut part = Some(parts.next().unwrap_or_default());
        while let Some(keys) = part {
            let number = self.next_number();
            let names = keys.iter().filter_map(|key| self.live.get(key)).map(|call| call.name());
            let (at, position) = (to.at, to.position);
            (to.tell)(CallNews {
                news,
                number,
                credit_type,
                headroom,
                seconds_left,
                running: accrual.calls,
                calls: names.map(|name| (name.source.into(), name.id.into())).collect(),
                at,
                position,
            });
            part = parts.next();
        }
    }

    /// The number of one more message.
    pub(in crate::ledger) fn next_number(&mut self) -> u64 {
        self.watch.told = self.watch.told.saturating_add(1);
        self.watch.told
    }

    /// Whether a running call was cut off.
    #[must_use]
    pub fn is_cut_off(&self, key: EventId) -> bool {
        self.watch.cut.contains(&key)
    }
}

impl Watch {
    /// A call is not cut off any more: it is over, or may go on.
    pub(super) fn forget(&mut self, key: EventId) {
        self.cut.remove(&key);
    }
}

/// The first kind of credits that a call costs of which more is used than is covered.
fn uncovered(
    call: &LiveCall,
    kinds: &[Accrual],
    covered: impl Fn(CreditType) -> Option<i128>,
) -> Option<CreditType> {
    let of_call =
        kinds.iter().filter(|accrual| call.cost(accrual.credit_type, Timestamp::MAX) > Credits::ZERO);
    of_call.map(|accrual| (accrual.credit_type, accrual.cost)).find_map(|(kind, cost)| {
        let short = covered(kind).is_some_and(|covered| cost > covered);
        short.then_some(kind)
    })
}
