//! Reports: what is to be mailed to whom, and when. Definitions alone; who sends is outside.
//!
//! Who no longer wants a report is noted with it, and stays noted when it is put anew: only a put that says so takes the note back.

pub mod schedule;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::schedule::Schedule;
use super::balance::Moment;
use super::calendar::Zone;
use super::rejection::{Reason, Rejection};
use super::units::{Position, Timestamp};

/// The most reports of one organization.
pub const MOST_REPORTS: usize = 32;

/// The most addresses that a report goes to.
pub const MOST_RECIPIENTS: usize = 20;

/// The most addresses of which it is noted that they do not want a report: the one noted first goes first.
const MOST_UNSUBSCRIBED: usize = 100;

/// What usage is grouped by and chosen by.
pub const DIMENSIONS: [&str; 9] =
    ["account", "entity_type", "entity", "user", "team", "feature", "action", "credit_type", "grant_kind"];

/// The most dimensions that usage is grouped by.
pub const MOST_GROUPED: usize = 3;

/// What else may be said of what a report holds, each with one value, and which: any where none is named.
pub const OTHER_CONTENT: [(&str, &[&str]); 5] = [
    ("range", &["this_month", "this_quarter", "this_year", "last_7_days", "cycle", "all"]),
    ("interval", &["hour", "day", "week", "month"]),
    ("compare", &["previous_period", "previous_year"]),
    ("search", &[]),
    ("sort", &[]),
];

/// What a report holds: parameters of a question about usage, in the order of their names, each with its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content(pub BTreeMap<Box<str>, Vec<Box<str>>>);

impl Content {
    /// The values of a parameter.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(|value| &**value)
    }
}

/// A report as it is to be from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOrder {
    /// Its name within the organization.
    pub id: Box<str>,
    /// To whom it goes, checked.
    pub to: Vec<Box<str>>,
    /// Who no longer wanted it and does so again.
    pub resubscribe: Vec<Box<str>>,
    /// When.
    pub schedule: Schedule,
    /// Whose clocks count; the organization's where none is given, whatever they are then.
    pub zone: Option<Zone>,
    /// What it holds.
    pub content: Content,
    /// What stands above it; something that tells the period where none is given.
    pub title: Option<Box<str>>,
    /// Whether it is sent by itself.
    pub enabled: bool,
}

/// A report of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The entry that defined it first: tells it from another of its name that was there before.
    pub created: Position,
    /// Since when it is sent at these times: what was due before is not sent.
    pub since: Timestamp,
    /// To whom it goes.
    pub to: Vec<Box<str>>,
    /// Who does not want it any more, first noted first.
    pub unsubscribed: Vec<Box<str>>,
    /// When.
    pub schedule: Schedule,
    /// Whose clocks count; the organization's where none is given.
    pub zone: Option<Zone>,
    /// What it holds.
    pub content: Content,
    /// What stands above it.
    pub title: Option<Box<str>>,
    /// Whether it is sent by itself.
    pub enabled: bool,
}

/// An address that does not want a report any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscription {
    /// The report.
    pub id: Box<str>,
    /// The address.
    pub address: Box<str>,
}

impl Report {
    /// The addresses that it goes to and that still want it.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.to.iter().map(|address| &**address).filter(|address| !self.is_unwanted_by(address))
    }

    /// Whether an address does not want it any more.
    #[must_use]
    pub fn is_unwanted_by(&self, address: &str) -> bool {
        self.unsubscribed.iter().any(|known| is_same(known, address))
    }

    /// Whose clocks count, for an organization with that zone.
    #[must_use]
    pub fn zone_in(&self, of_org: Zone) -> Zone {
        self.zone.clone().unwrap_or(of_org)
    }

    fn take_over(&mut self, order: ReportOrder, at: Timestamp) {
        let ReportOrder { id: _, to, resubscribe, schedule, zone, content, title, enabled } = order;
        let begins_anew = (self.schedule, &self.zone, self.enabled) != (schedule, &zone, enabled);
        if begins_anew {
            self.since = at;
        }
        self.unsubscribed.retain(|known| !resubscribe.iter().any(|again| is_same(known, again)));
        (self.to, self.schedule, self.zone) = (to, schedule, zone);
        (self.content, self.title, self.enabled) = (content, title, enabled);
    }
}

/// Whether two addresses are of one mailbox, as far as that can be told from outside.
fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The reports of an organization, by name. Those without any have none of this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reports(BTreeMap<Box<str>, Report>);

impl Reports {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Report)> {
        self.0.iter().map(|(id, report)| (&**id, report))
    }

    pub(super) fn get(&self, id: &str) -> Option<&Report> {
        self.0.get(id)
    }
}

/// Defines a report, or defines it anew.
pub(super) fn put(
    all: &mut Option<Box<Reports>>,
    order: &ReportOrder,
    moment: Moment,
) -> Result<(), Rejection> {
    if let Some(known) = all.as_deref_mut().and_then(|all| all.0.get_mut(&order.id)) {
        known.take_over(order.clone(), moment.at);
        return Ok(());
    }
    if all.as_ref().is_some_and(|all| all.0.len() >= MOST_REPORTS) {
        let why = format!("the organization has {MOST_REPORTS} reports already; remove one first");
        return Err(Rejection::new(Reason::TooMany, "id", why));
    }
    let ReportOrder { id, to, resubscribe: _, schedule, zone, content, title, enabled } = order.clone();
    let (created, since, unsubscribed) = (moment.position, moment.at, Vec::new());
    let new = Report { created, since, to, unsubscribed, schedule, zone, content, title, enabled };
    all.get_or_insert_default().0.insert(id, new);
    Ok(())
}

/// Takes a report away.
pub(super) fn remove(all: &mut Option<Box<Reports>>, id: &str) -> Result<(), Rejection> {
    let removed = all.as_deref_mut().and_then(|all| all.0.remove(id));
    if all.as_ref().is_some_and(|all| all.0.is_empty()) {
        *all = None;
    }
    removed.map(drop).ok_or_else(|| unknown(id))
}

/// Notes that an address does not want a report any more.
pub(super) fn unsubscribe(all: &mut Option<Box<Reports>>, order: &Unsubscription) -> Result<(), Rejection> {
    let report = all.as_deref_mut().and_then(|all| all.0.get_mut(&order.id));
    let report = report.ok_or_else(|| unknown(&order.id))?;
    if report.is_unwanted_by(&order.address) {
        return Ok(());
    }
    if report.unsubscribed.len() >= MOST_UNSUBSCRIBED {
        // Who is written to first of all.
        let place =
            report.unsubscribed.iter().position(|known| !report.to.iter().any(|to| is_same(to, known)));
        report.unsubscribed.remove(place.unwrap_or(0));
    }
    report.unsubscribed.push(order.address.clone());
    Ok(())
}

fn unknown(id: &str) -> Rejection {
    let why = format!("there is no report {id:?}; compare with the organization's reports");
    Rejection::new(Reason::UnknownReport, "id", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::quiet::Minute;

    fn at(micros: i64, seq: u64) -> Moment {
        Moment { at: Timestamp::from_micros(micros), position: Position { seq, item: 0 } }
    }

    fn order(id: &str, to: &[&str]) -> ReportOrder {
        ReportOrder {
            id: id.into(),
            to: to.iter().map(|address| (*address).into()).collect(),
            resubscribe: Vec::new(),
            schedule: Schedule::Month { on: 1, at: Minute::parse("08:00").unwrap() },
            zone: None,
            content: Content::default(),
            title: None,
            enabled: true,
        }
    }

    fn recipients(all: &Option<Box<Reports>>) -> Vec<&str> {
        all.as_ref().unwrap().get("a").unwrap().recipients().collect()
    }

    fn leave(all: &mut Option<Box<Reports>>, address: &str) -> Result<(), Rejection> {
        unsubscribe(all, &Unsubscription { id: "a".into(), address: address.into() })
    }

    #[test]
    fn who_left_stays_away_until_a_put_says_otherwise() {
        let mut all = None;
        let both = order("a", &["one@example.com", "two@example.com"]);
        put(&mut all, &both, at(0, 1)).unwrap();
        leave(&mut all, "ONE@example.com").unwrap();
        leave(&mut all, "one@example.com").unwrap();
        assert_eq!(recipients(&all), ["two@example.com"]);
        put(&mut all, &both, at(0, 2)).unwrap();
        assert_eq!(recipients(&all), ["two@example.com"]);
        let again = ReportOrder { resubscribe: vec!["One@Example.com".into()], ..both };
        put(&mut all, &again, at(0, 3)).unwrap();
        assert_eq!(recipients(&all), ["one@example.com", "two@example.com"]);
    }

    #[test]
    fn only_another_rhythm_begins_anew() {
        let mut all = None;
        let since = |all: &Option<Box<Reports>>| {
            let report = all.as_ref().unwrap().get("a").unwrap();
            (report.created.seq, report.since.micros())
        };
        put(&mut all, &order("a", &["one@example.com"]), at(5, 1)).unwrap();
        put(&mut all, &order("a", &["two@example.com"]), at(7, 2)).unwrap();
        assert_eq!(since(&all), (1, 5));
        put(&mut all, &ReportOrder { enabled: false, ..order("a", &["x@example.com"]) }, at(9, 3)).unwrap();
        assert_eq!(since(&all), (1, 9));
        put(&mut all, &order("a", &["x@example.com"]), at(11, 4)).unwrap();
        assert_eq!(since(&all), (1, 11));
        let zone = Zone::named("Asia/Tokyo");
        put(&mut all, &ReportOrder { zone, ..order("a", &["x@example.com"]) }, at(13, 5)).unwrap();
        assert_eq!(since(&all), (1, 13));
        let schedule = Schedule::Cycle { at: None };
        put(&mut all, &ReportOrder { schedule, ..order("a", &["x@example.com"]) }, at(15, 6)).unwrap();
        assert_eq!(since(&all), (1, 15));
    }

    #[test]
    fn what_is_refused_leaves_nothing() {
        let mut all = None;
        assert_eq!(remove(&mut all, "a").unwrap_err().reason, Reason::UnknownReport);
        assert_eq!(leave(&mut all, "one@example.com").unwrap_err().reason, Reason::UnknownReport);
        assert_eq!(all, None);
        for n in 0..MOST_REPORTS {
            put(&mut all, &order(&n.to_string(), &["one@example.com"]), at(0, 1)).unwrap();
        }
        let before = all.clone();
        let refused = put(&mut all, &order("more", &["one@example.com"]), at(0, 1)).unwrap_err();
        assert_eq!((refused.reason, &all), (Reason::TooMany, &before));
        for n in 0..MOST_REPORTS {
            remove(&mut all, &n.to_string()).unwrap();
        }
        assert_eq!(all, None);
    }

    #[test]
    fn of_too_many_who_left_those_are_forgotten_first_who_are_not_written_to() {
        let mut all = None;
        put(&mut all, &order("a", &["one@example.com"]), at(0, 1)).unwrap();
        leave(&mut all, "one@example.com").unwrap();
        for n in 0..MOST_UNSUBSCRIBED.saturating_mul(2) {
            leave(&mut all, &format!("{n}@example.com")).unwrap();
        }
        assert!(recipients(&all).is_empty());
        assert_eq!(all.as_ref().unwrap().get("a").unwrap().unsubscribed.len(), MOST_UNSUBSCRIBED);
    }
}
