//! A table of TOML, read key by key. What is wrong is gathered, each with its place, so that all of it is told at once.

use std::cell::RefCell;

use toml::{Table, Value};

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<String>>);

impl Problems {
    pub(super) fn report(&self, problem: String) {
        self.0.borrow_mut().push(problem);
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    pub(super) fn into_inner(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// A table being read: each key that may stand in it is asked for, and what was not asked for is unknown.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    /// What the table belongs to: a file, or an adapter of it.
    place: String,
    /// Where it stands in there: keys, joined by dots.
    path: String,
    table: &'a Table,
    asked: Vec<&'static str>,
    problems: &'a Problems,
}

impl<'a> Keys<'a> {
    /// The table that a file is.
    pub(super) fn of_file(file: &str, table: &'a Table, problems: &'a Problems) -> Keys<'a> {
        Keys { place: file.to_owned(), path: String::new(), table, asked: Vec::new(), problems }
    }

    fn inner(&self, path: String, table: &'a Table) -> Keys<'a> {
        Keys { place: self.place.clone(), path, table, asked: Vec::new(), problems: self.problems }
    }

    /// Tells errors from here on as those of a place of its own.
    pub(super) fn rename(&mut self, place: String) {
        (self.place, self.path) = (place, String::new());
    }

    /// How many problems there are so far, in the whole file.
    pub(super) fn problems(&self) -> usize {
        self.problems.count()
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of a key, whatever it is.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.table.get(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        value.as_str().or_else(|| self.wrong(key, value, "is not a text; write it in quotes"))
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<&'a str>> {
        let value = self.value(key)?;
        let texts = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
        texts.or_else(|| self.wrong(key, value, "is not a list of texts; write [\"a\", \"b\"]"))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        value.as_bool().or_else(|| self.wrong(key, value, "is not true or false"))
    }

    /// A whole number that is not negative.
    pub(super) fn number(&mut self, key: &'static str) -> Option<u64> {
        let value = self.value(key)?;
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        number.or_else(|| self.wrong(key, value, "is not a whole number from 0 on"))
    }

    pub(super) fn table(&mut self, key: &'static str) -> Option<Keys<'a>> {
        let value = self.value(key)?;
        let Some(table) = value.as_table() else {
            return self.wrong(key, value, "is not a table; write { … }");
        };
        Some(self.inner(self.path_of(key), table))
    }

    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Keys<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let tables: Option<Vec<&Table>> =
            value.as_array().and_then(|items| items.iter().map(Value::as_table).collect());
        let Some(tables) = tables else {
            self.wrong::<()>(key, value, "is not a list of tables; write [{ … }, { … }]");
            return Vec::new();
        };
        let path = |index: usize| format!("{}[{index}]", self.path_of(key));
        tables.into_iter().enumerate().map(|(index, table)| self.inner(path(index), table)).collect()
    }

    /// Every key with its text, of a table whose keys are the operator's.
    pub(super) fn pairs(&self) -> Vec<(&'a str, &'a str)> {
        let pair = |(key, value): (&'a String, &'a Value)| match value.as_str() {
            Some(text) => Some((key.as_str(), text)),
            None => self.wrong(key, value, "is not a text; write it in quotes"),
        };
        self.table.iter().filter_map(pair).collect()
    }

    /// Reports what is wrong with a key; the table itself where it is empty.
    pub(super) fn report<T>(&self, key: &str, problem: impl AsRef<str>) -> Option<T> {
        let (place, path, problem) = (&self.place, self.path_of(key), problem.as_ref());
        let between = if path.is_empty() { "" } else { ": " };
        self.problems.report(format!("{place}: {path}{between}{problem}"));
        None
    }

    pub(super) fn missing<T>(&self, key: &str, remedy: &str) -> Option<T> {
        self.report(key, format!("is not there; {remedy}"))
    }

    /// Reports a value that cannot be meant.
    pub(super) fn wrong<T>(&self, key: &str, value: &Value, why: &str) -> Option<T> {
        match value {
            Value::Table(_) => self.report(key, format!("a table {why}")),
            Value::Array(items) if items.iter().any(Value::is_table) => {
                self.report(key, format!("a list of tables {why}"))
            }
            value => self.report(key, format!("{value} {why}")),
        }
    }

    /// Reports a text that cannot be meant.
    pub(super) fn wrong_text<T>(&self, key: &str, text: &str, why: &str) -> Option<T> {
        self.report(key, format!("{text:?} {why}"))
    }

    /// Ends the reading: keys that nobody asked for are unknown.
    pub(super) fn finish(self) {
        for key in self.table.keys().filter(|key| !self.asked.contains(&key.as_str())) {
            let remedy = match nearest(key, &self.asked) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("it may hold {}", self.asked.join(", ")),
            };
            self.report::<()>("", format!("there is no key {key}; {remedy}"));
        }
    }

    fn path_of(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            (path, "") => path.to_owned(),
            ("", key) => key.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }
}

/// The known key that is most like this one, if any is like it.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    const LIKE: f64 = 0.85;
    let best = known.iter().map(|known| (strsim::jaro_winkler(key, known), *known));
    best.filter(|(likeness, _)| *likeness >= LIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
