//! `creditd token`: who is let in over HTTP. Works on the data folder, beside a daemon that runs or without one.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::Failure;
use super::terminal::{Format, Paint, csv_field};
use crate::access::{
    AccessError, Actor, Audit, Deed, Issued, NewToken, Role, Scope, Standing, Token, Tokens,
};
use crate::clock;
use crate::config::{self, Config};
use crate::ledger::units::{Millis, Timestamp};
use crate::wire::time;

/// Create, list, rotate and revoke tokens: who may do what over HTTP.
///
/// Works on the data folder, whether a daemon runs there or not; a daemon that runs knows of it within a second. Whoever may write
/// to the folder may do this.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a token. It is printed once and kept nowhere.
    Create {
        /// What it is called: who is going to have it.
        name: String,
        /// What it may do: viewer, manager, publisher, switch or admin.
        #[arg(long)]
        role: Role,
        /// Only this organization; may be repeated. All where none is named.
        #[arg(long = "org", value_name = "ORG")]
        orgs: Vec<String>,
        /// Only this account of the organizations; may be repeated.
        #[arg(long = "account", value_name = "ACCOUNT", requires = "orgs")]
        accounts: Vec<String>,
        /// When it ends by itself: a length of time such as 30d, or an instant such as 2027-01-01T00:00:00Z.
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// How many requests it may make a second. As many as it likes where nothing is said.
        #[arg(long, value_name = "REQUESTS")]
        per_second: Option<u32>,
    },
    /// The tokens there are, without their secrets.
    List {
        /// How the list is written.
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Give a token another secret. It is printed once.
    Rotate {
        /// Which one.
        id: String,
        /// How long the secret it has is good beside the new one, such as 1h.
        #[arg(long, value_name = "LENGTH", default_value = "0s")]
        overlap: String,
    },
    /// Take a token away.
    Revoke {
        /// Which one.
        id: String,
    },
}

pub(super) fn run(file: Option<&Path>, arguments: Arguments) -> Result<(), Failure> {
    let (config, now) = (Config::load(file)?, clock::now());
    let tokens = Tokens::open(&config.data).map_err(failure)?;
    let record = |what: &str, token: &Token| {
        let deed = Deed::new(Actor::other("command line"), format!("creditd token {what}"));
        let deed = Deed { about: Some(token.id.clone()), ..deed };
        Audit::in_folder(&config.data).append(&deed, now).map_err(failure)
    };
    match arguments.what {
        What::Create { name, role, orgs, accounts, expires, per_second } => {
            let named = |names: Vec<String>| (!names.is_empty()).then_some(names);
            let scope = Scope::new(named(orgs), named(accounts)).map_err(failure)?;
            let expires = expires.map(|text| end(&text, now)).transpose()?;
            let new = NewToken { expires, per_second, ..NewToken::new(&name, role, scope) };
            let issued = tokens.create(new, now).map_err(failure)?;
            // It is there, whether somebody saw it or not.
            let shown = show_once(&issued).and_then(|()| match config.access.warning(config.http.listen) {
                Some(warning) => say(&format!("by these settings nobody needs it: {warning}")),
                None => Ok(()),
            });
            record("create", &issued.token).and(shown)
        }
        What::List { output } => list(&tokens.list().map_err(failure)?, output, now),
        What::Rotate { id, overlap } => {
            let overlap = Millis(millis(config::duration(&overlap).map_err(Failure::Usage)?));
            let issued = tokens.rotate(&id, overlap, now).map_err(failure)?;
            let shown = show_once(&issued);
            record("rotate", &issued.token).and(shown)
        }
        What::Revoke { id } => {
            let token = tokens.revoke(&id, now).map_err(failure)?;
            let said = say(&format!("token {} ({:?}) is revoked", token.id, token.name));
            record("revoke", &token).and(said)
        }
    }
}

/// The token alone goes to standard output, so that a script can take it.
fn show_once(issued: &Issued) -> Result<(), Failure> {
    let token = &issued.token;
    writeln!(std::io::stdout().lock(), "{}", issued.reveal())?;
    say(&format!(
        "token {} ({:?}, {}); it is shown this once and kept nowhere",
        token.id, token.name, token.role
    ))
}

fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stderr().lock(), "{text}")?)
}

fn end(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(at) = time::parse(text) {
        return Ok(at);
    }
    let span = config::duration(text).map_err(|_| {
        Failure::Usage(format!(
            "--expires {text:?} is no length of time and no instant; write 30d, or 2027-01-01T00:00:00Z"
        ))
    })?;
    Ok(now.plus(Millis(millis(span))))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn list(tokens: &[std::sync::Arc<Token>], format: Format, now: Timestamp) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let ends = |token: &Token| token.expires.map_or_else(|| "never".to_owned(), time::format);
    match format {
        Format::Json => {
            let data: Vec<Value> = tokens.iter().map(|token| told(token, now)).collect();
            writeln!(out, "{}", json!({ "data": data }))?;
        }
        Format::Csv => {
            writeln!(out, "id,name,role,orgs,accounts,state,created,expires")?;
            for token in tokens {
                let (orgs, accounts) = (named(token.scope.orgs()), named(token.scope.accounts()));
                let cells = [&token.id, &token.name, token.role.name(), &orgs, &accounts];
                let cells: Vec<String> = cells.into_iter().map(csv_field).collect();
                let (state, created) = (token.standing(now).name(), time::format(token.created));
                writeln!(out, "{},{state},{created},{}", cells.join(","), ends(token))?;
            }
        }
        Format::Table => {
            let paint = Paint::stdout();
            for token in tokens {
                let standing = token.standing(now);
                let line = format!(
                    "{}  {:<9} {:<8} {}  {}, {}, until {}",
                    token.id,
                    token.role.name(),
                    standing.name(),
                    token.name,
                    token.scope.orgs().map_or("all organizations".to_owned(), |orgs| orgs.join(", ")),
                    token.scope.accounts().map_or("all accounts".to_owned(), |accounts| accounts.join(", ")),
                    ends(token),
                );
                let line = if standing == Standing::Good { line } else { paint.faint(&line) };
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}

fn named(names: Option<&[String]>) -> String {
    names.map_or_else(|| "*".to_owned(), |names| names.join(" "))
}

fn told(token: &Token, now: Timestamp) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "orgs": token.scope.orgs(),
        "accounts": token.scope.accounts(),
        "state": token.standing(now).name(),
        "created": time::format(token.created),
        "expires": token.expires.map(time::format),
        "per_second": token.per_second,
        "portal_link": token.portal,
    })
}

fn failure(error: AccessError) -> Failure {
    match error {
        AccessError::Invalid { .. } | AccessError::Unknown(_) => Failure::Usage(error.to_string()),
        other => Failure::Failed(other.into()),
    }
}
