//! A record's payload, split into its items.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// How the items of a payload are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One item.
    Single,
    /// A JSON array.
    Array,
    /// One item a line.
    Lines,
}

/// The white space of JSON.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// How a payload is laid out: an array begins with `[`; lines are meant where there are several and they are not one JSON
/// text together; all else is a single item.
pub(super) fn layout(payload: &str) -> Layout {
    let text = payload.trim_matches(BLANK);
    if text.starts_with('[') {
        return Layout::Array;
    }
    if memchr::memchr(b'\n', text.as_bytes()).is_none() || serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Layout::Single;
    }
    Layout::Lines
}

/// The lines that hold something.
pub(super) fn lines(payload: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(payload);
    let lines = std::iter::from_fn(move || {
        let text = rest?;
        let (line, after) = match memchr::memchr(b'\n', text.as_bytes()) {
            Some(end) => (text.get(..end)?, text.get(end.saturating_add(1)..)),
            None => (text, None),
        };
        rest = after;
        Some(line.trim_matches(BLANK))
    });
    lines.filter(|line| !line.is_empty())
}

/// The text of one item of a payload, for showing it to somebody; the whole payload where it cannot be split.
#[must_use]
pub fn item_text(payload: &[u8], item: u32) -> String {
    let whole = String::from_utf8_lossy(payload);
    let at = usize::try_from(item).unwrap_or(usize::MAX);
    let part = match layout(&whole) {
        Layout::Single => None,
        Layout::Lines => lines(&whole).nth(at).map(str::to_owned),
        Layout::Array => serde_json::from_str::<Vec<&RawValue>>(&whole)
            .ok()
            .and_then(|items| items.get(at).map(|item| item.get().to_owned())),
    };
    part.unwrap_or_else(|| whole.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pretty_printed_object_is_one_item() {
        assert_eq!(layout("{\n  \"a\": 1,\n  \"b\": {}\n}"), Layout::Single);
        assert_eq!(layout("{\"a\":1}\n{\"b\":2}\n"), Layout::Lines);
        assert_eq!(layout("garbage\n{\"b\":2}\n"), Layout::Lines);
        assert_eq!(layout("{\"a\":\n{\"b\":2}\n{\"c\""), Layout::Lines);
        assert_eq!(layout("{\"a\":\r\n\r\n"), Layout::Single);
        assert_eq!(layout(" [\n{}]"), Layout::Array);
        assert_eq!(item_text(b"[{\"a\": 1}, 2]", 1), "2");
        assert_eq!(item_text(b"x\n{\"a\": 1}", 0), "x");
    }
}
