//! The table in docs/FEATURES.md: what users see, and the requests that answer it.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) requests: Vec<Request>,
}

/// A request as the table has it: `GET /v1/orgs/acme/usage?range=all`, with ` as text/csv` behind it, or with a body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) is_table: bool,
}

impl Request {
    pub(crate) fn new(method: Method, path: &str, body: Option<Value>) -> Request {
        Request { method, path: path.to_owned(), body, is_table: false }
    }

    fn read(text: &str) -> Option<Request> {
        let (method, rest) = text.split_once(" /")?;
        let method: Method = method.parse().ok().filter(|method: &Method| method.as_str().len() <= 6)?;
        let (rest, is_table) = rest.strip_suffix(" as text/csv").map_or((rest, false), |rest| (rest, true));
        let (path, body) = match rest.split_once(" {") {
            Some((path, body)) => (path, Some(serde_json::from_str(&format!("{{{body}")).unwrap())),
            None => (rest, None),
        };
        Some(Request { method, path: format!("/{}", path.replace(' ', "%20")), body, is_table })
    }

    /// The path without what is asked for.
    pub(crate) fn place(&self) -> &str {
        self.path.split('?').next().unwrap()
    }

    /// What is asked for: names and values.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        url_decoded(query)
    }

    pub(crate) fn as_json(&self) -> Request {
        Request { is_table: false, ..self.clone() }
    }
}

fn url_decoded(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The rows of the table, in their order.
pub(crate) fn lines() -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FEATURES.md");
    let text = std::fs::read_to_string(path).unwrap();
    let line = |row: &str| {
        let cells: Vec<&str> = row.strip_prefix('|')?.split('|').map(str::trim).collect();
        let number = cells.first()?.parse().ok()?;
        let spans = cells[2].split('`').skip(1).step_by(2);
        let read =
            |span| Request::read(span).unwrap_or_else(|| panic!("line {number}: {span} is no request"));
        Some(Line { number, requests: spans.map(read).collect() })
    };
    text.lines().filter_map(line).collect()
}
