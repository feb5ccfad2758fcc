//! May this call start? Decided from the state as it is at an instant; nothing changes.

use smallvec::SmallVec;

use super::Org;
use crate::ledger::authorization::{Answer, Granted, Promised, Request, Wanted, add_up, of_kind};
use crate::ledger::calls::{Amounts, Calls, Hold, LiveCall, Spent, micros};
use crate::ledger::catalog::{Catalog, Plan};
use crate::ledger::charge::Line;
use crate::ledger::entry::{Call, Event, Kind, LARGEST_QUANTITY, LONGEST_CALL};
use crate::ledger::grants::{Pool, Purpose};
use crate::ledger::limits::{Limit, Measure, PastLimit, Spending};
use crate::ledger::price::{CreditType, Increment};
use crate::ledger::refusals::{call_over, insufficient, no_terms};
use crate::ledger::rejection::Rejection;
use crate::ledger::terms::plan_at;
use crate::ledger::units::{Credits, EventId, Millis, Timestamp};

/// What is asked for, priced: what any amount of it costs.
struct Priced<'a> {
    lines: SmallVec<[Line; 1]>,
    request: &'a Request<'a>,
}

/// What there is to grant from.
struct Room {
    /// What may be spent of each kind, with the overdraft; none where there is no bound.
    spendable: Option<Amounts>,
    /// How many share it.
    among: u64,
}

impl Org {
    /// Whether something may start at an instant that is not before the organization's, and how much of it. Nothing changes.
    /// `calls` are its calls as they stand, also where this is a copy that was advanced without them.
    #[must_use]
    pub fn authorize(
        &self,
        request: &Request<'_>,
        calls: Option<&Calls>,
        promised: &Promised<'_>,
        (at, catalog): (Timestamp, &Catalog),
    ) -> Answer {
        let refused = |rejection| Answer {
            verdict: Err(rejection),
            available: Amounts::new(),
            worst_case: Some(Amounts::new()),
        };
        let Some((_, _, plan)) = plan_at(&self.terms, at, catalog) else { return refused(no_terms()) };
        let key = request.name.key();
        if request.is_call() && calls.is_some_and(|calls| calls.is_over(key, at)) {
            return refused(call_over(request.name.id));
        }
        let priced = match self.priced(request, at, catalog) {
            Ok(priced) => priced,
            Err(rejection) => return refused(rejection),
        };
        let beside = Beside::of(request, calls, promised, at);
        let available = self.available(&priced, &beside);
        let overdraft = plan.overdraft().filter(|_| !promised.unchecked);
        let spendable = overdraft.map(|overdraft| {
            available.iter().map(|(kind, left)| (*kind, left.plus(overdraft))).collect::<Amounts>()
        });
        let among = beside.count().saturating_add(1);
        let room = Room { spendable, among: u64::try_from(among).unwrap_or(u64::MAX) };
        let talked = calls.and_then(|calls| calls.get(key));
        let verdict = match talked.filter(|call| call.answered().is_some()) {
            Some(call) => priced.grant_more(call, &room, plan, at),
            None => {
                self.within_limits(&priced, &beside, plan, catalog).and_then(|()| priced.grant(&room, plan))
            }
        };
        let worst_case = room.spendable.as_ref().map(|_| {
            let own = verdict.iter().flat_map(|granted| granted.increment.iter().copied());
            add_up(beside.increments().into_iter().chain(own))
        });
        Answer { verdict, available, worst_case }
    }

    /// The lines of the first increment, or of one action.
    fn priced<'a>(
        &self,
        request: &'a Request<'a>,
        at: Timestamp,
        catalog: &Catalog,
    ) -> Result<Priced<'a>, Rejection> {
        let lines = self.price(&request.event(at, 1), catalog)?.lines;
        Ok(Priced { lines, request })
    }

    /// What is settled, less what is pending, held and promised, of each kind of credits that it costs: as far as it may be spent on it.
    fn available(&self, priced: &Priced<'_>, beside: &Beside<'_>) -> Amounts {
        let kinds = add_up(priced.lines.iter().map(|line| (line.credit_type, Credits::ZERO)));
        let left = kinds.into_iter().map(|(kind, _)| {
            let left = match self.pool(kind) {
                Some(pool) if pool.is_scoped() => {
                    let after = beside.spent(kind).charged_to(pool);
                    let levels = priced.purposes(kind).map(|purpose| after.level_for(purpose));
                    levels.min().unwrap_or_default()
                }
                pool => pool.map_or(Credits::ZERO, Pool::level).minus(beside.taken(kind)),
            };
            (kind, left)
        });
        left.collect()
    }

    /// Whether the first of it is within the hard limits of a plan that rejects, with all that runs, is held and was promised.
    fn within_limits(
        &self,
        priced: &Priced<'_>,
        beside: &Beside<'_>,
        plan: &Plan,
        catalog: &Catalog,
    ) -> Result<(), Rejection> {
        let unlimited = self.limits.is_none() && plan.limits.is_empty();
        if unlimited || plan.past_limit != PastLimit::Reject {
            return Ok(());
        }
        let first = priced.request.event(beside.at, 1);
        let Some(spending) = Spending::of_lines(&first, &priced.lines) else { return Ok(()) };
        let (limits, mut uses) = self.limits_for(&spending, beside.at, catalog);
        if !limits.any_hard(&uses) {
            return Ok(());
        }
        limits.add_claims(&mut uses, |limit, value| beside.claimed(limit, value));
        limits.admit(&uses, true)
    }
}

/// What there is beside what is asked for: the calls and holds of the books, and what was promised.
struct Beside<'a> {
    key: EventId,
    at: Timestamp,
    calls: Option<&'a Calls>,
    promised: SmallVec<[&'a Hold; 4]>,
    /// What the books hold and that counts no more: what is asked for is held anew, and what was promised takes the place of what was
    /// held for the same.
    replaced: SmallVec<[EventId; 4]>,
}

impl<'a> Beside<'a> {
    fn of(
        request: &Request<'_>,
        calls: Option<&'a Calls>,
        promised: &Promised<'a>,
        at: Timestamp,
    ) -> Beside<'a> {
        let key = request.name.key();
        let others = promised.holds.iter().copied().filter(|hold| hold.key() != key);
        let promised: SmallVec<[&Hold; 4]> = others.collect();
        let replaced = promised.iter().map(|hold| hold.key()).chain([key]).collect();
        Beside { key, at, calls, promised, replaced }
    }

    /// How many calls are live, or held for.
    fn count(&self) -> usize {
        let known = |hold: &&&Hold| self.known(hold.key()).is_some();
        let new = self.promised.iter().filter(|hold| !known(hold)).count();
        self.calls.map_or(0, |calls| calls.others(self.key)).saturating_add(new)
    }

    /// A hold of the books that is not gone.
    fn known(&self, key: EventId) -> Option<&'a Hold> {
        self.calls?.hold(key).filter(|hold| hold.until > self.at)
    }

    /// What is pending, held and promised, of what a limit counts under a value.
    fn claimed(&self, limit: &Limit, value: &str) -> Measure {
        let of_books = self.calls.map(|calls| calls.claimed(limit, value, self.at, &self.replaced));
        let mut claimed = of_books.unwrap_or_default();
        for hold in &self.promised {
            limit.each_use(&hold.spends(), |of, amount| {
                claimed = claimed.plus(if *of == *value { amount } else { Measure::ZERO });
            });
        }
        claimed
    }

    /// What is pending, held and promised, of one kind of credits.
    fn taken(&self, kind: CreditType) -> Credits {
        let taken = self
            .calls
            .map_or(Credits::ZERO, |calls| calls.pending(kind, self.at).plus(calls.held(kind, self.at)));
        let replaced = self.replaced.iter().filter_map(|key| self.known(*key));
        let left = replaced.fold(taken, |taken, hold| taken.minus(hold.amount(kind)));
        self.promised.iter().fold(left, |taken, hold| taken.plus(hold.amount(kind)))
    }

    /// The same, by what it is spent on.
    fn spent(&self, kind: CreditType) -> Spent<'a> {
        let of_books = self.calls.map(|calls| calls.spent(kind, self.at, &self.replaced));
        let mut spent = of_books.unwrap_or_default();
        for hold in &self.promised {
            spent.add(hold.purpose(), micros(hold.amount(kind)));
        }
        spent
    }

    /// What one more increment costs of every call that is talked, or held for.
    fn increments(&self) -> Amounts {
        let of_books = self.calls.map(|calls| calls.increments(&self.replaced)).unwrap_or_default();
        add_up(
            of_books.into_iter().chain(self.promised.iter().flat_map(|hold| hold.increment.iter().copied())),
        )
    }
}

impl<'a> Request<'a> {
    /// The event that it would be: so many milliseconds of a call, or actions.
    fn event(&self, at: Timestamp, quantity: u64) -> Event<'a> {
        let kind = match self.wanted {
            Wanted::Action(action) => Kind::Action { action, quantity },
            Wanted::Call { action, direction, destination, add_ons } => Kind::Call(Call {
                name: None,
                action,
                direction,
                destination,
                duration: Millis(quantity),
                answered: true,
                answered_at: Some(at),
                add_ons,
            }),
        };
        Event { id: self.name.key(), time: at, dimensions: self.dimensions, kind }
    }
}

impl Priced<'_> {
    /// What so many actions, or milliseconds, cost.
    fn cost(&self, quantity: u64) -> Amounts {
        let of_line = |line: &Line| match self.request.wanted {
            Wanted::Call { .. } => line.cost_of(Millis(quantity)),
            Wanted::Action(_) => line.cost_of_units(quantity),
        };
        add_up(self.lines.iter().map(|line| (line.credit_type, of_line(line))))
    }

    /// What the lines of that kind of credits are about.
    fn purposes(&self, kind: CreditType) -> impl Iterator<Item = Purpose<'_>> {
        let (action, add_ons) = match self.request.wanted {
            Wanted::Action(action) => (action, &[][..]),
            Wanted::Call { action, add_ons, .. } => (action, add_ons),
        };
        let actions = std::iter::once(action).chain(add_ons.iter().copied());
        let of_kind = actions.zip(&self.lines).filter(move |(_, line)| line.credit_type == kind);
        of_kind.map(|(action, _)| Purpose::of(&self.request.dimensions, action))
    }

    fn increment(&self) -> Increment {
        let found = self.lines.iter().find_map(Line::by_the_minute);
        found.map_or(Increment::SECOND, |(_, increment)| increment)
    }

    /// Grants what was asked for, the slice or one, as far as its share reaches; at least the first of it, or nothing.
    fn grant(&self, room: &Room, plan: &Plan) -> Result<Granted, Rejection> {
        let first = self.cost(1);
        if let Some(spendable) = &room.spendable
            && let Some((kind, wanted)) =
                first.iter().find(|(kind, wanted)| *wanted > of_kind(spendable, *kind))
        {
            return Err(insufficient(*kind, *wanted, of_kind(spendable, *kind)));
        }
        let slice = u64::from(plan.calls.slice_s);
        let (most, quantity) = match self.request.wanted {
            Wanted::Action(_) => {
                let most = self.request.most.unwrap_or(1).clamp(1, LARGEST_QUANTITY);
                (most, largest(most, |quantity| room.allows(&self.cost(quantity), &first)))
            }
            Wanted::Call { .. } => {
                let increment = self.increment();
                let wanted = self.request.most.unwrap_or(slice).min(slice).max(1);
                let steps = increment.steps(wanted);
                let most = increment.seconds_of(steps);
                let seconds = |steps| increment.seconds_of(steps);
                let fits = |steps| room.allows(&self.cost(seconds(steps).saturating_mul(1_000)), &first);
                // The first increment is one step, and fits.
                (most.saturating_mul(1_000), seconds(largest(steps, fits)))
            }
        };
        let millis = if matches!(self.request.wanted, Wanted::Call { .. }) { 1_000 } else { 1 };
        let held = self.cost(quantity.saturating_mul(millis));
        Ok(Granted {
            quantity,
            held,
            first,
            price: self.cost(most),
            increment: self.an_increment(),
            is_talked: false,
        })
    }

    /// How much longer a call may be talked that is talked already: what it has cost is pending, so nothing is set aside.
    fn grant_more(
        &self,
        call: &LiveCall,
        room: &Room,
        plan: &Plan,
        at: Timestamp,
    ) -> Result<Granted, Rejection> {
        let lasted = call.lasted(at);
        let (now, slice) = (call.costs_for(call.begun(at)), u64::from(plan.calls.slice_s));
        let more = |seconds: u64| {
            let until = lasted.0.saturating_add(seconds.saturating_mul(1_000)).min(LONGEST_CALL.0);
            let then = call.costs_for(Millis(until));
            then.iter().map(|(kind, cost)| (*kind, cost.minus(of_kind(&now, *kind)))).collect::<Amounts>()
        };
        let most = self.request.most.unwrap_or(slice).min(slice).max(1);
        let nothing = Amounts::new();
        let fits = |seconds| room.allows(&more(seconds), &nothing);
        if !fits(1) {
            let first = more(1);
            let short = first.iter().find(|(_, wanted)| *wanted > Credits::ZERO).copied().unwrap_or_default();
            let spendable = room.spendable.as_ref().map_or(Credits::ZERO, |all| of_kind(all, short.0));
            return Err(insufficient(short.0, short.1, spendable));
        }
        let price = more(most);
        Ok(Granted {
            quantity: largest(most, fits),
            held: nothing.clone(),
            first: more(1),
            price,
            increment: Amounts::new(),
            is_talked: true,
        })
    }

    /// What one more increment of the call costs; nothing for an action.
    fn an_increment(&self) -> Amounts {
        if !self.request.is_call() {
            return Amounts::new();
        }
        add_up(self.lines.iter().map(|line| (line.credit_type, line.an_increment())))
    }
}

impl Room {
    /// Whether an amount is within a share of what may be spent; the first of it is, whatever its share.
    fn allows(&self, cost: &Amounts, first: &Amounts) -> bool {
        let Some(spendable) = &self.spendable else { return true };
        cost.iter().all(|(kind, cost)| {
            let all = micros(of_kind(spendable, *kind));
            let share = all.checked_div(i128::from(self.among.max(1))).unwrap_or(0);
            micros(*cost) <= share.max(micros(of_kind(first, *kind))).min(all.max(0))
        })
    }
}

/// The largest number from 1 to `most` that fits, where every smaller one does too; 1 where nothing larger does.
fn largest(most: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut fit, mut beyond) = (1_u64, most.saturating_add(1));
    while beyond.saturating_sub(fit) > 1 {
        let middle = fit.saturating_add(beyond.saturating_sub(fit).div_euclid(2));
        if fits(middle) {
            fit = middle;
        } else {
            beyond = middle;
        }
    }
    fit
}
