//! The watch over running calls: who is warned, and who is cut off at which instant.
//!
//! What the calls cost is known for any instant, so nothing is polled. While the headroom is wide, it cannot be used up before
//! so much time as one more increment of every call, and then their rate, leaves: until then nobody looks. When it is
//! narrow, the watch looks at the instant each increment starts, and nowhere else can anything happen. The same goes for the level at
//! which an alert rule or a recharge has something to say.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Calls;
use super::accrual::{Accruals, amount, micros};
use super::cover::{Class, Cover};
use super::sums::{Mark, Sum};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, EventId, Millis, Position, Timestamp};

/// The most calls that one message names.
pub const MOST_NAMED: usize = 500;

/// What the watch remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    /// The kinds of credits, and what they are spent on, of which calls were warned, or cut off, and that did not recover since.
    tight: BTreeSet<(CreditType, Mark)>,
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
        let watched = self.sums().iter().filter(|sum| sum.a_minute > 0);
        let looks = watched.map(|sum| {
            let untold = untold(sum.credit_type);
            let told = untold.map(|untold| self.used_up(sum, untold.saturating_sub(sum.cost)));
            let classes = self.classes(sum, self.at(), cover);
            let news = classes.iter().map(|class| self.next_news(sum, class, cover)).min();
            news.into_iter().chain(told).min().unwrap_or(Timestamp::MAX)
        });
        looks.fold(self.holds.next().min(self.next_closing()), Timestamp::min)
    }

    /// When there may be news for some calls. What all others spend may be theirs too.
    fn next_news(&self, all: &Sum, class: &Class, cover: &Cover<'_>) -> Timestamp {
        let tight = self.watch.is_tight(class);
        let cut = || u64::try_from(self.cut(class).count()).unwrap_or(u64::MAX);
        let Some(headroom) = class.headroom.filter(|_| !class.is_free()) else { return Timestamp::MAX };
        if tight && cut() >= class.sum.calls {
            return Timestamp::MAX;
        }
        let needed = if tight { 0 } else { cover.needed(&class.sum) };
        self.used_up(all, headroom.saturating_sub(needed))
    }

    /// When calls may have used up so much more: not before the next increment starts, and, while that is far away, a lower bound.
    fn used_up(&self, sum: &Sum, left: i128) -> Timestamp {
        let wide = left.saturating_sub(sum.an_increment).max(0);
        let lasts = wide.saturating_mul(60_000_000).checked_div(sum.a_minute).unwrap_or(0);
        let lasts = i64::try_from(lasts).unwrap_or(i64::MAX);
        let reached = Timestamp::from_micros(self.accruals.at().micros().saturating_add(lasts));
        reached.max(self.accruals.next())
    }

    /// Lets time pass: holds go, increments start, and a call whose increment is not covered is cut off.
    pub(in crate::ledger) fn pass(&mut self, to: &mut Telling<'_>, cover: &Cover<'_>) {
        let Calls { live, accruals, holds, watch, claims, .. } = self;
        holds.expire(to.at, |hold| {
            let rings = live.contains_key(&hold.key());
            claims.take_off(|| hold.spends_beside(rings));
        });
        let from = accruals.at();
        let mut over = Vec::new();
        accruals.pass(to.at, live, |key, call, pending| {
            claims.add(|| call.spends_more((from, to.at)));
            if !watch.cut.contains(&key)
                && let Some((kind, mark)) = cover.uncovered(call, pending, holds.sums())
            {
                watch.cut.insert(key);
                over.push((kind, mark, key));
            }
        });
        self.cut_off(&over, to, cover);
    }

    /// A call costs more since it was heard of: where that is not covered, it is cut off at once.
    pub(in crate::ledger) fn check(&mut self, key: EventId, to: &mut Telling<'_>, cover: &Cover<'_>) {
        let Some(call) = self.live.get(&key) else { return };
        if let Some((kind, mark)) = cover.uncovered(call, self.accruals.sums(), self.holds.sums())
            && self.watch.cut.insert(key)
        {
            self.cut_off(&[(kind, mark, key)], to, cover);
        }
    }

    /// Tells calls that they are over, and of which kind of credits and on what too much was spent.
    fn cut_off(&mut self, over: &[(CreditType, Mark, EventId)], to: &mut Telling<'_>, cover: &Cover<'_>) {
        let kinds: BTreeSet<CreditType> = over.iter().map(|(kind, ..)| *kind).collect();
        let at = to.at;
        let classes: Vec<Class> = kinds.iter().flat_map(|kind| self.classes_of(*kind, at, cover)).collect();
        for class in classes {
            let of_class =
                over.iter().filter(|(kind, mark, _)| *kind == class.sum.credit_type && class.is_of(*mark));
            let keys: Vec<EventId> = of_class.map(|(.., key)| *key).collect();
            if !keys.is_empty() {
                self.watch.tighten(&class, &self.accruals);
                self.tell_calls(News::Cutoff, &class, &keys, to);
            }
        }
    }

    /// Looks whether calls are to be warned, or whether they may go on.
    pub(in crate::ledger) fn look(&mut self, to: &mut Telling<'_>, cover: &Cover<'_>) {
        self.watch.tight.retain(|(kind, mark)| self.accruals.sums().is_spent_on(*kind, *mark));
        let kinds: SmallVec<[CreditType; 1]> = self.sums().iter().map(|sum| sum.credit_type).collect();
        for kind in kinds {
            for class in self.classes_of(kind, to.at, cover).iter().filter(|class| !class.is_free()) {
                self.look_at(class, to, cover);
            }
        }
    }

    fn look_at(&mut self, class: &Class, to: &mut Telling<'_>, cover: &Cover<'_>) {
        let (needed, tight) = (cover.needed(&class.sum), self.watch.is_tight(class));
        let headroom = class.headroom.unwrap_or(i128::MAX);
        if !tight && headroom < needed && cover.lead > Millis(0) {
            self.watch.tighten(class, &self.accruals);
            let keys: Vec<EventId> = self.running(class).collect();
            self.tell_calls(News::Warning, class, &keys, to);
        } else if tight && headroom >= needed.saturating_add(class.sum.an_increment) {
            self.watch.loosen(class);
            let keys = self.free_again(class, to.at, cover);
            keys.iter().for_each(|key| self.watch.forget(*key));
            self.tell_calls(News::Extended, class, &keys, to);
        }
    }

    fn classes_of(&self, kind: CreditType, at: Timestamp, cover: &Cover<'_>) -> SmallVec<[Class; 1]> {
        let sum = self.accruals.sums().kind(kind);
        sum.map(|sum| self.classes(sum, at, cover)).unwrap_or_default()
    }

    fn running(&self, class: &Class) -> impl Iterator<Item = EventId> {
        self.live.iter().filter(|(_, call)| class.has(call)).map(|(key, _)| *key)
    }

    fn cut(&self, class: &Class) -> impl Iterator<Item = EventId> {
        self.watch.cut.iter().copied().filter(|key| self.get(*key).is_some_and(|call| class.has(call)))
    }

    /// The calls that were cut off and may go on now that some of them are covered: whatever else they cost is covered too.
    fn free_again(&self, class: &Class, at: Timestamp, cover: &Cover<'_>) -> Vec<EventId> {
        let classes = self.sums().iter().flat_map(|sum| self.classes(sum, at, cover));
        let short: SmallVec<[Class; 1]> =
            classes.filter(|class| class.headroom.is_some_and(|headroom| headroom < 0)).collect();
        let is_free =
            |key: &EventId| self.get(*key).is_some_and(|call| !short.iter().any(|class| class.has(call)));
        self.cut(class).filter(is_free).collect()
    }

    /// Tells calls something, in as many messages as it takes.
    fn tell_calls(&mut self, news: News, class: &Class, keys: &[EventId], to: &mut Telling<'_>) {
        let credit_type = class.sum.credit_type;
        let headroom = class.headroom.map_or(Credits::LARGEST_TOTAL, amount);
        let seconds_left = class.sum.lasts(micros(headroom)).unwrap_or(u64::MAX);
        // A call that costs twice counts once.
        let all = self.accruals.sums().kind(credit_type).map_or(0, |all| all.calls);
        let running = class.sum.calls.min(all);
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
                running,
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

    fn is_tight(&self, class: &Class) -> bool {
        self.tight.iter().any(|(kind, mark)| *kind == class.sum.credit_type && class.is_of(*mark))
    }

    /// Calls were warned, or cut off.
    fn tighten(&mut self, class: &Class, accruals: &Accruals) {
        let kind = class.sum.credit_type;
        let marks = accruals.sums().by_purpose(kind).map(|(mark, ..)| mark);
        self.tight.extend(marks.filter(|mark| class.is_of(*mark)).map(|mark| (kind, mark)));
    }

    /// They may go on.
    fn loosen(&mut self, class: &Class) {
        self.tight.retain(|(kind, mark)| *kind != class.sum.credit_type || !class.is_of(*mark));
    }
}
