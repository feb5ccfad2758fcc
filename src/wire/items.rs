//! A record's payload, split into its items.

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

/// How a payload is laid out: an array begins with `[`; lines are meant where there are several and the first or the last is
/// an object by itself; all else is a single item.
pub(super) fn layout(payload: &str) -> Layout {
    let text = payload.trim_ascii();
    if text.starts_with('[') {
        return Layout::Array;
    }
    if memchr::memchr(b'\n', text.as_bytes()).is_none() {
        return Layout::Single;
    }
    let object =
        |line: Option<&str>| line.is_some_and(|l| l.starts_with('{') && l.ends_with('}') && l.len() > 1);
    if object(lines(text).next()) || object(lines(text).next_back()) { Layout::Lines } else { Layout::Single }
}

/// The lines that hold something.
pub(super) fn lines(payload: &str) -> impl DoubleEndedIterator<Item = &str> {
    payload.split('\n').map(str::trim_ascii).filter(|line| !line.is_empty())
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
        assert_eq!(layout(" [\n{}]"), Layout::Array);
        assert_eq!(item_text(b"[{\"a\": 1}, 2]", 1), "2");
        assert_eq!(item_text(b"x\n{\"a\": 1}", 0), "x");
    }
}
