//! A column of numbers, as narrow as they allow.

use std::ops::Range;

/// Numbers, each in as many bytes as the largest of them needs; none where all are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Zero(usize),
    One(Box<[i8]>),
    Two(Box<[i16]>),
    Four(Box<[i32]>),
    Eight(Box<[i64]>),
}

impl Column {
    pub(super) fn of(numbers: impl ExactSizeIterator<Item = i64> + Clone) -> Column {
        let (least, most) = numbers.clone().fold((0, 0), |(least, most), n| (n.min(least), n.max(most)));
        let fits = |low: i64, high: i64| low <= least && most <= high;
        if (least, most) == (0, 0) {
            Column::Zero(numbers.len())
        } else if fits(i8::MIN.into(), i8::MAX.into()) {
            Column::One(numbers.filter_map(|n| n.try_into().ok()).collect())
        } else if fits(i16::MIN.into(), i16::MAX.into()) {
            Column::Two(numbers.filter_map(|n| n.try_into().ok()).collect())
        } else if fits(i32::MIN.into(), i32::MAX.into()) {
            Column::Four(numbers.filter_map(|n| n.try_into().ok()).collect())
        } else {
            Column::Eight(numbers.collect())
        }
    }

    pub(super) fn get(&self, at: usize) -> i64 {
        match self {
            Column::Zero(_) => 0,
            Column::One(numbers) => numbers[at].into(),
            Column::Two(numbers) => numbers[at].into(),
            Column::Four(numbers) => numbers[at].into(),
            Column::Eight(numbers) => numbers[at],
        }
    }

    /// Hands over some of the numbers in order, unless all are 0.
    pub(super) fn each(&self, range: Range<usize>, visit: impl FnMut(i64)) {
        match self {
            Column::Zero(_) => {}
            Column::One(numbers) => numbers[range].iter().map(|n| i64::from(*n)).for_each(visit),
            Column::Two(numbers) => numbers[range].iter().map(|n| i64::from(*n)).for_each(visit),
            Column::Four(numbers) => numbers[range].iter().map(|n| i64::from(*n)).for_each(visit),
            Column::Eight(numbers) => numbers[range].iter().copied().for_each(visit),
        }
    }

    fn width(&self) -> u8 {
        match self {
            Column::Zero(_) => 0,
            Column::One(_) => 1,
            Column::Two(_) => 2,
            Column::Four(_) => 4,
            Column::Eight(_) => 8,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Column::Zero(len) => *len,
            Column::One(numbers) => numbers.len(),
            Column::Two(numbers) => numbers.len(),
            Column::Four(numbers) => numbers.len(),
            Column::Eight(numbers) => numbers.len(),
        }
    }

    /// What it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.len().saturating_mul(self.width().into()).saturating_add(size_of::<Column>())
    }

    /// Appends it: its width, then its numbers, little endian.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.width());
        match self {
            Column::Zero(_) => {}
            Column::One(numbers) => out.extend(numbers.iter().flat_map(|n| n.to_le_bytes())),
            Column::Two(numbers) => out.extend(numbers.iter().flat_map(|n| n.to_le_bytes())),
            Column::Four(numbers) => out.extend(numbers.iter().flat_map(|n| n.to_le_bytes())),
            Column::Eight(numbers) => out.extend(numbers.iter().flat_map(|n| n.to_le_bytes())),
        }
    }

    /// Reads one of so many numbers, and answers what follows it.
    pub(super) fn decode(bytes: &[u8], len: usize) -> Option<(Column, &[u8])> {
        let (width, rest) = bytes.split_first()?;
        let (numbers, rest) = rest.split_at_checked(len.checked_mul((*width).into())?)?;
        let column = match width {
            0 => Column::Zero(len),
            1 => Column::One(numbers.as_chunks().0.iter().map(|n| i8::from_le_bytes(*n)).collect()),
            2 => Column::Two(numbers.as_chunks().0.iter().map(|n| i16::from_le_bytes(*n)).collect()),
            4 => Column::Four(numbers.as_chunks().0.iter().map(|n| i32::from_le_bytes(*n)).collect()),
            8 => Column::Eight(numbers.as_chunks().0.iter().map(|n| i64::from_le_bytes(*n)).collect()),
            _ => return None,
        };
        Some((column, rest))
    }
}
