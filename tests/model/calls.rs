//! Calls that are told while they run: what is said of each, what it costs so far, and how it ended.
//!
//! Written from `docs/CALLS.md`. Only an end is charged, which is the organization's affair; here it is known which calls are live,
//! what an end leaves out, and which calls are over and stay so for a while.

pub mod orphans;
pub mod told;

use std::collections::BTreeMap;

use super::catalog::{Closes, Increment, Prices};
use super::rating::{self, Line, PriceList};
use super::read::Call;
use super::scope::Spender;
use super::{Instant, Micros, Outcome, Reason};
use orphans::Orphan;
use told::{End, Facts, LONGEST};

/// The source, and the call's name within it.
pub type Name = (String, String);

/// What live calls have cost so far, by credit type.
pub type Pending = BTreeMap<String, Micros>;

/// An event that comes later after its own time makes no call live.
const STALE: Instant = 7_200_000_000;
/// How long a call that is over stays so.
const MEMORY: Instant = STALE + 300_000_000;

/// What a call costs by the second: the prices in force at its answer, and what was known of it then.
#[derive(Clone, Debug)]
pub struct Quote {
    /// The organization's prices.
    pub own: Prices,
    /// The card's.
    pub card: Prices,
    /// The organization's increment or the plan's.
    pub increment: Option<Increment>,
    /// The call as it stood.
    pub call: Call,
}

impl Quote {
    /// What it costs at this length.
    pub fn lines(&self, duration_ms: i128) -> Result<Vec<Line>, Reason> {
        let prices = PriceList { own: &self.own, card: &self.card };
        rating::call(&prices, self.increment, &Call { duration_ms, ..self.call.clone() })
    }
}

/// An answer.
#[derive(Debug)]
struct Answer {
    at: Instant,
    /// By the direction that was said by then.
    inbound: bool,
    /// None where the plan meters nothing.
    quote: Option<Quote>,
    /// When it is closed, as its plan had it then.
    closes: Closes,
}

/// A call that rings or is talked.
#[derive(Debug, Default)]
pub struct Live {
    facts: Facts,
    start: Option<Instant>,
    answer: Option<Answer>,
    /// The longest progress said, in milliseconds.
    longest: i128,
    /// When something was told of it last, by the log.
    heard: Instant,
}

impl Live {
    /// Whether it was answered.
    pub fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// How long it has run until then, in milliseconds; nothing where nobody answered.
    fn ran(&self, until: Instant) -> i128 {
        let Some(answer) = &self.answer else { return 0 };
        let start = self.start.filter(|start| answer.inbound && *start < answer.at);
        let run = (until - start.unwrap_or(answer.at)).div_euclid(1_000);
        i128::from(run).clamp(self.longest, LONGEST)
    }

    /// What it costs at an instant, line by line. An increment counts from the instant it starts: that is what the next
    /// millisecond costs.
    fn lines(&self, now: Instant) -> Vec<Line> {
        let quote = self.answer.as_ref().and_then(|answer| answer.quote.as_ref());
        let lines = quote.map(|quote| quote.lines((self.ran(now) + 1).min(LONGEST)));
        lines.and_then(Result::ok).unwrap_or_default()
    }
}

/// A call that is over.
#[derive(Debug)]
struct Over {
    /// Source and id of its end; none of a call that failed.
    by: Option<Name>,
    /// Whether the end was voided, so that another may be charged.
    voided: bool,
    /// How long it was talked, in milliseconds; 0 where nobody answered.
    talked: i128,
    /// Until when it stays over, whatever comes.
    until: Instant,
}

/// The calls of one organization.
#[derive(Debug, Default)]
pub struct Calls {
    live: BTreeMap<Name, Live>,
    over: BTreeMap<Name, Over>,
    orphans: BTreeMap<Name, Orphan>,
}

/// An end with everything that it says itself or that was said before.
pub struct Whole {
    /// The call.
    pub call: Call,
    /// Who spent.
    pub spender: Spender,
}

// What is told of a call before its end.
impl Calls {
    /// Whether an event of this time comes too late to say anything of a live call.
    pub fn is_stale(time: Instant, now: Instant) -> bool {
        time < now - STALE
    }

    /// Forgets what was over long enough ago.
    pub fn forget(&mut self, now: Instant) {
        self.over.retain(|_, over| now <= over.until);
        self.forget_orphans(now);
    }

    /// Whether it is over, so that nothing makes it live.
    pub fn is_over(&self, name: &Name) -> bool {
        self.over.contains_key(name)
    }

    /// The call, if it is live.
    pub fn live(&self, name: &Name) -> Option<&Live> {
        self.live.get(name)
    }

    /// It rings. Of several starts the first counts.
    pub fn start(&mut self, name: &Name, at: Instant, facts: &Facts) {
        let live = self.live.entry(name.clone()).or_default();
        live.start = live.start.or(Some(at));
        live.hear(facts);
    }

    /// What will be known of a call with what is said now.
    pub fn facts(&self, name: &Name, said: &Facts) -> Facts {
        self.live(name).map_or(said.clone(), |live| said.over(&live.facts))
    }

    /// It is talked since then, this is what it costs, and when it is closed.
    pub fn answer(
        &mut self,
        name: &Name,
        at: Instant,
        facts: Facts,
        (quote, closes): (Option<Quote>, Closes),
    ) {
        let live = self.live.entry(name.clone()).or_default();
        let inbound = facts.direction == Some("inbound");
        live.answer = Some(Answer { at, inbound, quote, closes });
        live.facts = facts;
    }

    /// Something further is said of an answered call: how long it has been talked for, and what was not said yet.
    pub fn further(&mut self, name: &Name, duration_ms: i128, facts: &Facts) {
        if let Some(live) = self.live.get_mut(name) {
            live.longest = live.longest.max(duration_ms);
            live.hear(facts);
        }
    }

    /// Nobody answered.
    pub fn fail(&mut self, name: Name, now: Instant) {
        self.close(name, Over { by: None, voided: false, talked: 0, until: now + MEMORY });
    }

    /// What all live calls have cost so far.
    pub fn pending(&self, now: Instant) -> Pending {
        let mut pending = Pending::new();
        for line in self.live.values().flat_map(|live| live.lines(now)) {
            *pending.entry(line.credit_type).or_default() += line.amount;
        }
        pending
    }
}

impl Live {
    /// While it rings, what is said last counts; once it was answered, what was said first.
    fn hear(&mut self, said: &Facts) {
        self.facts = if self.is_answered() { self.facts.over(said) } else { said.over(&self.facts) };
    }
}

// Its end.
impl Calls {
    /// What becomes of a further end of a call that is over; nothing where this one counts. What is compared is how long it
    /// was talked, as far as the end says so.
    pub fn further_end(&self, name: &Name, end: &End) -> Option<Result<Outcome, Reason>> {
        let over = self.over.get(name).filter(|over| !over.voided)?;
        let says = if end.answered == Some(false) { Some(0) } else { end.duration_ms };
        let same = says.is_none_or(|talked| talked == over.talked);
        Some(if same { Ok(Outcome::Duplicate) } else { Err("call_ended") })
    }

    /// Completes an end with what was said before.
    pub fn whole(
        &self,
        name: &Name,
        (end, said): (&End, &Facts),
        (time, now): (Instant, Instant),
    ) -> Result<Whole, Reason> {
        let live = self.live(name).or_else(|| self.orphan(name, now));
        let facts = live.map_or(said.clone(), |live| said.over(&live.facts));
        let direction = facts.direction.ok_or("missing_field")?;
        let known = live.map(|live| live.ran(time));
        let duration_ms = end.duration_ms.or(known).ok_or("missing_field")?;
        let was_answered = live.is_none_or(Live::is_answered);
        let answer = live.and_then(|live| live.answer.as_ref()).map(|answer| answer.at);
        let answer = answer.filter(|answer| *answer <= time);
        let span = i64::try_from(duration_ms * 1_000).map_err(|_| "invalid_field")?;
        let answered_at = end.answered_at.or(answer).unwrap_or(time - span);
        let answered = end.answered.unwrap_or(end.duration_ms.is_some() || was_answered);
        let call = facts.call(direction, duration_ms, answered, answered_at);
        Ok(Whole { call, spender: facts.spender })
    }

    /// It is over: this end was charged.
    pub fn end(&mut self, name: Name, by: Name, call: &Call, now: Instant) {
        let talked = if call.answered { call.duration_ms } else { 0 };
        self.close(name, Over { by: Some(by), voided: false, talked, until: now + MEMORY });
    }

    fn close(&mut self, name: Name, over: Over) {
        self.live.remove(&name);
        self.over.insert(name, over);
    }

    /// An end was voided: it counts no more, and the call is over all the same.
    pub fn void(&mut self, by: &Name) {
        for over in self.over.values_mut().filter(|over| over.by.as_ref() == Some(by)) {
            over.voided = true;
        }
    }

    /// An end came after its void: its call is over, and nothing was charged. What is over already stays so no longer by it.
    pub fn swallow(&mut self, name: Name, by: Name, now: Instant) {
        if !self.is_over(&name) {
            self.close(name, Over { by: Some(by), voided: true, talked: 0, until: now + MEMORY });
        }
    }
}
