//! `creditd history`: every movement of credits, newest first.

use std::path::Path;

use serde_json::Value;

use super::listing::{self, Column};
use super::{Asking, Page, Pair, Where};
use crate::cli::Failure;

/// List how an organization's credits moved, newest first.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    asking: Asking,
}

/// Which part of a history.
#[derive(Debug, clap::Args)]
pub(super) struct Of {
    /// Only what moved from that instant on, such as 2026-01-31T00:00:00Z.
    #[arg(long)]
    from: Option<String>,
    /// Only what moved before that instant.
    #[arg(long)]
    to: Option<String>,
    /// Only rows with that in an id, a name or the remarks.
    #[arg(long)]
    search: Option<String>,
    #[command(flatten)]
    only: Where,
}

impl Of {
    pub(super) fn pairs(&self) -> Result<Vec<Pair>, Failure> {
        const KNOWN: [&str; 8] =
            ["kind", "user", "team", "account", "entity", "feature", "action", "credit_type"];
        let mut pairs = super::named(&self.only, &[&KNOWN[..], &["call_id"]].concat())?;
        let texts = [("from", &self.from), ("to", &self.to), ("search", &self.search)];
        pairs.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        Ok(pairs)
    }
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let mut pairs = arguments.of.pairs()?;
    pairs.extend(arguments.page.pairs());
    let path = ["v1", "orgs", &arguments.org, "history"];
    let list = |answer: &Value| (listing::rows(answer).to_vec(), columns());
    arguments.asking.tell_all(file, &path, &pairs, list)
}

fn columns() -> Vec<Column> {
    vec![
        Column::at("at", "/at"),
        Column::at("seq", "/seq"),
        Column::at("kind", "/kind"),
        Column::number_at("in", "/in"),
        Column::number_at("out", "/out"),
        Column::at("remarks", "/remarks"),
        Column::at("user", "/user"),
        Column::text("entity", |row| {
            let part = |place| listing::at(row, place);
            [part("/entity/type"), part("/entity/id")]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("/")
        }),
    ]
}
