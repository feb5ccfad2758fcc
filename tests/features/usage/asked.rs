//! What a question about usage asks: its range, its groups, its order.

use jiff::ToSpan;

use super::{Cell, DIMENSIONS, name};
use crate::civil;
use crate::table::Request;

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) org: String,
    /// How the range is called.
    pub(crate) range: Option<String>,
    pub(crate) span: (i64, i64),
    pub(crate) before: Option<(i64, i64)>,
    /// By their numbers, in the order of all.
    pub(crate) group_by: Vec<usize>,
    /// Of these only what has one of those values.
    only: Vec<(usize, Option<String>)>,
    search: Option<String>,
    pub(crate) interval: Option<String>,
    pub(crate) sort: String,
    pub(crate) limit: usize,
    /// What else is asked, by names.
    pub(crate) more: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn read(request: &Request) -> Asked {
        let org = request.place().split('/').nth(3).unwrap();
        Asked::of(org, &request.parameters())
    }

    pub(crate) fn of(org: &str, parameters: &[(String, String)]) -> Asked {
        let mut asked = Asked {
            org: org.to_owned(),
            range: Some("this_month".to_owned()),
            span: (0, 0),
            before: None,
            group_by: Vec::new(),
            only: Vec::new(),
            search: None,
            interval: None,
            sort: "-credits".to_owned(),
            limit: 100,
            more: Vec::new(),
        };
        let (mut from, mut to, mut compare) = (None, None, None);
        for (field, value) in parameters {
            let dimension = DIMENSIONS.iter().position(|known| known == field);
            match (field.as_str(), dimension) {
                (_, Some(dimension)) => {
                    asked.only.push((dimension, (!value.is_empty()).then(|| value.clone())));
                }
                ("range", _) => asked.range = Some(value.clone()),
                ("month", _) => asked.range = Some(format!("month {value}")),
                ("cycle", _) => asked.range = Some(format!("cycle {value}")),
                ("from", _) => from = Some(value.parse().unwrap()),
                ("to", _) => to = Some(value.parse().unwrap()),
                ("compare", _) => compare = Some(value.clone()),
                ("group_by", _) => asked.group_by = grouped(value),
                ("search", _) => asked.search = Some(value.to_lowercase()),
                ("interval", _) => asked.interval = Some(value.clone()),
                ("sort", _) => asked.sort.clone_from(value),
                ("limit", _) => asked.limit = value.parse().unwrap(),
                ("zone", _) => assert_eq!(value, civil::ZONE),
                (other, _) => asked.more.push((other.to_owned(), value.clone())),
            }
        }
        let tomorrow = civil::day(civil::now()).tomorrow().unwrap();
        let (span, previous) = match from {
            Some(from) => {
                asked.range = None;
                days(from, to.unwrap_or(tomorrow))
            }
            None => named(asked.range.as_deref().unwrap()),
        };
        asked.span = span;
        asked.before = compare.map(|compare| match compare.as_str() {
            "previous_period" => previous,
            "previous_year" => (civil::later(span.0, -1.year()), civil::later(span.1, -1.year())),
            other => panic!("{other} is no comparison"),
        });
        asked
    }

    /// Whether something is asked about.
    pub(crate) fn chooses(&self, cell: &Cell) -> bool {
        let is_one = |dimension: usize| {
            let wanted: Vec<_> = self.only.iter().filter(|(of, _)| *of == dimension).collect();
            wanted.is_empty() || wanted.iter().any(|(_, value)| *value == cell.of[dimension])
        };
        (0..DIMENSIONS.len()).all(is_one)
    }

    /// Whether a group has what is searched for.
    pub(crate) fn finds(&self, group: &[Option<String>]) -> bool {
        let Some(search) = &self.search else { return true };
        let has = |text: &str| text.to_lowercase().contains(search);
        self.group_by.iter().zip(group).any(|(dimension, id)| {
            id.as_ref().is_some_and(|id| {
                let dimension = DIMENSIONS[*dimension];
                has(id.split_once('/').map_or(id, |(_, id)| id))
                    || name(&self.org, dimension, id).is_some_and(has)
            })
        })
    }
}

fn grouped(text: &str) -> Vec<usize> {
    let number = |name: &str| DIMENSIONS.iter().position(|known| *known == name).unwrap();
    let mut numbers: Vec<usize> = text.split(',').map(number).collect();
    numbers.sort_unstable();
    numbers
}

type Spans = ((i64, i64), (i64, i64));

/// Days, and as many before them.
fn days(from: jiff::civil::Date, to: jiff::civil::Date) -> Spans {
    let many = from.until(to).unwrap().get_days();
    let before = from.checked_sub(many.days()).unwrap();
    ((civil::begin(from), civil::begin(to)), (civil::begin(before), civil::begin(from)))
}

/// A range by its name, and the one before it.
fn named(name: &str) -> Spans {
    let now = civil::now();
    let whole = |from: jiff::civil::Date, length: jiff::Span| {
        let (to, before) = (from.checked_add(length).unwrap(), from.checked_sub(length).unwrap());
        ((civil::begin(from), civil::begin(to)), (civil::begin(before), civil::begin(from)))
    };
    match name {
        "this_month" => whole(civil::month(now), 1.month()),
        "this_quarter" => whole(civil::quarter(now), 3.months()),
        "this_year" => whole(civil::year(now), 1.year()),
        "last_7_days" => {
            let tomorrow = civil::day(now).tomorrow().unwrap();
            days(tomorrow.checked_sub(7.days()).unwrap(), tomorrow)
        }
        "cycle" => whole("2026-09-10".parse().unwrap(), 1.month()),
        "cycle previous" => whole("2026-08-10".parse().unwrap(), 1.month()),
        // From the first day of the year on.
        "all" => {
            let tomorrow = civil::day(now).tomorrow().unwrap();
            ((civil::instant(civil::BEGIN), civil::begin(tomorrow)), (0, 0))
        }
        _ if name.starts_with("month ") => whole(format!("{}-01", &name[6..]).parse().unwrap(), 1.month()),
        _ => {
            let number: i32 = name.strip_prefix("cycle ").unwrap().parse().unwrap();
            let first: jiff::civil::Date = "2025-08-10".parse().unwrap();
            whole(first.checked_add((number - 1).months()).unwrap(), 1.month())
        }
    }
}
