//! `creditd replay`: folds a file through the same core as the daemon, offline.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::offline::Offline;
use super::{Failure, catalogs};
use crate::book::partition::{Item, Listener};
use crate::ledger::effect::{Effect, Outcome};
use crate::ledger::units::Timestamp;
use crate::log::Record;
use crate::query;
use crate::wire::{self, CATALOG, Subject, time};

/// Fold a file of events and commands and print the resulting state as JSON.
///
/// Each line is {"at": RFC 3339, "org": NAME, "event": {…}} or {"at": …, "org": …, "command": {…}}; a command
/// without an org is for the catalog. Nothing is read from or written to a running daemon, and dates may be of
/// any year from 1970 on. Positions in the output are line numbers.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file; - for standard input.
    file: PathBuf,
    /// Stop at this instant: later lines are not applied, and time has passed until then.
    #[arg(long, value_name = "RFC3339", value_parser = |text: &str| time::parse(text))]
    until: Option<Timestamp>,
    /// Catalog files in force before the first line, instead of those of the settings.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    catalog: Vec<PathBuf>,
    /// Print what became of every item too.
    #[arg(long)]
    outcomes: bool,
}

/// The longest line, in bytes: that of the largest record, with room around it.
const LONGEST_LINE: u64 = 16 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    at: String,
    org: Option<String>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    command: Option<&'a RawValue>,
}

pub(super) fn run(settings: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let catalog = catalogs::load(&catalogs::files(&arguments.catalog, settings)?)?;
    let mut fold = Offline::new(catalog);
    let mut report = Report { with_outcomes: arguments.outcomes, ..Report::default() };
    let (mut input, progress) = open(&arguments.file)?;
    let (mut line, mut number) = (String::new(), 0_u64);
    loop {
        line.clear();
        let read = io::Read::take(&mut input, LONGEST_LINE).read_line(&mut line);
        let read = read.with_context(|| format!("{}, line {}", arguments.file.display(), number + 1))?;
        if read == 0 {
            break;
        }
        number += 1;
        progress.inc(read as u64);
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |why: String| {
            let place = arguments.file.display();
            Failure::Failed(anyhow::anyhow!("{place}, line {number}: {why}"))
        };
        let parsed = parse(&line).map_err(wrong)?;
        if arguments.until.is_some_and(|until| parsed.at > until) {
            break;
        }
        fold.apply(number, parsed.at, parsed.subject(), parsed.payload.to_owned(), &mut report)?;
    }
    if let Some(until) = arguments.until {
        fold.apply(number + 1, until, Subject::Tick, String::new(), &mut report)?;
    }
    progress.finish_and_clear();
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &report.state(&fold)).context("the state cannot be written")?;
    writeln!(out)?;
    Ok(())
}

fn open(path: &Path) -> Result<(Box<dyn BufRead>, ProgressBar), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), ProgressBar::hidden()));
    }
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let length = file.metadata()?.len();
    let progress = if io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("replaying {wide_bar} {bytes} of {total_bytes}, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
    } else {
        ProgressBar::hidden()
    };
    Ok((Box::new(BufReader::with_capacity(1 << 20, file)), progress))
}

/// A line, checked as far as the file's own form goes.
struct Parsed<'a> {
    at: Timestamp,
    org: Option<String>,
    is_event: bool,
    payload: &'a str,
}

impl Parsed<'_> {
    fn subject(&self) -> Subject<'_> {
        match &self.org {
            Some(org) if self.is_event => Subject::Events(org),
            Some(org) => Subject::Commands(org),
            None => Subject::Catalog,
        }
    }
}

fn parse(line: &str) -> Result<Parsed<'_>, String> {
    let Line { at, org, event, command } = serde_json::from_str(line).map_err(|error| {
        format!("{error}; write {{\"at\": …, \"org\": …, \"event\" or \"command\": {{…}}}}")
    })?;
    let at = time::parse(&at).map_err(|why| format!("at: {why}"))?;
    if at < Timestamp::default() {
        return Err(format!("at: {} is before 1970; the log begins there", time::format(at)));
    }
    let org = org.filter(|org| org != CATALOG);
    if let Some(org) = &org {
        wire::org_id(org).map_err(|error| format!("org: {error}"))?;
    }
    match (event, command, &org) {
        (Some(_), None, None) => Err("the event has no org; add it".to_owned()),
        (Some(event), None, Some(_)) => Ok(Parsed { at, org, is_event: true, payload: event.get() }),
        (None, Some(command), _) => Ok(Parsed { at, org, is_event: false, payload: command.get() }),
        _ => Err("write either an event or a command".to_owned()),
    }
}

/// What the fold said on the way.
#[derive(Default)]
struct Report {
    with_outcomes: bool,
    outcomes: Vec<Value>,
    refused_commands: Vec<Value>,
    alerts: Vec<Value>,
    movements: Vec<Value>,
}

impl Listener for Report {
    fn outcome(&mut self, _: &Record, item: Item<'_>, outcome: &Outcome) {
        let told = || {
            let mut told = wire::outcome_json(item.position, outcome);
            if let (Some(object), Some(org)) = (told.as_object_mut(), item.org) {
                object.insert("org".to_owned(), json!(org));
            }
            told
        };
        if !item.is_event && matches!(outcome, Outcome::Rejected(_)) {
            self.refused_commands.push(told());
        }
        if self.with_outcomes {
            self.outcomes.push(told());
        }
    }

    fn effect(&mut self, org: &str, effect: &Effect) {
        match effect {
            Effect::LowBalance(alert) => self.alerts.push(wire::alert_json(org, alert)),
            Effect::Limit(alert) => self.alerts.push(wire::limit_alert_json(org, alert)),
            Effect::Recharge(alert) => self.alerts.push(wire::recharge_alert_json(org, alert)),
            Effect::Notice(notice) => self.alerts.push(wire::notice_json(org, notice)),
            Effect::Calls(news) => self.alerts.push(wire::call_news_json(org, news)),
            Effect::Moved(movement) => self.movements.push(wire::movement_json(org, movement)),
            Effect::Orphaned(orphaned) => {
                let told = orphaned.number.map(|number| wire::orphaned_json(org, number, orphaned));
                self.alerts.extend(told);
            }
            Effect::OrphanReturned(_) | Effect::WebhooksChanged | Effect::ReportsChanged => {}
        }
    }
}

impl Report {
    /// The state at the end, in an order that depends on nothing but the file.
    fn state(self, fold: &Offline) -> Value {
        let book = fold.book();
        let orgs = book.names().into_iter().filter_map(|name| {
            let state = query::org_state(book, &name, fold.commons().at)?;
            Some((name.to_string(), serde_json::to_value(state).ok()?))
        });
        let commons = fold.commons();
        let mut state = json!({
            "at": time::format(commons.at.max(Timestamp::default())),
            "seq": commons.seq,
            "orgs": orgs.collect::<Map<_, _>>(),
            "stray": commons.stray,
            "refused_commands": self.refused_commands,
            "alerts": self.alerts,
            "movements": self.movements,
        });
        if let (true, Some(state)) = (self.with_outcomes, state.as_object_mut()) {
            state.insert("outcomes".to_owned(), Value::Array(self.outcomes));
        }
        state
    }
}
