//! Fields, instants and lengths, as they are written.

use std::collections::BTreeMap;

use jiff::fmt::strtime;
use regex::Regex;
use toml::Value;

use super::super::field::{Field, Map, Origin};
use super::super::instant::{Epoch, Format, Moment};
use super::super::source::Source;
use super::super::table::Keys;
use super::super::usage::{Told, Unit};
use super::parsed;
use crate::ledger::calendar::Zone;

/// The largest program of a regex, in bytes.
const REGEX_BYTES: usize = 1 << 20;

/// A field: a place, a list of places, or a table. `None` where it is not there or wrong.
pub(super) fn field(keys: &mut Keys<'_>, key: &'static str, name: &'static str) -> Option<Field> {
    match keys.value(key)? {
        Value::Table(_) => {
            let mut inner = keys.table(key)?;
            let field = table(&mut inner, name);
            inner.finish();
            field
        }
        value => plain(keys, key, value, name),
    }
}

/// A field, without which there is no adapter.
pub(super) fn needed(keys: &mut Keys<'_>, key: &'static str, remedy: &str) -> Option<Field> {
    let field = field(keys, key, key);
    if !keys.has(key) {
        keys.missing::<()>(key, remedy);
    }
    field
}

fn plain(keys: &Keys<'_>, key: &str, value: &Value, name: &'static str) -> Option<Field> {
    let sources = match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_str) => {
            items.iter().filter_map(Value::as_str).collect()
        }
        other => {
            return keys.wrong(key, other, "is no field; write \"/path\", [\"/a\", \"/b\"] or { path = … }");
        }
    };
    let origin = Origin::Parts(all_sources(keys, key, &sources)?);
    Some(Field::new(name, origin))
}

/// What of a table is a field; the caller asks for its other keys, and ends the reading.
fn table(keys: &mut Keys<'_>, name: &'static str) -> Option<Field> {
    let origin = origin(keys);
    let absent = keys.texts("absent").unwrap_or_default().into_iter().map(str::to_owned).collect();
    let regex = parsed(keys, "regex", regex);
    let map = map(keys);
    let required = keys.flag("required").unwrap_or_default();
    Some(Field { name, origin: origin?, absent, regex, map, required })
}

fn origin(keys: &mut Keys<'_>) -> Option<Origin> {
    let given = [
        keys.text("const").map(|text| Some(Origin::Const(text.to_owned()))),
        keys.text("path").map(|path| all_sources(keys, "path", &[path]).map(Origin::First)),
        keys.texts("first").map(|paths| all_sources(keys, "first", &paths).map(Origin::First)),
        keys.texts("parts").map(|paths| all_sources(keys, "parts", &paths).map(Origin::Parts)),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(origin), None) => origin,
        _ => keys.report("", "does not say where it comes from; write one of path, first, parts, const"),
    }
}

fn all_sources(keys: &Keys<'_>, key: &str, texts: &[&str]) -> Option<Vec<Source>> {
    if texts.is_empty() {
        return keys.report(key, "is empty; name a place such as \"/call/id\"");
    }
    let sources: Result<Vec<Source>, String> = texts.iter().map(|text| Source::parse(text)).collect();
    sources.map_or_else(|why| keys.report(key, why), Some)
}

fn regex(pattern: &str) -> Result<Regex, String> {
    let built = regex::RegexBuilder::new(pattern).size_limit(REGEX_BYTES).build();
    built.map_err(|error| format!("{pattern:?} is no regular expression: {error}"))
}

fn map(keys: &mut Keys<'_>) -> Option<Map> {
    let otherwise = keys.text("else");
    let Some(map) = keys.table("map") else {
        return match otherwise {
            Some(_) if !keys.has("map") => keys.report("else", "is there without a map; add one"),
            _ => None,
        };
    };
    let meanings: BTreeMap<String, String> =
        map.pairs().into_iter().map(|(text, meaning)| (text.to_owned(), meaning.to_owned())).collect();
    let ignore_others = match otherwise {
        None | Some("refuse") => false,
        Some("ignore") => true,
        Some(other) => {
            keys.wrong_text::<()>("else", other, "is no answer; write \"ignore\" or \"refuse\"");
            false
        }
    };
    Some(Map { meanings, ignore_others })
}

/// An instant: a field with the form of its time.
pub(super) fn moment(keys: &mut Keys<'_>, key: &'static str) -> Option<Moment> {
    let value = keys.value(key)?;
    if let Value::String(text) = value {
        let field = plain(keys, key, value, key)?;
        if text != "$time" {
            return keys.wrong(
                key,
                value,
                "has no form of its time; write { path = …, time = \"epoch_ms\" }",
            );
        }
        return Some(Moment { field, format: Format::Arrival });
    }
    let mut inner = keys.table(key)?;
    let field = table(&mut inner, key);
    let format = format(&mut inner);
    inner.finish();
    Some(Moment { field: field?, format: format? })
}

fn format(keys: &mut Keys<'_>) -> Option<Format> {
    let (pattern, zone) = (keys.text("pattern"), keys.text("zone"));
    let Some(name) = keys.text("time") else {
        return keys.missing(
            "time",
            "write epoch_s, epoch_s_frac, epoch_ms, epoch_us, epoch_ns, rfc3339, rfc2822 or strptime",
        );
    };
    if name != "strptime" && (pattern.is_some() || zone.is_some()) {
        return keys.report("time", "pattern and zone go with time = \"strptime\"; leave them out");
    }
    if let Some((_, epoch)) = Epoch::ALL.iter().find(|(known, _)| *known == name) {
        return Some(Format::Epoch(*epoch));
    }
    match name {
        "rfc3339" => Some(Format::Rfc3339),
        "rfc2822" => Some(Format::Rfc2822),
        "strptime" => by_pattern(keys, pattern, zone),
        other => keys.wrong_text("time", other,
            "is no form of a time; write epoch_s, epoch_s_frac, epoch_ms, epoch_us, epoch_ns, rfc3339, rfc2822 or strptime",
        ),
    }
}

fn by_pattern(keys: &Keys<'_>, pattern: Option<&str>, zone: Option<&str>) -> Option<Format> {
    let Some(pattern) = pattern else {
        return keys.missing("pattern", "write one such as \"%F %T\"");
    };
    let has_offset = ["%z", "%:z", "%Q", "%s"].iter().any(|offset| pattern.contains(offset));
    let zone = match (zone, has_offset) {
        (Some(_), true) => {
            return keys.report("zone", "is there beside an offset in the pattern; leave it out");
        }
        (None, true) => None,
        (None, false) => {
            return keys.missing(
                "zone",
                "write the zone of the switch's clock, such as \"Europe/Madrid\" or \"UTC\"",
            );
        }
        (Some(name), false) => match Zone::named(name) {
            Some(zone) => Some(zone),
            None => {
                return keys.wrong_text("zone", name, "is not a time zone; write \"Europe/Madrid\"");
            }
        },
    };
    let sample = jiff::civil::date(2026, 1, 5).at(10, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let read_back =
        strtime::format(pattern, &sample).and_then(|text| strtime::parse(pattern, text)?.to_datetime());
    match read_back {
        Ok(_) => Some(Format::Pattern(pattern.to_owned(), zone)),
        Err(error) => keys.wrong_text("pattern", pattern, &format!("tells no instant: {error}")),
    }
}

/// A length that a message tells: a field with its unit.
pub(super) fn told(keys: &mut Keys<'_>) -> Option<Told> {
    let field = table(keys, "duration_ms");
    let (unit, cumulative) = (unit(keys), cumulative(keys));
    Some(Told { field: field?, unit: unit?, cumulative: cumulative? })
}

fn unit(keys: &mut Keys<'_>) -> Option<Unit> {
    let Some(name) = keys.text("unit") else {
        return if keys.has("unit") {
            None
        } else {
            keys.missing("unit", "write min, s, s_frac, ms, us or ns")
        };
    };
    match Unit::ALL.iter().find(|(known, _)| *known == name) {
        Some((_, unit)) => Some(*unit),
        None => keys.wrong_text("unit", name, "is no unit; write min, s, s_frac, ms, us or ns"),
    }
}

fn cumulative(keys: &mut Keys<'_>) -> Option<bool> {
    match keys.text("form") {
        None | Some("total") => Some(false),
        Some("cumulative") => Some(true),
        Some(other) => {
            keys.wrong_text("form", other, "is no form of a length; write \"total\" or \"cumulative\"")
        }
    }
}
