//! Chance from a seed, in integers alone, so that it is the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How long calls last, in milliseconds: 33 quantiles of a log-normal distribution with a median of 75 s and σ = 1.05.
const CALL_QUANTILES: [u64; 33] = [
    3_653, 10_608, 14_979, 18_795, 22_413, 25_971, 29_547, 33_190, 36_939, 40_829, 44_893, 49_162, 53_673,
    58_465, 63_581, 69_072, 75_000, 81_436, 88_470, 96_212, 104_801, 114_417, 125_299, 137_769, 152_277,
    169_479, 190_374, 216_584, 250_975, 299_286, 375_521, 530_254, 1_342_996,
];

/// A source of chance.
#[derive(Debug)]
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`; 0 where the bound is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        least.saturating_add(self.below(most.saturating_sub(least).saturating_add(1)))
    }

    /// Yes, so many times in a million.
    pub(super) fn happens(&mut self, in_a_million: u32) -> bool {
        self.below(1_000_000) < u64::from(in_a_million)
    }

    /// One of several.
    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let place = self.below(from.len() as u64);
        from.get(usize::try_from(place).ok()?)
    }

    /// The length of a call, in milliseconds.
    pub(super) fn call_length(&mut self) -> u64 {
        let steps = CALL_QUANTILES.len() as u64 - 1;
        let place = self.below(steps);
        let bounds = usize::try_from(place).ok().and_then(|at| CALL_QUANTILES.get(at..at + 2));
        let Some(&[low, high]) = bounds else { return 0 };
        low + (high - low) * self.below(1_000) / 1_000
    }
}

/// Weights that fall as 1, 1/2, 1/3, …: few are large, many are small.
#[derive(Debug)]
pub(super) struct Zipf {
    cumulative: Vec<u64>,
}

impl Zipf {
    /// The weight of the first.
    const FIRST: u64 = 1 << 32;

    pub(super) fn new(count: usize) -> Zipf {
        let mut sum = 0;
        let weights = (1..=count.max(1) as u64).map(|rank| {
            sum += Zipf::FIRST / rank;
            sum
        });
        Zipf { cumulative: weights.collect() }
    }

    pub(super) fn pick(&self, chance: &mut Chance) -> usize {
        let drawn = chance.below(self.cumulative.last().copied().unwrap_or(0));
        self.cumulative.partition_point(|sum| *sum <= drawn)
    }

    /// How many draws it takes on average until this one is drawn `times` times.
    pub(super) fn draws(&self, place: usize, times: u64) -> u64 {
        let all = self.cumulative.last().copied().unwrap_or(1);
        (all / (Zipf::FIRST / (place as u64 + 1)).max(1)).saturating_mul(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_drawn_most_and_all_are_drawn() {
        let (zipf, mut chance) = (Zipf::new(10), Chance::new(1));
        let mut drawn = [0_u32; 10];
        for _ in 0..10_000 {
            drawn[zipf.pick(&mut chance)] += 1;
        }
        assert!(drawn.is_sorted_by(|a, b| a > b), "{drawn:?}");
        // The sum of 1/1 to 1/10 is 2.93.
        assert!((3_200..3_600).contains(&drawn[0]) && drawn[9] > 250, "{drawn:?}");
        assert_eq!(zipf.draws(0, 100), 200);
    }

    #[test]
    fn calls_are_mostly_short_and_sometimes_long() {
        let mut chance = Chance::new(7);
        let mut lengths: Vec<u64> = (0..10_000).map(|_| chance.call_length()).collect();
        lengths.sort_unstable();
        assert!((70_000..80_000).contains(&lengths[5_000]), "the median is {}", lengths[5_000]);
        assert!(lengths[9_950] > 600_000 && lengths[0] >= 3_653);
    }
}
