//! `creditd grants`: where credits come from, in the order in which they burn.

use std::path::Path;

use serde_json::Value;

use super::Asking;
use super::listing::Column;
use crate::cli::Failure;

/// List an organization's grants, in the order in which they burn.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    #[command(flatten)]
    asking: Asking,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let path = ["v1", "orgs", &arguments.org, "balance"];
    arguments.asking.tell(file, &path, &[], |answer| {
        let balances = answer["balances"].as_array().into_iter().flatten();
        (balances.flat_map(grants).collect(), columns())
    })
}

fn grants(balance: &Value) -> Vec<Value> {
    let grants = balance.get("grants").and_then(Value::as_array).cloned().unwrap_or_default();
    let with_kind = |mut grant: Value| {
        grant["credit_type"] = balance["credit_type"].clone();
        grant
    };
    grants.into_iter().map(with_kind).collect()
}

fn columns() -> Vec<Column> {
    vec![
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
