//! An organization's cells as it stood at a moment, to be added up.

use foldhash::{HashMap, HashMapExt};

use super::cube::{Cube, MOST_BYTES, Part};
use super::make::{
    BILLED_SECONDS, CALLS_MADE, CALLS_RECEIVED, CHARGES, CREDITS, PARTS, QUANTITY, Sums, TALKED_MS,
};
use super::roll::Days;
use super::split::Early;
use super::tail::Ask;
use super::{Cells, Counted, Field, Spent};
use crate::ledger::calendar::Zone;
use crate::ledger::org::Org;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::store::cells::{Figures, Slot, TEXTS};
use crate::store::{OrgKey, StoreError};

/// How an organization stood: what its history held then can be read again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its last entry.
    pub position: Position,
    /// The log's time it had come to.
    pub at: Timestamp,
}

impl Standing {
    /// How it stands.
    #[must_use]
    pub fn of(org: &Org) -> Standing {
        Standing { position: org.position(), at: org.at() }
    }

    /// The same, and not beyond another.
    #[must_use]
    pub fn at_most(self, other: Standing) -> Standing {
        Standing { position: self.position.min(other.position), at: self.at.min(other.at) }
    }
}

/// Why the cells do not tell.
#[derive(Debug, thiserror::Error)]
pub enum Odd {
    /// The pipeline does not answer.
    #[error("{0}")]
    Gone(&'static str),
    /// It knows no such organization.
    #[error("there is no such organization")]
    Unknown,
    /// A file cannot be read.
    #[error(transparent)]
    Unread(#[from] StoreError),
    /// So much would be kept of one organization that there was no room for others.
    #[error("its cells take more than {MOST_BYTES} bytes of memory")]
    TooMany,
    /// Cells are gone of rows that are not kept any more.
    #[error("cells are lost of rows that were deleted for their age; restore the folder from a backup")]
    Lost,
    /// A tuple is none that this version writes.
    #[error("a cell is of something that is not known; it is made again by the next version")]
    Strange,
}

/// Instants between which sums are asked for, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edges {
    /// The slots that they are in.
    slots: Vec<Slot>,
    /// Those that do not begin one, by their places.
    within: Vec<(usize, Timestamp)>,
}

/// The most edges within slots of one question: the ends of a range, and of what it is compared with, and some.
const MOST_WITHIN: usize = 8;

impl Edges {
    /// Those at these instants. None where too many of them are within slots, as of civil hours before 1972.
    pub fn of(instants: impl IntoIterator<Item = Timestamp>) -> Option<Edges> {
        let mut edges = Edges { slots: Vec::new(), within: Vec::new() };
        for instant in instants {
            if Slot::at(instant).is_none() && instant != Timestamp::MIN && instant != Timestamp::MAX {
                edges.within.push((edges.slots.len(), instant));
            }
            edges.slots.push(Slot::of(instant));
        }
        (edges.within.len() <= MOST_WITHIN).then_some(edges)
    }

    /// How many spans lie between them.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.slots.len().saturating_sub(1)
    }

    /// Those of which something is within two slots: their number, begin and end.
    fn within(&self, from: Slot, to: Slot) -> impl Iterator<Item = (usize, Slot, Slot)> {
        let first = self.slots.partition_point(|edge| *edge <= from).saturating_sub(1);
        let spans = self.slots[first..].windows(2).enumerate();
        let spans = spans.map(move |(nth, edges)| (first + nth, edges[0], edges[1]));
        spans.take_while(move |(_, begin, _)| *begin < to).filter(move |(_, _, end)| *end > from)
    }
}

/// An organization's cells as it stood. Nothing of it changes meanwhile.
pub struct View<'c> {
    cells: &'c Cells,
    cube: &'c mut Cube,
    /// The ids of the files.
    files: Vec<u64>,
    /// What is in it too much.
    beyond: Sums,
    standing: Standing,
    key: OrgKey,
    ask: Ask<'c>,
    /// What of slots was before instants within them, as far as that was asked.
    early: Vec<(Timestamp, Early)>,
}

impl Cells {
    /// Lets an organization be looked at as it stands, or stood where that is `wanted`. `ask` asks the pipeline for its rows.
    ///
    /// # Errors
    /// [`Odd`] where only the rows can tell.
    pub fn view<T>(
        &self,
        key: OrgKey,
        wanted: Option<Standing>,
        ask: Ask<'_>,
        look: impl FnOnce(View<'_>) -> T,
    ) -> Result<T, Odd> {
        let kept = self.cube(key);
        let mut cube = kept.lock();
        let looked = self.follow(&mut cube, key, wanted, ask).map(|(files, standing, beyond)| {
            let cube = &mut *cube;
            look(View { cells: self, cube, files, beyond, standing, key, ask, early: Vec::new() })
        });
        let bytes = cube.bytes();
        drop(cube);
        self.weigh(key, bytes);
        looked
    }

    /// Reads what is new of an organization: answers the files that it is in, how it stands, and what is in them too much.
    fn follow(
        &self,
        cube: &mut Cube,
        key: OrgKey,
        wanted: Option<Standing>,
        ask: Ask<'_>,
    ) -> Result<(Vec<u64>, Standing, Sums), Odd> {
        // Before the rows are asked for: what is covered since is no part of what they are added to.
        let cover = self.cover().ok_or(Odd::Lost)?;
        let files: Vec<u64> = cover.files.iter().map(|(_, file)| file.id()).collect();
        cube.parts.retain(|id, _| files.contains(id));
        cube.tail.cover(cover.upto);
        for (tier, file) in &cover.files {
            let is_new = cube.load(key, *tier, file).inspect_err(|error| self.lose_harmed(*tier, error))?;
            if is_new && cube.bytes() > MOST_BYTES {
                return Err(Odd::TooMany);
            }
        }
        let Cube { tail, dictionary, .. } = cube;
        let (standing, beyond) = tail.follow((key, dictionary), wanted, ask)?;
        Ok((files, standing, beyond))
    }
}

impl View<'_> {
    /// How it stood.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Asks of what cells are of to what each belongs, and answers that by number. What is the same in these fields is asked about once.
    ///
    /// # Errors
    /// [`Odd::Strange`] where it is not known what cells are of.
    pub fn told_apart<T: Copy>(
        &self,
        fields: impl IntoIterator<Item = Field>,
        mut belongs: impl FnMut(&Spent<'_>) -> T,
    ) -> Result<Vec<T>, Odd> {
        let dictionary = &self.cube.dictionary;
        let mut known: HashMap<[u32; TEXTS], T> = HashMap::new();
        let mut told = Vec::with_capacity(dictionary.len());
        for (number, parts) in (0..).zip(dictionary.parts(Field::texts(fields))) {
            let belonging = match known.get(&parts) {
                Some(known) => *known,
                None => {
                    let spent = dictionary.texts(number).and_then(Spent::of).ok_or(Odd::Strange)?;
                    *known.entry(parts).or_insert(belongs(&spent))
                }
            };
            told.push(belonging);
        }
        Ok(told)
    }

    /// The first instant of what may be in it, and the last, about: none where nothing is.
    #[must_use]
    pub fn extent(&self) -> Option<(Timestamp, Timestamp)> {
        let parts = self.parts().filter_map(Part::extent);
        let loose = self.cube.tail.cells().map(|(slot, ..)| (slot, slot));
        let (first, last) =
            parts.chain(loose).reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
        Some((first.begin(), last.begin()))
    }

    /// Adds up the cells of each span between edges. `places` tells of what each number is of to which of `many` sums it goes; to none
    /// where that is `many`. The sums of a span stand together.
    ///
    /// # Errors
    /// [`Odd::Unread`] where a file cannot be read.
    pub fn sums(
        &mut self,
        zone: &Zone,
        edges: &Edges,
        places: &[u32],
        many: usize,
    ) -> Result<Vec<Total>, Odd> {
        let mut sums = Spread { edges, places, width: many + 1, sums: Vec::new() };
        sums.sums = vec![Figures::default(); edges.spans().saturating_mul(sums.width)];
        let tuples = self.cube.dictionary.len();
        for id in &self.files {
            let Some(part) = self.cube.parts.get_mut(id) else { continue };
            let added = part.roll(tuples, zone).and_then(|()| sums.add_part(part, zone));
            if let Err(error) = added {
                let tier = part.tier;
                self.cube.parts.remove(id);
                self.cells.lose_harmed(tier, &error);
                return Err(error.into());
            }
        }
        for (slot, tuple, figures) in self.cube.tail.cells() {
            sums.add(slot, tuple, figures);
        }
        for ((slot, tuple), figures) in &self.beyond {
            sums.add(*slot, *tuple, &figures.negated());
        }
        for (edge, instant) in &edges.within {
            sums.split(*edge, self.early(*instant)?);
        }
        Ok(sums.without_the_rest())
    }

    fn early(&mut self, at: Timestamp) -> Result<&Early, Odd> {
        let place = match self.early.iter().position(|(known, _)| *known == at) {
            Some(place) => place,
            None => {
                let Cube { splits, dictionary, .. } = &mut *self.cube;
                let early = splits.early(at, (self.key, dictionary), self.standing, self.ask)?;
                self.early.push((at, early));
                self.early.len() - 1
            }
        };
        Ok(&self.early[place].1)
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.files.iter().filter_map(|id| self.cube.parts.get(id))
    }
}

/// Sums of spans.
struct Spread<'e> {
    edges: &'e Edges,
    places: &'e [u32],
    /// The sums of a span, with one more for what goes to none.
    width: usize,
    sums: Vec<Figures>,
}

impl Spread<'_> {
    fn span(&mut self, nth: usize) -> &mut [Figures] {
        &mut self.sums[nth * self.width..][..self.width]
    }

    fn add(&mut self, slot: Slot, tuple: u32, figures: &Figures) {
        let edges = self.edges;
        if let Some((nth, ..)) = edges.within(slot, Slot(slot.0.saturating_add(1))).next() {
            let place = self.places[tuple as usize] as usize;
            self.span(nth)[place].add(figures);
        }
    }

    /// Moves what was before an instant, in whose slot a span begins, to the span before.
    fn split(&mut self, edge: usize, early: &Early) {
        for (tuple, figures) in early {
            let Some(place) = self.places.get(*tuple as usize).map(|place| *place as usize) else { continue };
            if edge < self.edges.spans() {
                self.span(edge)[place].add(&figures.negated());
            }
            if let Some(before) = edge.checked_sub(1) {
                self.span(before)[place].add(figures);
            }
        }
    }

    fn add_part(&mut self, part: &Part, zone: &Zone) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (self.edges.slots.first(), self.edges.slots.last()) else {
            return Ok(());
        };
        let mut days = Days::of(part);
        let Some(roll) = part.by_days(zone) else { return self.add_slots(&mut days, *first, *last) };
        let places = self.places;
        let begin = roll.days.partition_point(|(_, to, _)| to <= first);
        for (from, to, sheet) in roll.days[begin..].iter().take_while(|(from, ..)| from < last) {
            let whole = self.edges.within(*from, *to).next();
            match whole.filter(|(_, begin, end)| begin <= from && to <= end) {
                Some((nth, ..)) => sheet.add_to(0..sheet.len(), places, self.span(nth)),
                None => self.add_slots(&mut days, *from, *to)?,
            }
        }
        Ok(())
    }

    /// Adds the cells from one slot on, up to another.
    fn add_slots(&mut self, days: &mut Days<'_>, from: Slot, to: Slot) -> Result<(), StoreError> {
        let (edges, places) = (self.edges, self.places);
        days.each(from, to, &mut |day, cells| {
            let (first, last) = super::roll::slots_of(day.day());
            let (first, last) = (first.max(from), Slot(last.0.saturating_add(1)).min(to));
            for (nth, begin, end) in edges.within(first, last) {
                let within = day.within(begin.max(from), end.min(to));
                debug_assert!(within.start >= cells.start && within.end <= cells.end);
                day.sheet().add_to(within, places, self.span(nth));
            }
        })
    }

    fn without_the_rest(self) -> Vec<Total> {
        let many = self.width - 1;
        self.sums.chunks(self.width).flat_map(|span| &span[..many]).map(|figures| Total(*figures)).collect()
    }
}

/// What cells add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total(Figures);

impl Total {
    /// What is counted; none where nothing is left that counts.
    #[must_use]
    pub fn counted(&self) -> Option<Counted> {
        let figures = &self.0.0;
        let number = |at: usize| u64::try_from(figures[at]).unwrap_or(0);
        (figures[PARTS] > 0).then(|| Counted {
            credits: Credits::from_micros(figures[CREDITS]),
            quantity: number(QUANTITY),
            calls_made: number(CALLS_MADE),
            calls_received: number(CALLS_RECEIVED),
            billed_seconds: number(BILLED_SECONDS),
            talked_ms: number(TALKED_MS),
            charges: number(CHARGES),
        })
    }
}
