//! What output looks like: colours where somebody looks at them, tables, CSV.

use std::io::IsTerminal;

use clap::ValueEnum;

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// Emphasis for people, none for files, pipes and those who set `NO_COLOR`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// For standard output as it is.
    pub(super) fn stdout() -> Paint {
        Paint::for_a(std::io::stdout().is_terminal())
    }

    /// For standard error as it is.
    pub(super) fn stderr() -> Paint {
        Paint::for_a(std::io::stderr().is_terminal())
    }

    fn for_a(terminal: bool) -> Paint {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Paint { on: !refused && !dumb && terminal }
    }

    /// Whether there is any.
    pub(super) fn is_on(self) -> bool {
        self.on
    }

    pub(super) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A field of CSV, quoted where it must be.
pub(super) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A whole number in groups of three digits: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_fields_quoted() {
        assert_eq!(
            [grouped(7), grouped(999), grouped(1_000), grouped(1_234_567)],
            ["7", "999", "1,000", "1,234,567"]
        );
        assert_eq!([csv_field("a b"), csv_field("a,\"b\"")], ["a b", "\"a,\"\"b\"\"\""]);
    }
}
