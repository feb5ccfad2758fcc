//! Figures from cells: what is asked about is told apart once for each tuple, and then only numbers are added.

use std::collections::HashMap;

use super::Failure;
use super::asked::Asked;
use super::dimension::{Dimension, Filter};
use super::groups::{Group, Groups, Points, Series, Spans, key_of};
use super::range::{Range, Span, begin_of, day_of, later};
use super::sums::Sums;
use crate::book::cells::{Edges, Spent, Total, View};
use crate::ledger::calendar::Zone;
use crate::ledger::price::CreditType;
use crate::ledger::units::Timestamp;

/// To which sum each tuple goes. Each kind of credits of a group has a sum of its own.
struct Places {
    /// The group of each sum, and the kind of credits.
    sums: Vec<(usize, CreditType)>,
    numbers: HashMap<(usize, CreditType), u32>,
    /// By tuple; none where it is not asked about.
    of: Vec<Option<u32>>,
}

impl Places {
    /// `group` tells the group of what passes the filters, if it has one.
    fn of(
        view: &View<'_>,
        asked: &Asked,
        mut group: impl FnMut(&Spent<'_>) -> Option<usize>,
    ) -> Result<Places, Failure> {
        let mut places = Places { sums: Vec::new(), numbers: HashMap::new(), of: Vec::new() };
        let dimensions = asked.group_by.iter().copied().chain(asked.filters.iter().map(Filter::dimension));
        let fields = dimensions.chain([Dimension::CreditType]).flat_map(Dimension::fields).copied();
        let of = view.told_apart(fields, |spent| {
            let passes = asked.filters.iter().all(|filter| filter.lets_pass(spent));
            let group = if passes { group(spent) } else { None };
            group.map(|group| places.place(group, spent.credit_type))
        })?;
        Ok(Places { of, ..places })
    }

    fn place(&mut self, group: usize, credit_type: CreditType) -> u32 {
        *self.numbers.entry((group, credit_type)).or_insert_with(|| {
            self.sums.push((group, credit_type));
            u32::try_from(self.sums.len().saturating_sub(1)).unwrap_or(u32::MAX)
        })
    }

    /// What the cells between edges add up to: the sums of a span stand together, in the order of `self.sums`.
    fn sums(&self, view: &mut View<'_>, zone: &Zone, edges: &Edges) -> Result<Vec<Total>, Failure> {
        let many = self.sums.len();
        let none = u32::try_from(many).unwrap_or(u32::MAX);
        let places: Vec<u32> = self.of.iter().map(|place| place.unwrap_or(none)).collect();
        Ok(view.sums(zone, edges, &places, many)?)
    }

    /// The totals of a span with the group of each, where there is something.
    fn told<'t>(&'t self, totals: &'t [Total]) -> impl Iterator<Item = (usize, Sums)> + 't {
        let sums = self.sums.iter().zip(totals);
        sums.filter_map(|((group, credit_type), total)| {
            total.counted().map(|counted| (*group, Sums::of_type(*credit_type, &counted)))
        })
    }
}

fn edges(instants: impl IntoIterator<Item = Timestamp>) -> Result<Edges, Failure> {
    Edges::of(instants)
        .ok_or(Failure::Untold("too many instants of the question are within quarters of an hour"))
}

/// Adds up what is asked about.
pub(super) fn groups(
    view: &mut View<'_>,
    asked: &Asked,
    spans: Spans,
    zone: &Zone,
) -> Result<Groups, Failure> {
    let mut groups = Groups::of_question(asked);
    let mut key = Vec::new();
    let places = Places::of(view, asked, |spent| {
        key_of(spent, &asked.group_by, &mut key);
        Some(groups.place(&key, spent, &asked.group_by))
    })?;
    let mut is_there = vec![asked.group_by.is_empty(); groups.all.len()];
    let mut add = |span: Span, to: fn(&mut Group) -> &mut Sums| -> Result<(), Failure> {
        let totals = places.sums(view, zone, &edges([span.from, span.to])?)?;
        for (group, sums) in places.told(&totals) {
            to(&mut groups.all[group]).add(&sums);
            is_there[group] = true;
        }
        Ok(())
    };
    add(spans.now, |group| &mut group.now)?;
    if let Some(before) = spans.before {
        add(before, |group| &mut group.before)?;
    }
    let mut there = is_there.into_iter();
    groups.all.retain(|_| there.next().unwrap_or_default());
    groups.check()?;
    if asked.range == Range::All {
        groups.charged = charged(view, asked, zone)?;
    }
    Ok(groups)
}

/// The first and the last day on which something was charged of what is asked about.
fn charged(
    view: &mut View<'_>,
    asked: &Asked,
    zone: &Zone,
) -> Result<Option<(Timestamp, Timestamp)>, Failure> {
    let Some((first, last)) = view.extent() else { return Ok(None) };
    let mut day = day_of(zone, first);
    let mut begins = vec![begin_of(zone, day)];
    while begins.last().is_some_and(|begin| *begin <= last) {
        day = later(day, 0, 1);
        begins.push(begin_of(zone, day));
    }
    begins.dedup();
    let places = Places::of(view, asked, |_| Some(0))?;
    let totals = places.sums(view, zone, &edges(begins.iter().copied())?)?;
    let width = places.sums.len().max(1);
    let is_charged = |of_day: &[Total]| of_day.iter().any(|total| total.counted().is_some());
    let mut days = begins.iter().zip(totals.chunks(width)).filter(|(_, of_day)| is_charged(of_day));
    let first = days.next().map(|(begin, _)| *begin);
    let last = days.next_back().map(|(begin, _)| *begin).or(first);
    Ok(first.zip(last))
}

/// Adds up chosen groups point by point.
pub(super) fn series(
    view: &mut View<'_>,
    asked: &Asked,
    zone: &Zone,
    (now, before): Points<'_>,
    counted: &HashMap<Vec<u8>, Option<usize>>,
    shown: usize,
) -> Result<(Series, Vec<Series>), Failure> {
    let mut key = Vec::new();
    // What is shown on other pages counts together with the rest.
    let places = Places::of(view, asked, |spent| {
        key_of(spent, &asked.group_by, &mut key);
        counted.get(&key).map(|place| place.unwrap_or(shown))
    })?;
    let mut all = Series::empty(now, before);
    let mut each = vec![all.clone(); shown];
    let width = places.sums.len().max(1);
    let mut add = |buckets: &super::buckets::Buckets, of: fn(&mut Series) -> &mut Vec<Sums>| {
        let totals = places.sums(view, zone, &edges(buckets.edges())?)?;
        for (point, totals) in totals.chunks(width).enumerate() {
            for (group, sums) in places.told(totals) {
                of(&mut all)[point].add(&sums);
                if let Some(own) = each.get_mut(group) {
                    of(own)[point].add(&sums);
                }
            }
        }
        Ok::<(), Failure>(())
    };
    add(now, |series| &mut series.now)?;
    if let Some(before) = before {
        add(before, |series| &mut series.before)?;
    }
    Ok((all, each))
}
