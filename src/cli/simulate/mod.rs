//! `creditd simulate`: a telephony and action workload, from a seed.
//!
//! [`workload`] makes it, purely; [`trades`] says what customers do; [`delivery`] takes it to a daemon, over
//! [`http`] or [`nats`]; a file of it is what `creditd replay` reads.

mod chance;
mod delivery;
mod http;
mod nats;
mod parcel;
mod tally;
mod trades;
mod workload;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

use self::workload::{Item, ItemKind, Shape, Workload};
use super::{Failure, runtime};
use crate::clock;
use crate::config::{Config, LogHome};
use crate::ledger::units::Timestamp;
use crate::log::jetstream::Access;
use crate::wire::{CATALOG, time};

/// Make a telephony and action workload and send it to a daemon, or write it down for `replay`.
///
/// The same seed gives the same events. Repeats and bad events are part of it where asked for. An event whose delivery
/// fails is sent again under its own id, which is safe: the daemon charges it once.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where it goes: http://HOST:PORT of a daemon, nats://HOST:PORT, or - for lines on standard output.
    #[arg(long, value_name = "URL", default_value = "-")]
    to: Destination,
    /// Events a second.
    #[arg(long, value_name = "N/s", default_value = "100/s", conflicts_with = "flat_out", value_parser = rate)]
    rate: u64,
    /// As fast as it is taken. Lines on standard output always are.
    #[arg(long)]
    flat_out: bool,
    /// End after so many events. Without this and --for: endless, or 1000 lines.
    #[arg(long, value_name = "N", conflicts_with = "span")]
    events: Option<u64>,
    /// End after so long, such as 30s.
    #[arg(long = "for", id = "span", value_name = "TIME", value_parser = span)]
    span: Option<Duration>,
    /// How many organizations there are; few of them have most of the events.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    orgs: u32,
    /// The seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many events go into one message or request.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// How many events are repeats of an earlier one.
    #[arg(long, value_name = "N%", default_value = "0%", value_parser = share)]
    duplicates: u32,
    /// How many events are bad and must be refused.
    #[arg(long, value_name = "N%", default_value = "0%", value_parser = share)]
    bad: u32,
    /// Do not publish catalogs, create organizations and give them credits first.
    #[arg(long)]
    no_setup: bool,
    /// When lines on standard output begin. The default is a Monday morning.
    #[arg(long, value_name = "RFC3339", value_parser = |text: &str| time::parse(text))]
    start: Option<Timestamp>,
    /// Write the events alone on standard output, as POST /v1/events takes them.
    #[arg(long)]
    plain: bool,
    /// Show no progress.
    #[arg(short, long)]
    quiet: bool,
    /// Write the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// Where a workload goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    Stdout,
    Http(String),
    Nats(String),
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://").map(|(scheme, _)| scheme) {
            _ if text == "-" => Ok(Destination::Stdout),
            Some("http" | "https") => Ok(Destination::Http(text.trim_end_matches('/').to_owned())),
            Some("nats" | "tls") => Ok(Destination::Nats(text.to_owned())),
            _ => Err("write http(s)://host:port, nats://host:port, or -".to_owned()),
        }
    }
}

/// Reads `200/s` or `200`.
fn rate(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).parse().ok();
    number.filter(|rate| (1..=10_000_000).contains(rate)).ok_or_else(|| "write 1/s to 10000000/s".to_owned())
}

/// Reads `1%` or `0.01%` as so many in a million.
fn share(text: &str) -> Result<u32, String> {
    let percent: Option<crate::ledger::units::Credits> =
        text.strip_suffix('%').and_then(|number| number.parse().ok());
    let in_a_million =
        percent.map(|percent| percent.micros() / 100).and_then(|micros| u32::try_from(micros).ok());
    in_a_million.filter(|n| *n <= 1_000_000).ok_or_else(|| "write a percentage such as 1% or 0.1%".to_owned())
}

fn span(text: &str) -> Result<Duration, String> {
    let why = || "write a length of time such as 30s or 5m".to_owned();
    let exact: jiff::SignedDuration = text.parse().map_err(|_| why())?;
    Duration::try_from(exact).map_err(|_| why())
}

/// How many lines are written where nobody says.
const LINES: u64 = 1_000;
/// When lines begin where nobody says.
const MONDAY: &str = "2026-01-05T08:00:00Z";
/// Flat out, events lie closely behind each other in the hour that ends now: in nanoseconds.
const FLAT_OUT_STEP: u64 = 100_000;
const FLAT_OUT_SPAN: u64 = 3_600_000_000_000;

pub(super) fn run(file: Option<&Path>, arguments: Arguments) -> Result<(), Failure> {
    if arguments.plain && arguments.to != Destination::Stdout {
        return Err(Failure::Usage("--plain is about lines on standard output; leave --to away".into()));
    }
    let shape = shape(&arguments)?;
    let workload = Workload::new(shape);
    match &arguments.to {
        Destination::Stdout => write_lines(workload, &arguments, shape.step_ns),
        to => {
            let limits = delivery::Limits {
                events: arguments.events,
                span: arguments.span,
                rate: (!arguments.flat_out).then_some(arguments.rate),
                batch: arguments.batch as usize,
                quiet: arguments.quiet,
            };
            let access = access(file, to)?;
            let tally = runtime()?.block_on(delivery::deliver(workload, to, access, limits))?;
            let mut out = std::io::stdout().lock();
            if arguments.json {
                writeln!(out, "{}", tally.to_json())?;
            } else {
                out.write_all(tally.to_text().as_bytes())?;
            }
            Ok(())
        }
    }
}

/// Who we are to NATS: what the settings say, where that is where the workload goes.
fn access(file: Option<&Path>, to: &Destination) -> Result<Access, Failure> {
    if !matches!(to, Destination::Nats(_)) {
        return Ok(Access::default());
    }
    match Config::load(file)?.log {
        LogHome::JetStream(nats) => Ok(nats.log.access),
        LogHome::Local(_) => Ok(Access::default()),
    }
}

fn shape(arguments: &Arguments) -> Result<Shape, Failure> {
    let paced = 1_000_000_000 / arguments.rate;
    let on_stdout = arguments.to == Destination::Stdout;
    let (start, step_ns) = if on_stdout {
        let monday = time::parse(MONDAY).map_err(Failure::Usage)?;
        (arguments.start.unwrap_or(monday), paced)
    } else if arguments.flat_out {
        let fits = FLAT_OUT_SPAN / arguments.events.unwrap_or(1).max(1);
        (clock::now().minus(crate::ledger::units::Millis(3_600_000)), FLAT_OUT_STEP.min(fits))
    } else {
        (clock::now(), paced)
    };
    Ok(Shape {
        seed: arguments.seed,
        orgs: arguments.orgs as usize,
        start,
        step_ns,
        duplicates: arguments.duplicates,
        bad: arguments.bad,
        setup: !arguments.no_setup,
        grants_end: on_stdout || !arguments.flat_out,
    })
}

/// Writes the workload in the form of `replay`, or its events alone.
fn write_lines(workload: Workload, arguments: &Arguments, step_ns: u64) -> Result<(), Failure> {
    let spanned = arguments.span.map(|span| span.as_nanos() / u128::from(step_ns.max(1)));
    let spanned = spanned.map(|events| u64::try_from(events).unwrap_or(u64::MAX));
    let events = arguments.events.or(spanned).unwrap_or(LINES);
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut written = 0;
    for item in workload {
        if !item.kind.is_command() {
            if written == events {
                break;
            }
            written += 1;
        }
        match (arguments.plain, item.kind) {
            (true, ItemKind::Command) => {}
            (true, _) => writeln!(out, "{}", item.text)?,
            (false, _) => writeln!(out, "{}", line(&item))?,
        }
    }
    Ok(out.flush()?)
}

/// A line of the form that `replay` reads. What is not JSON becomes a text, which is no event either.
fn line(item: &Item) -> String {
    let name = if item.kind.is_command() { "command" } else { "event" };
    let org = item.org.as_deref().unwrap_or(CATALOG);
    let sound = serde_json::from_str::<serde::de::IgnoredAny>(&item.text).is_ok();
    let text = if sound { item.text.to_string() } else { Value::from(&*item.text).to_string() };
    format!("{{\"at\":{},\"org\":{},\"{name}\":{text}}}", json!(time::format(item.at)), json!(org))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_shares_are_read_as_people_write_them() {
        assert_eq!((rate("200/s"), rate("5")), (Ok(200), Ok(5)));
        assert_eq!((share("1%"), share("0.1%"), share("100%")), (Ok(10_000), Ok(1_000), Ok(1_000_000)));
        for bad in ["1", "-1%", "101%", "x%"] {
            assert!(share(bad).is_err(), "{bad}");
        }
        assert!(rate("0/s").is_err() && rate("fast").is_err());
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        assert!("ftp://x".parse::<Destination>().is_err());
    }
}
