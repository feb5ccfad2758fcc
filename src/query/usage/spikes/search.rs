//! What spikes are looked for, checked.

use crate::ledger::calendar::Zone;
use crate::ledger::units::Credits;
use crate::query::usage::asked::{self, Asked, choice};
use crate::query::usage::buckets::Interval;
use crate::query::usage::dimension::Filter;
use crate::query::usage::parameters::{Parameters, Refused};
use crate::query::usage::range::Range;

const KNOWN: &str = "range, month, cycle, from, to, zone, interval, percent, at_least, account, entity_type, entity, user, team, feature, \
                     action, credit_type, grant_kind and limit";

/// The most spikes that an answer tells of.
const MOST: usize = 50;
/// So many where nothing is said.
const USUALLY: usize = 10;
/// So many percent of the usual make a spike where nothing is said.
const USUAL_PERCENT: u32 = 200;

/// What is looked for.
pub(super) struct Search {
    /// What is added up, all in one.
    pub(super) asked: Asked,
    pub(super) interval: Interval,
    /// So many percent of what is usual are not enough.
    pub(super) percent: u32,
    pub(super) at_least: Credits,
    pub(super) limit: usize,
}

impl Search {
    pub(super) fn read(mut given: Parameters) -> Result<Search, Refused> {
        let range = Range::read(&mut given)?;
        let zone: Option<Zone> = given.one("zone")?.map(|name| asked::zone(&name)).transpose()?;
        let filters = Filter::read_all(&mut given)?;
        let interval = choice(&mut given, "interval", &[Interval::Hour, Interval::Day], Interval::name)?;
        let search = Search {
            asked: Asked::all_in_one(range, zone, filters),
            interval: interval.unwrap_or(Interval::Day),
            percent: number(&mut given, "percent", 101..=10_000)?.unwrap_or(USUAL_PERCENT),
            at_least: credits(given.one("at_least")?)?,
            limit: number(&mut given, "limit", 1..=MOST)?.unwrap_or(USUALLY),
        };
        given.none_left(KNOWN)?;
        Ok(search)
    }
}

fn number<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    given: &mut Parameters,
    field: &str,
    possible: std::ops::RangeInclusive<N>,
) -> Result<Option<N>, Refused> {
    let Some(text) = given.one(field)? else { return Ok(None) };
    let number = text.parse().ok().filter(|number| possible.contains(number));
    number.map(Some).ok_or_else(|| {
        let remedy = format!("write a whole number from {} to {}", possible.start(), possible.end());
        Refused::value(field, &text, &remedy)
    })
}

fn credits(text: Option<String>) -> Result<Credits, Refused> {
    let Some(text) = text else { return Ok(Credits::ZERO) };
    let amount = text.parse::<Credits>().ok().filter(|amount| !amount.is_negative());
    amount.ok_or_else(|| Refused::value("at_least", &text, "write an amount of credits such as 12.5"))
}
