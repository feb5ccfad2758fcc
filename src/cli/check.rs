//! `creditd check`: will the daemon work here? A line for each thing it needs.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::terminal::{Format, Paint, csv_field};
use super::{Failure, adapters, catalogs, runtime, serve};
use crate::access::{Provider, Standing, Tokens};
use crate::clock;
use crate::config::{Config, LogHome, Mail};
use crate::daemon::identity;
use crate::ledger::catalog::Catalog;
use crate::notify::reports::Post;
use crate::wire::adapter::Adapters;

/// Check the settings, the catalogs, the adapters, the data folder, NATS, the identity provider and the mail server; tell what to do where something is wrong.
///
/// Changes nothing. Exits with 0 when all is well, 78 when settings, catalogs or adapters are wrong, 69 when NATS, the identity
/// provider or the mail server is not available, 1 otherwise.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How the list is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    /// What was found, or what is wrong and what to do.
    detail: String,
    /// Whether it works, and somebody should know.
    warns: bool,
    #[serde(skip)]
    code: u8,
}

impl Finding {
    fn good(what: &'static str, detail: String) -> Finding {
        Finding { what, ok: true, detail, warns: false, code: 0 }
    }

    fn of(what: &'static str, looked_at: Result<String, String>, code: u8) -> Finding {
        match looked_at {
            Ok(detail) => Finding::good(what, detail),
            Err(detail) => Finding { what, ok: false, detail, warns: false, code },
        }
    }
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let findings = look(file)?;
    write(&findings, arguments.output)?;
    match findings.iter().map(|finding| finding.code).max() {
        None | Some(0) => Ok(()),
        Some(code) => Err(Failure::Said(code)),
    }
}

fn look(file: Option<&Path>) -> Result<Vec<Finding>, Failure> {
    let shown =
        file.map_or_else(|| "the defaults; no file was given".to_owned(), |f| f.display().to_string());
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            let wrong = |problem: &crate::config::Problem| Err(problem.to_string());
            return Ok(error.0.iter().map(|problem| Finding::of("settings", wrong(problem), 78)).collect());
        }
    };
    let mut findings = vec![Finding::good("settings", shown)];
    findings.extend(catalog(&config));
    findings.extend(adapters_of(&config));
    findings.push(Finding::of("data folder", folder(&config.data), 1));
    findings.push(access(&config));
    if let Some(files) = config.http.tls.clone() {
        let shown = files.certificate.display().to_string();
        let loaded = serve::tls(files).map(|_| shown).map_err(|failure| failure.to_string());
        findings.push(Finding::of("tls", loaded, 1));
    }
    match &config.log {
        LogHome::Local(_) => {
            let place = config.data.join("log");
            findings.push(Finding::good("log", format!("local, in {}", place.display())));
        }
        LogHome::JetStream(nats) => {
            let looked_at = runtime()?.block_on(server(&nats.log.access));
            findings.push(Finding::of("nats", looked_at, 69));
        }
    }
    if let Some(oidc) = config.access.oidc.clone() {
        let provider = Provider::new(serve::provider(oidc));
        let fetched = runtime()?.block_on(identity::fetch(&provider)).map_err(|error| error.to_string());
        let issuer = &provider.options().issuer;
        let looked_at = fetched.map(|keys| format!("{issuer}, {keys} keys"));
        findings.push(Finding::of("identity provider", looked_at, 69));
    }
    if let Some(mail) = &config.mail {
        findings.push(Finding::of("mail", runtime()?.block_on(post(mail)), 69));
    }
    Ok(findings)
}

/// Whether the mail server takes mail from us.
async fn post(mail: &Mail) -> Result<String, String> {
    Post::new(mail).map_err(|error| error.to_string())?.test().await
}

fn catalog(config: &Config) -> Vec<Finding> {
    if config.catalog.is_empty() {
        let none = "no files: rate cards and plans come through the API";
        return vec![Finding::good("catalog", none.to_owned())];
    }
    let mut catalog = Catalog::default();
    let mut findings = Vec::new();
    for file in &config.catalog {
        let (cards, plans) = (catalog.cards().len(), catalog.plans().len());
        let looked_at = match catalogs::add(&mut catalog, file) {
            Err(failure) => Err(failure.to_string()),
            Ok(()) => {
                let new = (catalog.cards().iter().skip(cards), catalog.plans().iter().skip(plans));
                let cards: Vec<&str> = new.0.map(|card| &*card.id).collect();
                let plans: Vec<&str> = new.1.map(|plan| &*plan.id).collect();
                let (cards, plans) = (cards.join(", "), plans.join(", "));
                Ok(format!("{}: rate cards {cards}; plans {plans}", file.display()))
            }
        };
        findings.push(Finding::of("catalog", looked_at, 78));
    }
    findings
}

fn adapters_of(config: &Config) -> Vec<Finding> {
    let mut all = Adapters::default();
    let look = |file: &PathBuf| match adapters::add(&mut all, file) {
        Ok(names) => Ok(format!("{}: {}", file.display(), names.join(", "))),
        Err(failure) => Err(failure.to_string()),
    };
    config.adapters.iter().map(look).map(|looked_at| Finding::of("adapters", looked_at, 78)).collect()
}

/// Who is let in over HTTP.
fn access(config: &Config) -> Finding {
    let tokens = match Tokens::open(&config.data).and_then(|tokens| tokens.list()) {
        Ok(tokens) => tokens,
        Err(error) => return Finding::of("access", Err(error.to_string()), 1),
    };
    if let Some(warning) = config.access.warning(config.http.listen) {
        return Finding { warns: true, ..Finding::good("access", warning) };
    }
    let good = tokens.iter().filter(|token| token.standing(clock::now()) == Standing::Good).count();
    match good {
        0 => {
            let why = "tokens are asked for and there are none yet: nobody is let in. Make one: creditd token create NAME --role admin";
            Finding { warns: true, ..Finding::good("access", why.to_owned()) }
        }
        _ => Finding::good("access", format!("tokens are asked for; {good} are in force")),
    }
}

/// Whether files can be made in the folder, or in the nearest one above it that is there.
fn folder(path: &Path) -> Result<String, String> {
    let nearest = std::path::absolute(path)
        .map_err(|error| format!("{}: {error}; name another in data.folder", path.display()))?;
    let nearest = nearest.ancestors().find(|above| above.exists()).map(PathBuf::from).unwrap_or_default();
    let probe = nearest.join(format!(".creditd-check-{}", std::process::id()));
    let tried = std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) if path.exists() => Ok(format!("{}: can be written", path.display())),
        Ok(()) => Ok(format!("{}: is not there yet and can be made", path.display())),
        Err(error) => Err(format!(
            "{}: {} cannot be written: {error}; give it to the user that runs creditd, or name another in data.folder",
            path.display(),
            nearest.display()
        )),
    }
}

async fn server(access: &crate::log::jetstream::Access) -> Result<String, String> {
    let client = access.connect("creditd check").await.map_err(|error| {
        format!("{error}; start a server there, or correct nats.urls and the credentials")
    })?;
    let info = client.server_info();
    if !info.jetstream {
        return Err(format!("{}: has no JetStream; start it with --jetstream", access.urls.join(", ")));
    }
    Ok(format!("{}: version {}, with JetStream", access.urls.join(", "), info.version))
}

fn write(findings: &[Finding], format: Format) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let paint = Paint::stdout();
    match format {
        Format::Json => {
            let ok = findings.iter().all(|finding| finding.ok);
            writeln!(out, "{}", serde_json::json!({ "ok": ok, "checks": findings }))?;
        }
        Format::Csv => {
            writeln!(out, "what,ok,detail")?;
            for Finding { what, ok, detail, .. } in findings {
                writeln!(out, "{what},{ok},{}", csv_field(detail))?;
            }
        }
        Format::Table => {
            for Finding { what, ok, detail, warns, .. } in findings {
                let mark = match (ok, warns) {
                    (true, true) => paint.bad("!"),
                    (true, false) => paint.good("✓"),
                    (false, _) => paint.bad("✗"),
                };
                writeln!(out, "{mark} {what:<12} {detail}")?;
            }
        }
    }
    Ok(())
}
