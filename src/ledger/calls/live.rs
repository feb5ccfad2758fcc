//! A live call: its facts as far as they are told, and its price from the answer on.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::accrual::micros;
use super::holds::Amounts;
use super::sums::Sum;
use super::{CallTerms, STALE, Why};
use crate::ledger::authorization::add_up;
use crate::ledger::charge::Line;
use crate::ledger::entry::{CallName, Dimensions, LONGEST_CALL, Live, Told};
use crate::ledger::grants::Purpose;
use crate::ledger::price::{CreditType, Direction};
use crate::ledger::units::{Credits, Millis, Timestamp};

/// The action of a call that names none.
pub const PHONE_CALL: &str = "phone_call";

/// Who spends, and where: dimensions that outlive their event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who([Option<Box<str>>; 7]);

impl From<Dimensions<'_>> for Who {
    fn from(of: Dimensions<'_>) -> Who {
        let Dimensions { account, entity_type, entity_id, entity_name, user, team, feature } = of;
        Who([account, entity_type, entity_id, entity_name, user, team, feature]
            .map(|part| part.map(Into::into)))
    }
}

impl Who {
    /// The bytes of its texts.
    pub(super) fn bytes(&self) -> usize {
        let Who(texts) = self;
        texts.iter().flatten().fold(0, |sum: usize, text| sum.saturating_add(text.len()))
    }

    /// As an event has them.
    #[must_use]
    pub fn dimensions(&self) -> Dimensions<'_> {
        let Who([account, entity_type, entity_id, entity_name, user, team, feature]) = self;
        Dimensions {
            account: account.as_deref(),
            entity_type: entity_type.as_deref(),
            entity_id: entity_id.as_deref(),
            entity_name: entity_name.as_deref(),
            user: user.as_deref(),
            team: team.as_deref(),
            feature: feature.as_deref(),
        }
    }
}

/// What an event says, and where it leaves something out, what was said before.
pub(in crate::ledger) fn or_before<'d>(says: Dimensions<'d>, before: Dimensions<'d>) -> Dimensions<'d> {
    // An entity is one thing: its name is not joined to another's id.
    let entity = if says.entity_type.is_some() { says } else { before };
    Dimensions {
        account: says.account.or(before.account),
        entity_type: entity.entity_type,
        entity_id: entity.entity_id,
        entity_name: entity.entity_name,
        user: says.user.or(before.user),
        team: says.team.or(before.team),
        feature: says.feature.or(before.feature),
    }
}

/// What is agreed at the answer of a call, and counts for as long as it is live.
#[derive(Clone, Debug, Default)]
pub(in crate::ledger) struct Agreed {
    /// The price of its first instant, of the call and of each add-on.
    pub(in crate::ledger) price: SmallVec<[Line; 1]>,
    /// What the plan says of live calls.
    pub(in crate::ledger) terms: CallTerms,
}

/// A call that is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCall {
    source: Box<str>,
    id: Box<str>,
    action: Option<Box<str>>,
    direction: Option<Direction>,
    destination: Option<Box<str>>,
    add_ons: Option<Box<[Box<str>]>>,
    who: Who,
    started: Option<Timestamp>,
    answered: Option<Timestamp>,
    /// The longest that a progress said.
    proven: Millis,
    /// The price at the answer, of the call and of each add-on; none while it rings.
    price: SmallVec<[Line; 1]>,
    /// How long it may go on, and how long without a word; as agreed at the answer.
    longest: Millis,
    silence: Option<Millis>,
    /// When it is closed if nothing more is told of it, and why.
    closes: (Timestamp, Why),
}

impl LiveCall {
    pub(super) fn new(name: CallName<'_>) -> Self {
        LiveCall {
            source: name.source.into(),
            id: name.id.into(),
            action: None,
            direction: None,
            destination: None,
            add_ons: None,
            who: Who::default(),
            started: None,
            answered: None,
            proven: Millis(0),
            price: SmallVec::new(),
            longest: Millis(0),
            silence: None,
            closes: (Timestamp::MAX, Why::NeverAnswered),
        }
    }

    /// Who tells of it, and what it is called there.
    #[must_use]
    pub fn name(&self) -> CallName<'_> {
        CallName { source: &self.source, id: &self.id }
    }

    /// When it began to ring, if that was told.
    #[must_use]
    pub fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// When it was answered, if it was.
    #[must_use]
    pub fn answered(&self) -> Option<Timestamp> {
        self.answered
    }

    /// Who called whom, if that was told.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// The number called, if that was told.
    #[must_use]
    pub fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    /// The kind of action it is.
    #[must_use]
    pub fn action(&self) -> &str {
        self.action.as_deref().unwrap_or(PHONE_CALL)
    }

    /// The kind of action, if that was told.
    pub(in crate::ledger) fn said_action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    /// The actions that share its seconds, if they were told.
    #[must_use]
    pub fn add_ons(&self) -> Option<SmallVec<[&str; 2]>> {
        Some(self.add_ons.as_ref()?.iter().map(|add_on| &**add_on).collect())
    }

    /// Who spends.
    #[must_use]
    pub fn dimensions(&self) -> Dimensions<'_> {
        self.who.dimensions()
    }

    /// How long it has lasted at an instant, at least, as far as it counts: from the answer (outbound) or the start (inbound), and not at all
    /// while it rings.
    #[must_use]
    pub fn lasted(&self, at: Timestamp) -> Millis {
        let Some(from) = self.counts_from() else { return Millis(0) };
        at.since(from).max(self.proven).min(LONGEST_CALL)
    }

    /// The instant from which on it counts, once it is answered.
    fn counts_from(&self) -> Option<Timestamp> {
        let answered = self.answered?;
        match self.direction {
            Some(Direction::Inbound) => Some(self.started.unwrap_or(answered).min(answered)),
            _ => Some(answered),
        }
    }

    /// When it began, as far as that was told.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        let told = self.started.into_iter().chain(self.answered);
        told.min().unwrap_or(Timestamp::MAX)
    }

    /// How long it was talked as far as that is proven: the longest that was said, or that it took until it was answered; at least as
    /// long as makes one increment.
    #[must_use]
    pub fn proven(&self) -> Millis {
        let rang = self.answered.zip(self.counts_from()).map(|(answered, from)| answered.since(from));
        self.proven.max(rang.unwrap_or_default()).max(Millis(1)).min(LONGEST_CALL)
    }

    /// When it is closed if nothing more is told of it, and why.
    pub(in crate::ledger) fn closes(&self) -> (Timestamp, Why) {
        self.closes
    }

    /// The kinds of credits that it costs.
    pub fn credit_types(&self) -> impl Iterator<Item = CreditType> {
        let is_first = |(nth, line): &(usize, &Line)| {
            self.price.iter().take(*nth).all(|one| one.credit_type != line.credit_type)
        };
        self.price.iter().enumerate().filter(is_first).map(|(_, line)| line.credit_type)
    }

    /// What it has cost so far, of one kind of credits: an increment counts from the instant it starts.
    #[must_use]
    pub fn cost(&self, credit_type: CreditType, at: Timestamp) -> Credits {
        let begun = self.begun(at);
        let lines = self.price.iter().filter(|line| line.credit_type == credit_type);
        lines.fold(Credits::ZERO, |sum, line| sum.plus(line.cost_of(begun)))
    }

    /// The length that it costs as much as: an increment counts from the instant it starts.
    pub(in crate::ledger) fn begun(&self, at: Timestamp) -> Millis {
        Millis(self.lasted(at).0.saturating_add(1)).min(LONGEST_CALL)
    }

    /// What it costs at a length, of each kind of credits.
    pub(in crate::ledger) fn costs_for(&self, length: Millis) -> Amounts {
        add_up(self.price.iter().map(|line| (line.credit_type, line.cost_of(length))))
    }

    /// What it costs, line by line, and what for.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Purpose<'_>, &Line)> {
        let add_ons = self.add_ons.iter().flat_map(|add_ons| add_ons.iter().map(|add_on| &**add_on));
        let actions = std::iter::once(self.action()).chain(add_ons);
        let of = self.dimensions();
        actions.zip(&self.price).map(move |(action, line)| (Purpose::of(&of, action), line))
    }

    /// Its parts in what many spend together at an instant, and what each is for. The first of a kind of credits counts the call.
    pub(super) fn parts(&self, at: Timestamp) -> impl Iterator<Item = (Purpose<'_>, Sum)> {
        let begun = self.begun(at);
        self.lines().enumerate().map(move |(nth, (purpose, line))| {
            let credit_type = line.credit_type;
            let is_first = self.price.iter().take(nth).all(|before| before.credit_type != credit_type);
            let a_minute = line.by_the_minute().map_or(Credits::ZERO, |(rate, _)| rate);
            let part = Sum {
                credit_type,
                calls: u64::from(is_first),
                cost: micros(line.cost_of(begun)),
                a_minute: micros(a_minute),
                an_increment: micros(line.an_increment()),
            };
            (purpose, part)
        })
    }

    /// How much more it has cost from one instant to another: what for, and of which kind of credits.
    pub(super) fn costs_more(
        &self,
        (from, to): (Timestamp, Timestamp),
    ) -> impl Iterator<Item = (Purpose<'_>, CreditType, i128)> {
        let (from, to) = (self.begun(from), self.begun(to));
        self.lines().map(move |(purpose, line)| {
            let more = micros(line.cost_of(to)).saturating_sub(micros(line.cost_of(from)));
            (purpose, line.credit_type, more)
        })
    }

    /// The instant at which its next increment starts; none where it costs no more, or is as long as a call may be.
    pub(super) fn next_increment(&self, at: Timestamp) -> Option<Timestamp> {
        let (_, increment) =
            self.price.iter().filter_map(Line::by_the_minute).find(|(rate, _)| *rate > Credits::ZERO)?;
        let until = increment.begun_until(self.lasted(at));
        (until < LONGEST_CALL).then(|| self.counts_from().map(|from| from.plus(until)))?
    }

    /// The bytes of its texts.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.action, &self.destination].into_iter().flatten().chain([&self.source, &self.id]);
        let texts = texts.chain(self.add_ons.iter().flat_map(|add_ons| add_ons.iter()));
        texts.fold(self.who.bytes(), |sum, text| sum.saturating_add(text.len()))
    }

    /// Takes down what is said of it: until it is answered what is said again counts, from then on what was not said yet.
    pub(super) fn hear(&mut self, told: &Told<'_>, of: &Dimensions<'_>) {
        let rings = self.answered.is_none();
        self.who = if rings {
            or_before(*of, self.who.dimensions()).into()
        } else {
            or_before(self.who.dimensions(), *of).into()
        };
        let add_ons = told.add_ons.map(|add_ons| add_ons.iter().map(|add_on| Box::from(*add_on)).collect());
        note(&mut self.action, told.action.map(Into::into), rings);
        note(&mut self.direction, told.direction, rings);
        note(&mut self.destination, told.destination.map(Into::into), rings);
        note(&mut self.add_ons, add_ons, rings);
    }

    /// It began to ring.
    pub(super) fn start(&mut self, time: Timestamp) {
        self.started.get_or_insert(time);
    }

    /// It was answered, and this was agreed.
    pub(super) fn answer(&mut self, time: Timestamp, Agreed { price, terms }: Agreed) {
        if self.answered.is_none() {
            (self.answered, self.price) = (Some(time), price);
            (self.longest, self.silence) = (terms.longest(), terms.silence());
        }
    }

    /// Something is told of it at an instant of the log: from there on it counts when it is closed.
    pub(super) fn goes_on(&mut self, at: Timestamp) {
        let closes = match self.answered {
            None => (at.plus(STALE), Why::NeverAnswered),
            Some(answered) => {
                let longest = (answered.plus(self.longest), Why::Longest);
                let silence = self.silence.map(|silence| (at.plus(silence), Why::Silence));
                silence.filter(|silence| silence.0 < longest.0).unwrap_or(longest)
            }
        };
        // What is told of it late cannot close it before.
        self.closes = (closes.0.max(at), closes.1);
    }

    /// The same without its price, which costs no more.
    pub(super) fn without_price(self) -> LiveCall {
        LiveCall { price: SmallVec::new(), ..self }
    }

    /// It was talked so long at least.
    pub(super) fn prove(&mut self, duration: Millis) {
        self.proven = self.proven.max(duration);
    }
}

/// The bytes of the texts of what is said of a call.
pub(super) fn bytes_said(live: &Live<'_>, of: &Dimensions<'_>) -> usize {
    let Live { name, told, .. } = live;
    let Dimensions { account, entity_type, entity_id, entity_name, user, team, feature } = *of;
    let texts = [account, entity_type, entity_id, entity_name, user, team, feature];
    let texts = texts.into_iter().chain([told.action, told.destination, Some(name.source), Some(name.id)]);
    let texts = texts.flatten().chain(told.add_ons.into_iter().flatten().copied());
    texts.fold(0, |sum: usize, text| sum.saturating_add(text.len()))
}

fn note<T>(field: &mut Option<T>, told: Option<T>, again: bool) {
    if told.is_some() && (again || field.is_none()) {
        *field = told;
    }
}
