//! `creditd adapt`: what would become of this message?

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Failure, adapters};
use crate::clock;
use crate::config::Config;
use crate::ledger::units::Timestamp;
use crate::wire::adapter::{Message, Translation};
use crate::wire::time;

/// The largest sample, in bytes: the largest body that the daemon takes.
const LARGEST_SAMPLE: u64 = 8 << 20;

/// Show the event that a message of a telephony system becomes, or why it becomes none.
///
/// Changes nothing. Exits with 0 also for a message that costs nothing, and with 1 for one that is refused.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A file of adapters; may be given several times. Without one, those of the settings.
    #[arg(long = "adapter", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Ask this adapter alone, as over HTTP.
    #[arg(long, value_name = "NAME", conflicts_with = "subject")]
    name: Option<String>,
    /// The subject that the message was published to. Without one every adapter is asked.
    #[arg(long)]
    subject: Option<String>,
    /// A header of the message; may be given several times.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// When the message arrived, such as 2026-01-05T10:05:00Z; now, unless it is given.
    #[arg(long, value_parser = time::parse)]
    time: Option<Timestamp>,
    /// The message: a file, or - for standard input.
    #[arg(value_name = "SAMPLE")]
    sample: PathBuf,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let files =
        if arguments.files.is_empty() { Config::load(file)?.adapters } else { arguments.files.clone() };
    if files.is_empty() {
        let why = "no adapter is named; give --adapter FILE, or name files in adapters.files of the settings";
        return Err(Failure::Usage(why.to_owned()));
    }
    let adapters = adapters::load(&files)?;
    let body = sample(&arguments.sample)?;
    let message = Message {
        subject: arguments.subject.as_deref(),
        headers: &arguments.headers,
        at: arguments.time.unwrap_or_else(clock::now),
        seq: None,
        body: body.trim_ascii_end(),
    };
    let translated = match &arguments.name {
        None => adapters.translate(&message),
        Some(name) => {
            let adapter = adapters.named(name).ok_or_else(|| {
                let known: Vec<&str> = adapters.iter().map(|adapter| adapter.name.as_str()).collect();
                Failure::Usage(format!("there is no adapter {name:?}; there are {}", known.join(", ")))
            })?;
            adapter.translate(&message)
        }
    };
    let shown = match translated {
        Ok(Translation::Event(event)) => json!({ "adapter": event.adapter, "event": event.event }),
        Ok(Translation::Ignored { adapter, why }) => json!({ "adapter": adapter, "ignored": why }),
        Err(rejection) => return Err(Failure::Failed(anyhow::anyhow!("{rejection}"))),
    };
    let text = serde_json::to_string_pretty(&shown).map_err(anyhow::Error::from)?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

fn sample(path: &Path) -> Result<Vec<u8>, Failure> {
    let unread = |error: std::io::Error| {
        Failure::Failed(anyhow::anyhow!("{}: cannot be read: {error}", path.display()))
    };
    let mut body = Vec::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin().lock().take(LARGEST_SAMPLE).read_to_end(&mut body),
        false => std::fs::File::open(path).and_then(|file| file.take(LARGEST_SAMPLE).read_to_end(&mut body)),
    };
    read.map_err(unread)?;
    Ok(body)
}
