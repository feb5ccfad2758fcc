//! `creditd grants`: where credits come from, in the order in which they burn.

use std::path::Path;

use serde_json::Value;

use super::listing::{self, Column};
use super::{Server, asking};
use crate::cli::Failure;
use crate::cli::terminal::Format;

/// List an organization's grants, in the order in which they burn.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    #[command(flatten)]
    server: Server,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let answer = asking(file, &arguments.server, async |client| {
        client.json(&["v1", "orgs", &arguments.org, "balance"], &[]).await
    })?;
    let balances = answer.get("balances").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let rows: Vec<Value> = balances.iter().flat_map(grants).collect();
    listing::write(&answer, &rows, &columns(), arguments.output)
}

fn grants(balance: &Value) -> Vec<Value> {
    let grants = balance.get("grants").and_then(Value::as_array).cloned().unwrap_or_default();
    let with_kind = |mut grant: Value| {
        grant["credit_type"] = balance["credit_type"].clone();
        grant
    };
    grants.into_iter().map(with_kind).collect()
}

fn columns() -> [Column; 9] {
    [
        Column::at("credit_type", "/credit_type"),
        Column::at("grant", "/id"),
        Column::at("kind", "/kind"),
        Column::number_at("priority", "/priority"),
        Column::at("state", "/state"),
        Column::number_at("remaining", "/remaining"),
        Column::number_at("amount", "/amount"),
        Column::at("effective", "/effective"),
        Column::at("expires", "/expires"),
    ]
}
