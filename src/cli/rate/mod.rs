//! `creditd rate`: what would this event cost, and why?

mod bill;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use serde_json::{Value, json};

use super::offline::Offline;
use super::terminal::Paint;
use super::{Failure, catalogs};
use crate::book::partition::{Item, Listener};
use crate::clock;
use crate::ledger::catalog::Catalog;
use crate::ledger::charge::Charge;
use crate::ledger::effect::{Effect, Outcome};
use crate::ledger::price::Increment;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{Credits, Timestamp};
use crate::log::Record;
use crate::wire::{self, Subject, time};

/// Price one event against catalog files and explain the charge, without a daemon.
///
/// The event is priced as an organization on the plan would be charged for it, whose credits last.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The event as JSON, a file that holds it, or - for standard input. Its id may be left out.
    #[arg(value_name = "EVENT")]
    event: String,
    /// The plan; may be left out where the catalog has only one.
    #[arg(short, long)]
    plan: Option<String>,
    /// Catalog files, instead of those of the settings.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    catalog: Vec<PathBuf>,
    /// The organization's own billing increment, such as 6/6.
    #[arg(long, value_name = "INITIAL/NEXT")]
    increment: Option<Increment>,
    /// How the charge is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// How a charge is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A bill, for people.
    #[default]
    Bill,
    /// One JSON object.
    Json,
}

/// The organization that is charged.
const ORG: &str = "customer";

pub(super) fn run(settings: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let files = catalogs::files(&arguments.catalog, settings)?;
    if files.is_empty() {
        return Err(Failure::Usage(
            "no prices: name files with --catalog, or settings that do with --config".into(),
        ));
    }
    let catalog = catalogs::load(&files)?;
    let plan = plan(&catalog, arguments.plan.as_deref())?;
    let (event, at) = read(&arguments.event)?;
    let charge = match price(catalog.clone(), &plan, arguments.increment, &event, at)? {
        Ok(charge) => charge,
        Err(rejection) => return Err(Failure::Failed(anyhow::anyhow!("the event is refused: {rejection}"))),
    };
    let mut out = std::io::stdout().lock();
    match arguments.output {
        Form::Bill => out.write_all(bill::text(&event, &charge, &catalog, Paint::stdout()).as_bytes())?,
        Form::Json => {
            let mut told = wire::charge_json(&charge, &catalog, |_, _| None);
            // Nobody paid: there is no organization behind it.
            if let Some(object) = told.as_object_mut() {
                object.remove("paid_by");
            }
            writeln!(out, "{told:#}")?;
        }
    }
    Ok(())
}

fn plan(catalog: &Catalog, named: Option<&str>) -> Result<String, Failure> {
    let known: Vec<&str> = catalog.plans().iter().map(|plan| &*plan.id).collect();
    match (named, known.as_slice()) {
        (Some(name), _) if known.contains(&name) => Ok(name.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (Some(name), _) => {
            Err(Failure::Usage(format!("there is no plan {name:?}; the catalog has {}", known.join(", "))))
        }
        (None, _) => Err(Failure::Usage(format!("name the plan with --plan: {}", known.join(", ")))),
    }
}

/// The event with an id, and the instant at which the log would take it.
fn read(given: &str) -> Result<(Value, Timestamp), Failure> {
    let text = if given.trim_start().starts_with('{') {
        given.to_owned()
    } else if given == "-" {
        let mut text = String::new();
        std::io::stdin().lock().take(1 << 20).read_to_string(&mut text).context("standard input")?;
        text
    } else {
        std::fs::read_to_string(given)
            .with_context(|| format!("{given:?} is neither a JSON object nor a file that can be read"))?
    };
    let mut event: Value = serde_json::from_str(&text).context("the event is not JSON")?;
    let Some(object) = event.as_object_mut() else {
        return Err(Failure::Failed(anyhow::anyhow!("the event is not a JSON object")));
    };
    object.entry("id").or_insert_with(|| json!("rate"));
    object.remove("org");
    let named = object.get("time").and_then(Value::as_str).and_then(|text| time::parse(text).ok());
    Ok((event, named.unwrap_or_else(clock::now)))
}

/// Charges the event to an organization that has credits enough, in the way the daemon does.
fn price(
    catalog: Catalog,
    plan: &str,
    increment: Option<Increment>,
    event: &Value,
    at: Timestamp,
) -> Result<Result<Charge, Rejection>, Failure> {
    let plenty = Credits::from_micros(Credits::LARGEST_TOTAL.micros() / 2);
    let own = increment.map_or_else(|| json!({}), |increment| json!({ "increment": increment }));
    let terms = json!({ "type": "org.put", "data": { "plan": plan, "overrides": own } });
    let grants = catalog
        .credit_types()
        .iter()
        .map(|kind| json!({ "type": "grant", "data": { "credit_type": kind, "amount": plenty } }));
    let commands: Vec<Value> = std::iter::once(terms).chain(grants).collect();
    let mut fold = Offline::new(catalog);
    let mut last = Last::default();
    fold.apply(1, at, Subject::Commands(ORG), Value::from(commands).to_string(), &mut last)?;
    fold.apply(2, at, Subject::Events(ORG), event.to_string(), &mut last)?;
    match last.0 {
        Some(Outcome::Charged(charge)) => Ok(Ok(charge)),
        Some(Outcome::Rejected(rejection)) => Ok(Err(rejection)),
        _ => Err(Failure::Failed(anyhow::anyhow!("the event costs nothing by itself: it voids another one"))),
    }
}

/// The outcome that came last.
#[derive(Default)]
struct Last(Option<Outcome>);

impl Listener for Last {
    fn outcome(&mut self, _: &Record, _: Item<'_>, outcome: &Outcome) {
        self.0 = Some(outcome.clone());
    }

    fn effect(&mut self, _: &str, _: &Effect) {}
}
