//! `creditd verify`: the books against the history, while the daemon does not run.

use std::io::Write;
use std::path::Path;

use super::Failure;
use super::terminal::{Format, Paint, csv_field, grouped};
use crate::book::pipeline::Look;
use crate::book::recovery::recover;
use crate::config::Config;
use crate::daemon;
use crate::query::{self, Verified};
use crate::store::history::Limits;

/// Add up the history of every organization and compare it with what the newest checkpoint holds.
///
/// The daemon must not run on the same data folder; while it runs, ask it: POST /v1/orgs/{org}/verify. Exits with 0 when every
/// figure is the same, 1 when one is not. Organizations whose oldest rows were deleted for their age are counted and left out.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this organization.
    #[arg(long)]
    org: Option<String>,
    /// How the list is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::load(file)?;
    let _lock = daemon::lock(&config.data).map_err(anyhow::Error::from)?;
    let recovered = recover(&config.data, u64::MAX, Limits::default()).map_err(anyhow::Error::from)?;
    let (book, history) = (recovered.partition.book(), recovered.partition.past());
    let mut names = book.names();
    if let Some(org) = &arguments.org {
        names.retain(|name| **name == **org);
        if names.is_empty() {
            return Err(Failure::Usage(format!("there is no organization {org:?} in the newest checkpoint")));
        }
    }
    let mut verified = Vec::new();
    for name in names {
        let found = book.read(&name, |slot| (Box::new(slot.org.without_ids()), slot.key));
        let look = found.map(|(org, key)| Look { org, past: history.past(key) });
        if let Some(look) = look {
            verified.push(query::verify(&name, &look).map_err(anyhow::Error::from)?);
        }
    }
    write(&verified, arguments.output)?;
    if verified.iter().all(is_right) { Ok(()) } else { Err(Failure::Said(1)) }
}

fn write(verified: &[Verified], format: Format) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match format {
        Format::Json => {
            let ok = verified.iter().all(is_right);
            writeln!(out, "{}", serde_json::json!({ "ok": ok, "orgs": verified }))?;
        }
        Format::Csv => {
            writeln!(out, "org,rows,ok,differences")?;
            for one in verified {
                let Verified { org, rows, ok, differences, .. } = one;
                let told: Vec<String> = differences.iter().map(in_words).collect();
                let ok = ok.map(|ok| ok.to_string()).unwrap_or_default();
                writeln!(out, "{org},{rows},{ok},{}", csv_field(&told.join("; ")))?;
            }
        }
        Format::Table => table(verified, &mut out)?,
    }
    Ok(())
}

/// Whether nothing speaks against it.
fn is_right(verified: &Verified) -> bool {
    verified.ok != Some(false)
}

/// What differs, line by line, then the sum.
fn table(verified: &[Verified], out: &mut impl Write) -> Result<(), Failure> {
    let paint = Paint::stdout();
    for one in verified.iter().filter(|one| !is_right(one)) {
        writeln!(out, "{} {}", paint.bad("✗"), one.org)?;
        for difference in &one.differences {
            writeln!(out, "    {}", in_words(difference))?;
        }
    }
    let rows = verified.iter().map(|one| one.rows).sum();
    let wrong = verified.iter().filter(|one| !is_right(one)).count();
    let untold = verified.iter().filter(|one| one.ok.is_none()).count();
    let orgs = u64::try_from(verified.len()).unwrap_or(u64::MAX);
    let looked_at = format!("{} organizations, {} rows of history added up", grouped(orgs), grouped(rows));
    let mark = if wrong == 0 { paint.good("✓") } else { paint.bad("✗") };
    let mut found =
        if wrong == 0 { "every figure is the same".to_owned() } else { format!("{wrong} differ") };
    if untold > 0 {
        found += &format!("; {untold} cannot be told: their oldest rows are not kept any more");
    }
    writeln!(out, "{mark} {looked_at}: {found}")?;
    Ok(())
}

fn in_words(difference: &crate::book::recount::Difference) -> String {
    let crate::book::recount::Difference { credit_type, figure, ledger, history } = difference;
    format!("{credit_type} {figure}: the ledger holds {ledger}, the history adds up to {history}")
}
