//! A question about usage, checked.

use super::buckets::Interval;
use super::cursor::Cursor;
use super::dimension::{Dimension, Filter};
use super::order::Order;
use super::parameters::{Parameters, Refused};
use super::range::{Compare, Range};
use crate::ledger::calendar::Zone;
use crate::query::page::page_length;

/// What is asked of an organization's usage.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) range: Range,
    /// That of the organization where none is given.
    pub(super) zone: Option<Zone>,
    pub(super) group_by: Vec<Dimension>,
    pub(super) filters: Vec<Filter>,
    /// In small letters.
    pub(super) search: Option<String>,
    pub(super) interval: Option<Interval>,
    pub(super) compare: Option<Compare>,
    pub(super) order: Order,
    /// The most groups on a page; none where all stand on one.
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<Cursor>,
    /// The same for every page of a question.
    pub(super) digest: u64,
}

const KNOWN: &str = "range, month, cycle, from, to, zone, group_by, account, entity_type, entity, user, team, feature, action, credit_type, \
                     grant_kind, search, interval, compare, sort, limit and cursor";

impl Asked {
    /// Everything that passes, in one.
    pub(super) fn all_in_one(range: Range, zone: Option<Zone>, filters: Vec<Filter>) -> Asked {
        Asked {
            range,
            zone,
            group_by: Vec::new(),
            filters,
            search: None,
            interval: None,
            compare: None,
            order: Order::default(),
            limit: None,
            cursor: None,
            digest: 0,
        }
    }

    pub(super) fn read(mut given: Parameters) -> Result<Asked, Refused> {
        let digest = given.digest();
        let range = Range::read(&mut given)?;
        let group_by = Dimension::read_grouping(&mut given)?;
        let compare = choice(&mut given, "compare", &Compare::ALL, Compare::name)?;
        let asked = Asked {
            range,
            zone: given.one("zone")?.map(|name| zone(&name)).transpose()?,
            search: given.one("search")?.filter(|text| !text.is_empty()).map(|text| text.to_lowercase()),
            interval: choice(&mut given, "interval", &Interval::ALL, Interval::name)?,
            order: Order::read(given.one("sort")?.as_deref(), compare.is_some())?,
            filters: Filter::read_all(&mut given)?,
            limit: Some(limit(given.one("limit")?)?),
            cursor: given.one("cursor")?.map(|text| Cursor::read(&text)).transpose()?,
            group_by,
            compare,
            digest,
        };
        if asked.search.is_some() && asked.group_by.is_empty() {
            let why =
                "search: it looks through the ids and names of groups, and there are none; say group_by too";
            return Err(Refused::new("search", why));
        }
        given.none_left(KNOWN)?;
        Ok(asked)
    }
}

pub(super) fn zone(name: &str) -> Result<Zone, Refused> {
    let remedy = "write an IANA name such as Europe/Berlin";
    Zone::named(name).ok_or_else(|| Refused::value("zone", name, remedy))
}

fn limit(text: Option<String>) -> Result<usize, Refused> {
    let number = text.map(|text| {
        text.parse().map_err(|_| Refused::value("limit", &text, "write a whole number from 1 to 1000"))
    });
    page_length(number.transpose()?).map_err(|error| Refused::new("limit", error.to_string()))
}

/// One of a few words.
pub(super) fn choice<T: Copy>(
    given: &mut Parameters,
    field: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, Refused> {
    let Some(text) = given.one(field)? else { return Ok(None) };
    let found = all.iter().copied().find(|one| name(*one) == text);
    let known: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    let remedy = || format!("write one of {}, or leave it out", known.join(", "));
    found.map(Some).ok_or_else(|| Refused::value(field, &text, &remedy()))
}
