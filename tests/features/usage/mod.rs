//! What was used, added up naively from the events.

mod answer;
mod asked;
mod sheet;
mod spikes;

use std::collections::BTreeMap;

pub(crate) use answer::{check, percent};
pub(crate) use asked::Asked;
pub(crate) use sheet::{check_table, rows};
pub(crate) use spikes::check_spikes;

use crate::event::Event;
use crate::year::Year;
use crate::year::people;

/// By what usage can be grouped and chosen.
pub(crate) const DIMENSIONS: [&str; 9] =
    ["account", "entity_type", "entity", "user", "team", "feature", "action", "credit_type", "grant_kind"];

/// What is counted beside credits.
pub(crate) const COUNTED: [&str; 7] =
    ["quantity", "calls", "calls_made", "calls_received", "billed_seconds", "talked_ms", "charges"];

/// What something came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) credits: BTreeMap<&'static str, i64>,
    pub(crate) counts: [i64; 7],
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Figures) {
        for (kind, micros) in &other.credits {
            *self.credits.entry(kind).or_default() += micros;
        }
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum += count;
        }
    }

    pub(crate) fn all_credits(&self) -> i64 {
        self.credits.values().sum()
    }

    pub(crate) fn credits_of(&self, kind: &str) -> i64 {
        self.credits.get(kind).copied().unwrap_or(0)
    }
}

/// What an event counts in one group.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) time: i64,
    pub(crate) of: [Option<String>; 9],
    pub(crate) figures: Figures,
}

/// What the events of an organization count that were not taken back.
pub(crate) fn cells(year: &Year, org: &str) -> Vec<Cell> {
    let count = |event: &&Event| event.org == org && event.voided.is_none();
    year.events.iter().filter(count).flat_map(cells_of).collect()
}

fn cells_of(event: &Event) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (number, line) in event.lines.iter().enumerate() {
        let mut paid: Vec<(Option<&'static str>, i64)> = Vec::new();
        for drawn in &line.drawn {
            match paid.iter_mut().find(|(kind, _)| *kind == Some(drawn.kind)) {
                Some((_, micros)) => *micros += drawn.micros,
                None => paid.push((Some(drawn.kind), drawn.micros)),
            }
        }
        if paid.is_empty() {
            paid.push((None, 0));
        }
        for (part, (kind, micros)) in paid.into_iter().enumerate() {
            let mut figures = Figures::default();
            if micros > 0 {
                figures.credits.insert(line.credit_type, micros);
            }
            if part == 0 {
                figures.counts[0] = line.quantity;
            }
            if number == 0 && part == 0 {
                let is_talked = event.talked_ms() > 0;
                let is = |direction| is_talked && event.call.is_some_and(|call| call.direction == direction);
                let calls = [is_talked, is("outbound"), is("inbound")].map(i64::from);
                figures.counts[1..4].copy_from_slice(&calls);
                figures.counts[4..].copy_from_slice(&[event.billed_seconds(), event.talked_ms(), 1]);
            }
            let who = event.who;
            let of = [
                who.account.map(str::to_owned),
                who.entity.map(|(kind, _)| kind.to_owned()),
                who.entity.map(|(kind, id)| format!("{kind}/{id}")),
                who.user.map(str::to_owned),
                who.team.map(str::to_owned),
                who.feature.map(str::to_owned),
                Some(line.action.to_owned()),
                Some(line.credit_type.to_owned()),
                kind.map(str::to_owned),
            ];
            cells.push(Cell { time: event.time, of, figures });
        }
    }
    cells
}

/// How a value of a dimension is called.
pub(crate) fn name(org: &str, dimension: &str, id: &str) -> Option<&'static str> {
    if org != "acme" {
        return None;
    }
    let of = |list: &[(&'static str, &'static str)]| {
        list.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
    };
    match dimension {
        "account" => of(&people::ACCOUNTS),
        "team" => of(&people::TEAMS),
        "user" => people::USERS.iter().find(|(known, ..)| *known == id).map(|(_, name, _)| *name),
        "entity" => id.split_once('/').map(|(kind, id)| people::find(kind, id).name),
        _ => None,
    }
}
