//! An independent accountant: what every organization's credits must be after a log.
//!
//! Written from `docs/EVENTS.md` and `docs/CALLS.md` alone. It shares no code with the daemon, keeps everything for ever in plain maps and
//! lists, counts in `i128` micro-credits and looks at every grant every time: slow, and easy to check by eye.
//! The daemon is right when its [`Report`](report::Report) equals this one's to the micro-credit.
//!
//! ```text
//! record ─► read: items ─► events and commands ─┬─► catalog: cards, plans, versions
//!                                               └─► org: calls ─► rating ─► limits ─► grants: draws ─► watch, notices: alerts
//!                                                      calendar ─────────────► cycles: resets ─┤
//!                                                      burn ─► forecast ───────────────────────┴─► recharge
//! ```

pub mod burn;
pub mod calendar;
pub mod calls;
pub mod catalog;
pub mod commands;
pub mod cycles;
pub mod fields;
pub mod forecast;
pub mod generate;
pub mod grant;
pub mod grants;
pub mod limits;
pub mod names;
pub mod notices;
pub mod org;
pub mod rating;
pub mod read;
pub mod recharge;
pub mod report;
pub mod rules;
pub mod scope;
pub mod watch;

use std::collections::BTreeMap;

use catalog::Catalog;
use commands::{Command, Put};
use notices::Notice;
use org::Org;
use read::{Item, Subject};
use report::further::Further;
use report::{OrgReport, Report};

/// An amount in micro-credits.
pub type Micros = i128;
/// An instant, in microseconds since 1970.
pub type Instant = i64;
/// Where an item stands in the log: the record's number, and the item inside it.
pub type Position = (u64, u32);
/// Why an item was rejected: a word of the table in `docs/EVENTS.md`.
pub type Reason = &'static str;

/// The largest amount that can be written: 9223372036854.775807 credits.
pub const LARGEST: Micros = 9_223_372_036_854_775_807;
/// The largest sum of what is charged, or of what is granted, in one credit type: a quarter of that.
pub const LARGEST_TOTAL: Micros = LARGEST / 4;

/// One record of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number, ascending.
    pub seq: u64,
    /// The log's own timestamp, not always ascending.
    pub at: Instant,
    /// `credits.events.<org>` or `credits.commands.<org>`.
    pub subject: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The JSON, or what claims to be.
    pub payload: Vec<u8>,
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An action or a call was charged.
    Charged,
    /// A void took a charge back, or will swallow it.
    Voided,
    /// Something was told of a live call: it costs nothing by itself.
    Noted,
    /// An event that was known already: nothing changed.
    Duplicate,
    /// A command was accepted.
    Accepted,
    /// Nothing changed, for this reason.
    Rejected(Reason),
}

/// The accountant: fed record by record, asked for a [`Report`] at any time.
#[derive(Default)]
pub struct Model {
    catalog: Catalog,
    orgs: BTreeMap<String, Org>,
    rejected: BTreeMap<String, u64>,
    stray: BTreeMap<String, u64>,
    items: u64,
    log_time: Instant,
}

impl Model {
    /// An empty book before the first record.
    pub fn new() -> Model {
        Model { log_time: Instant::MIN, ..Model::default() }
    }

    /// The books after a whole log, at the time of its last record.
    pub fn fold(records: &[Record]) -> Model {
        let mut model = Model::new();
        for record in records {
            model.apply(record);
        }
        model
    }

    /// Takes a record into the books and tells what became of each of its items.
    pub fn apply(&mut self, record: &Record) -> Vec<Outcome> {
        self.log_time = self.log_time.max(record.at);
        let subject = Subject::of(&record.subject);
        let items = match subject {
            Subject::Tick => Vec::new(),
            Subject::Unknown => vec![Err("unknown_subject")],
            Subject::Events(_) => read::items(record, &record.headers),
            Subject::Commands(_) => read::items(record, &[]),
        };
        let mut outcomes = Vec::new();
        for (number, item) in (0_u32..).zip(&items) {
            let position = (record.seq, number);
            let outcome = match &subject {
                Subject::Events(org) => self.event(org, item, position),
                Subject::Commands(org) => self.command(org, item, position),
                Subject::Unknown | Subject::Tick => self.stray("unknown_subject"),
            };
            let outcome = outcome.unwrap_or_else(Outcome::Rejected);
            self.items += 1;
            if let Outcome::Rejected(reason) = outcome {
                *self.rejected.entry(reason.to_string()).or_default() += 1;
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn event(&mut self, name: &str, item: &Item, position: Position) -> Result<Outcome, Reason> {
        let event = match read::event(item, name, self.log_time) {
            Ok(event) => event,
            Err(reason) => return self.stray(reason),
        };
        let Some(org) = self.orgs.get_mut(name) else { return self.stray("unknown_org") };
        org.advance(self.log_time, &self.catalog);
        let outcome = org.event(&event, position, &self.catalog).unwrap_or_else(Outcome::Rejected);
        org.tally.count(outcome);
        Ok(outcome)
    }

    /// An event that was rejected before any organization could look at it.
    fn stray(&mut self, reason: Reason) -> Result<Outcome, Reason> {
        *self.stray.entry(reason.to_string()).or_default() += 1;
        Err(reason)
    }

    fn command(&mut self, name: &str, item: &Item, position: Position) -> Result<Outcome, Reason> {
        let now = self.log_time;
        match commands::command(item, name)? {
            Command::Card { id, release, prices } => self.catalog.put_card(id, release, prices, now)?,
            Command::Plan { id, release, plan } => self.catalog.put_plan(id, release, plan, now)?,
            Command::Org(put) => self.put(name, put, position)?,
            Command::Grant(order) => {
                let known = self.catalog.knows(&order.credit_type);
                self.change(name, position, |org| known.and_then(|()| org.give(order, position)))?;
            }
            Command::GrantVoid(id) => {
                let cycles = self.cycles_of(name);
                self.change(name, position, |org| org.grants.void(&id, cycles, now))?;
            }
            Command::Adjust(adjustment) => {
                let known = self.catalog.knows(&adjustment.credit_type);
                let adjust = |org: &mut Org| org.grants.adjust(&adjustment, position, now);
                self.change(name, position, |org| known.and_then(|()| adjust(org)))?;
            }
            Command::Limit(id, limit) => {
                let known = limit.as_ref().map_or(Ok(()), |limit| self.catalog.knows_unit(limit));
                self.change(name, position, |org| known.and_then(|()| org.limits.put(id, limit)))?;
            }
            Command::LimitRemove(id) => self.change(name, position, |org| org.limits.remove(&id))?,
            Command::Recharge(credit_type, order) => {
                let known = self.catalog.knows(&credit_type);
                self.change(name, position, |org| known.and_then(|()| org.recharge(credit_type, order)))?;
            }
            Command::RechargeRemove(kind) => {
                self.change(name, position, |org| org.recharges.remove(&kind))?
            }
            Command::RechargeFailed(id) => self.change(name, position, |org| org.not_paid(&id))?,
            Command::Name(stated) => self.change(name, position, |org| org.names.state(stated))?,
        }
        Ok(Outcome::Accepted)
    }

    fn put(&mut self, name: &str, put: Put, position: Position) -> Result<(), Reason> {
        let now = self.log_time;
        if !self.catalog.has_plan(&put.terms.plan) {
            return Err("unknown_plan");
        }
        self.catalog.knows_kinds(&put.terms.prices, put.terms.alerts.as_deref().unwrap_or_default())?;
        if let Some(org) = self.orgs.get_mut(name) {
            org.advance(now, &self.catalog);
            return org.put(put, position, &self.catalog);
        }
        let mut org = Org::new(name, now);
        org.put(put, position, &self.catalog)?;
        self.orgs.insert(name.to_string(), org);
        Ok(())
    }

    /// Changes an organization by a command.
    fn change(
        &mut self,
        name: &str,
        position: Position,
        how: impl FnOnce(&mut Org) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let org = self.orgs.get_mut(name).ok_or("unknown_org")?;
        org.advance(self.log_time, &self.catalog);
        org.change(position, &self.catalog, how)
    }

    /// How many cycles an organization had until now.
    fn cycles_of(&mut self, name: &str) -> u64 {
        let Some(org) = self.orgs.get_mut(name) else { return 0 };
        org.advance(self.log_time, &self.catalog);
        org.cycles
    }

    /// The books of one organization as they stand at log time `at`, or at the last record's time if that is later.
    pub fn report_of(&mut self, name: &str, at: Instant) -> Option<OrgReport> {
        self.log_time = self.log_time.max(at);
        let org = self.orgs.get_mut(name)?;
        org.advance(self.log_time, &self.catalog);
        Some(org.report())
    }

    /// The same without grants, alerts and movements one by one: the sums, the limits and the cycle.
    pub fn sums_of(&mut self, name: &str, at: Instant) -> Option<OrgReport> {
        self.log_time = self.log_time.max(at);
        let org = self.orgs.get_mut(name)?;
        org.advance(self.log_time, &self.catalog);
        Some(org.sums())
    }

    /// Recharges, names and burn of one organization as they stand at log time `at`.
    pub fn further_of(&mut self, name: &str, at: Instant) -> Option<Further> {
        self.log_time = self.log_time.max(at);
        let org = self.orgs.get_mut(name)?;
        org.advance(self.log_time, &self.catalog);
        Some(org.further())
    }

    /// The ids of all alerts of one organization that were raised so far but the first so many of each list, as far as time
    /// has passed for it, and how many there are now.
    pub fn ids_of(&self, name: &str, first: [usize; 3]) -> (Vec<String>, [usize; 3]) {
        self.orgs.get(name).map(|org| org.ids(first)).unwrap_or_default()
    }

    /// Its alerts that are neither of thresholds nor of limits.
    pub fn notices_of(&self, name: &str) -> Vec<Notice> {
        self.orgs.get(name).map(|org| org.notices().to_vec()).unwrap_or_default()
    }

    /// What a request asked for, by the id of the alert about it.
    pub fn amount_of(&self, name: &str, id: &str) -> Option<Micros> {
        let request = id.strip_prefix(&format!("{name}."))?.strip_suffix(".requested")?;
        self.orgs.get(name)?.recharges.amount(request)
    }

    /// What was asked for last by the recharges of one organization: the number of the request and the amount.
    pub fn asked_of(&self, name: &str) -> BTreeMap<String, (usize, Micros)> {
        self.orgs.get(name).map(|org| org.recharges.asked()).unwrap_or_default()
    }

    /// Every breach of what must hold inside an organization's books, a line each.
    pub fn breaches(&self) -> Vec<String> {
        let breaches = |(name, org): (&String, &Org)| {
            org.breaches().into_iter().map(|line| format!("{name}: {line}")).collect::<Vec<_>>()
        };
        self.orgs.iter().flat_map(breaches).collect()
    }

    /// The books as they stand at log time `at`, or at the last record's time if that is later.
    pub fn report(&mut self, at: Instant) -> Report {
        self.log_time = self.log_time.max(at);
        for org in self.orgs.values_mut() {
            org.advance(self.log_time, &self.catalog);
        }
        Report {
            items: self.items,
            rejected: self.rejected.clone(),
            stray: self.stray.clone(),
            orgs: self.orgs.iter().map(|(name, org)| (name.clone(), org.report())).collect(),
        }
    }
}
