//! `creditd what-if`: what customers would have paid by other prices.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::client::Client;
use super::listing::{self, Column};
use super::range::Range;
use super::{Asking, Page, asking, export};
use crate::cli::Failure;
use crate::cli::terminal::Format;

/// Work out what customers would have paid by other prices, over the real history. Nothing is changed.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// A rate card: one that is published, as NAME or NAME@VERSION, or a file in JSON with its "prices".
    #[arg(long, value_name = "NAME|FILE.json", required_unless_present = "plan")]
    rate_card: Option<String>,
    /// A plan, whose increment counts: one that is published, as NAME or NAME@VERSION, or a file in JSON.
    #[arg(long, value_name = "NAME|FILE.json")]
    plan: Option<String>,
    /// Leave out prices and increments that organizations have of their own.
    #[arg(long)]
    without_own_prices: bool,
    /// Only this organization; may be repeated. All where none is named.
    #[arg(long = "org", value_name = "ORG")]
    orgs: Vec<String>,
    #[command(flatten)]
    range: Range,
    /// Who comes first: -difference, who would pay most more; difference, who would pay most less; or org.
    #[arg(long, allow_hyphen_values = true, default_value = "-difference")]
    sort: String,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    asking: Asking,
}

/// How often it is asked how far the daemon is.
const PAUSE: Duration = Duration::from_millis(250);

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let question = arguments.question()?;
    asking(file, &arguments.asking.server, async |client| {
        let begun = client.post(&["v1", "what-if"], &question).await?;
        let id = begun["id"].as_str().unwrap_or_default().to_owned();
        let path = ["v1", "what-if", &id];
        wait(&client, &path).await?;
        let mut pairs = vec![("sort", arguments.sort.clone())];
        if arguments.asking.output == Format::Csv {
            return export::to_stdout(&client, &path, &pairs).await;
        }
        pairs.extend(arguments.page.pairs());
        let answer = client.json(&path, &pairs).await?;
        listing::write(&answer, &rows(&answer), &columns(), arguments.asking.output)
    })
}

impl Arguments {
    fn question(&self) -> Result<Value, Failure> {
        let mut question = Map::new();
        for (name, said) in [("rate_card", &self.rate_card), ("plan", &self.plan)] {
            if let Some(said) = said {
                question.insert(name.to_owned(), prices(said)?);
            }
        }
        question.extend(self.range.pairs().map(|(name, text)| (name.to_owned(), json!(text))));
        question.insert("own_prices".to_owned(), json!(!self.without_own_prices));
        if !self.orgs.is_empty() {
            question.insert("orgs".to_owned(), json!(self.orgs));
        }
        Ok(Value::Object(question))
    }
}

/// What a file holds, or a name with its version.
fn prices(said: &str) -> Result<Value, Failure> {
    if Path::new(said).extension().is_some_and(|ending| ending == "json") {
        let text =
            std::fs::read_to_string(said).map_err(|error| Failure::Usage(format!("{said}: {error}")))?;
        return serde_json::from_str(&text).map_err(|error| Failure::Usage(format!("{said}: {error}")));
    }
    let Some((id, version)) = said.rsplit_once('@') else { return Ok(json!(said)) };
    let version: u32 = version.parse().map_err(|_| {
        Failure::Usage(format!("{said}: {version:?} is no version; write NAME@VERSION, such as standard@2"))
    })?;
    Ok(json!({ "id": id, "version": version }))
}

/// Waits until an answer is there, and shows how far it is.
async fn wait(client: &Client, path: &[&str]) -> Result<(), Failure> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} organizations, {msg} charges")
    {
        bar.set_style(style);
    }
    loop {
        let found = client.json(path, &[("limit", "1".to_owned())]).await?;
        let count = |place: &str| found.pointer(place).and_then(Value::as_u64).unwrap_or(0);
        bar.set_length(count("/progress/of"));
        bar.set_position(count("/progress/orgs"));
        bar.set_message(count("/progress/charges").to_string());
        match found["state"].as_str() {
            Some("running") => tokio::time::sleep(PAUSE).await,
            Some("done") => break,
            _ => {
                let why = found["why"].as_str().unwrap_or("it ended without an answer").to_owned();
                return Err(Failure::Failed(anyhow::Error::msg(why)));
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// The organizations, and all of them together where there are several.
fn rows(answer: &Value) -> Vec<Value> {
    let mut rows = listing::rows(answer).to_vec();
    if rows.len() != 1 {
        let mut totals = answer["totals"].clone();
        totals["org"] = json!("total");
        rows.push(totals);
    }
    rows
}

/// Something of each kind of credits; of one alone, without its name.
fn of_kinds(row: &Value, name: &str) -> String {
    let found = &row[name];
    match found.as_object().map(|kinds| kinds.values().collect::<Vec<_>>()).as_deref() {
        Some([one]) => listing::shown(one),
        _ => listing::shown(found),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::at("org", "/org"),
        Column::at("plan", "/plan"),
        Column::number_at("charges", "/charges"),
        Column::number("as charged", |row| of_kinds(row, "as_charged")),
        Column::number("as priced", |row| of_kinds(row, "as_priced")),
        Column::number("difference", |row| of_kinds(row, "difference")),
        Column::number("percent", |row| of_kinds(row, "percent")),
        Column::number("not priced", |row| {
            Some(listing::at(row, "/unpriced/charges")).filter(|text| text != "0").unwrap_or_default()
        }),
        Column::at("why not", "/why_not"),
    ]
}
