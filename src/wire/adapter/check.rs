//! From the text of a file to checked adapters. All that is wrong is told at once.

mod event;
mod fields;

use toml::Table;

use super::body::BodyForm;
use super::condition::{Condition, Test};
use super::decimal::Decimal;
use super::guard::Guard;
use super::pattern::Pattern;
use super::source::Source;
use super::table::{Keys, Problems};
use super::{Adapter, AdapterError};
use crate::ledger::units::Millis;

/// The most adapters of a file.
const MOST_ADAPTERS: usize = 256;

pub(super) fn adapters(file: &str, text: &str) -> Result<Vec<Adapter>, AdapterError> {
    let one = |problem: String| AdapterError(vec![format!("{file}: {problem}")]);
    let root: Table =
        text.parse().map_err(|error| one(format!("is not TOML: {error}").trim_end().to_owned()))?;
    let problems = Problems::default();
    let mut keys = Keys::of_file(file, &root, &problems);
    let tables = keys.tables("adapter");
    keys.finish();
    if tables.is_empty() && problems.count() == 0 {
        return Err(one("holds no adapter; begin one with [[adapter]]".to_owned()));
    }
    if tables.len() > MOST_ADAPTERS {
        return Err(one(format!("holds {} adapters; write up to {MOST_ADAPTERS}", tables.len())));
    }
    let mut adapters: Vec<Adapter> = Vec::new();
    for table in tables {
        if let Some(adapter) = adapter(file, table) {
            if adapters.iter().any(|known| known.name == adapter.name) {
                problems.report(named_twice(&format!("{file}: adapter {:?}", adapter.name)));
            }
            adapters.push(adapter);
        }
    }
    let problems = problems.into_inner();
    if problems.is_empty() { Ok(adapters) } else { Err(AdapterError(problems)) }
}

/// What is said of an adapter whose name another one has.
pub(super) fn named_twice(place: &str) -> String {
    format!("{place}: there is another adapter of this name; give one of them another")
}

fn adapter(file: &str, mut keys: Keys<'_>) -> Option<Adapter> {
    let name = name(&mut keys);
    if let Some(name) = &name {
        keys.rename(format!("{file}: adapter {name:?}"));
    }
    let subject = parsed(&mut keys, "subject", Pattern::parse);
    let stream = keys.text("stream").map(str::to_owned);
    if stream.is_some() && !keys.has("subject") {
        keys.missing::<()>("subject", "a stream is read by subject; write subject = \"…\"");
    }
    let body = match keys.has("body") {
        true => parsed(&mut keys, "body", BodyForm::parse),
        false => {
            keys.value("body");
            keys.missing("body", "write \"json\", \"form\", \"base64+json\" or \"json-in:/field\"")
        }
    };
    let url_encoded = match keys.text("values") {
        None | Some("plain") => false,
        Some("urldecode") => true,
        Some(other) => {
            keys.wrong_text::<()>("values", other, "is not how values are written; write \"urldecode\"");
            false
        }
    };
    let when = conditions(&mut keys, "when");
    let only = conditions(&mut keys, "only");
    let guard = guard(&mut keys);
    let mapping = match keys.table("event") {
        Some(event) => event::mapping(event, name.as_deref().unwrap_or_default(), guard),
        None if keys.has("event") => None,
        None => keys.missing("event", "say in [adapter.event] where its fields stand"),
    };
    keys.finish();
    Some(Adapter { name: name?, subject, stream, body: body?, url_encoded, when, only, mapping: mapping? })
}

fn name(keys: &mut Keys<'_>) -> Option<String> {
    let Some(name) = keys.text("name") else {
        return if keys.has("name") { None } else { keys.missing("name", "write name = \"…\"") };
    };
    let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=64).contains(&name.len()) && name.bytes().all(sound) {
        return Some(name.to_owned());
    }
    keys.wrong_text("name", name, "is not a name; write 1 to 64 of A-Z, a-z, 0-9, - and _")
}

/// A text that means something.
fn parsed<T>(keys: &mut Keys<'_>, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
    match parse(keys.text(key)?) {
        Ok(value) => Some(value),
        Err(why) => keys.report(key, why),
    }
}

fn conditions(keys: &mut Keys<'_>, key: &'static str) -> Vec<Condition> {
    keys.tables(key).into_iter().filter_map(condition).collect()
}

fn condition(mut keys: Keys<'_>) -> Option<Condition> {
    let source = parsed(&mut keys, "path", Source::parse);
    if !keys.has("path") {
        keys.missing::<()>("path", "say where it is to be looked, such as path = \"/event\"");
    }
    let tests = [
        keys.text("eq").map(|text| Test::Equal(text.to_owned())),
        keys.texts("in").map(|texts| Test::In(texts.into_iter().map(str::to_owned).collect())),
        keys.flag("exists").map(Test::Exists),
        keys.text("prefix").map(|text| Test::Prefix(text.to_owned())),
        above(&mut keys),
        parsed(&mut keys, "same", Source::parse).map(Test::Same),
    ];
    let mut tests = tests.into_iter().flatten();
    let test = tests.next();
    if test.is_none() || tests.next().is_some() {
        keys.report::<()>(
            "",
            "does not say what must hold there; write one of eq, in, exists, prefix, gt, same",
        );
    }
    keys.finish();
    Some(Condition { source: source?, test: test? })
}

fn above(keys: &mut Keys<'_>) -> Option<Test> {
    let value = keys.value("gt")?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match Decimal::parse(&text) {
        Some(least) => Some(Test::Above(least, text)),
        None => keys.wrong("gt", value, "is not a decimal number; write 5 or \"0.5\""),
    }
}

fn guard(keys: &mut Keys<'_>) -> Guard {
    let default = Guard::default();
    let Some(mut keys) = keys.table("guard") else { return default };
    let mut seconds = |key, default: Millis| {
        keys.number(key).map_or(default, |seconds| Millis(seconds.saturating_mul(1_000)))
    };
    let (past, future) = (seconds("past_s", default.past), seconds("future_s", default.future));
    let (longest, slack) = (seconds("longest_s", default.longest), seconds("slack_s", default.slack));
    let least_percent = keys.number("least_percent").unwrap_or(default.least_percent);
    if least_percent > 100 {
        keys.report::<()>("least_percent", format!("{least_percent} is more than all; write 0 to 100"));
    }
    keys.finish();
    Guard { past, future, longest, slack, least_percent }
}
