//! The parameters of a question as they come, over HTTP or as JSON, and what is said of those that cannot be.

use std::collections::BTreeMap;

use serde_json::Value;

/// Why a question cannot be answered: the parameter, and in words what is wrong, its value and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// The parameter.
    pub field: String,
    /// What is wrong, with its value and the remedy.
    pub why: String,
}

impl Refused {
    pub(in crate::query) fn new(field: impl Into<String>, why: impl Into<String>) -> Refused {
        Refused { field: field.into(), why: why.into() }
    }

    /// A value that a parameter cannot have, with what it can.
    pub(in crate::query) fn value(field: &str, value: &str, remedy: &str) -> Refused {
        let shown: String = value.chars().take(80).collect();
        Refused::new(field, format!("{field}: {shown:?} is not possible; {remedy}"))
    }
}

/// Names with their values, in the order in which these were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    /// What stands after the `?` of an address; a name may come more than once.
    #[must_use]
    pub fn of_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Parameters {
        let mut parameters = Parameters::default();
        for (name, value) in pairs {
            parameters.0.entry(name).or_default().push(value);
        }
        parameters
    }

    /// An object in JSON, or nothing: a value is a text, a whole number, or an array of texts.
    ///
    /// # Errors
    /// [`Refused`] for anything else.
    pub fn of_json(payload: &[u8]) -> Result<Parameters, Refused> {
        if payload.is_empty() {
            return Ok(Parameters::default());
        }
        let object: BTreeMap<String, Value> = serde_json::from_slice(payload).map_err(|error| {
            Refused::new(
                "",
                format!("the payload is not an object of parameters: {error}; see docs/USAGE.md"),
            )
        })?;
        let mut parameters = Parameters::default();
        for (name, value) in object {
            let values = texts(&value).ok_or_else(|| {
                Refused::value(&name, &value.to_string(), "write a text, a whole number or an array of texts")
            })?;
            if !values.is_empty() {
                parameters.0.insert(name, values);
            }
        }
        Ok(parameters)
    }

    /// Takes out the one value of a parameter.
    pub(in crate::query) fn one(&mut self, name: &str) -> Result<Option<String>, Refused> {
        let mut values = self.all(name);
        let value = values.pop();
        match values.first() {
            None => Ok(value),
            Some(_) => Err(Refused::new(name, format!("{name}: it is given more than once; give it once"))),
        }
    }

    /// Takes out all values of a parameter.
    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    /// Refuses what is left.
    pub(in crate::query) fn none_left(&self, known: &str) -> Result<(), Refused> {
        self.0.keys().next().map_or(Ok(()), |name| {
            let shown: String = name.chars().take(80).collect();
            let why = format!("{shown:?} is no parameter; there are {known}");
            Err(Refused::new(shown, why))
        })
    }

    /// A number of what is asked, the page aside: that of the same question is the same.
    pub(super) fn digest(&self) -> u64 {
        let asked: Vec<_> =
            self.0.iter().filter(|(name, _)| !matches!(&***name, "cursor" | "limit")).collect();
        xxhash_rust::xxh3::xxh3_64(format!("{asked:?}").as_bytes())
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(vec![text.clone()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
        Value::Bool(_) | Value::Object(_) => None,
    }
}
