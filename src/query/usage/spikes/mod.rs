//! Spikes: hours and days in which far more was used than before, and who and what used it.
//!
//! An hour or a day is measured by the mean of those before it: up to 168 hours or 28 days, from the first of them on in which something was
//! used, and at least 24 or 7. Reckoned in whole micro-credits times their number, so that nothing is rounded before it is compared.

mod answer;
mod search;

use std::collections::{BTreeSet, HashMap};

use super::answer::{RangeState, Values, local};
use super::asked::Asked;
use super::buckets::{Buckets, Interval};
use super::dimension::Dimension;
use super::groups::{Group, Spans};
use super::parameters::Parameters;
use super::range::{Range, Span, begin_of, day_of, later};
use super::sums::{Percent, Sums};
use super::{Failure, Origin, Sources, UsageError, answered, names, of_desk};
use crate::book::desk::Desk;
use crate::ledger::calendar::Zone;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Timestamp};
use crate::query::charged::Standing;

pub use self::answer::{Cause, Spike, Spikes, SpikesMeta};
use self::search::Search;

/// By what causes are told apart.
const CAUSES: [Dimension; 6] = [
    Dimension::Account,
    Dimension::Entity,
    Dimension::User,
    Dimension::Team,
    Dimension::Feature,
    Dimension::Action,
];

/// So many causes are named by each of them.
const MOST_CAUSES: usize = 3;

/// By how many hours or days before it one is measured.
struct Measure {
    most: usize,
    least: usize,
    /// Days that hold as many.
    days: i64,
}

impl Measure {
    fn of(interval: Interval) -> Measure {
        match interval {
            Interval::Hour => Measure { most: 168, least: 24, days: 8 },
            Interval::Day | Interval::Week | Interval::Month => Measure { most: 28, least: 7, days: 28 },
        }
    }
}

/// The spikes of an organization, as it is at `now`. None for one that is not known. Reads, and waits: not for the threads of a runtime.
///
/// # Errors
/// [`UsageError`] where the question cannot be answered, or the history not be read.
pub fn spikes(
    desk: &Desk,
    org: &str,
    given: Parameters,
    now: Timestamp,
) -> Result<Option<Spikes>, UsageError> {
    let search = Search::read(given)?;
    of_desk(desk, org, |sources| {
        answered(sources, org, &search.asked.range, None, |bearings, standing, origin| {
            let zone = search.asked.zone.clone().unwrap_or_else(|| bearings.zone.clone());
            let as_of = now.max(standing.at);
            let span = search.asked.range.span(&zone, as_of, bearings)?;
            let of = Of { sources, org, search: &search, zone, as_of, standing };
            of.answer(span, origin)
        })
    })
}

/// A search on its way to its answer.
struct Of<'a> {
    sources: &'a Sources<'a>,
    org: &'a str,
    search: &'a Search,
    zone: Zone,
    as_of: Timestamp,
    standing: Standing,
}

/// A point that is far above the usual.
struct Found {
    /// Its number.
    at: usize,
    credit_type: CreditType,
    micros: i128,
    /// The number of the first point that it is measured by, and what they come to.
    since: usize,
    before: i128,
}

impl Found {
    fn points(&self) -> i128 {
        i128::try_from(self.at.saturating_sub(self.since)).unwrap_or(i128::MAX)
    }
}

impl Of<'_> {
    fn answer(&self, span: Span, origin: &mut Origin<'_>) -> Result<Spikes, Failure> {
        let Search { asked, interval, percent, at_least, limit } = self.search;
        let span = self.narrowed(span, origin)?;
        let points = self.points(span)?;
        let whole =
            Spans { now: Span { from: points.begin(0), to: points.begin(points.len()) }, before: None };
        let everything = HashMap::from([(Vec::new(), None)]);
        let (all, _) = origin.series(asked, whole, &self.zone, (&points, None), &everything, 0)?;
        let looked_at =
            |at: &usize| points.end_of(*at) > span.from && points.begin(*at) < span.to.min(self.as_of);
        let mut found = self.found(&all.now);
        found.retain(|found| looked_at(&found.at));
        let spikes = found.len();
        let told = found.into_iter().rev().take(*limit).map(|found| self.spike(&found, &points, origin));
        let data = told.collect::<Result<_, _>>()?;
        Ok(Spikes {
            org: self.org.to_owned(),
            seq: self.standing.position,
            as_of: self.as_of,
            kept_from: origin.kept_from(),
            zone: self.zone.to_string(),
            range: RangeState::of(asked.range.name(), span, &self.zone),
            interval: interval.name(),
            percent: *percent,
            at_least: *at_least,
            data,
            meta: SpikesMeta { spikes },
        })
    }

    /// All time is from the first charge on.
    fn narrowed(&self, span: Span, origin: &mut Origin<'_>) -> Result<Span, Failure> {
        let asked = &self.search.asked;
        if asked.range != Range::All {
            return Ok(span);
        }
        let groups = origin.groups(asked, Spans { now: span, before: None }, &self.zone)?;
        Ok(asked.range.narrowed(span, groups.charged, &self.zone, self.as_of))
    }

    /// The whole hours or days of a span up to now, and those by which they are measured.
    fn points(&self, span: Span) -> Result<Buckets, Failure> {
        let Search { interval, .. } = self.search;
        let day = |instant, days| begin_of(&self.zone, later(day_of(&self.zone, instant), 0, days));
        let to = day(span.to.min(self.as_of), 1);
        let from = day(span.from, Measure::of(*interval).days.saturating_neg()).min(to);
        Ok(Buckets::of(Span { from, to }, *interval, &self.zone, 1)?)
    }

    /// The points that are spikes, in the order of time.
    fn found(&self, points: &[Sums]) -> Vec<Found> {
        let kinds: BTreeSet<CreditType> = points.iter().flat_map(|sums| sums.credits.types()).collect();
        let mut found: Vec<Found> = Vec::new();
        for kind in kinds {
            let micros = points.iter().map(|sums| i128::from(sums.credits_of(kind).micros()));
            found.extend(self.of_kind(kind, &micros.collect::<Vec<_>>()));
        }
        found.sort_by_key(|found| found.at);
        found
    }

    fn of_kind(&self, credit_type: CreditType, micros: &[i128]) -> Vec<Found> {
        let Search { interval, percent, at_least, .. } = self.search;
        let Measure { most, least, .. } = Measure::of(*interval);
        let least_micros = i128::from(at_least.micros()).max(1);
        let mut found = Vec::new();
        for (at, here) in micros.iter().copied().enumerate() {
            let window = &micros[at.saturating_sub(most)..at];
            let Some(idle) = window.iter().position(|micros| *micros > 0) else { continue };
            let measure = &window[idle..];
            let before = measure.iter().sum::<i128>();
            let of = Found { at, credit_type, micros: here, since: at.saturating_sub(measure.len()), before };
            let is_more = here.saturating_mul(of.points()).saturating_mul(100)
                > before.saturating_mul(i128::from(*percent));
            if measure.len() >= least && here >= least_micros && is_more {
                found.push(of);
            }
        }
        found
    }

    fn spike(&self, found: &Found, points: &Buckets, origin: &mut Origin<'_>) -> Result<Spike, Failure> {
        let (from, to) = (points.begin(found.at), points.end_of(found.at));
        let before = Span { from: points.begin(found.since), to: from };
        let spans = Spans { now: Span { from, to }, before: Some(before) };
        let mut causes = Vec::new();
        for dimension in CAUSES {
            causes.extend(self.causes(dimension, found, spans, origin)?);
        }
        let all = found.micros.saturating_mul(found.points());
        Ok(Spike {
            from: local(from, &self.zone),
            to: local(to, &self.zone),
            credit_type: found.credit_type,
            credits: credits(found.micros),
            usual: mean(found.before, found.points()),
            usual_of: found.at.saturating_sub(found.since),
            percent: Percent::part(all, found.before),
            causes,
        })
    }

    /// Who or what used more than usual, by one dimension. None where nothing is told by it.
    fn causes(
        &self,
        dimension: Dimension,
        found: &Found,
        spans: Spans,
        origin: &mut Origin<'_>,
    ) -> Result<Vec<Cause>, Failure> {
        let by = [dimension];
        let asked = Asked { group_by: by.to_vec(), ..self.search.asked.clone() };
        let groups = match origin.groups(&asked, spans, &self.zone) {
            Ok(groups) => groups,
            // The question was checked: there are too many values of it to be told apart, and none of them is much.
            Err(Failure::Refused(_)) => return Ok(Vec::new()),
            Err(failure) => return Err(failure),
        };
        // In micro-credits, times the number of points that it is measured by.
        let micros = |sums: &Sums| i128::from(sums.credits_of(found.credit_type).micros());
        let more = |group: &Group| {
            micros(&group.now).saturating_mul(found.points()).saturating_sub(micros(&group.before))
        };
        let mut groups: Vec<Group> = groups.all.into_iter().filter(|group| more(group) > 0).collect();
        groups.sort_by(|one, other| more(other).cmp(&more(one)).then_with(|| one.ids.cmp(&other.ids)));
        groups.truncate(MOST_CAUSES);
        if groups.iter().all(|group| group.ids.iter().all(|id| id.id.is_none())) {
            return Ok(Vec::new());
        }
        names::learn(self.sources.book, self.org, &by, &mut groups);
        let all_more = found.micros.saturating_mul(found.points()).saturating_sub(found.before);
        let cause = |group: &Group| {
            let (now, usual) = (credits(micros(&group.now)), mean(micros(&group.before), found.points()));
            Cause {
                group: Values::of(&names::shown(group, &by)),
                credits: now,
                usual,
                more: now.minus(usual),
                share: Percent::part(more(group), all_more),
            }
        };
        Ok(groups.iter().map(cause).collect())
    }
}

fn credits(micros: i128) -> Credits {
    Credits::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// The mean, rounded half up to a micro-credit.
fn mean(sum: i128, of: i128) -> Credits {
    let half = of.checked_div(2).unwrap_or(0);
    credits(sum.saturating_add(half).checked_div(of).unwrap_or(0))
}
