//! `creditd export`: everything as CSV, however much it is.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Response;

use super::client::Client;
use super::{Pair, Server, asking, history, usage};
use crate::cli::Failure;

/// Write all usage, history or finished calls of an organization as CSV.
///
/// What is written is whole: a file appears under its name once everything is in it.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// What was used, by whom and for what.
    Usage(Whole<usage::Of>),
    /// Every movement of credits, newest first.
    History(Whole<history::Of>),
    /// The calls that are over, newest first.
    Calls(Whole<history::Of>),
}

#[derive(Debug, clap::Args)]
struct Whole<O: clap::Args> {
    /// The organization.
    org: String,
    /// The file to write; standard output if not given.
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,
    #[command(flatten)]
    of: O,
    #[command(flatten)]
    server: Server,
}

const CSV: &str = "text/csv";

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Usage(whole) => {
            let mut pairs = whole.of.pairs()?;
            pairs.push(("limit", "1000".to_owned()));
            whole.write(file, "usage", &pairs)
        }
        What::History(whole) => whole.write(file, "history", &whole.of.pairs()?),
        What::Calls(whole) => {
            let mut pairs = whole.of.pairs()?;
            pairs.push(("state", "finished".to_owned()));
            whole.write(file, "calls", &pairs)
        }
    }
}

impl<O: clap::Args> Whole<O> {
    fn write(&self, file: Option<&Path>, what: &str, pairs: &[Pair]) -> Result<(), Failure> {
        let path = ["v1", "orgs", &self.org, what];
        asking(file, &self.server, async |client| match &self.to_file {
            None => to_stdout(&client, &path, pairs).await,
            Some(target) => to_file(&client, &path, pairs, target).await,
        })
    }
}

/// Writes what is asked for to standard output, all pages of it.
pub(super) async fn to_stdout(client: &Client, path: &[&str], pairs: &[Pair]) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout());
    pages(client, path, pairs, &mut out).await?;
    out.flush()?;
    Ok(())
}

async fn to_file(client: &Client, path: &[&str], pairs: &[Pair], target: &Path) -> Result<(), Failure> {
    let unfinished = target.with_added_extension("part");
    let named = |error: io::Error| {
        Failure::Failed(anyhow::Error::from(error).context(unfinished.display().to_string()))
    };
    let mut out = BufWriter::new(File::create(&unfinished).map_err(named)?);
    let written = async {
        let bytes = pages(client, path, pairs, &mut out).await?;
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(named)?;
        fs::rename(&unfinished, target).map_err(named)?;
        Ok(bytes)
    };
    let written: Result<u64, Failure> = written.await;
    if written.is_err() {
        // What is not whole is not kept; that it could not be taken away changes nothing of what is said.
        drop(fs::remove_file(&unfinished));
    }
    writeln!(io::stderr().lock(), "{} has {}", target.display(), indicatif::HumanBytes(written?))?;
    Ok(())
}

/// Writes every page; the head of the table once. Answers how many bytes that were.
async fn pages(client: &Client, path: &[&str], pairs: &[Pair], out: &mut impl Write) -> Result<u64, Failure> {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bytes} in {elapsed}") {
        progress.set_style(style);
    }
    let mut answer = client.get(path, pairs, CSV).await?;
    let mut bytes = copy(client, &mut answer, false, out, &progress).await?;
    while let Some(mut next) = client.next(&answer, CSV).await? {
        bytes = bytes.saturating_add(copy(client, &mut next, true, out, &progress).await?);
        answer = next;
    }
    progress.finish_and_clear();
    Ok(bytes)
}

/// Writes a page, with its first line or without it.
async fn copy(
    client: &Client,
    answer: &mut Response,
    mut without_head: bool,
    out: &mut impl Write,
    progress: &ProgressBar,
) -> Result<u64, Failure> {
    let mut bytes = 0_u64;
    while let Some(chunk) = answer.chunk().await.map_err(|error| client.away(&error))? {
        let mut rest = &chunk[..];
        if without_head {
            // No title has a line break in it.
            let end = memchr::memchr(b'\n', rest);
            rest = end.and_then(|end| rest.get(end.saturating_add(1)..)).unwrap_or_default();
            without_head = end.is_none();
        }
        out.write_all(rest)?;
        let length = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        bytes = bytes.saturating_add(length);
        progress.inc(length);
    }
    Ok(bytes)
}
