//! Usage: what was used, by whom and for what, in any range of time.
//!
//! A question is checked first ([`asked`]), its range becomes instants of a zone ([`range`]), and what was charged comes as cells
//! ([`cells`]), which are added up by groups ([`groups`]). Groups are then named, searched, put in an order and cut into pages; series are
//! added up in a second pass, for the groups of the page alone. So memory is bounded by [`MOST_GROUPS`] and [`buckets::MOST_POINTS`].
//!
//! A late event counts at its own time, and what was voided nowhere. All pages of an answer are of one state of the history: the cursor
//! names it.

mod answer;
mod asked;
mod buckets;
mod cells;
mod cursor;
mod dimension;
mod groups;
mod names;
mod order;
pub(super) mod parameters;
pub(super) mod range;
mod sheet;
mod sums;
mod table;

use std::collections::HashMap;

use self::answer::local;
use self::asked::Asked;
use self::buckets::{Buckets, Interval};
use self::cells::Cells;
use self::cursor::Cursor;
use self::groups::{Group, Groups, Points, Series, Spans};
use self::names::Shown;
use self::order::Rank;
use self::range::Span;
use super::charged::Standing;
use crate::book::Book;
use crate::book::pipeline::Look;
use crate::ledger::calendar::Zone;
use crate::ledger::units::Timestamp;
use crate::store::StoreError;

pub use self::answer::{GroupLine, Meta, Point, RangeState, Usage, UsageLine, Values};
pub use self::parameters::{Parameters, Refused};
pub use self::sheet::Sheet;
pub use self::sums::{Compared, Differences, Figures, OfType, Percent, Percents, Sums};

/// The most groups of an answer, on all its pages.
pub const MOST_GROUPS: usize = 100_000;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The question cannot be answered.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The history cannot be read.
    #[error(transparent)]
    Unread(#[from] StoreError),
}

/// What was used by an organization, as it is at `now`. Reads its history as far back as is asked about: not for the threads of a
/// runtime.
///
/// # Errors
/// [`UsageError`] where the question cannot be answered, or the history not be read.
pub fn usage(
    book: &Book,
    org: &str,
    look: &Look,
    given: Parameters,
    now: Timestamp,
) -> Result<Usage, UsageError> {
    answered(book, org, look, &Asked::read(given)?, now)
}

/// The same, with all groups on one page.
///
/// # Errors
/// [`UsageError`] where the question cannot be answered, or the history not be read.
pub fn whole_usage(
    book: &Book,
    org: &str,
    look: &Look,
    given: Parameters,
    now: Timestamp,
) -> Result<Usage, UsageError> {
    answered(book, org, look, &Asked { limit: None, ..Asked::read(given)? }, now)
}

/// Whether a question can be asked at all.
///
/// # Errors
/// [`Refused`] where it cannot, whatever the organization.
pub fn check_usage(given: Parameters) -> Result<(), Refused> {
    Asked::read(given).map(drop)
}

fn answered(book: &Book, org: &str, look: &Look, asked: &Asked, now: Timestamp) -> Result<Usage, UsageError> {
    let question = Question::of(org, look, asked, now)?;
    let mut groups = Groups::of(&question.cells, asked, question.spans)?;
    names::learn(book, org, &asked.group_by, &mut groups.all);
    let ranked = question.rank(&groups);
    let (page, next) = question.page(&ranked)?;
    let span = asked.range.narrowed(question.spans.now, groups.charged, &question.zone, question.as_of);
    let series = match asked.interval {
        Some(interval) => Some(question.series(interval, span, &ranked, page)?),
        None => None,
    };
    Ok(question.answer(org, span, &ranked, (page, next), series))
}

/// A question with everything it is answered from.
struct Question<'a> {
    asked: &'a Asked,
    zone: Zone,
    standing: Standing,
    as_of: Timestamp,
    spans: Spans,
    cells: Cells<'a>,
    /// The same for every page.
    digest: u64,
}

/// A group with its names and its place in the order.
struct Ranked<'g> {
    group: &'g Group,
    shown: Vec<Shown<'g>>,
    rank: Rank,
}

/// The groups of a page, and where the next begins.
type Page<'p, 'g> = (&'p [Ranked<'g>], Option<String>);

/// The series of all groups together, and of each of a page.
struct Charts {
    points: (Buckets, Option<Buckets>),
    all: Series,
    each: Vec<Series>,
}

impl<'a> Question<'a> {
    fn of(org: &str, look: &'a Look, asked: &'a Asked, now: Timestamp) -> Result<Question<'a>, UsageError> {
        let zone = asked.zone.clone().unwrap_or_else(|| look.org.zone());
        let stands = Standing::of(&look.org);
        let (standing, as_of) = match &asked.cursor {
            Some(cursor) => (cursor.standing.at_most(stands), cursor.as_of),
            None => (stands, now.max(stands.at)),
        };
        let now = asked.range.span(&zone, as_of, &look.org)?;
        let before = asked.compare.map(|with| asked.range.before(now, with, &zone, &look.org)).transpose()?;
        let spans = Spans { now, before };
        // A cycle that turned, or another zone of the organization: the pages would not be of one answer.
        let digest =
            xxhash_rust::xxh3::xxh3_64(format!("{org} {zone} {now:?} {:x}", asked.digest).as_bytes());
        if asked.cursor.as_ref().is_some_and(|cursor| cursor.digest != digest) {
            let why = "cursor: it is of another question, or of a cycle that has ended; repeat the parameters of the page before, or \
                       begin without a cursor";
            return Err(Refused::new("cursor", why).into());
        }
        let cells = Cells::of(look, standing);
        let question = Question { asked, zone, standing, as_of, spans, cells, digest };
        // What is too much is refused before anything is read, where that can be told.
        let interval = asked.interval.filter(|_| now.to != Timestamp::MAX);
        if let (Some(interval), Some(limit)) = (interval, asked.limit) {
            question.points(interval, now, limit)?;
        }
        Ok(question)
    }

    /// The groups that are searched for, in their order.
    fn rank<'g>(&'g self, groups: &'g Groups) -> Vec<Ranked<'g>> {
        let ranked = groups.all.iter().filter_map(|group| {
            let shown = names::shown(group, &self.asked.group_by);
            let search = self.asked.search.as_ref();
            search.is_none_or(|search| names::is_found(search, &shown)).then(|| {
                let rank = self.asked.order.rank(group, &shown);
                Ranked { group, shown, rank }
            })
        });
        let mut ranked: Vec<Ranked<'g>> = ranked.collect();
        self.asked.order.sort(&mut ranked, |ranked| (&ranked.rank, ranked.group));
        ranked
    }

    fn page<'p, 'g>(&self, ranked: &'p [Ranked<'g>]) -> Result<Page<'p, 'g>, UsageError> {
        let begin = match &self.asked.cursor {
            None => 0,
            Some(cursor) => {
                let last = ranked.iter().position(|ranked| ranked.group.key() == cursor.after);
                let last = last.ok_or_else(|| {
                    let why = "cursor: the last group of the page before has another name now and is not found any more; begin \
                               without a cursor";
                    Refused::new("cursor", why)
                })?;
                last.saturating_add(1)
            }
        };
        let rest = ranked.get(begin..).unwrap_or_default();
        let page = self.asked.limit.and_then(|limit| rest.get(..limit)).unwrap_or(rest);
        let last = page.last().filter(|_| page.len() < rest.len());
        let next = last.map(|last| {
            let after = last.group.key();
            Cursor { digest: self.digest, standing: self.standing, as_of: self.as_of, after }.text()
        });
        Ok((page, next))
    }

    /// The points of a span, for an answer of so many groups.
    fn points(
        &self,
        interval: Interval,
        span: Span,
        groups: usize,
    ) -> Result<(Buckets, Option<Buckets>), Refused> {
        let series = if self.asked.group_by.is_empty() { 1 } else { groups.max(1) };
        let of = |span| Buckets::of(span, interval, &self.zone, series);
        Ok((of(span)?, self.spans.before.map(of).transpose()?))
    }

    fn series(
        &self,
        interval: Interval,
        span: Span,
        ranked: &[Ranked<'_>],
        page: &[Ranked<'_>],
    ) -> Result<Charts, UsageError> {
        let points = self.points(interval, span, self.asked.limit.unwrap_or(page.len()))?;
        let mut counted: HashMap<Vec<u8>, Option<usize>> =
            ranked.iter().map(|ranked| (ranked.group.key(), None)).collect();
        counted.extend(page.iter().zip(0..).map(|(ranked, place)| (ranked.group.key(), Some(place))));
        let (now, before): Points<'_> = (&points.0, points.1.as_ref());
        let (all, each) =
            groups::series(&self.cells, self.asked, self.spans, (now, before), &counted, page.len())?;
        Ok(Charts { points, all, each })
    }

    fn answer(
        &self,
        org: &str,
        span: Span,
        ranked: &[Ranked<'_>],
        (page, next): Page<'_, '_>,
        charts: Option<Charts>,
    ) -> Usage {
        let mut totals = Group::default();
        for Ranked { group, .. } in ranked {
            totals.now.add(&group.now);
            totals.before.add(&group.before);
        }
        let line = |(place, ranked): (usize, &Ranked<'_>)| {
            let series = charts.as_ref().and_then(|charts| Some((charts.each.get(place)?, charts)));
            GroupLine { group: Values::of(&ranked.shown), line: self.line(ranked.group, series) }
        };
        let compared_with = self.asked.compare.zip(self.spans.before);
        Usage {
            org: org.to_owned(),
            seq: self.standing.position,
            as_of: self.as_of,
            zone: self.zone.to_string(),
            range: RangeState::of(self.asked.range.name(), span, &self.zone),
            compared_with: compared_with
                .map(|(with, span)| RangeState::of(Some(with.name()), span, &self.zone)),
            group_by: self.asked.group_by.iter().map(|dimension| dimension.name()).collect(),
            interval: self.asked.interval.map(Interval::name),
            totals: self.line(&totals, charts.as_ref().map(|charts| (&charts.all, charts))),
            data: page.iter().enumerate().map(|(place, ranked)| line((place, ranked))).collect(),
            meta: Meta { next, groups: ranked.len() },
        }
    }

    fn line(&self, group: &Group, series: Option<(&Series, &Charts)>) -> UsageLine {
        let compares = self.asked.compare.is_some();
        UsageLine {
            figures: group.now.clone(),
            compared: compares.then(|| Compared::of(&group.now, group.before.clone())),
            series: series.map(|(series, charts)| self.chart(series, &charts.points.0)),
        }
    }

    fn chart(&self, series: &Series, buckets: &Buckets) -> Vec<Point> {
        let compares = self.asked.compare.is_some();
        let point = |(place, (span, figures)): (usize, (Span, &Sums))| Point {
            from: local(span.from, &self.zone),
            to: local(span.to, &self.zone),
            figures: figures.clone(),
            compared: compares.then(|| {
                let before = series.before.get(place)?;
                Some(Compared::of(figures, before.clone()))
            }),
        };
        buckets.spans().zip(&series.now).enumerate().map(point).collect()
    }
}
