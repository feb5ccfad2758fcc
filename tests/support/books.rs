//! What the daemon's books say, laid out as the model's report.
#![expect(clippy::unwrap_used, reason = "an amount that cannot be read fails the test")]

use std::collections::BTreeMap;

use creditd::book::Book;
use creditd::ledger::units::Credits;
use creditd::log::Record;
use creditd::query::org_state;
use serde_json::Value;

use crate::model::report::{Balance, OrgReport, Tally};
use crate::model::{self, Micros};

/// A record of the log as the model reads it.
pub(crate) fn for_model(record: &Record) -> model::Record {
    model::Record {
        seq: record.seq,
        at: record.at.micros(),
        subject: record.draft.subject.clone(),
        headers: record.draft.headers.as_deref().cloned().unwrap_or_default(),
        payload: record.draft.payload.to_vec(),
    }
}

/// Every organization's amounts and tally.
pub(crate) fn organizations(book: &Book) -> BTreeMap<String, OrgReport> {
    let report =
        |name: &str| book.read(name, |slot| serde_json::to_value(org_state(&slot.org)).unwrap()).unwrap();
    book.names().iter().map(|name| (name.to_string(), organization(&report(name)))).collect()
}

fn organization(state: &Value) -> OrgReport {
    let amount = |value: &Value| Micros::from(value.as_str().unwrap().parse::<Credits>().unwrap().micros());
    let count = |name: &str| state["events"][name].as_u64().unwrap();
    let balance = |state: &Value| Balance {
        granted: amount(&state["granted"]),
        remaining: amount(&state["remaining"]),
        consumed: amount(&state["consumed"]),
        expired: amount(&state["expired"]),
        voided: amount(&state["voided"]),
        charged: amount(&state["charged"]),
        overage: amount(&state["overage"]),
        covered: amount(&state["covered"]),
        outstanding: amount(&state["owed"]),
        available: amount(&state["available"]),
    };
    let balances = state["balances"].as_array().unwrap();
    OrgReport {
        credits: balances
            .iter()
            .map(|state| (state["credit_type"].as_str().unwrap().to_owned(), balance(state)))
            .collect(),
        tally: Tally {
            charged: count("charged"),
            voided: count("voided"),
            duplicate: count("duplicate"),
            rejected: count("rejected"),
        },
        ..OrgReport::default()
    }
}
