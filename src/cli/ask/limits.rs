//! `creditd limits`: what is used of each limit.

use std::path::Path;

use super::listing::{self, Column};
use super::{Page, Server, asking};
use crate::cli::Failure;
use crate::cli::terminal::Format;

/// List an organization's limits and what is used of them.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    server: Server,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let answer = asking(file, &arguments.server, async |client| {
        client.json(&["v1", "orgs", &arguments.org, "limits"], &arguments.page.pairs()).await
    })?;
    listing::write(&answer, listing::rows(&answer), &columns(), arguments.output)
}

fn columns() -> Vec<Column> {
    vec![
        Column::at("limit", "/id"),
        Column::at("value", "/value"),
        Column::at("state", "/state"),
        Column::number_at("used", "/used"),
        Column::number_at("max", "/max"),
        Column::number_at("remaining", "/remaining"),
        Column::at("unit", "/unit"),
        Column::at("credit_type", "/credit_type"),
        Column::at("window", "/window"),
        Column::at("resets_at", "/resets_at"),
        Column::at("hard", "/hard"),
        Column::at("whose", "/whose"),
    ]
}
