//! The table is the rows of the answer, no less and no more.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::story::Story;
use super::{COUNTED, ask};
use crate::Daemon;

/// Asks for a table: its header, its rows and the headers of the answer.
async fn table(daemon: &Daemon, path: &str) -> (Vec<String>, Vec<Vec<String>>, HeaderMap) {
    let url = format!("{}{path}", daemon.running.url);
    let answer = daemon.client.get(url).header("accept", "text/csv").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8; header=present");
    let headers = answer.headers().clone();
    let text = answer.text().await.unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    (header, rows.collect(), headers)
}

/// What stands in a cell for a text of somebody's.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// The cell of a column, read from the JSON of the same line and point.
fn cell(column: &str, line: &Value, point: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let figure = |of: &Value, name: &str, nothing: &str| match name.split_once('.') {
        Some(("credits", kind)) => of["credits"].get(kind).map_or(nothing.to_owned(), text),
        _ if of[name].is_null() => String::new(),
        _ => of[name].as_str().map_or_else(|| of[name].to_string(), str::to_owned),
    };
    if column.starts_with("credits.") || COUNTED.contains(&column) {
        return figure(point, column, "0");
    }
    match column.split_once('.') {
        Some((beside @ ("before" | "difference" | "percent"), name)) => match &point["compared"] {
            Value::Null => String::new(),
            compared => figure(&compared[beside], name, if beside == "percent" { "" } else { "0" }),
        },
        Some((dimension, part)) => safe(&text(&line["group"][dimension][part])),
        None if matches!(column, "from" | "to") => text(&point[column]),
        None => safe(&text(&line["group"][column])),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_the_rows_of_the_answer() {
    let daemon = Daemon::empty().await;
    Story::of_months(&daemon).await;
    for (query, columns) in [
        ("range=all&group_by=user", 11),
        ("range=all", 9),
        ("range=all&group_by=action,entity,grant_kind&limit=1000", 14),
        ("range=this_quarter&group_by=team,credit_type&compare=previous_period", 39),
        ("range=all&group_by=user&interval=month", 13),
        ("range=this_month&group_by=user,account&interval=day&compare=previous_period&limit=5", 42),
        ("range=all&user=nobody&group_by=user", 9),
    ] {
        let path = format!("/v1/orgs/acme/usage?{query}");
        let answer = ask(&daemon, query).await;
        let (header, rows, headers) = table(&daemon, &path).await;
        assert_eq!(header.len(), columns, "{query}: {header:?}");
        let lines = answer["data"].as_array().unwrap().iter();
        let points = lines.flat_map(|line| match line["series"].as_array() {
            Some(series) => series.iter().map(|point| (line, point)).collect::<Vec<_>>(),
            None => vec![(line, line)],
        });
        let expected: Vec<Vec<String>> = points
            .map(|(line, point)| header.iter().map(|column| cell(column, line, point)).collect())
            .collect();
        assert_eq!(rows, expected, "{query}");
        assert_eq!(headers["creditd-seq"].to_str().unwrap(), answer["seq"]);
        assert_eq!(headers["creditd-zone"].to_str().unwrap(), answer["zone"]);
        let range = format!("{}/{}", text(&answer["range"]["from"]), text(&answer["range"]["to"]));
        assert_eq!(headers["creditd-range"].to_str().unwrap(), range);
        assert_eq!(headers["content-disposition"], "attachment; filename=\"acme-usage.csv\"");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_tells_where_the_next_page_is_and_runs_nothing() {
    let daemon = Daemon::empty().await;
    Story::of_months(&daemon).await;
    let path = "/v1/orgs/acme/usage?range=all&group_by=user&group_by=team&sort=name&limit=5";
    let (header, mut rows, mut headers) = table(&daemon, path).await;
    assert_eq!(header[..4], ["user.id", "user.name", "team.id", "team.name"]);
    while let Some(link) = headers.get("link") {
        let link = link.to_str().unwrap().strip_prefix('<').unwrap();
        let (_, more, next) = table(&daemon, link.strip_suffix(">; rel=\"next\"").unwrap()).await;
        rows.extend(more);
        headers = next;
    }
    let whole = table(&daemon, &path.replace("limit=5", "limit=1000")).await.1;
    assert_eq!(rows, whole);
    assert!(
        rows.iter().any(|row| row[0] == "'-cy") && rows.iter().any(|row| row[3] == "'=SUM(A1)"),
        "{rows:?}"
    );
    assert!(
        rows.iter().all(|row| !row.iter().any(|cell| cell.starts_with(['=', '+', '-', '@']))),
        "{rows:?}"
    );
}
