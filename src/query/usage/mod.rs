//! Usage: what was used, by whom and for what, in any range of time.
//!
//! A question is checked first ([`asked`]), its range becomes instants of a zone ([`range`]), and what was charged is added up by groups
//! ([`groups`]): from the cells of the history ([`cube`]), or, where they cannot tell, from its rows ([`rows`]). Both give the same figures.
//! Groups are then named, searched, put in an order and cut into pages ([`question`]); series are added up in a second pass, for the
//! groups of the page alone. So memory is bounded by [`MOST_GROUPS`] and [`buckets::MOST_POINTS`].
//!
//! A late event counts at its own time, and what was voided nowhere. All pages of an answer are of one state of the history: the cursor
//! names it.

mod answer;
mod asked;
mod buckets;
mod cube;
mod cursor;
mod dimension;
mod groups;
mod names;
mod order;
pub(super) mod parameters;
mod question;
pub(super) mod range;
mod rows;
mod sheet;
mod spikes;
mod sums;
mod table;

use std::collections::HashMap;

use self::asked::Asked;
use self::groups::{Groups, Points, Series, Spans};
use self::question::Question;
use self::range::{Bearings, Range};
use self::rows::Rows;
use super::charged::Standing;
use crate::book::Book;
use crate::book::cells::{Ask, Cells, Odd, View};
use crate::book::desk::Desk;
use crate::book::pipeline::Look;
use crate::ledger::calendar::Zone;
use crate::ledger::units::Timestamp;
use crate::store::StoreError;

pub use self::answer::{GroupLine, Meta, Point, RangeState, Usage, UsageLine, Values};
pub use self::parameters::{Parameters, Refused};
pub use self::sheet::Sheet;
pub use self::spikes::{Cause, Spike, Spikes, SpikesMeta, spikes};
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
    /// The pipeline does not answer.
    #[error("{0}")]
    Gone(&'static str),
}

/// Where the figures of an organization come from.
pub struct Sources<'s> {
    /// The organizations.
    pub book: &'s Book,
    /// The cells of their histories, where there are any.
    pub cells: Option<&'s Cells>,
    /// Asks how far the organization is, and for its rows from a place back.
    pub stretch: Ask<'s>,
    /// Asks how it stands, with all its rows.
    pub look: &'s dyn Fn() -> Result<Option<Look>, &'static str>,
    /// What was before, rows do not tell any more; none where they tell everything.
    pub kept_from: Option<Timestamp>,
    /// Is told whether an answer is from `cells` or from `rows`.
    pub told: &'s dyn Fn(&'static str),
}

/// What was used by an organization, as it is at `now`. None for one that is not known. Reads, and waits: not for the threads of a
/// runtime.
///
/// # Errors
/// [`UsageError`] where the question cannot be answered, or the history not be read.
pub fn usage(desk: &Desk, org: &str, given: Parameters, now: Timestamp) -> Result<Option<Usage>, UsageError> {
    let asked = Asked::read(given)?;
    of_desk(desk, org, |sources| used(sources, org, &asked, now))
}

/// The same, with all groups on one page.
///
/// # Errors
/// As [`usage`].
pub fn whole_usage(
    desk: &Desk,
    org: &str,
    given: Parameters,
    now: Timestamp,
) -> Result<Option<Usage>, UsageError> {
    let asked = Asked { limit: None, ..Asked::read(given)? };
    of_desk(desk, org, |sources| used(sources, org, &asked, now))
}

/// Whether a question can be asked at all.
///
/// # Errors
/// [`Refused`] where it cannot, whatever the organization.
pub fn check_usage(given: Parameters) -> Result<(), Refused> {
    Asked::read(given).map(drop)
}

fn of_desk<T>(desk: &Desk, org: &str, ask: impl FnOnce(&Sources<'_>) -> T) -> T {
    ask(&Sources {
        book: &desk.book,
        cells: desk.cells(),
        stretch: &|start| desk.stretch(org, start),
        look: &|| desk.look_and_wait(org),
        kept_from: desk.kept_from(),
        told: &|from| desk.metrics.cells.answers.with_label_values(&[from]).inc(),
    })
}

/// As [`usage`], from such sources.
///
/// # Errors
/// As [`usage`].
pub fn usage_from(
    sources: &Sources<'_>,
    org: &str,
    given: Parameters,
    now: Timestamp,
) -> Result<Option<Usage>, UsageError> {
    used(sources, org, &Asked::read(given)?, now)
}

fn used(
    sources: &Sources<'_>,
    org: &str,
    asked: &Asked,
    now: Timestamp,
) -> Result<Option<Usage>, UsageError> {
    let wanted = asked.cursor.as_ref().map(|cursor| cursor.standing);
    answered(sources, org, &asked.range, wanted, |bearings, standing, origin| {
        Question::of(org, bearings, asked, standing, now)?.answer(sources.book, org, origin)
    })
}

/// Answers from the cells of an organization as it stood, or stands, and where they cannot tell, from its rows.
fn answered<T>(
    sources: &Sources<'_>,
    org: &str,
    range: &Range,
    wanted: Option<Standing>,
    answer: impl Fn(&Bearings, Standing, &mut Origin<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, UsageError> {
    let found = sources.book.read(org, |slot| (slot.key, Bearings::of(&slot.org, range)));
    let Some((key, bearings)) = found else { return Ok(None) };
    if let Some(cells) = sources.cells {
        let by_cells = cells.view(key, wanted, sources.stretch, |view| {
            let standing = view.standing();
            answer(&bearings, standing, &mut Origin::Cells(view))
        });
        match by_cells.map_err(Failure::from).flatten() {
            Ok(answer) => {
                (sources.told)("cells");
                return Ok(Some(answer));
            }
            Err(Failure::Refused(refused)) => return Err(refused.into()),
            Err(Failure::Untold(why)) => tracing::debug!(org, why, "usage is read from rows"),
            Err(Failure::Odd(odd)) => tracing::warn!(org, %odd, "usage is read from rows"),
            Err(Failure::Unread(error)) => tracing::warn!(org, %error, "usage is read from rows"),
        }
    }
    (sources.told)("rows");
    let Some(look) = (sources.look)().map_err(UsageError::Gone)? else { return Ok(None) };
    let stands = Standing::of(&look.org);
    let standing = wanted.map_or(stands, |wanted| wanted.at_most(stands));
    let rows = Rows { look: &look, standing, kept_from: sources.kept_from };
    let by_rows = answer(&Bearings::of(&look.org, range), stands, &mut Origin::Rows(rows));
    by_rows.map(Some).map_err(|failure| match failure {
        Failure::Refused(refused) => refused.into(),
        Failure::Unread(error) | Failure::Odd(Odd::Unread(error)) => error.into(),
        Failure::Odd(_) => UsageError::Gone("the rows of an organization do not tell"),
        Failure::Untold(why) => UsageError::Gone(why),
    })
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Unread(#[from] StoreError),
    /// The cells are not as they should be.
    #[error(transparent)]
    Odd(#[from] Odd),
    /// The cells cannot tell.
    #[error("{0}")]
    Untold(&'static str),
}

/// What the figures of an answer are added up from.
enum Origin<'o> {
    Cells(View<'o>),
    Rows(Rows<'o>),
}

impl Origin<'_> {
    /// What was before, it cannot tell any more.
    fn kept_from(&self) -> Option<Timestamp> {
        match self {
            Origin::Cells(_) => None,
            Origin::Rows(rows) => rows.kept_from,
        }
    }

    fn groups(&mut self, asked: &Asked, spans: Spans, zone: &Zone) -> Result<Groups, Failure> {
        match self {
            Origin::Cells(view) => cube::groups(view, asked, spans, zone),
            Origin::Rows(rows) => Groups::of_rows(rows, asked, spans),
        }
    }

    fn series(
        &mut self,
        asked: &Asked,
        spans: Spans,
        zone: &Zone,
        points: Points<'_>,
        counted: &HashMap<Vec<u8>, Option<usize>>,
        shown: usize,
    ) -> Result<(Series, Vec<Series>), Failure> {
        match self {
            Origin::Cells(view) => cube::series(view, asked, zone, points, counted, shown),
            Origin::Rows(rows) => groups::series_of_rows(rows, asked, spans, points, counted, shown),
        }
    }
}
