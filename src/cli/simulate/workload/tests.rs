use super::*;
use crate::book::partition::{Item as FoldItem, Listener};
use crate::cli::offline::Offline;
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::{Effect, Outcome};
use crate::ledger::rejection::Reason;
use crate::log::Record;
use crate::wire::Subject;

fn shape(seed: u64) -> Shape {
    let start = time::parse("2026-01-05T08:00:00Z").unwrap();
    let step_ns = 10_000_000;
    let (duplicates, bad) = (10_000, 1_000);
    Shape { seed, orgs: 20, start, step_ns, duplicates, bad, setup: true, grants_end: true }
}

fn text(seed: u64, items: usize) -> String {
    Workload::new(shape(seed)).take(items).map(|item| format!("{item:?}\n")).collect()
}

#[test]
fn a_seed_gives_the_same_bytes_every_time() {
    assert_eq!(text(1, 5_000), text(1, 5_000));
    assert_ne!(text(1, 500), text(2, 500));
    // On every machine, in every version: whoever changes this changes what old seeds mean.
    let lines: Vec<Arc<str>> =
        Workload::new(Shape { setup: false, ..shape(1) }).take(6).map(|item| item.text).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[derive(Default)]
struct Ends {
    charged: u64,
    duplicate: u64,
    refused: u64,
    short: u64,
    commands_refused: Vec<String>,
    alerts: u64,
}

impl Listener for Ends {
    fn outcome(&mut self, _: &Record, item: FoldItem<'_>, outcome: &Outcome) {
        match outcome {
            Outcome::Rejected(why) if !item.is_event => self.commands_refused.push(why.to_string()),
            Outcome::Rejected(why) if why.reason == Reason::InsufficientCredits => self.short += 1,
            Outcome::Rejected(_) => self.refused += 1,
            Outcome::Duplicate { .. } => self.duplicate += 1,
            Outcome::Charged(_) => self.charged += 1,
            _ => {}
        }
    }

    fn effect(&mut self, _: &str, _: &Effect) {
        self.alerts += 1;
    }
}

#[test]
fn the_ledger_charges_what_is_sound_and_refuses_what_is_not() {
    let (mut fold, mut ends) = (Offline::new(Catalog::default()), Ends::default());
    let (mut repeats, mut bad, mut events) = (0, 0, 0);
    for (seq, item) in (1..).zip(Workload::new(shape(3)).take(40_000)) {
        let subject = match &item.org {
            None => Subject::Catalog,
            Some(org) if item.kind.is_command() => Subject::Commands(org),
            Some(org) => Subject::Events(org),
        };
        match item.kind {
            ItemKind::Repeat => repeats += 1,
            ItemKind::Bad => bad += 1,
            ItemKind::Event => events += 1,
            ItemKind::Command => {}
        }
        fold.apply(seq, item.at, subject, item.text.to_string(), &mut ends).unwrap();
    }
    assert_eq!(ends.commands_refused, Vec::<String>::new());
    // An event that found no credits may be sent again, and find none again.
    assert_eq!(ends.charged + ends.short + ends.duplicate, events + repeats);
    assert_eq!(ends.refused, bad);
    assert!(repeats - ends.duplicate <= ends.short && ends.duplicate > 300, "{repeats} repeats");
    assert!((20..80).contains(&bad), "{bad} bad ones");
    assert!(ends.alerts > 100, "{} alerts", ends.alerts);
    assert!(ends.short < events / 50, "{} of {events} found no credits", ends.short);
}

#[test]
fn a_day_has_another_mix_than_a_night() {
    let messages = |start: &str| {
        let shape = Shape { setup: false, orgs: 2, start: time::parse(start).unwrap(), ..shape(5) };
        Workload::new(shape).take(2_000).filter(|item| item.text.contains("linkedin_message")).count()
    };
    let (day, night) = (messages("2026-01-05T10:00:00Z"), messages("2026-01-05T02:00:00Z"));
    assert!(2 * day > 3 * night, "{day} by day, {night} by night");
}
