//! Auto-recharge: what is to be bought by itself, what was asked for, and what came of it.
//!
//! Every request is kept for ever with its fate. Whether it is asked for more is worked out anew at each look.

mod caps;

use std::collections::BTreeMap;

use super::limits::{Moment, Window};
use super::report::further::{CapReport, RechargeReport};
use super::{Instant, Micros, Reason};
use caps::Running;

const MINUTE: Instant = 60_000_000;
/// The most credit types with a recharge.
const MOST: usize = 16;

/// What is to be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// At this or less it is asked for more.
    pub below: Micros,
    /// How much.
    pub measure: Measure,
    /// No less at once.
    pub min: Option<Micros>,
    /// No more at once.
    pub max: Option<Micros>,
    /// No more in some time.
    pub caps: Vec<Cap>,
    /// For so long after a grant nothing is asked for.
    pub cooldown: Instant,
    /// After so long without an answer a request has failed.
    pub answer_within: Instant,
    /// Whether anything is asked for.
    pub enabled: bool,
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// So much, or a multiple of it.
    Steps(Micros),
    /// What is missing to this.
    UpTo(Micros),
}

/// What is asked for in a window, at the most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// How long the window is.
    pub window: Window,
    /// So many credits.
    pub credits: Option<Micros>,
    /// So many requests.
    pub times: Option<i128>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nobody answered yet; until then somebody may.
    Awaited(Instant),
    Failed,
    Granted,
}

#[derive(Debug)]
struct Request {
    at: Instant,
    amount: Micros,
    fate: Fate,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is made.
    Requested,
    /// Credits came.
    Succeeded,
    /// They did not.
    Failed,
}

/// What happened: the credit type, the number of the request, what became of it.
pub type Told = (String, usize, Step);

/// The recharge of one credit type.
#[derive(Debug)]
struct Recharge {
    order: Order,
    /// Whether it was not taken away.
    there: bool,
    /// Number 1 is the first.
    requests: Vec<Request>,
    windows: Vec<Running>,
    cools_until: Instant,
    backs_off_until: Instant,
    /// In a row.
    failures: u32,
}

/// The recharges of an organization, by credit type, also those that were taken away.
#[derive(Debug, Default)]
pub struct Recharges(BTreeMap<String, Recharge>);

/// What a look at the credits finds.
enum Finding {
    /// Nothing is to be asked for.
    Quiet,
    /// So much is.
    Ask(Micros),
    /// It would be, but for caps; the first of their windows ends then.
    Capped(Option<Instant>),
}

// What is told from outside.
impl Recharges {
    /// States what is to be bought. The same again changes nothing.
    pub fn put(&mut self, credit_type: String, order: Order, moment: Moment<'_>) -> Result<(), Reason> {
        let others = self.0.iter().filter(|(name, known)| known.there && **name != credit_type).count();
        if others >= MOST {
            return Err("too_many");
        }
        let known = self.0.entry(credit_type).or_insert_with(|| Recharge::new(order.clone(), moment));
        if !known.there || known.order != order {
            (known.order, known.there) = (order, true);
            (known.backs_off_until, known.failures) = (Instant::MIN, 0);
        }
        Ok(())
    }

    /// Takes it away. What was asked for stays known.
    pub fn remove(&mut self, credit_type: &str) -> Result<(), Reason> {
        let known = self.0.get_mut(credit_type).filter(|known| known.there).ok_or("unknown_recharge")?;
        known.there = false;
        (known.cools_until, known.backs_off_until) = (Instant::MIN, Instant::MIN);
        Ok(())
    }

    /// The credit type and the number of the request of this name, if it was ever made.
    pub fn request(&self, id: &str) -> Result<(String, usize), Reason> {
        let parts = id.strip_prefix("recharge.").and_then(|rest| rest.rsplit_once('.'));
        let (credit_type, number) = parts.ok_or("unknown_recharge")?;
        let made = self.0.get(credit_type).map_or(0, |known| known.requests.len());
        let asked = (1..=made).find(|made| made.to_string() == number).ok_or("unknown_recharge")?;
        Ok((credit_type.to_string(), asked))
    }

    /// A new grant answers a request.
    pub fn granted(
        &mut self,
        (credit_type, number): (String, usize),
        amount: Micros,
        now: Instant,
    ) -> Option<Told> {
        let known = self.0.get_mut(&credit_type)?;
        let before = known.fate(number)?;
        if before == Fate::Granted {
            return None;
        }
        known.requests[number - 1].fate = Fate::Granted;
        match before {
            Fate::Awaited(_) => known.windows.iter_mut().for_each(|window| window.amends(number, amount)),
            _ => known.windows.iter_mut().for_each(|window| window.counts(number, amount)),
        }
        (known.failures, known.backs_off_until) = (0, Instant::MIN);
        if known.there && known.in_flight().is_none() {
            known.cools_until = known.cools_until.max(now + known.order.cooldown);
        }
        Some((credit_type, number, Step::Succeeded))
    }

    /// A request was not answered with credits. Told again, nothing changes.
    pub fn failed(
        &mut self,
        (credit_type, number): (String, usize),
        now: Instant,
    ) -> Result<Option<Told>, Reason> {
        let Some(known) = self.0.get_mut(&credit_type) else { return Err("unknown_recharge") };
        match known.fate(number) {
            None => Err("unknown_recharge"),
            Some(Fate::Granted) => Err("conflict"),
            Some(Fate::Failed) => Ok(None),
            Some(Fate::Awaited(_)) => {
                known.fails(number, now);
                Ok(Some((credit_type, number, Step::Failed)))
            }
        }
    }
}

// What time brings, and what is asked for.
impl Recharges {
    /// The next instant after `after` at which something happens by itself.
    pub fn next_change(&self, after: Instant, levels: impl Fn(&str) -> Micros) -> Option<Instant> {
        let of = |(name, known): (&String, &Recharge)| {
            let deadline = known.in_flight().map(|(_, deadline)| deadline);
            let free = match known.finding(levels(name), after) {
                Finding::Capped(until) => until,
                Finding::Quiet | Finding::Ask(_) => None,
            };
            [deadline, Some(known.cools_until), Some(known.backs_off_until), free].into_iter().flatten()
        };
        self.0.iter().flat_map(of).filter(|at| *at > after).min()
    }

    /// Requests that nobody answered in time have failed; windows that are over give way to those that run.
    pub fn pass(&mut self, moment: Moment<'_>) -> Vec<Told> {
        let mut told = Vec::new();
        for (name, known) in &mut self.0 {
            known.windows.iter_mut().for_each(|window| window.pass(moment));
            if let Some((number, _)) = known.in_flight().filter(|(_, deadline)| *deadline <= moment.at) {
                known.fails(number, moment.at);
                told.push((name.clone(), number, Step::Failed));
            }
        }
        told
    }

    /// Other clocks: the running windows end where these have it.
    pub fn move_ends(&mut self, moment: Moment<'_>) {
        let windows = self.0.values_mut().flat_map(|known| &mut known.windows);
        windows.for_each(|window| window.move_end(moment));
    }

    /// Whether some recharge that was quiet at one level is not at another.
    pub fn would_wake(
        &self,
        before: impl Fn(&str) -> Micros,
        after: impl Fn(&str) -> Micros,
        now: Instant,
    ) -> bool {
        let is_quiet = |known: &Recharge, level| matches!(known.finding(level, now), Finding::Quiet);
        self.0.iter().any(|(name, known)| is_quiet(known, before(name)) && !is_quiet(known, after(name)))
    }

    /// Looks at the credits, when everything else of the moment is done.
    pub fn look(&mut self, levels: impl Fn(&str) -> Micros, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        for (name, known) in &mut self.0 {
            if let Finding::Ask(amount) = known.finding(levels(name), now) {
                let fate = Fate::Awaited(now + known.order.answer_within);
                known.requests.push(Request { at: now, amount, fate });
                let number = known.requests.len();
                known.windows.iter_mut().for_each(|window| window.counts(number, amount));
                told.push((name.clone(), number, Step::Requested));
            }
        }
        told
    }

    /// How they stand.
    pub fn report(&self, levels: impl Fn(&str) -> Micros, now: Instant) -> BTreeMap<String, RechargeReport> {
        let there = self.0.iter().filter(|(_, known)| known.there);
        there.map(|(name, known)| (name.clone(), known.report(levels(name), now))).collect()
    }

    /// What the request of this name asked for.
    pub fn amount(&self, id: &str) -> Option<Micros> {
        let (credit_type, number) = self.request(id).ok()?;
        Some(self.0.get(&credit_type)?.requests.get(number - 1)?.amount)
    }

    /// What was asked for last of each credit type: the number of the request and the amount.
    pub fn asked(&self) -> BTreeMap<String, (usize, Micros)> {
        let last = |(name, known): (&String, &Recharge)| {
            Some((name.clone(), (known.requests.len(), known.requests.last()?.amount)))
        };
        self.0.iter().filter_map(last).collect()
    }
}

impl Recharge {
    /// All windows are counted from the first order on, whatever caps it has.
    fn new(order: Order, moment: Moment<'_>) -> Recharge {
        let windows = [Window::Day, Window::Week, Window::Month, Window::Cycle, Window::Life];
        Recharge {
            order,
            there: false,
            requests: Vec::new(),
            windows: windows.map(|window| Running::begin(window, moment)).into(),
            cools_until: Instant::MIN,
            backs_off_until: Instant::MIN,
            failures: 0,
        }
    }

    fn fate(&self, number: usize) -> Option<Fate> {
        self.requests.get(number.checked_sub(1)?).map(|request| request.fate)
    }

    /// The number of the request that is in flight, and until when it may be answered.
    fn in_flight(&self) -> Option<(usize, Instant)> {
        match self.requests.last()?.fate {
            Fate::Awaited(deadline) => Some((self.requests.len(), deadline)),
            Fate::Failed | Fate::Granted => None,
        }
    }

    fn fails(&mut self, number: usize, now: Instant) {
        self.requests[number - 1].fate = Fate::Failed;
        self.windows.iter_mut().for_each(|window| window.forgets(number));
        self.failures += 1;
        let pause = (1..self.failures).fold(5 * MINUTE, |pause, _| (2 * pause).min(1_440 * MINUTE));
        if self.there {
            self.backs_off_until = now + pause;
        }
    }

    /// What is to be asked for where so much is available.
    fn finding(&self, level: Micros, now: Instant) -> Finding {
        let waits = self.in_flight().is_some() || self.backs_off_until > now || self.cools_until > now;
        if waits || !self.there || !self.order.enabled || level > self.order.below {
            return Finding::Quiet;
        }
        let wanted = self.wanted(level);
        let caps = || self.capped();
        let least = caps().map(|(cap, running)| self.fitting(wanted, running.leaves(cap))).min();
        let amount = least.unwrap_or(wanted);
        if self.is_enough(amount, wanted) {
            return Finding::Ask(amount);
        }
        let forbids = |(cap, running): &(&Cap, &Running)| {
            !self.is_enough(self.fitting(wanted, running.leaves(cap)), wanted)
        };
        Finding::Capped(caps().filter(forbids).filter_map(|(_, running)| running.end()).min())
    }

    /// The caps, each with its window.
    fn capped(&self) -> impl Iterator<Item = (&Cap, &Running)> {
        let running = |cap: &Cap| self.windows.iter().find(|running| running.window == cap.window);
        self.order.caps.iter().filter_map(move |cap| Some((cap, running(cap)?)))
    }

    /// Without caps.
    fn wanted(&self, level: Micros) -> Micros {
        let (below, min, max) = (self.order.below, self.order.min, self.order.max);
        match self.order.measure {
            Measure::Steps(step) => {
                // One step more than goes into what is missing; then up to `min`, then down to `max`.
                let mut steps = (below - level) / step + 1;
                while min.is_some_and(|min| steps * step < min) {
                    steps += 1;
                }
                max.map_or(steps, |max| steps.min(max / step)) * step
            }
            Measure::UpTo(top) => {
                let missing = top - level;
                let raised = min.map_or(missing, |min| missing.max(min));
                max.map_or(raised, |max| raised.min(max))
            }
        }
    }

    /// What is asked for of an amount where a cap leaves so much.
    fn fitting(&self, wanted: Micros, left: Option<Micros>) -> Micros {
        match (self.order.measure, left.filter(|left| *left < wanted)) {
            (_, None) => wanted,
            (Measure::Steps(step), Some(left)) => left / step * step,
            (Measure::UpTo(_), Some(left)) => left,
        }
    }

    fn is_enough(&self, amount: Micros, wanted: Micros) -> bool {
        amount == wanted || amount > 0 && self.order.min.is_none_or(|min| amount >= min)
    }

    fn report(&self, level: Micros, now: Instant) -> RechargeReport {
        let (state, instant) = match self.in_flight() {
            Some((number, _)) => ("in flight since", Some(self.requests[number - 1].at)),
            None if !self.order.enabled => ("off", None),
            None if self.backs_off_until > now => ("backing off until", Some(self.backs_off_until)),
            None if self.cools_until > now => ("cooling down until", Some(self.cools_until)),
            None => match self.finding(level, now) {
                Finding::Capped(until) => ("capped until", until),
                Finding::Quiet | Finding::Ask(_) => ("armed", None),
            },
        };
        let caps = self.capped().map(|(_, running)| {
            let (credits, times) = running.used();
            (running.window.word().to_string(), CapReport { credits, times, resets: running.end() })
        });
        RechargeReport { state: state.to_string(), instant, failures: self.failures, caps: caps.collect() }
    }
}
