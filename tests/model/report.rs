//! The books in plain numbers, laid beside another's.

pub mod further;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::fields::show;
use super::grant::Grant;
use super::watch::Alert;
use super::{Instant, Micros, Outcome};

/// Everything that must be equal. Whoever checks the daemon fills one from what the daemon says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Items received: charged + voided + noted + duplicate + rejected + accepted commands.
    pub items: u64,
    /// Rejected items, events and commands, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Of them, events rejected before an organization could look at them.
    pub stray: BTreeMap<String, u64>,
    /// The organizations by name.
    pub orgs: BTreeMap<String, OrgReport>,
}

/// The numbers of one organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrgReport {
    /// By credit type; one that is not there is all zeros.
    pub credits: BTreeMap<String, Balance>,
    /// By grant id.
    pub grants: BTreeMap<String, GrantReport>,
    /// What became of its events.
    pub tally: Tally,
    /// The alerts in the order they were raised.
    pub alerts: Vec<Alert>,
    /// By the limit's name and the value of `*`, `-` where there is none: limits in force, and of their values those in use.
    pub limits: BTreeMap<(String, String), LimitReport>,
    /// The alerts of limits in the order they were raised.
    pub limit_alerts: Vec<LimitAlert>,
    /// The billing period it is in.
    pub cycle: Option<CycleReport>,
    /// What moved beside charges and voids of events, in order.
    pub movements: Vec<Movement>,
}

/// A limit as it stands: micro-credits, or things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitReport {
    /// What was used in the running window.
    pub used: i128,
    /// What may be used.
    pub max: i128,
    /// The begin of the window; none for what is for life.
    pub start: Option<Instant>,
    /// The end of the window and the begin of the next.
    pub end: Option<Instant>,
}

/// An alert of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitAlert {
    /// The limit's name.
    pub limit: String,
    /// The value of `*`, `-` where there is none.
    pub value: String,
    /// How much of it is used.
    pub level: Level,
    /// The begin of the window; none for what is for life.
    pub window: Option<Instant>,
    /// The log time at which it was raised.
    pub at: Instant,
}

impl LimitAlert {
    /// What it tells, without the window.
    pub fn short(&self) -> String {
        format!("{} {:?} for {}", self.limit, self.level, self.value)
    }
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 80 %.
    Near,
    /// All of it.
    Reached,
}

/// A billing period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CycleReport {
    /// From 1.
    pub number: u64,
    /// Its begin in the calendar, which for the first may lie before the organization entered it.
    pub start: Instant,
    /// Its end and the begin of the next.
    pub end: Instant,
}

/// Credits that moved for another reason than an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// When.
    pub at: Instant,
    /// The kind of credit.
    pub credit_type: String,
    /// Why.
    pub kind: Moved,
    /// From or into which grant; none for what was forgiven.
    pub grant: Option<String>,
    /// How much, never 0.
    pub amount: Micros,
}

/// Why credits moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Given.
    Granted,
    /// Lost with time.
    Expired,
    /// Taken back by hand, or by another plan.
    Voided,
    /// Gone on into the next cycle.
    RolledOut,
    /// Come over from the cycle before.
    RolledIn,
    /// Taken for overage that was owed.
    Covered,
    /// Overage that was forgiven.
    Dropped,
}

/// The amounts of one credit type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// All grants, those not usable yet too.
    pub granted: Micros,
    /// What they still hold.
    pub remaining: Micros,
    /// What was taken from them.
    pub consumed: Micros,
    /// What was lost at their ends.
    pub expired: Micros,
    /// What was taken back by hand, or by another plan.
    pub voided: Micros,
    /// Charges that were not voided.
    pub charged: Micros,
    /// Of them, what no grant could pay at the time.
    pub overage: Micros,
    /// Of that, what grants covered later.
    pub covered: Micros,
    /// Of the overage, what a reset forgave.
    pub dropped: Micros,
    /// Overage less covered and dropped.
    pub outstanding: Micros,
    /// What live calls have cost so far.
    pub pending: Micros,
    /// What usable grants hold, less what is outstanding and what is pending.
    pub available: Micros,
}

/// One grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantReport {
    /// The kind of credit.
    pub credit_type: String,
    /// `plan`, `bonus` or `purchased`.
    pub kind: &'static str,
    /// What it amounts to.
    pub amount: Micros,
    /// What it still holds.
    pub remaining: Micros,
    /// Where in its life it is.
    pub phase: Phase,
    /// Usable from.
    pub effective: Instant,
    /// Usable until just before; of one that ended, when it did.
    pub expires: Option<Instant>,
}

impl GrantReport {
    /// The numbers of a grant.
    pub fn of(grant: &Grant) -> GrantReport {
        GrantReport {
            credit_type: grant.order.credit_type.clone(),
            kind: grant.order.kind,
            amount: grant.amount,
            remaining: grant.remaining,
            phase: grant.phase,
            effective: grant.effective,
            expires: grant.ends,
        }
    }
}

/// Where in its life a grant is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not usable yet.
    #[default]
    Waiting,
    /// Usable.
    Usable,
    /// No more.
    Ended,
}

/// Events of one organization by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Charged; stays when the charge is voided.
    pub charged: u64,
    /// Voids that took effect.
    pub voided: u64,
    /// Told of live calls.
    pub noted: u64,
    /// Known already.
    pub duplicate: u64,
    /// Rejected by the organization itself, not before it was asked.
    pub rejected: u64,
}

impl Tally {
    /// Counts one event.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Charged => self.charged += 1,
            Outcome::Voided => self.voided += 1,
            Outcome::Noted => self.noted += 1,
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::Rejected(_) => self.rejected += 1,
            Outcome::Accepted => {}
        }
    }
}

impl Balance {
    /// Its figures by name.
    pub fn rows(&self) -> [(&'static str, Micros); 12] {
        [
            ("granted", self.granted),
            ("remaining", self.remaining),
            ("consumed", self.consumed),
            ("expired", self.expired),
            ("voided", self.voided),
            ("charged", self.charged),
            ("overage", self.overage),
            ("covered", self.covered),
            ("dropped", self.dropped),
            ("outstanding", self.outstanding),
            ("pending", self.pending),
            ("available", self.available),
        ]
    }
}

impl Report {
    /// Every difference of `found` from this report, a line each; empty when they are equal.
    pub fn differences(&self, found: &Report) -> Vec<String> {
        let mut lines = Vec::new();
        differ(&mut lines, "items", &self.items, &found.items);
        by_key(&mut lines, "rejected", &self.rejected, &found.rejected);
        by_key(&mut lines, "stray", &self.stray, &found.stray);
        let nobody = OrgReport::default();
        for name in names(&self.orgs, &found.orgs) {
            if self.orgs.contains_key(name) != found.orgs.contains_key(name) {
                let (here, there) = (self.orgs.contains_key(name), found.orgs.contains_key(name));
                differ(&mut lines, &format!("{name}: known"), &here, &there);
            }
            let (expected, found) =
                (self.orgs.get(name).unwrap_or(&nobody), found.orgs.get(name).unwrap_or(&nobody));
            expected.differences(name, found, &mut lines);
        }
        lines
    }

    /// Every breach of the laws that hold at all times, a line each.
    pub fn breaches(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, org) in &self.orgs {
            for (credit_type, b) in &org.credits {
                let at = format!("{name} {credit_type}");
                let spread = b.remaining + b.consumed + b.expired + b.voided;
                differ(&mut lines, &format!("{at}: granted = its parts"), &b.granted, &spread);
                let paid = b.charged - b.overage;
                differ(&mut lines, &format!("{at}: consumed − covered"), &(b.consumed - b.covered), &paid);
                let owed = b.overage - b.covered - b.dropped;
                differ(&mut lines, &format!("{at}: owed"), &b.outstanding, &owed);
                if b.rows()[..11].iter().any(|(_, amount)| *amount < 0)
                    || b.available + b.outstanding + b.pending < 0
                {
                    lines.push(format!("{at}: impossible amounts {b:?}"));
                }
            }
        }
        lines
    }
}

impl OrgReport {
    fn differences(&self, name: &str, found: &OrgReport, lines: &mut Vec<String>) {
        for credit_type in names(&self.credits, &found.credits) {
            let expected = self.credits.get(credit_type).copied().unwrap_or_default();
            let found = found.credits.get(credit_type).copied().unwrap_or_default();
            for ((row, expected), (_, found)) in expected.rows().into_iter().zip(found.rows()) {
                let place = format!("{name} {credit_type}: {row}");
                differ(lines, &place, &show(expected), &show(found));
            }
        }
        by_key(lines, &format!("{name} grant"), &self.grants, &found.grants);
        differ(lines, &format!("{name}: events"), &self.tally, &found.tally);
        let alerts =
            |org: &OrgReport| org.alerts.iter().map(|alert| (alert.id.clone(), alert.clone())).collect();
        by_key(lines, &format!("{name} alert"), &alerts(self), &alerts(found));
        if self.alerts.len() != found.alerts.len() {
            differ(lines, &format!("{name}: alerts raised"), &self.alerts.len(), &found.alerts.len());
        }
        let limits = |org: &OrgReport| {
            let line = |((id, value), limit): (&(String, String), &LimitReport)| {
                (format!("{id} for {value}"), *limit)
            };
            org.limits.iter().map(line).collect()
        };
        by_key(lines, &format!("{name} limit"), &limits(self), &limits(found));
        let alerts = |org: &OrgReport| {
            let line = |alert: &LimitAlert| (format!("{} at {}", alert.short(), alert.at), alert.clone());
            org.limit_alerts.iter().map(line).collect()
        };
        by_key(lines, &format!("{name} alert"), &alerts(self), &alerts(found));
        if self.limit_alerts.len() != found.limit_alerts.len() {
            let (ours, theirs) = (self.limit_alerts.len(), found.limit_alerts.len());
            differ(lines, &format!("{name}: alerts of limits"), &ours, &theirs);
        }
        differ(lines, &format!("{name}: cycle"), &self.cycle, &found.cycle);
        for number in 0..self.movements.len().max(found.movements.len()) {
            let (expected, found) = (self.movements.get(number), found.movements.get(number));
            differ(lines, &format!("{name} movement {number}"), &expected, &found);
        }
    }
}

fn names<'a, T>(ours: &'a BTreeMap<String, T>, theirs: &'a BTreeMap<String, T>) -> BTreeSet<&'a String> {
    ours.keys().chain(theirs.keys()).collect()
}

fn by_key<T: Debug + PartialEq>(
    lines: &mut Vec<String>,
    place: &str,
    expected: &BTreeMap<String, T>,
    found: &BTreeMap<String, T>,
) {
    for name in names(expected, found) {
        let place = format!("{place} {name}");
        match (expected.get(name), found.get(name)) {
            (Some(expected), Some(found)) => differ(lines, &place, expected, found),
            (Some(expected), None) => lines.push(format!("{place}: expected {expected:?}, found nothing")),
            (None, found) => lines.push(format!("{place}: expected nothing, found {found:?}")),
        }
    }
}

fn differ<T: Debug + PartialEq>(lines: &mut Vec<String>, place: &str, expected: &T, found: &T) {
    if expected != found {
        lines.push(format!("{place}: expected {expected:?}, found {found:?}"));
    }
}
