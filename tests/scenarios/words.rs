//! Words of a line, taken one after the other.

use creditd::ledger::units::{Credits, Timestamp};
use creditd::wire::time;
use serde_json::{Value, json};

/// What is left of a line, or of a part of it between commas.
#[derive(Clone, Debug)]
pub(crate) struct Words<'t> {
    rest: Vec<&'t str>,
}

impl<'t> Words<'t> {
    pub(crate) fn of(text: &'t str) -> Words<'t> {
        let mut rest: Vec<&str> = text.split_whitespace().collect();
        rest.reverse();
        Words { rest }
    }

    /// The parts of a text between commas.
    pub(crate) fn clauses(text: &'t str) -> impl Iterator<Item = Words<'t>> {
        text.split(',').map(Words::of)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<&'t str> {
        self.rest.last().copied()
    }

    /// The next word, whichever it is.
    pub(crate) fn next(&mut self, what: &str) -> Result<&'t str, String> {
        self.rest.pop().ok_or_else(|| format!("{what} is missing at the end"))
    }

    /// Takes these words if they come next.
    pub(crate) fn take(&mut self, phrase: &str) -> bool {
        let wanted: Vec<&str> = phrase.split(' ').rev().collect();
        let found = self.rest.ends_with(&wanted);
        if found {
            self.rest.truncate(self.rest.len() - wanted.len());
        }
        found
    }

    /// All words that are left, as one text.
    pub(crate) fn all(&mut self, what: &str) -> Result<String, String> {
        let words: Vec<&str> = std::mem::take(&mut self.rest).into_iter().rev().collect();
        if words.is_empty() { Err(format!("{what} is missing at the end")) } else { Ok(words.join(" ")) }
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), String> {
        self.peek().map_or(Ok(()), |word| Err(unknown(word)))
    }

    pub(crate) fn amount(&mut self) -> Result<Credits, String> {
        self.next("an amount")?.parse().map_err(|error| format!("{error}"))
    }

    pub(crate) fn number(&mut self, what: &str) -> Result<u64, String> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("{word:?} is not a whole number, as {what} is"))
    }

    /// A date, and the time of day that may follow it.
    pub(crate) fn instant(&mut self) -> Result<Timestamp, String> {
        let date = self.next("a date")?;
        let clock = self.peek().filter(|word| is_clock(word)).unwrap_or("00:00");
        self.take(clock);
        instant(date, clock)
    }

    /// The same as JSON wants it.
    pub(crate) fn instant_json(&mut self) -> Result<Value, String> {
        self.instant().map(|instant| json!(time::format(instant)))
    }

    /// A billing period: `month`, `quarter`, `year`, `30 days`.
    pub(crate) fn period(&mut self) -> Result<Value, String> {
        match self.next("a period")? {
            word @ ("month" | "quarter" | "year") => Ok(json!(word)),
            count => {
                let days: u64 = count.parse().map_err(|_| unknown(count))?;
                if self.take("days") || self.take("day") {
                    Ok(json!({ "days": days }))
                } else {
                    Err(format!("write {count} days"))
                }
            }
        }
    }

    /// `min 10 max 20`, or one of them.
    pub(crate) fn bounds(&mut self) -> Result<Value, String> {
        let mut bounds = json!({});
        while let Some(bound @ ("min" | "max")) = self.peek() {
            self.take(bound);
            bounds[bound] = json!(self.amount()?);
        }
        Ok(bounds)
    }
}

pub(crate) fn unknown(word: &str) -> String {
    format!("the word {word:?} is not known here")
}

/// Whether a word is a time of day.
pub(crate) fn is_clock(word: &str) -> bool {
    matches!(word.as_bytes(), [a, b, b':', c, d, ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
}

/// Whether a word is a date.
pub(crate) fn is_date(word: &str) -> bool {
    word.len() == 10 && word.as_bytes()[4] == b'-' && word.as_bytes()[7] == b'-'
}

/// An instant of UTC.
pub(crate) fn instant(date: &str, clock: &str) -> Result<Timestamp, String> {
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    time::parse(&format!("{date}T{clock}{seconds}Z"))
}
