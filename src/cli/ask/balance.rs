//! `creditd balance`: what is left.

use std::path::Path;

use serde_json::{Value, json};

use super::listing::{self, Column};
use super::{Asking, asking};
use crate::cli::Failure;

/// Tell what organizations have left.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organizations.
    #[arg(required = true, value_name = "ORG")]
    orgs: Vec<String>,
    #[command(flatten)]
    asking: Asking,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let answers = asking(file, &arguments.asking.server, async |client| {
        let mut answers = Vec::new();
        for org in &arguments.orgs {
            answers.push(client.json(&["v1", "orgs", org, "balance"], &[]).await?);
        }
        Ok(answers)
    })?;
    let rows: Vec<Value> = answers.iter().flat_map(of_each_kind).collect();
    let answer = json!({ "data": answers });
    listing::write(&answer, &rows, &columns(), arguments.asking.output)
}

/// A row for each kind of credits.
pub(super) fn of_each_kind(answer: &Value) -> Vec<Value> {
    let balances = answer.get("balances").and_then(Value::as_array).cloned().unwrap_or_default();
    let with_org = |mut balance: Value| {
        for name in ["org", "as_of"] {
            balance[name] = answer[name].clone();
        }
        balance
    };
    balances.into_iter().map(with_org).collect()
}

pub(super) fn columns() -> Vec<Column> {
    let amounts = ["available", "settled", "pending", "held", "total", "owed"];
    let mut columns = vec![Column::at("org", "/org"), Column::at("credit_type", "/credit_type")];
    columns.extend(
        amounts.map(|name| Column::number(name, move |row: &Value| listing::at(row, &format!("/{name}")))),
    );
    columns.push(Column::at("as_of", "/as_of"));
    columns
}
