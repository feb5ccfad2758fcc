//! Spikes, and what caused them, found naively.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Asked, Cell, DIMENSIONS, cells, name, percent};
use crate::civil::{self, DAY, shown};
use crate::event::written;
use crate::year::Year;

/// By what causes are told.
const CAUSES: [&str; 6] = ["account", "entity", "user", "team", "feature", "action"];

/// Compares spikes and their causes, every figure of them.
pub(crate) fn check_spikes(year: &Year, asked: &Asked, answer: &Value) -> usize {
    let more =
        |name: &str| asked.more.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let of = |name: &str, usual: i64| more(name).map_or(usual, |value| value.parse().unwrap());
    let (factor, at_least) = (of("percent", 200), of("at_least", 0) * crate::event::CREDIT);
    let interval = asked.interval.as_deref().unwrap_or("day");
    let (most, least) = if interval == "day" { (28, 7) } else { (168, 24) };
    let limit = if asked.limit == 100 { 10 } else { asked.limit };
    let (from, to) = asked.span;
    let mut points = civil::points(interval, from - 40 * DAY, to);
    points.retain(|point| point.0 <= civil::now());
    let cells: Vec<Cell> = cells(year, &asked.org).into_iter().filter(|cell| asked.chooses(cell)).collect();
    let mut found = Vec::new();
    for kind in ["credits", "email", "export", "phone"] {
        let sums: Vec<i64> = points.iter().map(|point| sum(&cells, kind, *point)).collect();
        for at in (0..points.len()).filter(|at| points[*at].1 > from) {
            let begin = at.saturating_sub(most);
            let Some(since) = (begin..at).find(|before| sums[*before] > 0) else { continue };
            let (many, before) = (at - since, sums[since..at].iter().sum::<i64>());
            let many_i = i64::try_from(many).unwrap();
            if many < least || sums[at] < at_least.max(1) || sums[at] * many_i * 100 <= before * factor {
                continue;
            }
            let span = (points[since].0, points[at]);
            found.push((points[at].0, spike(asked, (&cells, kind), span, (sums[at], before, many_i))));
        }
    }
    found.sort_by_key(|(begin, _)| -begin);
    assert_eq!(answer["meta"]["spikes"], json!(found.len()));
    let told = answer["data"].as_array().unwrap();
    assert_eq!(told.len(), found.len().min(limit));
    for spike in told {
        let is = |(_, mine): &(i64, Value)| {
            mine["from"] == spike["from"] && mine["credit_type"] == spike["credit_type"]
        };
        let (_, mine) = found.iter().find(|mine| is(mine)).unwrap_or_else(|| panic!("{spike} is no spike"));
        assert_eq!(spike, mine);
    }
    let begins: Vec<&str> = told.iter().map(|spike| spike["from"].as_str().unwrap()).collect();
    let order: Vec<String> = found.iter().take(limit).map(|(begin, _)| shown(*begin)).collect();
    assert_eq!(begins, order);
    told.len() * 5 + told.iter().map(|spike| spike["causes"].as_array().unwrap().len() * 4).sum::<usize>()
}

fn sum(cells: &[Cell], kind: &str, (from, to): (i64, i64)) -> i64 {
    let within = cells.iter().filter(|cell| (from..to).contains(&cell.time));
    within.map(|cell| cell.figures.credits_of(kind)).sum()
}

fn rounded(sum: i64, many: i64) -> i64 {
    (2 * sum + many) / (2 * many)
}

fn spike(
    asked: &Asked,
    (cells, kind): (&[Cell], &str),
    (since, (from, to)): (i64, (i64, i64)),
    (here, before, many): (i64, i64, i64),
) -> Value {
    let usual = rounded(before, many);
    let all_more = here * many - before;
    let mut causes = Vec::new();
    for dimension in CAUSES {
        let at = DIMENSIONS.iter().position(|known| *known == dimension).unwrap();
        let mut groups: BTreeMap<Option<&String>, (i64, i64)> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| (since..to).contains(&cell.time)) {
            let sums = groups.entry(cell.of[at].as_ref()).or_default();
            let micros = cell.figures.credits_of(kind);
            *(if cell.time >= from { &mut sums.0 } else { &mut sums.1 }) += micros;
        }
        let more = |(here, before): (i64, i64)| here * many - before;
        let mut groups: Vec<_> = groups.into_iter().filter(|(_, sums)| more(*sums) > 0).collect();
        groups.sort_by_key(|(value, sums)| (-more(*sums), *value));
        groups.truncate(3);
        if groups.iter().all(|(value, _)| value.is_none()) {
            continue;
        }
        for (value, (credits, earlier)) in groups {
            let usual = rounded(earlier, many);
            causes.push(json!({
                "group": { dimension: told(&asked.org, dimension, value) },
                "credits": written(credits), "usual": written(usual), "more": written(credits - usual),
                "share": percent(credits * many - earlier, all_more),
            }));
        }
    }
    json!({ "from": shown(from), "to": shown(to), "credit_type": kind, "credits": written(here), "usual": written(usual),
        "usual_of": many, "percent": percent(here * many, before), "causes": causes })
}

fn told(org: &str, dimension: &str, value: Option<&String>) -> Value {
    let Some(id) = value else { return Value::Null };
    let name = name(org, dimension, id);
    match (dimension, id.split_once('/')) {
        ("entity", Some((kind, id))) => json!({ "type": kind, "id": id, "name": name }),
        ("account" | "user" | "team", _) => json!({ "id": id, "name": name }),
        _ => json!(id),
    }
}
