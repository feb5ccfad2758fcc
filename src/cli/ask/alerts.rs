//! `creditd alerts`: the last ones, and those that come.

use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use super::client::Client;
use super::listing::{self, Column};
use super::{Asking, Page, asking};
use crate::cli::Failure;

/// List an organization's last alerts, newest first, or tell those that come.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    /// Go on, and tell each alert as it is raised, as JSON a line.
    #[arg(short, long, conflicts_with_all = ["output", "cursor"])]
    follow: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    asking: Asking,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.follow {
        return asking(file, &arguments.asking.server, async |client| follow(&client, &arguments.org).await);
    }
    let mut pairs = arguments.page.pairs();
    // No page of alerts is longer.
    if let Some((_, limit)) = pairs.iter_mut().find(|(name, _)| *name == "limit") {
        *limit = arguments.page.limit.min(200).to_string();
    }
    let path = ["v1", "orgs", &arguments.org, "alerts"];
    arguments.asking.tell(file, &path, &pairs, |answer| (listing::rows(answer).to_vec(), columns()))
}

/// Tells alerts until the daemon ends the stream.
async fn follow(client: &Client, org: &str) -> Result<(), Failure> {
    let path = ["v1", "orgs", org, "alerts", "stream"];
    let mut answer = client.get(&path, &[], "text/event-stream").await?;
    let mut waiting = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| client.away(&error))? {
        waiting.extend_from_slice(&chunk);
        while let Some(end) = memchr::memchr(b'\n', &waiting) {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            if let Some(data) = line.strip_prefix(b"data:") {
                let mut out = io::stdout().lock();
                out.write_all(data.trim_ascii())?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
        }
    }
    Err(Failure::Unavailable("the daemon has ended the stream".to_owned()))
}

fn columns() -> Vec<Column> {
    vec![
        Column::at("time", "/time"),
        Column::at("kind", "/kind"),
        Column::text("what", |row| facts(&row["data"])),
        Column::text("deliveries", |row| {
            let deliveries = row["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
            let told =
                |one: &Value| format!("{} {}", listing::at(one, "/webhook"), listing::at(one, "/state"));
            deliveries.iter().map(told).collect::<Vec<_>>().join(", ")
        }),
    ]
}

/// The facts of an alert, as `name=value`.
fn facts(data: &Value) -> String {
    let told = |value: &Value| !value.is_array() && !value.is_null();
    let all = data.as_object().into_iter().flatten().filter(|(name, value)| *name != "org" && told(value));
    all.map(|(name, value)| format!("{name}={}", listing::shown(value))).collect::<Vec<_>>().join(" ")
}
