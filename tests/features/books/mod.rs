//! The books of an organization, kept by hand: grants that burn in their order, periods that end, what is owed and repaid.

mod limits;
mod notices;
mod recharges;

use std::collections::BTreeMap;

use jiff::ToSpan;

pub(crate) use limits::Limit;
pub(crate) use notices::Notice;
pub(crate) use recharges::Recharge;

use crate::civil;
use crate::event::{CREDIT, Drawn, Event};

pub(crate) const FOREVER: i64 = i64::MAX;

/// Credits by their kinds.
pub(crate) type Amounts = BTreeMap<&'static str, i64>;

/// What the plan of `acme` brings each period, in the order of the kinds' names: how much, and how much of it goes on at most.
pub(crate) const ALLOTMENTS: [(&str, i64, i64); 4] =
    [("credits", 6_000, 800), ("email", 120, 0), ("export", 4_000, 0), ("phone", 150, 0)];

#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) credit_type: &'static str,
    pub(crate) effective: i64,
    pub(crate) expires: i64,
    pub(crate) amount: i64,
    pub(crate) remaining: i64,
    pub(crate) ended: bool,
    /// Whether it ends with its period.
    pub(crate) of_cycle: bool,
}

/// A movement of credits.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    /// The log's time.
    pub(crate) at: i64,
    /// When it happened, or fell due.
    pub(crate) time: i64,
    pub(crate) came: Amounts,
    pub(crate) went: Amounts,
    /// The event that it is of.
    pub(crate) event: Option<usize>,
    /// What its remarks say among others.
    pub(crate) words: Vec<String>,
    /// The limits that it went past.
    pub(crate) past: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cycle {
    pub(crate) number: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) grants: Vec<Grant>,
    pub(crate) owed: Amounts,
    /// What the usable grants amount to, since one last began or ended.
    pub(crate) total: Amounts,
    pub(crate) cycle: Option<Cycle>,
    pub(crate) rows: Vec<Row>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) recharges: Vec<Recharge>,
    /// What is burnt, by kind and hour of the log.
    pub(crate) burnt: BTreeMap<(&'static str, i64), i64>,
    /// Whether low balances are watched for, by rule.
    watching: [bool; notices::LOW.len()],
    /// How often each rule fired.
    fired: BTreeMap<(&'static str, &'static str), u32>,
    pub(crate) at: i64,
}

fn one(credit_type: &'static str, micros: i64) -> Amounts {
    BTreeMap::from([(credit_type, micros)])
}

fn place(kind: &str) -> usize {
    ["plan", "bonus", "purchased"].iter().position(|known| *known == kind).unwrap()
}

impl Books {
    pub(crate) fn of_acme() -> Books {
        let at = civil::instant(civil::BEGIN);
        let mut books = Books { at, ..Books::default() };
        let end = civil::instant("2025-09-09T22:00:00Z");
        books.begin_cycle(Cycle { number: 1, start: end - 31 * civil::DAY, end }, at);
        books.look(at);
        books
    }

    /// Whether credits of a kind were ever given.
    fn knows(&self, credit_type: &str) -> bool {
        self.grants.iter().any(|grant| grant.credit_type == credit_type)
    }

    /// What is left of grants that are usable, less what is owed.
    pub(crate) fn settled(&self, credit_type: &str) -> i64 {
        let usable = self.grants.iter().filter(|grant| grant.credit_type == credit_type && !grant.ended);
        usable.map(|grant| grant.remaining).sum::<i64>() - self.owed.get(credit_type).copied().unwrap_or(0)
    }

    /// The usable grants of a kind that hold something, in the order in which they burn.
    pub(crate) fn burn_order(&self, credit_type: &str) -> Vec<usize> {
        let usable = |at: &usize| {
            let grant = &self.grants[*at];
            grant.credit_type == credit_type && !grant.ended && grant.remaining > 0
        };
        let mut order: Vec<usize> = (0..self.grants.len()).filter(usable).collect();
        order.sort_by_key(|at| (place(self.grants[*at].kind), self.grants[*at].expires, *at));
        order
    }

    fn row(&mut self, kind: &'static str, at: i64, time: i64) -> &mut Row {
        let (came, went) = Default::default();
        self.rows.push(Row { kind, at, time, came, went, event: None, words: Vec::new(), past: Vec::new() });
        self.rows.last_mut().unwrap()
    }

    /// Carries out what falls due up to the time of the log.
    pub(crate) fn advance(&mut self, to: i64) {
        while let Some(due) = self.next_change().filter(|due| *due <= to) {
            self.at = due;
            self.pass(due, to);
        }
        self.at = to;
    }

    fn next_change(&self) -> Option<i64> {
        let alive = self.grants.iter().filter(|grant| !grant.ended && grant.expires < FOREVER);
        let ends =
            alive.flat_map(|grant| [grant.expires, grant.expires - notices::EXPIRING_DAYS * civil::DAY]);
        let cycle = self.cycle.map(|cycle| cycle.end);
        let recharges = self.recharges.iter().filter_map(Recharge::next_change);
        ends.chain(cycle).chain(recharges).filter(|due| *due > self.at).min()
    }

    fn pass(&mut self, due: i64, at: i64) {
        for number in 0..self.grants.len() {
            let grant = &mut self.grants[number];
            if grant.ended || grant.expires != due || grant.of_cycle {
                continue;
            }
            grant.ended = true;
            let (left, credit_type, id) = (grant.remaining, grant.credit_type, grant.id.clone());
            grant.remaining = 0;
            if left > 0 {
                let row = self.row("expired", at, due);
                row.went = one(credit_type, left);
                row.words = vec![id];
            }
            self.add_up(credit_type);
        }
        if let Some(cycle) = self.cycle.filter(|cycle| cycle.end == due) {
            let end = civil::later(due, 1.month());
            self.end_cycle(cycle, at);
            self.begin_cycle(Cycle { number: cycle.number + 1, start: due, end }, at);
            self.notices.push(Notice::new(format!("acme.cycle.{}", cycle.number + 1), "cycle_reset", due));
        }
        self.notice_expiring(due);
        self.look(due);
    }

    fn end_cycle(&mut self, cycle: Cycle, at: i64) {
        for (credit_type, _, most) in ALLOTMENTS {
            let of_cycle: Vec<usize> = self
                .burn_order(credit_type)
                .into_iter()
                .filter(|grant| self.grants[*grant].of_cycle)
                .collect();
            let left: i64 = of_cycle.iter().map(|grant| self.grants[*grant].remaining).sum();
            let goes_on = left.min(most * CREDIT);
            let mut open = goes_on;
            for number in of_cycle {
                let grant = &mut self.grants[number];
                let (on, id) = (open.min(grant.remaining), grant.id.clone());
                let lost = grant.remaining - on;
                grant.remaining = 0;
                open -= on;
                for (kind, micros) in [("rolled_out", on), ("expired", lost)] {
                    if micros > 0 {
                        let row = self.row(kind, at, cycle.end);
                        row.went = one(credit_type, micros);
                        row.words = vec![id.clone()];
                    }
                }
            }
            let over =
                self.grants.iter_mut().filter(|grant| grant.of_cycle && grant.credit_type == credit_type);
            over.for_each(|grant| grant.ended = true);
            if goes_on > 0 {
                let id = format!("rollover.{}.{credit_type}", cycle.number + 1);
                let row = self.row("rolled_in", at, cycle.end);
                row.came = one(credit_type, goes_on);
                row.words = vec![id.clone()];
                let end = civil::later(cycle.end, 1.month());
                self.hold(id, "plan", (credit_type, goes_on), (cycle.end, end), true);
            }
        }
    }

    fn begin_cycle(&mut self, cycle: Cycle, at: i64) {
        self.cycle = Some(cycle);
        for (credit_type, amount, _) in ALLOTMENTS {
            let id = format!("plan.{}.{credit_type}", cycle.number);
            let row = self.row("granted", at, cycle.start.max(civil::instant(civil::BEGIN)));
            row.came = one(credit_type, amount * CREDIT);
            row.words = vec![id.clone(), format!("cycle {}", cycle.number)];
            let from = cycle.start;
            self.hold(id, "plan", (credit_type, amount * CREDIT), (from, cycle.end), true);
        }
        for (credit_type, ..) in ALLOTMENTS {
            self.cover(credit_type, at, cycle.start);
            self.add_up(credit_type);
        }
    }

    fn hold(
        &mut self,
        id: String,
        kind: &'static str,
        (credit_type, amount): (&'static str, i64),
        (effective, expires): (i64, i64),
        of_cycle: bool,
    ) {
        let remaining = amount;
        let ended = false;
        self.grants.push(Grant {
            id,
            kind,
            credit_type,
            effective,
            expires,
            amount,
            remaining,
            ended,
            of_cycle,
        });
    }

    /// What is owed is repaid first.
    fn cover(&mut self, credit_type: &'static str, at: i64, time: i64) {
        for number in self.burn_order(credit_type) {
            let owed = self.owed.entry(credit_type).or_default();
            let repaid = (*owed).min(self.grants[number].remaining);
            if repaid == 0 {
                break;
            }
            *owed -= repaid;
            self.grants[number].remaining -= repaid;
            let id = self.grants[number].id.clone();
            self.row("covered", at, time).words = vec![id];
        }
    }

    fn add_up(&mut self, credit_type: &'static str) {
        let usable = self.burn_order(credit_type);
        self.total.insert(credit_type, usable.iter().map(|grant| self.grants[*grant].amount).sum());
    }

    /// Credits are given.
    pub(crate) fn grant(&mut self, given: &Grant, words: &[&str]) {
        let (at, kind) = (self.at, if words.first() == Some(&"adjusted") { "adjusted" } else { "granted" });
        let row = self.row(kind, at, at);
        row.came = one(given.credit_type, given.amount);
        row.words = words.iter().map(|word| (*word).to_owned()).collect();
        row.words.push(given.id.clone());
        self.grants.push(given.clone());
        self.cover(given.credit_type, at, at);
        self.add_up(given.credit_type);
        self.answered(&given.id, given.amount, at);
        self.notice_expiring(at);
        self.look(at);
    }

    /// What is left of a grant is taken back.
    pub(crate) fn take_back(&mut self, id: &str, words: &[&str]) {
        let at = self.at;
        let grant = self.grants.iter_mut().find(|grant| grant.id == id && !grant.ended).unwrap();
        let (left, credit_type) = (grant.remaining, grant.credit_type);
        (grant.ended, grant.remaining) = (true, 0);
        let row = self.row("voided", at, at);
        row.went = one(credit_type, left);
        row.words = words.iter().map(|word| (*word).to_owned()).collect();
        self.add_up(credit_type);
        self.look(at);
    }

    /// Credits are taken by hand, from the grants that burn first.
    pub(crate) fn take(&mut self, micros: i64, words: &[&str]) {
        let (at, mut open) = (self.at, micros);
        for number in self.burn_order("credits") {
            let part = open.min(self.grants[number].remaining);
            if part == 0 {
                break;
            }
            open -= part;
            self.grants[number].remaining -= part;
            let row = self.row("adjusted", at, at);
            row.went = one("credits", part);
            row.words = words.iter().map(|word| (*word).to_owned()).collect();
        }
        self.look(at);
    }

    /// An event is charged.
    pub(crate) fn charge(&mut self, number: usize, event: &mut Event) {
        event.lines = event.price();
        for line in &mut event.lines {
            let mut open = line.micros;
            for grant in self.burn_order(line.credit_type) {
                let micros = open.min(self.grants[grant].remaining);
                if micros > 0 {
                    self.grants[grant].remaining -= micros;
                    open -= micros;
                    let kind = self.grants[grant].kind;
                    line.drawn.push(Drawn { grant: Some(grant), kind, micros });
                }
            }
            if open > 0 {
                *self.owed.entry(line.credit_type).or_default() += open;
                line.drawn.push(Drawn { grant: None, kind: "overage", micros: open });
            }
            *self.burnt.entry((line.credit_type, event.at / civil::HOUR)).or_default() += line.micros;
        }
        let past = self.count(event, 1);
        let row = self.row("charge", event.at, event.time);
        for line in event.lines.iter().filter(|line| line.micros > 0) {
            *row.went.entry(line.credit_type).or_default() += line.micros;
        }
        row.event = Some(number);
        row.past = past;
        self.look(event.at);
    }

    /// An event is taken back.
    pub(crate) fn void(&mut self, number: usize, event: &Event, at: i64) {
        let mut came = Amounts::new();
        for line in &event.lines {
            *self.burnt.entry((line.credit_type, at / civil::HOUR)).or_default() -= line.micros;
            for drawn in &line.drawn {
                let grant = &mut self.grants[drawn.grant.unwrap()];
                if !grant.ended {
                    grant.remaining += drawn.micros;
                    *came.entry(line.credit_type).or_default() += drawn.micros;
                }
            }
        }
        self.count(event, -1);
        let row = self.row("void", at, at);
        (row.came, row.event) = (came, Some(number));
        self.look(at);
    }

    /// Whether an event can be taken back without repaying anything.
    pub(crate) fn is_simple(&self, event: &Event) -> bool {
        let owes = |line: &crate::event::Line| self.owed.get(line.credit_type).copied().unwrap_or(0) > 0;
        let paid = |line: &crate::event::Line| line.drawn.iter().all(|drawn| drawn.grant.is_some());
        event.lines.iter().all(|line| !owes(line) && paid(line))
    }
}
