//! From what is written to what is meant.

mod mail;
mod nats;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::overlay::Layers;
use super::raw::{self, Raw};
use super::units;
use super::{
    Access, Config, ConfigError, History, Http, LogFormat, LogHome, Logging, Oidc, Problem, Tls, Webhooks,
};
use crate::book::itemise::Itemise;
use crate::log::local;
use crate::store::history;

/// The smallest file of the local log: it must take the largest record a few times over.
const LEAST_SEGMENT: u64 = 1 << 20;
/// An event, a repeat of one or a void of it may come 400 days later, by clocks that differ a little: so long the history is needed.
const SHORTEST_HISTORY: Duration = Duration::from_hours(401 * 24);
/// The largest request body that can be configured: a record of the log must be able to hold it.
const LARGEST_BODY: u64 = local::MAX_RECORD as u64;

/// Checks every setting and reports all that is wrong.
pub(super) fn config(layers: &Layers) -> Result<Config, ConfigError> {
    let raw: Raw = layers
        .table
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::one("the settings", error.message().to_owned()))?;
    let mut checking = Checking { layers, problems: Vec::new() };
    let config = checking.config(&raw);
    match config {
        Some(config) if checking.problems.is_empty() => Ok(config),
        _ => Err(ConfigError(checking.problems)),
    }
}

struct Checking<'a> {
    layers: &'a Layers,
    problems: Vec<Problem>,
}

impl Checking<'_> {
    fn config(&mut self, raw: &Raw) -> Option<Config> {
        // Each line reports for itself; only then is the first missing one given up on.
        let data = self.text("data.folder", &raw.data.folder);
        let log = self.log(raw);
        let http = self.http(&raw.http);
        let access = self.access(raw, http.as_ref());
        let every = self.duration("checkpoint.every", &raw.checkpoint.every, Duration::from_millis(100));
        let history = self.history(&raw.history);
        let webhooks = self.webhooks(&raw.webhooks);
        let mail = self.mail(&raw.mail);
        let logging = self.logging(&raw.logging);
        Some(Config {
            data: PathBuf::from(data?),
            log: log?,
            http: http?,
            access: access?,
            checkpoint_every: every?,
            history: history?,
            webhooks: webhooks?,
            mail: mail?,
            catalog: self.files(&raw.catalog.files),
            adapters: self.files(&raw.adapters.files),
            logging: logging?,
        })
    }

    /// Files that are named relative to the operator's file.
    fn files(&self, names: &[String]) -> Vec<PathBuf> {
        names.iter().map(|name| self.layers.folder.join(name)).collect()
    }

    fn log(&mut self, raw: &Raw) -> Option<LogHome> {
        let segment = self.size("log.local.segment", &raw.log.local.segment, LEAST_SEGMENT..=1 << 40);
        let nats = self.nats(&raw.nats);
        match raw.log.kind.as_str() {
            "local" => Some(LogHome::Local(local::Options { segment_bytes: segment? })),
            "jetstream" => Some(LogHome::JetStream(Box::new(nats?))),
            other => self.wrong("log.kind", other, "is not a kind of log; write \"local\" or \"jetstream\""),
        }
    }

    fn http(&mut self, raw: &raw::Http) -> Option<Http> {
        let max_body = self.size("http.max_body", &raw.max_body, 1_024..=LARGEST_BODY);
        let tls = self.tls(&raw.tls);
        let sound = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let url = &raw.public_url;
        if !(url.is_empty() || (url.starts_with("https://") || url.starts_with("http://")) && sound(url)) {
            return self.wrong("http.public_url", url, "is no address; write \"https://credits.example\"");
        }
        let page = &raw.portal_page;
        if !page.starts_with('/') || page.starts_with("//") || !sound(page) {
            return self.wrong(
                "http.portal_page",
                page,
                "is no page on this address; write \"/v1/orgs/{org}\"",
            );
        }
        let listen: Option<SocketAddr> = raw.listen.parse().ok();
        if listen.is_none() {
            let why = "is not an IP address and a port; write \"127.0.0.1:8427\", or \"0.0.0.0:8427\" for all networks";
            return self.wrong("http.listen", &raw.listen, why);
        }
        Some(Http {
            listen: listen?,
            max_body: usize::try_from(max_body?).ok()?,
            public_url: url.clone(),
            portal_page: page.clone(),
            tls: tls?,
        })
    }

    fn tls(&mut self, raw: &raw::Tls) -> Option<Option<Tls>> {
        let client_ca = self.file(&raw.client_ca);
        match (self.file(&raw.cert), self.file(&raw.key)) {
            (Some(certificate), Some(key)) => Some(Some(Tls { certificate, key, client_ca })),
            (None, None) if client_ca.is_none() => Some(None),
            (Some(_), None) => {
                self.wrong("http.tls.key", "", "is no file; name the one with the key of http.tls.cert")
            }
            (None, _) => self.wrong("http.tls.cert", "", "is no file; name the one with the certificate"),
        }
    }

    fn access(&mut self, raw: &Raw, http: Option<&Http>) -> Option<Access> {
        let open_metrics = match raw.access.metrics.as_str() {
            "open" => true,
            "token" => false,
            other => {
                return self.wrong("access.metrics", other, "is no choice; write \"open\" or \"token\"");
            }
        };
        // An address that cannot be read was reported, and nothing is concluded from it.
        let at_home = http.is_some_and(|http| http.listen.ip().to_canonical().is_loopback());
        let (open, by_default) = match raw.access.mode.as_str() {
            // Who signs in elsewhere does not mean everybody to be let in here.
            "auto" => (at_home && raw.log.kind == "local" && raw.access.oidc.issuer.is_empty(), true),
            "tokens" => (false, false),
            "open-to-the-network" => (true, false),
            "open" if at_home || http.is_none() => (true, false),
            "open" => {
                let why = format!(
                    "would let everybody in who reaches {}; if that is meant, write \"open-to-the-network\", else \"tokens\"",
                    raw.http.listen
                );
                return self.wrong("access.mode", "open", why);
            }
            other => {
                let why = "is no mode; write \"auto\", \"tokens\", \"open\" or \"open-to-the-network\"";
                return self.wrong("access.mode", other, why);
            }
        };
        let oidc = self.oidc(&raw.access.oidc)?;
        Some(Access { open, by_default, open_metrics: open || open_metrics, oidc })
    }

    /// The outer `None` is for what is wrong.
    fn oidc(&mut self, raw: &raw::Oidc) -> Option<Option<Oidc>> {
        if raw.issuer.is_empty() {
            return Some(None);
        }
        for (name, url) in [("access.oidc.issuer", &raw.issuer), ("access.oidc.keys_url", &raw.keys_url)] {
            let is_here = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
                .iter()
                .any(|here| url.starts_with(here));
            if !url.is_empty() && !url.starts_with("https://") && !is_here {
                return self.wrong(name, url, "is no https address: whoever is on the way could sign tokens");
            }
        }
        let claims = [&raw.role_claim, &raw.orgs_claim, &raw.accounts_claim];
        let names = ["audience", "role_claim", "orgs_claim", "accounts_claim"];
        for (name, text) in names.iter().zip([&raw.audience].into_iter().chain(claims)) {
            if text.is_empty() {
                return self.wrong(
                    &format!("access.oidc.{name}"),
                    text,
                    "is missing; the tokens are read by it",
                );
            }
        }
        Some(Some(Oidc {
            issuer: raw.issuer.clone(),
            audience: raw.audience.clone(),
            keys_url: Some(raw.keys_url.clone()).filter(|url| !url.is_empty()),
            claims: claims.map(String::clone),
        }))
    }

    fn history(&mut self, raw: &raw::History) -> Option<History> {
        let keep = match &*raw.keep {
            "forever" => Some(None),
            age => self.duration("history.keep", age, SHORTEST_HISTORY).map(Some),
        };
        let itemise = Itemise::ALL.into_iter().find(|itemise| itemise.name() == raw.itemise);
        let itemise = itemise.or_else(|| {
            self.wrong("history.itemise", &raw.itemise, "is not known; write \"all\", \"calls\" or \"none\"")
        });
        Some(History { limits: self.history_limits(raw)?, keep: keep?, itemise: itemise? })
    }

    fn history_limits(&mut self, raw: &raw::History) -> Option<history::Limits> {
        let bytes = self.size("history.bytes", &raw.bytes, (1 << 20)..=(1 << 30));
        let rows = usize::try_from(raw.rows).ok().filter(|rows| (1_000..=50_000_000).contains(rows));
        let Some(rows) = rows else {
            return self.wrong("history.rows", raw.rows, "is out of range; write 1000 to 50000000");
        };
        Some(history::Limits { rows, bytes: usize::try_from(bytes?).ok()? })
    }

    fn webhooks(&mut self, raw: &raw::Webhooks) -> Option<Webhooks> {
        let allowed_networks = self.networks(&raw.allowed_networks);
        let second = Duration::from_secs(1);
        let attempt_limit = self.duration("webhooks.attempt_limit", &raw.attempt_limit, second);
        let give_up_after = self.duration("webhooks.give_up_after", &raw.give_up_after, second);
        let parallel = usize::try_from(raw.parallel).ok().filter(|parallel| (1..=1_024).contains(parallel));
        let Some(parallel) = parallel else {
            return self.wrong("webhooks.parallel", raw.parallel, "is out of range; write 1 to 1024");
        };
        Some(Webhooks {
            allowed_networks: allowed_networks?,
            attempt_limit: attempt_limit?,
            give_up_after: give_up_after?,
            parallel,
        })
    }

    fn networks(&mut self, texts: &[String]) -> Option<Vec<IpNet>> {
        let read = |text: &String| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let networks: Result<Vec<IpNet>, &String> =
            texts.iter().map(|text| read(text).map_err(|_| text)).collect();
        match networks {
            Ok(networks) => Some(networks),
            Err(bad) => {
                let why = "is not a network; write \"10.1.0.0/16\", or a single address";
                self.wrong("webhooks.allowed_networks", bad, why)
            }
        }
    }

    fn logging(&mut self, raw: &raw::Logging) -> Option<Logging> {
        let level = match is_filter(&raw.level) {
            true => Some(raw.level.clone()),
            false => self.wrong(
                "logging.level",
                &raw.level,
                "is not a level; write \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
            ),
        };
        let format = match raw.format.as_str() {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            other => self.wrong("logging.format", other, "is not a format; write \"text\" or \"json\""),
        };
        Some(Logging { level: level?, format: format? })
    }

    fn text(&mut self, name: &str, text: &str) -> Option<String> {
        if text.is_empty() { self.wrong(name, text, "is empty; write a path") } else { Some(text.to_owned()) }
    }

    fn duration(&mut self, name: &str, text: &str, least: Duration) -> Option<Duration> {
        match units::duration(text) {
            Ok(duration) if duration >= least => Some(duration),
            Ok(_) => self.wrong(name, text, format!("is too short; write at least {least:?}")),
            Err(why) => self.report(name, why),
        }
    }

    fn size(&mut self, name: &str, text: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        match units::size(text) {
            Ok(size) if range.contains(&size) => Some(size),
            Ok(_) => {
                let (least, most) = (units::shown(*range.start()), units::shown(*range.end()));
                self.wrong(name, text, format!("is out of range; write {least} to {most}"))
            }
            Err(why) => self.report(name, why),
        }
    }

    /// A file that is named relative to the operator's file, where one is.
    fn file(&self, name: &str) -> Option<PathBuf> {
        (!name.is_empty()).then(|| self.layers.folder.join(name))
    }

    fn wrong<T>(&mut self, name: &str, value: impl std::fmt::Debug, why: impl AsRef<str>) -> Option<T> {
        self.report(name, format!("{value:?} {}", why.as_ref()))
    }

    fn report<T>(&mut self, name: &str, what: String) -> Option<T> {
        self.problems.push(Problem { place: self.layers.origin(name), what: format!("{name}: {what}") });
        None
    }
}

/// Whether a text is a level, or a list of levels by module. A lone word that is no level is not taken for a module.
fn is_filter(text: &str) -> bool {
    let level = |word: &str| word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    text.split(',').all(|part| part.contains('=') || level(part.trim()))
        && text.parse::<tracing_subscriber::filter::Targets>().is_ok()
}
