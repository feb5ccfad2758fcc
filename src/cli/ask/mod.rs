//! The commands that ask a daemon: over its HTTP API, as everybody else does.

pub(super) mod alerts;
pub(super) mod balance;
pub(super) mod calls;
mod client;
pub(super) mod export;
pub(super) mod grants;
pub(super) mod history;
pub(super) mod limits;
mod listing;
mod range;
mod rates;
pub(super) mod spikes;
pub(super) mod top;
pub(super) mod usage;
pub(super) mod what_if;

use std::path::Path;

use serde_json::Value;

use self::client::Client;
use self::listing::Column;
use super::Failure;
use super::terminal::Format;

/// A parameter of a request.
type Pair = (&'static str, String);

/// Which daemon is asked.
#[derive(Debug, clap::Args)]
struct Server {
    /// Where its API is. Else CREDITD_URL says it, else the address that the settings let it listen at.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A file with the token to show; `-` for standard input. Else CREDITD_TOKEN holds the token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<std::path::PathBuf>,
}

/// Which daemon is asked, and how its answer is written.
#[derive(Debug, clap::Args)]
struct Asking {
    #[command(flatten)]
    server: Server,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Asking {
    /// Asks, and writes the rows that an answer is taken apart into.
    fn tell(
        &self,
        file: Option<&Path>,
        path: &[&str],
        pairs: &[Pair],
        list: impl FnOnce(&Value) -> (Vec<Value>, Vec<Column>),
    ) -> Result<(), Failure> {
        let answer = asking(file, &self.server, async |client| client.json(path, pairs).await)?;
        let (rows, columns) = list(&answer);
        listing::write(&answer, &rows, &columns, self.output)
    }

    /// The same of what a daemon tells as CSV itself: that is all of it.
    fn tell_all(
        &self,
        file: Option<&Path>,
        path: &[&str],
        pairs: &[Pair],
        list: impl FnOnce(&Value) -> (Vec<Value>, Vec<Column>),
    ) -> Result<(), Failure> {
        if self.output != Format::Csv {
            return self.tell(file, path, pairs, list);
        }
        asking(file, &self.server, async |client| export::to_stdout(&client, path, pairs).await)
    }
}

/// What is wanted of a long list.
#[derive(Debug, clap::Args)]
struct Page {
    /// The most rows that are shown, 1 to 1000.
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: u16,
    /// Go on where a list before ended.
    #[arg(long)]
    cursor: Option<String>,
}

impl Page {
    fn pairs(&self) -> Vec<Pair> {
        let mut pairs = vec![("limit", self.limit.to_string())];
        pairs.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        pairs
    }
}

/// Conditions as `NAME=VALUE`.
#[derive(Debug, clap::Args)]
struct Where {
    /// Only what is so, such as user=ana or entity=campaign/c7; may be given several times.
    #[arg(short = 'w', long = "where", value_name = "NAME=VALUE", value_parser = condition)]
    conditions: Vec<(String, String)>,
}

fn condition(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as user=ana")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs something that asks.
fn asking<T>(
    file: Option<&Path>,
    server: &Server,
    ask: impl AsyncFnOnce(Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let client = Client::of(file, server)?;
    super::runtime()?.block_on(ask(client))
}

/// Conditions as parameters of a request, those alone that are known there.
fn named(only: &Where, known: &[&'static str]) -> Result<Vec<Pair>, Failure> {
    let pair = |(name, value): &(String, String)| {
        let found = known.iter().find(|known| *known == name);
        let why = || {
            Failure::Usage(format!(
                "--where {name}=…: there is no {name} here; write one of {}",
                known.join(", ")
            ))
        };
        found.map(|name| (*name, value.clone())).ok_or_else(why)
    };
    only.conditions.iter().map(pair).collect()
}
