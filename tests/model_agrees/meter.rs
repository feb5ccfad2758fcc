//! The daemon's own books, in the words of the accountant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use creditd::book::commons::Commons;
use creditd::book::keeper::Meta;
use creditd::book::partition::{Item, Listener, Partition};
use creditd::book::recovery::recover;
use creditd::book::shelf::{History, Shelf};
use creditd::book::{Book, OrgName, Slot};
use creditd::ledger::effect::{Effect, Outcome as Fate};
use creditd::ledger::units::Timestamp;
use creditd::log;
use creditd::log::{Draft, Fingerprint};
use creditd::query;
use creditd::store::history::Limits;
use creditd::store::{OrgKey, codec};
use creditd::wire::limit_alert_id;

use crate::books::{limit_alert, movements, org_report};
use crate::further;
use crate::model::report::further::Further;
use crate::model::report::{LimitAlert, OrgReport, Report};
use crate::model::watch::Alert;
use crate::model::{Outcome, Record};

/// A record as the log hands it over.
fn record(record: &Record) -> log::Record {
    let headers = (!record.headers.is_empty()).then(|| Box::new(record.headers.clone()));
    let payload = record.payload.clone().into();
    let draft = Draft { subject: record.subject.clone(), headers, request: 0, payload };
    log::Record { seq: record.seq, at: Timestamp::from_micros(record.at), draft }
}

/// What a fold has told so far.
#[derive(Debug, Default)]
pub struct Told {
    outcomes: Vec<Outcome>,
    items: u64,
    rejected: BTreeMap<String, u64>,
    /// By organization and id: a replay raises an alert again, under the same id.
    alerts: BTreeMap<String, Vec<Alert>>,
    /// Those of limits, by organization, with their ids.
    limit_alerts: BTreeMap<String, Vec<(String, LimitAlert)>>,
    /// The ids of all alerts, by organization.
    ids: BTreeMap<String, BTreeSet<String>>,
}

impl Listener for Told {
    fn outcome(&mut self, _: &log::Record, item: Item<'_>, fate: &Fate) {
        let outcome = match fate {
            Fate::Contained => return,
            Fate::Charged(_) => Outcome::Charged,
            Fate::Voided(_) => Outcome::Voided,
            Fate::Noted => Outcome::Noted,
            Fate::Duplicate { .. } => Outcome::Duplicate,
            Fate::Done => Outcome::Accepted,
            Fate::Rejected(rejection) => {
                assert!(!rejection.detail.is_empty(), "{rejection:?}");
                Outcome::Rejected(rejection.reason.slug())
            }
            Fate::Needs(need) => panic!("{need:?} of {item:?} was not recalled"),
        };
        self.items += 1;
        if let Outcome::Rejected(reason) = outcome {
            *self.rejected.entry(reason.to_string()).or_default() += 1;
        }
        self.outcomes.push(outcome);
    }

    fn effect(&mut self, org: &str, effect: &Effect) {
        let Some(json) = further::alert_json(org, effect) else { return };
        self.ids.entry(org.to_string()).or_default().extend(further::ids(effect, &json));
        match effect {
            Effect::LowBalance(_) => {
                let alert = further::low_balance(org, effect, &json);
                let raised = self.alerts.entry(org.to_string()).or_default();
                match raised.iter().find(|known| known.id == alert.id) {
                    Some(known) => {
                        assert_eq!(*known, alert, "a replay raises another alert under the same id");
                    }
                    None => raised.push(alert),
                }
            }
            Effect::Limit(alert) => {
                let raised = self.limit_alerts.entry(org.to_string()).or_default();
                let id = limit_alert_id(org, alert);
                if !raised.iter().any(|(known, _)| *known == id) {
                    raised.push((id, limit_alert(alert)));
                }
            }
            // These have nothing more than their ids here.
            _ => {}
        }
    }
}

/// The daemon's fold of a log.
#[derive(Debug)]
pub struct Meter {
    partition: Partition,
    run: u32,
    /// The last record that an organization of the checkpoint it goes on from may contain.
    sealed: u64,
    /// What it told.
    pub told: Told,
}

impl Meter {
    /// A fold that keeps its history in memory.
    pub fn in_memory() -> Meter {
        let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
        let partition = Partition::new(Arc::new(Book::default()), Commons::default(), history);
        Meter { partition, run: 0, sealed: 0, told: Told::default() }
    }

    /// A fold that goes on from what a folder holds. Answers the record the checkpoint was cut at, too.
    pub fn recovered(folder: &Path, limits: Limits) -> (Meter, u64) {
        let recovered = recover(folder, u64::MAX, limits).unwrap();
        assert!(recovered.findings.is_empty(), "{:?}", recovered.findings);
        let (run, sealed) = (recovered.run, recovered.sealed.seq);
        let meter = Meter { partition: recovered.partition, run, sealed, told: Told::default() };
        (meter, recovered.cut.seq)
    }

    /// Applies a record. Answers what became of its items, in order.
    pub fn apply(&mut self, next: &Record) -> Vec<Outcome> {
        self.told.outcomes.clear();
        self.partition.apply(&record(next), &mut self.told).unwrap();
        std::mem::take(&mut self.told.outcomes)
    }

    /// What belongs to no organization, as it is now: the cut of a checkpoint.
    pub fn cut(&self) -> Commons {
        self.partition.commons().clone()
    }

    /// An organization as a checkpoint holds it, with its number.
    pub fn encoded(&self, name: &str) -> (OrgKey, Vec<u8>) {
        let mut bytes = Vec::new();
        let encode = |slot: &Slot| {
            codec::encode_into(&(name, &slot.org), &mut bytes).unwrap();
            slot.key
        };
        let key = self.partition.book().read(name, encode).unwrap();
        (key, bytes)
    }

    /// The organizations there are.
    pub fn names(&self) -> Vec<OrgName> {
        self.partition.book().names()
    }

    /// Writes the history as runs, without a checkpoint, as happens when a buffer is full.
    pub fn write_runs(&mut self) {
        self.partition.history().seal();
        let shelf = Arc::clone(self.partition.history().shelf());
        while shelf.write_next(self.run + 1).unwrap().is_some() {
            self.run += 1;
        }
    }

    /// Commits a checkpoint of what was encoded since `cut`.
    pub fn checkpoint(&mut self, folder: &Path, cut: Commons, orgs: &[(OrgKey, Vec<u8>)]) {
        self.write_runs();
        let mut checkpoints =
            creditd::store::checkpoint::Checkpoints::open(&folder.join("checkpoints")).unwrap();
        checkpoints.recover(|_| true, |_| Ok(())).unwrap();
        let mut section = checkpoints.begin_base().unwrap();
        let shelf = Arc::clone(self.partition.history().shelf());
        for (key, bytes) in orgs {
            section.put(*key, bytes).unwrap();
        }
        for (key, block) in shelf.heads() {
            section.head(key, block).unwrap();
        }
        let at_seq = |seq| Fingerprint { seq, ..Fingerprint::default() };
        // While it replays, the organizations and the runs are ahead of it.
        self.sealed = self.sealed.max(self.partition.commons().seq);
        let (cut_at, sealed) = (at_seq(cut.seq), at_seq(self.sealed));
        let meta =
            Meta { cut: cut_at, sealed, commons: cut, run: self.run, outbox: Vec::new(), kept_from: None };
        let mut bytes = Vec::new();
        codec::encode_into(&meta, &mut bytes).unwrap();
        section.commit(&bytes).unwrap();
    }

    /// Of one organization's books the sums and the cycle.
    pub fn sums_of(&self, name: &str) -> Option<OrgReport> {
        let report = org_report(&self.partition, name)?;
        Some(OrgReport { grants: BTreeMap::new(), ..report })
    }

    /// Recharges, names and burn of one organization.
    pub fn further_of(&self, name: &str) -> Option<Further> {
        let state = query::org_state(self.partition.book(), name, self.partition.commons().at)?;
        Some(further::further(&serde_json::to_value(state).unwrap()))
    }

    /// The ids of all alerts of one organization that were raised since this was asked.
    pub fn take_ids(&mut self, name: &str) -> BTreeSet<String> {
        self.told.ids.remove(name).unwrap_or_default()
    }

    /// The books as they stand.
    pub fn report(&self) -> Report {
        let stray = &self.partition.commons().stray;
        let orgs = self.names().into_iter().map(|name| {
            let report = org_report(&self.partition, &name).unwrap();
            let alerts = self.told.alerts.get(&*name).cloned().unwrap_or_default();
            let movements = movements(&self.partition, &name);
            let told = self.told.limit_alerts.get(&*name).into_iter().flatten();
            let limit_alerts = told.map(|(_, alert)| alert.clone()).collect();
            (name.to_string(), OrgReport { alerts, limit_alerts, movements, ..report })
        });
        Report {
            items: self.told.items,
            rejected: self.told.rejected.clone(),
            stray: stray.iter().map(|(reason, count)| (reason.slug().to_string(), *count)).collect(),
            orgs: orgs.collect(),
        }
    }
}
