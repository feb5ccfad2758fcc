//! What is told of a route, put together: its parameters, its body, and its answers.

use axum::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// Makes the schema of an answer.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What is told of a route.
pub(super) struct Told {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// By which programs call it.
    pub(super) id: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    /// What else there is to know of it.
    pub(super) more: &'static str,
    /// Beside the names in its path.
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) answers: Vec<Answer>,
    /// Whether it is answered once something is in the log and applied.
    pub(super) writes: bool,
    /// Statuses of problems beside those that every route like it may answer.
    pub(super) problems: Vec<u16>,
}

/// An answer that is no problem.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) what: &'static str,
    pub(super) contents: Vec<(&'static str, Content)>,
    /// Headers, each with what it tells.
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// What an answer holds.
pub(super) enum Content {
    Json(SchemaOf),
    Text(&'static str),
}

pub(super) fn get(path: &'static str, id: &'static str, summary: &'static str) -> Told {
    Told::new(Method::GET, path, id, summary)
}

pub(super) fn post(path: &'static str, id: &'static str, summary: &'static str) -> Told {
    Told::new(Method::POST, path, id, summary)
}

pub(super) fn put(path: &'static str, id: &'static str, summary: &'static str) -> Told {
    Told::new(Method::PUT, path, id, summary)
}

pub(super) fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Told {
    Told::new(Method::DELETE, path, id, summary)
}

impl Told {
    fn new(method: Method, path: &'static str, id: &'static str, summary: &'static str) -> Told {
        let (parameters, body, answers, problems) = (Vec::new(), None, Vec::new(), Vec::new());
        Told { method, path, id, summary, more: "", parameters, body, answers, writes: false, problems }
    }

    /// With parameters after the `?`, or headers.
    pub(super) fn with(mut self, parameters: impl IntoIterator<Item = Value>) -> Told {
        self.parameters.extend(parameters);
        self
    }

    /// With a body in JSON that must be there.
    pub(super) fn body(mut self, schema: Value) -> Told {
        self.body = Some(json!({ "required": true, "content": { JSON: { "schema": schema } } }));
        self
    }

    /// With a body in JSON that may be left out.
    pub(super) fn optional_body(mut self, schema: Value) -> Told {
        self.body = Some(json!({ "required": false, "content": { JSON: { "schema": schema } } }));
        self
    }

    /// Answers that, in JSON.
    pub(super) fn answers<T: JsonSchema>(mut self, status: u16, what: &'static str) -> Told {
        let contents = vec![(JSON, Content::Json(SchemaGenerator::subschema_for::<T>))];
        self.answers.push(Answer { status, what, contents, headers: Vec::new() });
        self
    }

    /// Answers without a content.
    pub(super) fn nothing(mut self, status: u16, what: &'static str) -> Told {
        self.answers.push(Answer { status, what, contents: Vec::new(), headers: Vec::new() });
        self
    }

    /// Answers a text of that media type.
    pub(super) fn text(mut self, status: u16, media: &'static str, what: &'static str) -> Told {
        let contents = vec![(media, Content::Text(what))];
        self.answers.push(Answer { status, what, contents, headers: Vec::new() });
        self
    }

    /// With more to know of it, in sentences.
    pub(super) fn more(self, more: &'static str) -> Told {
        Told { more, ..self }
    }

    /// With an example of its body in JSON.
    pub(super) fn example(mut self, example: Value) -> Told {
        if let Some(body) = &mut self.body {
            body["content"][JSON]["example"] = example;
        }
        self
    }

    /// The last answer has these headers, too.
    pub(super) fn headers(mut self, headers: &[(&'static str, &'static str)]) -> Told {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.extend(headers);
        }
        self
    }

    /// The last answer is also to be had in that media type.
    pub(super) fn or_as(mut self, media: &'static str, what: &'static str) -> Told {
        if let Some(answer) = self.answers.last_mut() {
            answer.contents.push((media, Content::Text(what)));
        }
        self
    }

    /// It is answered once something is in the log and applied.
    pub(super) fn writes(self) -> Told {
        Told { writes: true, ..self }
    }

    /// May answer problems with these statuses, too.
    pub(super) fn problems(mut self, statuses: &[u16]) -> Told {
        self.problems.extend(statuses);
        self
    }
}

pub(super) const JSON: &str = "application/json";
pub(super) const CSV: &str = "text/csv";
pub(super) const EVENTS: &str = "text/event-stream";
pub(super) const HTML: &str = "text/html";

/// What is told of an answer in CSV by headers.
pub(super) const OF_TABLES: [(&str, &str); 3] = [
    ("Content-Disposition", "Of CSV: the name of the file."),
    ("creditd-seq", "Of CSV: the last entry that is contained."),
    ("creditd-as-of", "Of CSV: the instant of the answer."),
];

/// The same of usage, beside those.
pub(super) const OF_USAGE: [(&str, &str); 2] = [
    ("creditd-zone", "Of CSV: the zone whose days these are."),
    ("creditd-range", "Of CSV: from which instant up to which, exclusive, with a / between."),
];

/// The same of the history, beside those of all tables.
pub(super) const OF_HISTORY: [(&str, &str); 2] = [
    ("creditd-itemised", "Of CSV: which charges are shown one by one, `all`, those of `calls`, or `none`."),
    ("creditd-kept-from", "Of CSV: what is older is not kept any more. Absent where everything is."),
];

/// Ranges of time by their names.
pub(super) const RANGES: [&str; 6] =
    ["this_month", "this_quarter", "this_year", "last_7_days", "cycle", "all"];

/// A month, as a pattern.
pub(super) const MONTH: &str = "^[0-9]{4}-(0[1-9]|1[0-2])$";

/// A parameter after the `?`.
pub(super) fn query(name: &str, schema: &Value, what: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": what, "schema": schema })
}

/// One that is any text.
pub(super) fn text(name: &str, what: &str) -> Value {
    query(name, &json!({ "type": "string" }), what)
}

/// One that is an instant.
pub(super) fn instant(name: &str, what: &str) -> Value {
    query(name, &json!({ "type": "string", "format": "date-time" }), what)
}

/// One that is a day, or an instant.
pub(super) fn day_or_instant(name: &str, what: &str) -> Value {
    let any = json!([{ "type": "string", "format": "date" }, { "type": "string", "format": "date-time" }]);
    query(name, &json!({ "anyOf": any }), what)
}

/// One of a few words.
pub(super) fn choice(name: &str, words: &[&str], what: &str) -> Value {
    query(name, &json!({ "enum": words }), what)
}

/// One that may be there several times.
pub(super) fn several(name: &str, of: &Value, what: &str) -> Value {
    query(name, &json!({ "type": "array", "items": of, "maxItems": 100 }), what)
}

/// Where a page begins.
pub(super) fn cursor() -> Value {
    text("cursor", "Where the page begins: `meta.next` of the page before.")
}

/// How long a page is.
pub(super) fn limit(usually: u32, most: u32) -> Value {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": most, "default": usually });
    query("limit", &schema, "The most on the page.")
}

/// A cursor, and a page of the length that most have.
pub(super) fn pages() -> [Value; 2] {
    [cursor(), limit(100, 1_000)]
}

/// A header of a request.
pub(super) fn header(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": what, "schema": { "type": "string" } })
}
