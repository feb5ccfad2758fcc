//! The fields of a JSON object, read strictly: absent (or `null`) is one thing, wrong is another.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{Instant, LARGEST, Micros, Reason};

/// A JSON object.
pub type Object = Map<String, Value>;

const INVALID: Reason = "invalid_field";
const MISSING: Reason = "missing_field";

/// The value of a required field.
pub fn needed<T>(value: Option<T>) -> Result<T, Reason> {
    value.ok_or(MISSING)
}

fn present<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// A text of 1 to 256 bytes.
pub fn text(object: &Object, name: &str) -> Result<Option<String>, Reason> {
    let Some(value) = present(object, name) else { return Ok(None) };
    match value.as_str() {
        Some(text) if (1..=256).contains(&text.len()) => Ok(Some(text.to_string())),
        _ => Err(INVALID),
    }
}

/// A whole number within `range`, written without a fraction or an exponent.
pub fn integer(object: &Object, name: &str, range: RangeInclusive<i128>) -> Result<Option<i128>, Reason> {
    let Some(value) = present(object, name) else { return Ok(None) };
    let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    number.filter(|number| range.contains(number)).map(Some).ok_or(INVALID)
}

/// `true` or `false`.
pub fn boolean(object: &Object, name: &str) -> Result<Option<bool>, Reason> {
    let Some(value) = present(object, name) else { return Ok(None) };
    value.as_bool().map(Some).ok_or(INVALID)
}

/// An object inside.
pub fn object<'a>(outer: &'a Object, name: &str) -> Result<Option<&'a Object>, Reason> {
    let Some(value) = present(outer, name) else { return Ok(None) };
    value.as_object().map(Some).ok_or(INVALID)
}

/// A list inside.
pub fn list<'a>(object: &'a Object, name: &str) -> Result<Option<&'a Vec<Value>>, Reason> {
    let Some(value) = present(object, name) else { return Ok(None) };
    value.as_array().map(Some).ok_or(INVALID)
}

/// One of the given words.
pub fn word(object: &Object, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Reason> {
    let Some(text) = text(object, name)? else { return Ok(None) };
    words.iter().find(|word| **word == text).copied().map(Some).ok_or(INVALID)
}

/// An instant in RFC 3339.
pub fn instant(object: &Object, name: &str) -> Result<Option<Instant>, Reason> {
    text(object, name)?.map(|text| rfc3339(&text)).transpose()
}

/// `2026-01-05T10:00:00.123456Z` in microseconds since 1970; digits beyond are cut off.
pub fn rfc3339(text: &str) -> Result<Instant, Reason> {
    let bytes = text.as_bytes();
    let zoned =
        text.ends_with(['Z', 'z']) || bytes.len().checked_sub(6).is_some_and(|at| b"+-".contains(&bytes[at]));
    let shape = bytes.len() >= 20 && bytes[4] == b'-' && b"Tt ".contains(&bytes[10]) && bytes[16] == b':';
    if !(zoned && shape) {
        return Err(INVALID);
    }
    let instant: jiff::Timestamp = text.parse().map_err(|_| INVALID)?;
    i64::try_from(instant.as_nanosecond().div_euclid(1_000)).map_err(|_| INVALID)
}

/// Whether every field that is there has one of these names.
pub fn only(object: &Object, names: &[&str]) -> Result<(), Reason> {
    let unknown =
        object.keys().any(|name| present(object, name).is_some() && !names.contains(&name.as_str()));
    if unknown { Err(INVALID) } else { Ok(()) }
}

/// A decimal string that is not negative, such as `"12.5"`, or a whole number.
pub fn amount(object: &Object, name: &str) -> Result<Option<Micros>, Reason> {
    if let Some(whole) = present(object, name).and_then(Value::as_u64) {
        return decimal(&whole.to_string()).map(Some);
    }
    text(object, name)?.map(|text| decimal(&text)).transpose()
}

/// The same, and below zero too: `"-12.5"`.
pub fn signed_amount(object: &Object, name: &str) -> Result<Option<Micros>, Reason> {
    let Some(value) = present(object, name) else { return Ok(None) };
    let written = value.as_i64().map(|whole| whole.to_string()).or(value.as_str().map(str::to_string));
    match written.as_deref().and_then(|text| text.strip_prefix('-')) {
        Some(below) => decimal(below).map(|micros| Some(-micros)),
        None => amount(object, name),
    }
}

fn decimal(text: &str) -> Result<Micros, Reason> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(INVALID),
        Some(parts) => parts,
        None => (text, ""),
    };
    let plain = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !plain || fraction.len() > 6 {
        return Err(INVALID);
    }
    let micros: Micros = format!("{whole}{fraction:0<6}").parse().map_err(|_| INVALID)?;
    if micros > LARGEST { Err(INVALID) } else { Ok(micros) }
}

/// The amount as people write it: `12.5`.
pub fn show(micros: Micros) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let digits = format!("{sign}{}.{:06}", micros.abs() / 1_000_000, micros.abs() % 1_000_000);
    digits.trim_end_matches('0').trim_end_matches('.').to_string()
}
