//! `creditd limits`: what is used of each limit.

use std::path::Path;

use serde_json::Value;

use super::listing::{self, Column};
use super::{Asking, Page};
use crate::cli::Failure;

/// List an organization's limits and what is used of them.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    asking: Asking,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let path = ["v1", "orgs", &arguments.org, "limits"];
    let list = |answer: &Value| (listing::rows(answer).to_vec(), columns());
    arguments.asking.tell(file, &path, &arguments.page.pairs(), list)
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
