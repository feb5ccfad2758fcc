//! Layers of settings: each may change what is below it, and nothing that is not there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{ConfigError, DEFAULTS, Problem};

/// What the variables of the environment begin with.
const PREFIX: &str = "CREDITD_";
/// Variables with our prefix that are not settings: the nats-server that the tests are to use, and which daemon the command line asks
/// with which token.
const NOT_SETTINGS: [&str; 3] = ["CREDITD_NATS_SERVER", "CREDITD_URL", "CREDITD_TOKEN"];
/// The name of the lowest layer.
const DEFAULT: &str = "the defaults";
/// Settings whose values are shown to nobody.
const SECRETS: [&str; 3] = ["nats.password", "nats.token", "mail.password"];

/// The settings in force, and where each of them is from.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) table: Table,
    /// Where a setting is from, by its dotted name, unless it is the default.
    origins: BTreeMap<String, String>,
    /// The folder of the operator's file.
    pub(super) folder: PathBuf,
}

impl Layers {
    /// The defaults alone.
    pub(super) fn defaults() -> Result<Layers, ConfigError> {
        let table = DEFAULTS.parse().map_err(|error| ConfigError::one(DEFAULT, format!("{error}")))?;
        Ok(Layers { table, origins: BTreeMap::new(), folder: PathBuf::new() })
    }

    /// Where a setting is from.
    pub(super) fn origin(&self, setting: &str) -> String {
        self.origins.get(setting).cloned().unwrap_or_else(|| DEFAULT.to_owned())
    }

    /// Lays a file over what is there.
    pub(super) fn lay_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let place = path.display().to_string();
        let upper: Table = text.parse().map_err(|error| {
            ConfigError::one(&place, format!("is not TOML: {error}").trim_end().to_owned())
        })?;
        self.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let names = self.names();
        let mut laying = Laying { place, names, origins: &mut self.origins, problems: Vec::new() };
        laying.table("", &mut self.table, upper);
        if laying.problems.is_empty() { Ok(()) } else { Err(ConfigError(laying.problems)) }
    }

    /// Lays the variables of the environment over what is there.
    pub(super) fn lay_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let names = self.names();
        let variables: BTreeMap<String, &String> = names.iter().map(|name| (variable(name), name)).collect();
        let mut problems = Vec::new();
        for (key, text) in environment {
            if !key.starts_with(PREFIX) || NOT_SETTINGS.contains(&key.as_str()) {
                continue;
            }
            let Some(name) = variables.get(&key) else {
                let meant = nearest(&key, variables.keys().map(String::as_str));
                problems
                    .push(Problem { place: "the environment".into(), what: unknown(&key, meant.as_deref()) });
                continue;
            };
            let Some(place) = slot(&mut self.table, name) else { continue };
            match read_like(place, &text) {
                Ok(value) => {
                    *place = value;
                    self.origins.insert((*name).clone(), key);
                }
                Err(wanted) => {
                    problems.push(Problem { place: key, what: format!("{text:?} is not {wanted}") });
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }

    /// The dotted names of all settings.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect_names("", &self.table, &mut names);
        names
    }

    pub(super) fn to_toml(&self) -> String {
        let mut text = String::new();
        write_table(self, "", &self.table, &mut text);
        text
    }
}

/// One file being laid over the settings.
struct Laying<'a> {
    place: String,
    names: Vec<String>,
    origins: &'a mut BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Laying<'_> {
    fn table(&mut self, above: &str, lower: &mut Table, upper: Table) {
        for (key, value) in upper {
            let name = dotted(above, &key);
            match (lower.get_mut(&key), value) {
                (None, _) => self.unknown(&name),
                (Some(Value::Table(lower)), Value::Table(upper)) => self.table(&name, lower, upper),
                (Some(known), value) if alike(known, &value) => {
                    *known = value;
                    self.origins.insert(name, self.place.clone());
                }
                (Some(known), value) => {
                    let what = format!("{name} = {value} is {}; write {}", kind(&value), wanted(known));
                    self.problems.push(Problem { place: self.place.clone(), what });
                }
            }
        }
    }

    fn unknown(&mut self, name: &str) {
        let sections =
            self.names.iter().filter_map(|known| known.rsplit_once('.')).map(|(section, _)| section);
        let meant = nearest(name, self.names.iter().map(String::as_str).chain(sections));
        self.problems.push(Problem { place: self.place.clone(), what: unknown(name, meant.as_deref()) });
    }
}

fn unknown(name: &str, meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("there is no setting {name}; did you mean {meant}?"),
        None => format!("there is no setting {name}; `creditd config default` lists them all"),
    }
}

/// The known name that is most like this one, if any is like it.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const LIKE: f64 = 0.85;
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let likeness = |known: &str| {
        // A setting that stands in another section is what was meant.
        let moved = if last(known) == last(name) { 0.95 } else { 0.0 };
        strsim::jaro_winkler(name, known).max(moved)
    };
    let best = known.map(|known| (likeness(known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness >= LIKE).map(|(_, known)| known.to_owned())
}

fn dotted(above: &str, key: &str) -> String {
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

/// The variable of a setting: `http.listen` is `CREDITD_HTTP_LISTEN`.
fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "_").to_uppercase())
}

fn collect_names(above: &str, table: &Table, names: &mut Vec<String>) {
    for (key, value) in table {
        let name = dotted(above, key);
        match value {
            Value::Table(table) => collect_names(&name, table, names),
            _ => names.push(name),
        }
    }
}

fn slot<'t>(table: &'t mut Table, name: &str) -> Option<&'t mut Value> {
    match name.split_once('.') {
        Some((section, rest)) => slot(table.get_mut(section)?.as_table_mut()?, rest),
        None => table.get_mut(name),
    }
}

/// Whether a value is of the type of the one it replaces.
fn alike(known: &Value, value: &Value) -> bool {
    match (known, value) {
        (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_str),
        _ => known.same_type(value),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

fn wanted(known: &Value) -> String {
    match known {
        Value::String(text) if text.is_empty() => "a text in quotes".to_owned(),
        Value::Integer(_) => format!("a whole number such as {known}"),
        Value::Boolean(_) => "true or false".to_owned(),
        Value::Array(_) => "a list of texts such as [\"a\", \"b\"]".to_owned(),
        Value::Table(_) => "a section".to_owned(),
        _ => format!("a text in quotes such as {known}"),
    }
}

/// Reads the text of a variable as a value of the known one's type.
fn read_like(known: &Value, text: &str) -> Result<Value, String> {
    match known {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| wanted(known)),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| wanted(known)),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn write_table(layers: &Layers, above: &str, table: &Table, text: &mut String) {
    for (key, value) in table.iter().filter(|(_, value)| !value.is_table()) {
        let name = dotted(above, key);
        let hidden =
            SECRETS.contains(&name.as_str()) && value.as_str().is_some_and(|secret| !secret.is_empty());
        let shown = if hidden { "\"(hidden)\"".to_owned() } else { value.to_string() };
        let origin = layers.origins.get(&name).map(|from| format!("  # {from}")).unwrap_or_default();
        text.push_str(&format!("{key} = {shown}{origin}\n"));
    }
    for (key, value) in table {
        if let Value::Table(inner) = value {
            let name = dotted(above, key);
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}[{name}]\n"));
            write_table(layers, &name, inner, text);
        }
    }
}
