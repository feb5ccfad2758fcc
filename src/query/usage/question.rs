//! A question on its way to its answer.

use std::collections::HashMap;
use std::sync::Arc;

use super::answer::{GroupLine, Meta, Point, RangeState, Usage, UsageLine, Values, local};
use super::asked::Asked;
use super::buckets::{Buckets, Interval};
use super::cursor::Cursor;
use super::groups::{Group, Groups, Points, Series, Spans};
use super::names::{self, Shown};
use super::order::Rank;
use super::parameters::Refused;
use super::range::{Bearings, Span};
use super::sums::{Compared, Sums};
use super::{Failure, Origin};
use crate::book::Book;
use crate::ledger::calendar::Zone;
use crate::ledger::units::Timestamp;
use crate::query::charged::Standing;

/// A question with everything its answer depends on but the figures.
pub(super) struct Question<'a> {
    asked: &'a Asked,
    zone: Zone,
    standing: Standing,
    as_of: Timestamp,
    spans: Spans,
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
    /// Between which the points are, as the clocks of the zone show them.
    instants: Vec<Arc<str>>,
    all: Series,
    each: Vec<Series>,
}

impl<'a> Question<'a> {
    pub(super) fn of(
        org: &str,
        bearings: &Bearings,
        asked: &'a Asked,
        stands: Standing,
        now: Timestamp,
    ) -> Result<Question<'a>, Refused> {
        let zone = asked.zone.clone().unwrap_or_else(|| bearings.zone.clone());
        let (standing, as_of) = match &asked.cursor {
            Some(cursor) => (cursor.standing.at_most(stands), cursor.as_of),
            None => (stands, now.max(stands.at)),
        };
        let now = asked.range.span(&zone, as_of, bearings)?;
        let before = asked.compare.map(|with| asked.range.before(now, with, &zone, bearings)).transpose()?;
        let spans = Spans { now, before };
        // A cycle that turned, or another zone of the organization: the pages would not be of one answer.
        let digest =
            xxhash_rust::xxh3::xxh3_64(format!("{org} {zone} {now:?} {:x}", asked.digest).as_bytes());
        if asked.cursor.as_ref().is_some_and(|cursor| cursor.digest != digest) {
            let why = "cursor: it is of another question, or of a cycle that has ended; repeat the parameters of the page before, or \
                       begin without a cursor";
            return Err(Refused::new("cursor", why));
        }
        let question = Question { asked, zone, standing, as_of, spans, digest };
        // What is too much is refused before anything is read, where that can be told.
        let interval = asked.interval.filter(|_| now.to != Timestamp::MAX);
        if let (Some(interval), Some(limit)) = (interval, asked.limit) {
            question.points(interval, now, limit)?;
        }
        Ok(question)
    }

    /// Adds up what is asked, names it and puts it in order.
    pub(super) fn answer(&self, book: &Book, org: &str, origin: &mut Origin<'_>) -> Result<Usage, Failure> {
        let mut groups = origin.groups(self.asked, self.spans, &self.zone)?;
        names::learn(book, org, &self.asked.group_by, &mut groups.all);
        let ranked = self.rank(&groups);
        let (page, next) = self.page(&ranked)?;
        let span = self.asked.range.narrowed(self.spans.now, groups.charged, &self.zone, self.as_of);
        let series = match self.asked.interval {
            Some(interval) => Some(self.series(origin, interval, span, &ranked, page)?),
            None => None,
        };
        let usage = self.told(org, span, &ranked, (page, next), series);
        Ok(Usage { kept_from: origin.kept_from(), ..usage })
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

    fn page<'p, 'g>(&self, ranked: &'p [Ranked<'g>]) -> Result<Page<'p, 'g>, Failure> {
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
        origin: &mut Origin<'_>,
        interval: Interval,
        span: Span,
        ranked: &[Ranked<'_>],
        page: &[Ranked<'_>],
    ) -> Result<Charts, Failure> {
        let points = self.points(interval, span, self.asked.limit.unwrap_or(page.len()))?;
        let mut counted: HashMap<Vec<u8>, Option<usize>> =
            ranked.iter().map(|ranked| (ranked.group.key(), None)).collect();
        counted.extend(page.iter().zip(0..).map(|(ranked, place)| (ranked.group.key(), Some(place))));
        let (now, before): Points<'_> = (&points.0, points.1.as_ref());
        let (all, each) =
            origin.series(self.asked, self.spans, &self.zone, (now, before), &counted, page.len())?;
        let instants = points.0.edges().map(|instant| local(instant, &self.zone).into()).collect();
        Ok(Charts { instants, all, each })
    }

    fn told(
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
            kept_from: None,
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
            series: series.map(|(series, charts)| self.chart(series, charts)),
        }
    }

    fn chart(&self, series: &Series, charts: &Charts) -> Vec<Point> {
        let compares = self.asked.compare.is_some();
        let point = |(place, (instants, figures)): (usize, (&[Arc<str>], &Sums))| Point {
            from: Arc::clone(&instants[0]),
            to: Arc::clone(&instants[1]),
            figures: figures.clone(),
            compared: compares.then(|| {
                let before = series.before.get(place)?;
                Some(Compared::of(figures, before.clone()))
            }),
        };
        charts.instants.windows(2).zip(&series.now).enumerate().map(point).collect()
    }
}
