//! `creditd top`: what happens now, again and again.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use super::listing::{self, Column};
use super::rates::Sample;
use super::{Server, asking, balance, calls, usage};
use crate::cli::Failure;
use crate::cli::terminal::Paint;
use crate::clock::Stopwatch;

/// Show what a daemon does now, or an organization: its credits, how long they last, its live calls and who used most today.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization; the daemon as a whole if not given.
    org: Option<String>,
    /// The seconds between two looks.
    #[arg(short, long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// By what today's usage is told apart.
    #[arg(long, value_name = "DIMENSION", default_value = "entity")]
    by: String,
    /// Look once, and end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    server: Server,
}

/// The most live calls and lines of usage that are shown.
const MOST_SHOWN: usize = 10;

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let pause = Duration::from_secs(arguments.every);
    asking(file, &arguments.server, async |client| {
        // Rates need a look before.
        let mut before = if arguments.org.is_none() { Some(sample(&client).await?) } else { None };
        loop {
            let passed = Stopwatch::start();
            if before.is_some() {
                tokio::time::sleep(pause).await;
            }
            let mut text = Vec::new();
            match (&arguments.org, &mut before) {
                (Some(org), _) => of_org(&client, org, &arguments.by, &mut text).await?,
                (None, Some(before)) => {
                    let now = sample(&client).await?;
                    of_daemon(&client, &now, before, passed.elapsed(), &mut text).await?;
                    *before = now;
                }
                (None, None) => {}
            }
            show(&text)?;
            if arguments.once {
                return Ok(());
            }
            if before.is_none() {
                tokio::time::sleep(pause).await;
            }
        }
    })
}

/// Shows a look in place of the one before, where somebody looks at a terminal.
fn show(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if io::stdout().is_terminal() {
        out.write_all(b"\x1b[H\x1b[2J")?;
    }
    out.write_all(text)?;
    out.flush()
}

async fn sample(client: &Client) -> Result<Sample, Failure> {
    let answer = client.get(&["metrics"], &[], "text/plain").await?;
    let text = answer.text().await.map_err(|error| client.away(&error))?;
    Ok(Sample::read(&text))
}

async fn of_daemon(
    client: &Client,
    now: &Sample,
    before: &Sample,
    passed: Duration,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let ready = match client.json(&["readyz"], &[]).await {
        Ok(_) => "ready".to_owned(),
        Err(Failure::Unavailable(_)) => "not ready".to_owned(),
        Err(other) => return Err(other),
    };
    let a_second = |name: &str| format!("{:.0}", now.rate(before, name, passed));
    let value = |name: &str| format!("{:.0}", now.value(name));
    let line =
        |what: &str, rate: String, total: String| json!({ "what": what, "rate": rate, "total": total });
    let counted = [
        ("events received", "creditd_events_received_total"),
        ("charged", "creditd_events_charged_total"),
        ("repeats", "creditd_events_duplicate_total"),
        ("rejected", "creditd_events_rejected_total"),
        ("may this call start?", "creditd_authorizations_total"),
        ("alerts raised", "creditd_alerts_raised_total"),
    ];
    let rows: Vec<Value> =
        counted.iter().map(|(what, name)| line(what, a_second(name), value(name))).collect();
    writeln!(
        out,
        "{} · {} organizations · record {} of {} · {:.1} s behind · {} messages on their way out\n",
        Paint::stdout().strong(&ready),
        value("creditd_organizations"),
        value("creditd_log_position"),
        value("creditd_log_end"),
        now.value("creditd_log_lag_seconds"),
        value("creditd_outbox_messages"),
    )?;
    let columns = [
        Column::at("", "/what"),
        Column::number_at("a second", "/rate"),
        Column::number_at("since the start", "/total"),
    ];
    listing::table(out, &rows, &columns)?;
    Ok(())
}

async fn of_org(client: &Client, org: &str, by: &str, out: &mut Vec<u8>) -> Result<(), Failure> {
    let path = |what: &'static str| ["v1", "orgs", org, what];
    let balances = client.json(&path("balance"), &[]).await?;
    let forecast = client.json(&path("forecast"), &[]).await?;
    let live = client.json(&path("calls"), &[("limit", MOST_SHOWN.to_string())]).await?;
    let today = balances["as_of"].as_str().and_then(|at| at.get(..10)).unwrap_or_default().to_owned();
    let most = [("from", today), ("group_by", by.to_owned()), ("limit", MOST_SHOWN.to_string())];
    let used = client.json(&path("usage"), &most).await?;
    let paint = Paint::stdout();
    writeln!(out, "{} as of {}\n", paint.strong(org), listing::at(&balances, "/as_of"))?;
    let outcome = |credit_type: &Value| {
        let all = forecast["forecasts"].as_array().into_iter().flatten();
        all.clone().find(|one| one["credit_type"] == *credit_type).map(|one| one["outcome"].clone())
    };
    let mut rows = balance::of_each_kind(&balances);
    for row in &mut rows {
        row["outcome"] = outcome(&row["credit_type"]).unwrap_or_default();
    }
    let mut columns = balance::columns();
    columns.retain(|column| !column.is("org") && !column.is("as_of"));
    columns.push(Column::at("forecast", "/outcome"));
    listing::table(out, &rows, &columns)?;
    writeln!(out, "\n{} {}", paint.strong("live calls"), listing::at(&live, "/live"))?;
    listing::table(out, listing::rows(&live), &calls::live())?;
    writeln!(out, "\n{} by {by}", paint.strong("used today"))?;
    listing::table(out, &usage::rows(&used), &usage::columns(&used))?;
    Ok(())
}
