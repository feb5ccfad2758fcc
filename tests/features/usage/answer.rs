//! An answer about usage beside what the events come to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Asked, COUNTED, Cell, DIMENSIONS, Figures, cells, name};
use crate::civil::{self, shown};
use crate::event::{read, written};
use crate::year::Year;

/// The values of the dimensions that it is grouped by.
type Group = Vec<Option<String>>;

/// What a group came to: now, before, and point by point.
#[derive(Clone, Debug, Default)]
struct Sums {
    now: Figures,
    before: Figures,
    points: Vec<Figures>,
    points_before: Vec<Figures>,
}

/// Points of time, now and before.
struct Points {
    now: Vec<(i64, i64)>,
    before: Vec<(i64, i64)>,
}

fn place(points: &[(i64, i64)], time: i64) -> usize {
    points.partition_point(|(from, _)| *from <= time) - 1
}

impl Sums {
    fn new(points: &Points) -> Sums {
        let of = |points: &[(i64, i64)]| vec![Figures::default(); points.len()];
        Sums { points: of(&points.now), points_before: of(&points.before), ..Sums::default() }
    }

    fn add(&mut self, cell: &Cell, asked: &Asked, points: &Points) {
        let is_in = |(from, to): (i64, i64)| (from..to).contains(&cell.time);
        if is_in(asked.span) {
            self.now.add(&cell.figures);
            if !points.now.is_empty() {
                self.points[place(&points.now, cell.time)].add(&cell.figures);
            }
        }
        if asked.before.is_some_and(is_in) {
            self.before.add(&cell.figures);
            if !points.before.is_empty() {
                self.points_before[place(&points.before, cell.time)].add(&cell.figures);
            }
        }
    }

    fn difference(&self) -> i64 {
        self.now.all_credits() - self.before.all_credits()
    }
}

/// What it is put in an order by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Figure(i64),
    Names(Vec<Option<String>>),
}

fn rank(asked: &Asked, group: &Group, sums: &Sums) -> Rank {
    let by = asked.sort.trim_start_matches('-');
    let counted = COUNTED.iter().position(|counted| *counted == by);
    match (by, counted) {
        (_, Some(counted)) => Rank::Figure(sums.now.counts[counted]),
        ("credits", _) => Rank::Figure(sums.now.all_credits()),
        ("difference", _) => Rank::Figure(sums.difference()),
        ("movement", _) => Rank::Figure(sums.difference().abs()),
        ("name", _) => {
            let name = |(dimension, id): (&usize, &Option<String>)| {
                let id = id.as_ref()?;
                let plain = id.split_once('/').map_or(id.as_str(), |(_, id)| id);
                Some(name(&asked.org, DIMENSIONS[*dimension], id).unwrap_or(plain).to_lowercase())
            };
            Rank::Names(asked.group_by.iter().zip(group).map(name).collect())
        }
        (kind, _) => Rank::Figure(sums.now.credits_of(kind.strip_prefix("credits.").unwrap())),
    }
}

/// Compares every figure of an answer, and tells how many there were.
pub(crate) fn check(year: &Year, asked: &Asked, answer: &Value) -> usize {
    let points = |span: Option<(i64, i64)>| match (&asked.interval, span) {
        (Some(interval), Some((from, to))) => civil::points(interval, from, to),
        _ => Vec::new(),
    };
    let points = Points { now: points(Some(asked.span)), before: points(asked.before) };
    let mut groups: BTreeMap<Group, Sums> = BTreeMap::new();
    let mut all = Sums::new(&points);
    for cell in cells(year, &asked.org).iter().filter(|cell| asked.chooses(cell)) {
        let is_in = |(from, to): (i64, i64)| (from..to).contains(&cell.time);
        let group: Group = asked.group_by.iter().map(|dimension| cell.of[*dimension].clone()).collect();
        if (is_in(asked.span) || asked.before.is_some_and(is_in)) && asked.finds(&group) {
            all.add(cell, asked, &points);
            groups.entry(group).or_insert_with(|| Sums::new(&points)).add(cell, asked, &points);
        }
    }
    if asked.group_by.is_empty() && groups.is_empty() {
        // One line of everything is there also where there is nothing.
        groups.insert(Vec::new(), Sums::new(&points));
    }
    check_range(asked, answer);
    let mut figures = check_line(asked, &points, &all, &answer["totals"], "totals");
    let data = answer["data"].as_array().unwrap();
    let mut ranks: Vec<Rank> = groups.iter().map(|(group, sums)| rank(asked, group, sums)).collect();
    ranks.sort();
    if asked.sort.starts_with('-') {
        ranks.reverse();
    }
    assert_eq!(answer["meta"]["groups"], json!(groups.len()), "groups");
    assert_eq!(data.len(), groups.len().min(asked.limit));
    for (row, rank_here) in data.iter().zip(ranks) {
        let group = group_of(asked, &row["group"]);
        let sums =
            groups.remove(&group).unwrap_or_else(|| panic!("{} is there twice, or never was", row["group"]));
        assert_eq!(rank(asked, &group, &sums), rank_here, "the place of {}", row["group"]);
        figures += check_line(asked, &points, &sums, row, &row["group"].to_string());
    }
    figures
}

fn check_range(asked: &Asked, answer: &Value) {
    let is = |told: &Value, (from, to): (i64, i64)| {
        assert_eq!((&told["from"], &told["to"]), (&json!(shown(from)), &json!(shown(to))));
    };
    if asked.range.as_deref() != Some("all") {
        is(&answer["range"], asked.span);
    }
    match asked.before {
        Some(before) => is(&answer["compared_with"], before),
        None => assert_eq!(answer["compared_with"], Value::Null),
    }
    assert_eq!((&answer["zone"], &answer["as_of"]), (&json!(civil::ZONE), &json!(civil::NOW)));
}

/// The values of a group, each with its name.
fn group_of(asked: &Asked, told: &Value) -> Group {
    assert_eq!(told.as_object().unwrap().len(), asked.group_by.len());
    let value = |dimension: &usize| {
        let dimension = DIMENSIONS[*dimension];
        let value = &told[dimension];
        match (dimension, value) {
            (_, Value::Null) => None,
            ("account" | "user" | "team", value) => {
                let id = value["id"].as_str().unwrap();
                assert_eq!(value["name"], json!(name(&asked.org, dimension, id)), "{value}");
                Some(id.to_owned())
            }
            ("entity", value) => {
                let id = format!("{}/{}", value["type"].as_str().unwrap(), value["id"].as_str().unwrap());
                assert_eq!(value["name"], json!(name(&asked.org, dimension, &id)), "{value}");
                Some(id)
            }
            (_, value) => Some(value.as_str().unwrap().to_owned()),
        }
    };
    asked.group_by.iter().map(value).collect()
}

fn check_line(asked: &Asked, points: &Points, sums: &Sums, told: &Value, what: &str) -> usize {
    let mut figures = check_figures(&sums.now, told, what);
    if asked.before.is_some() {
        figures += check_compared(&sums.now, &sums.before, &told["compared"], what);
    } else {
        assert_eq!(told.get("compared"), None);
    }
    if asked.interval.is_none() {
        assert_eq!(told.get("series"), None);
        return figures;
    }
    let mut series = told["series"].as_array().unwrap().as_slice();
    let mut first = 0;
    if asked.range.as_deref() == Some("all") {
        // From the day of the first charge up to today.
        first = points.now.len() - series.len();
        assert!(sums.points[..first].iter().all(|point| point.counts[6] == 0));
    }
    assert_eq!(series.len(), points.now.len() - first, "points of {what}");
    for (number, (from, to)) in points.now.iter().enumerate().skip(first) {
        let (point, rest) = series.split_first().unwrap();
        series = rest;
        let what = format!("{what} from {}", shown(*from));
        assert_eq!((&point["from"], &point["to"]), (&json!(shown(*from)), &json!(shown(*to))), "{what}");
        figures += check_figures(&sums.points[number], point, &what);
        match (asked.before, sums.points_before.get(number)) {
            (None, _) => {}
            (Some(_), None) => assert_eq!(point["compared"], Value::Null),
            (Some(_), Some(before)) => {
                figures += check_compared(&sums.points[number], before, &point["compared"], &what);
            }
        }
    }
    figures
}

fn micros(told: &Value) -> i64 {
    read(told.as_str().unwrap())
}

fn check_figures(figures: &Figures, told: &Value, what: &str) -> usize {
    let credits = told["credits"].as_object().unwrap();
    let nonzero: BTreeMap<&str, i64> =
        figures.credits.iter().map(|(kind, micros)| (*kind, *micros)).filter(|of| of.1 != 0).collect();
    let mine: BTreeMap<&str, i64> =
        credits.iter().map(|(kind, amount)| (kind.as_str(), micros(amount))).filter(|of| of.1 != 0).collect();
    assert_eq!(mine, nonzero, "credits of {what}");
    for (name, count) in COUNTED.iter().zip(figures.counts) {
        assert_eq!(told[name], json!(count), "{name} of {what}");
    }
    credits.len() + COUNTED.len()
}

/// How many percent one is of another, in hundredths, half away from zero.
pub(crate) fn percent(difference: i64, before: i64) -> Option<String> {
    if before == 0 {
        return None;
    }
    let (difference, before) = (i128::from(difference) * 10_000, i128::from(before));
    let size = (2 * difference.abs() + before.abs()) / (2 * before.abs());
    let signed = if (difference < 0) == (before < 0) { size } else { -size };
    Some(written(i64::try_from(signed * 10_000).unwrap()))
}

fn check_compared(now: &Figures, before: &Figures, told: &Value, what: &str) -> usize {
    let mut figures = check_figures(before, &told["before"], &format!("{what} before"));
    let mut difference = now.clone();
    for (kind, micros) in &before.credits {
        *difference.credits.entry(kind).or_default() -= micros;
    }
    for (count, before) in difference.counts.iter_mut().zip(before.counts) {
        *count -= before;
    }
    figures += check_figures(&difference, &told["difference"], &format!("{what} difference"));
    for (kind, micros) in &difference.credits {
        let expected = json!(percent(*micros, before.credits_of(kind)));
        assert_eq!(
            told["percent"]["credits"].get(kind).unwrap_or(&Value::Null),
            &expected,
            "percent of {what}"
        );
    }
    for (at, name) in COUNTED.iter().enumerate() {
        let expected = json!(percent(difference.counts[at], before.counts[at]));
        assert_eq!(told["percent"][name], expected, "percent of {name} of {what}");
    }
    figures + difference.credits.len() + COUNTED.len()
}
