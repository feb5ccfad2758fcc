//! Tuples by number: every text is kept once.

use std::hash::BuildHasher;

use foldhash::HashMap;

use super::{TEXTS, Texts};
use crate::store::codec::{self, CodecError};

/// The tuples of an organization, numbered in the order in which they came.
#[derive(Debug, Default)]
pub struct Dictionary {
    texts: Vec<Box<str>>,
    tuples: Vec<Tuple>,
    numbers: HashMap<Tuple, u32>,
    by_text: HashMap<Box<str>, u32>,
    /// Numbers by a hash of all texts, of those that were asked for.
    seen: HashMap<u64, u32>,
    bytes: usize,
}

/// Of each text its number, from 1 on; 0 where there is none.
type Tuple = [u32; TEXTS];

/// About what a text and a tuple take beside their bytes, in the lists and tables they are in.
const TEXT_BYTES: usize = 56;
const TUPLE_BYTES: usize = 128;

impl Dictionary {
    /// The number of a tuple, which it gets if it has none.
    pub fn number(&mut self, texts: Texts<'_>) -> u32 {
        // Most have one: then one look tells instead of one for every text.
        let hash = self.by_text.hasher().hash_one(texts);
        if let Some(number) = self.seen.get(&hash).copied()
            && self.texts(number) == Some(texts)
        {
            return number;
        }
        let tuple = texts.map(|text| text.map_or(0, |text| self.text(text)));
        let number = self.add(tuple);
        self.seen.insert(hash, number);
        number
    }

    /// The texts of the tuple of that number.
    #[must_use]
    pub fn texts(&self, number: u32) -> Option<Texts<'_>> {
        let tuple = self.tuples.get(number as usize)?;
        Some(tuple.map(|text| self.texts.get(text.checked_sub(1)? as usize).map(|text| &**text)))
    }

    /// The numbers of some of the texts of every tuple, by its number; 0 for the others, and where there is none.
    pub fn parts(&self, of: [bool; TEXTS]) -> impl Iterator<Item = [u32; TEXTS]> {
        let part = move |tuple: &Tuple| std::array::from_fn(|nth| if of[nth] { tuple[nth] } else { 0 });
        self.tuples.iter().map(part)
    }

    /// All tuples, by number.
    pub fn all(&self) -> impl Iterator<Item = Texts<'_>> {
        (0..).map_while(|number| self.texts(number))
    }

    /// How many tuples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tuples.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tuples.is_empty()
    }

    /// About what it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.saturating_add(self.tuples.len().saturating_mul(TUPLE_BYTES))
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(number) = self.by_text.get(text) {
            return *number;
        }
        self.texts.push(text.into());
        self.bytes = self.bytes.saturating_add(text.len().saturating_mul(2)).saturating_add(TEXT_BYTES);
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.by_text.insert(text.into(), number);
        number
    }

    fn add(&mut self, tuple: Tuple) -> u32 {
        let next = u32::try_from(self.tuples.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(tuple).or_insert(next);
        if number == next {
            self.tuples.push(tuple);
        }
        number
    }

    /// Appends the tuples from a number on, up to another, with the texts that those before do not have.
    pub(super) fn encode(&self, from: usize, to: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let known = |tuples: &[Tuple]| tuples.iter().flatten().copied().max().unwrap_or(0) as usize;
        let (before, tuples) = (known(&self.tuples[..from]), &self.tuples[from..to]);
        let texts = &self.texts[before..known(tuples).max(before)];
        codec::encode_into(&(texts, tuples), out)
    }

    /// Reads on where a part ended; `None` when it does not add up.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Option<()> {
        let (texts, tuples): (Vec<Box<str>>, Vec<Tuple>) = codec::decode(bytes).ok()?;
        for text in texts {
            let next = self.texts.len();
            (self.text(&text) as usize > next).then_some(())?;
        }
        for tuple in tuples {
            let next = self.tuples.len();
            let known = |text: &u32| *text as usize <= self.texts.len();
            (tuple.iter().all(known) && self.add(tuple) as usize == next).then_some(())?;
        }
        Some(())
    }
}
