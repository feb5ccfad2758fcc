//! Low-balance alerts: raised at the entry that crosses a threshold, once for each crossing.
//!
//! Every threshold watches one pool and is *fresh* until the level was above its threshold, then *armed*; it *fires*
//! when the level is no longer above, and is armed again only when the level has recovered past a dead band, so
//! that a balance that flutters around the threshold raises one alert.

mod rule;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::units::Credits;
pub use rule::{Days, Hours, MOST_RULES, Rule, Spike, Thresholds, When, thresholds};
pub(super) use rule::{days, hours, spikes, watch_resets};

/// Where "low" begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Threshold {
    /// A share of the credits that are usable now, from 0 to 100.
    Percent(u8),
    /// An amount of credits.
    Amount(Credits),
}

/// Percentage points, and the part of an amount (one twentieth), by which a balance must recover.
const DEAD_BAND_POINTS: u8 = 5;
const DEAD_BAND_PART: i64 = 20;

impl Threshold {
    /// The highest level that is not above the threshold.
    fn floor(self, total: Credits) -> Credits {
        match self {
            Threshold::Percent(p) => percent_of(total, p),
            Threshold::Amount(amount) => amount,
        }
    }

    fn is_above(self, level: Credits, total: Credits) -> bool {
        match self {
            Threshold::Percent(_) => level > self.floor(total) && level > Credits::ZERO,
            Threshold::Amount(amount) => level > amount,
        }
    }

    fn has_recovered(self, level: Credits, total: Credits) -> bool {
        match self {
            Threshold::Percent(p) => {
                let recovered = p.saturating_add(DEAD_BAND_POINTS).min(100);
                // `level × 100 ≥ p × total`, without rounding.
                let scaled = i128::from(level.micros()).saturating_mul(100);
                let wanted = i128::from(total.micros()).saturating_mul(i128::from(recovered));
                total > Credits::ZERO && level > Credits::ZERO && scaled >= wanted
            }
            Threshold::Amount(amount) => {
                let band = amount.micros().checked_div(DEAD_BAND_PART).unwrap_or(0).max(1);
                level >= amount.plus(Credits::from_micros(band))
            }
        }
    }
}

/// `⌊total × p ÷ 100⌋`: a level is above `p` percent exactly when it is above this.
fn percent_of(total: Credits, p: u8) -> Credits {
    let product = i128::from(total.micros()).saturating_mul(i128::from(p));
    Credits::from_micros(i64::try_from(product.div_euclid(100)).unwrap_or(i64::MAX))
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Percent(p) => write!(f, "p{p}"),
            Threshold::Amount(amount) => write!(f, "a{amount}"),
        }
    }
}

/// What a pool remembers of its rules. The rules themselves are those in force, which whoever asks brings along: a pool
/// of which no rule ever fired keeps two words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watches {
    /// Two bits for each threshold, in their order.
    phases: u64,
    fired: Option<Box<Fired>>,
}

/// How often thresholds were crossed, the one that was crossed last at the end: the last part of an alert's id, which never
/// starts over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Fired(Vec<(Threshold, u32)>);

/// The most thresholds whose count is kept beside those in force: the one that was crossed longest ago goes first.
pub(super) const MOST_DORMANT: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    Armed,
    Fired,
}

/// A threshold that was crossed, and for the how-many-th time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// The threshold.
    pub threshold: Threshold,
    /// 1 for the first time.
    pub nth: u32,
}

impl Watches {
    fn phase(&self, place: u32) -> Phase {
        match self.phases.wrapping_shr(place.wrapping_mul(2)) & 3 {
            0 => Phase::Fresh,
            1 => Phase::Armed,
            _ => Phase::Fired,
        }
    }

    fn set(&mut self, place: u32, phase: Phase) {
        let shift = place.wrapping_mul(2);
        let bits: u64 = match phase {
            Phase::Fresh => 0,
            Phase::Armed => 1,
            Phase::Fired => 2,
        };
        self.phases = self.phases & !3_u64.wrapping_shl(shift) | bits.wrapping_shl(shift);
    }

    /// Goes from the thresholds in force until now to others: one that stays keeps what is remembered of it.
    pub fn follow(&mut self, until_now: &[Threshold], from_now: &[Threshold]) {
        if until_now == from_now {
            return;
        }
        let known = self.clone();
        self.phases = 0;
        for (place, threshold) in (0..).zip(from_now) {
            if let Some((before, _)) = (0..).zip(until_now).find(|(_, known)| *known == threshold) {
                self.set(place, known.phase(before));
            }
        }
        if let Some(Fired(counts)) = self.fired.as_deref_mut() {
            let dormant = |(threshold, _): &&(Threshold, u32)| !from_now.contains(threshold);
            let mut excess = counts.iter().filter(dormant).count().saturating_sub(MOST_DORMANT);
            counts.retain(|count| {
                let goes = excess > 0 && !from_now.contains(&count.0);
                excess = excess.saturating_sub(usize::from(goes));
                !goes
            });
        }
    }

    /// Looks at the level and reports every threshold crossed just now, worst first.
    ///
    /// Answers the highest level at which a rule would fire next: above it, nothing needs looking at.
    pub fn look(
        &mut self,
        thresholds: &[Threshold],
        level: Credits,
        total: Credits,
        mut crossed: impl FnMut(Crossing),
    ) -> Credits {
        let mut next = Credits::from_micros(i64::MIN);
        for (place, threshold) in (0..).zip(thresholds) {
            let above = threshold.is_above(level, total);
            match self.phase(place) {
                Phase::Fresh if above => self.set(place, Phase::Armed),
                Phase::Armed if !above => {
                    self.set(place, Phase::Fired);
                    crossed(Crossing { threshold: *threshold, nth: self.count(*threshold) });
                }
                Phase::Fired if threshold.has_recovered(level, total) => self.set(place, Phase::Armed),
                _ => {}
            }
            if self.phase(place) == Phase::Armed {
                next = next.max(threshold.floor(total));
            }
        }
        next
    }

    /// Counts a crossing.
    fn count(&mut self, threshold: Threshold) -> u32 {
        let Fired(counts) = &mut **self.fired.get_or_insert_default();
        let place = counts.iter().position(|(known, _)| *known == threshold);
        let before = place.map_or(0, |place| counts.remove(place).1);
        let nth = before.saturating_add(1);
        counts.push((threshold, nth));
        nth
    }
}

#[cfg(test)]
mod tests;
