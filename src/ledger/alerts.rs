//! Low-balance alerts: raised at the entry that crosses a threshold, once for each crossing.
//!
//! Every rule watches one pool and is *fresh* until the level was above its threshold, then *armed*; it *fires*
//! when the level is no longer above, and is armed again only when the level has recovered past a dead band, so
//! that a balance that flutters around the threshold raises one alert.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::price::CreditType;
use super::units::Credits;

/// A threshold below which the balance is low. Ordered worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// Where "low" begins.
    pub threshold: Threshold,
    /// The kind of credits it is about; a percentage without one is about each kind.
    pub credit_type: Option<CreditType>,
}

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

impl Rule {
    /// The rules of a plan that has none of its own: 60 %, 30 %, 10 % and nothing left.
    #[must_use]
    pub fn defaults() -> Vec<Rule> {
        [60, 30, 10, 0].map(|p| Rule { threshold: Threshold::Percent(p), credit_type: None }).into()
    }

    /// Whether the rule is about this kind of credits.
    #[must_use]
    pub fn concerns(&self, credit_type: CreditType) -> bool {
        match (self.credit_type, self.threshold) {
            (Some(own), _) => own == credit_type,
            (None, Threshold::Percent(_)) => true,
            (None, Threshold::Amount(_)) => credit_type == CreditType::default(),
        }
    }
}

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

/// What a pool remembers of its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watches {
    /// The rules in force, worst first.
    awake: Vec<Watch>,
    /// How often rules fired that are out of force, the one that left last at the end. Few have any.
    dormant: Option<Box<Dormant>>,
}

/// Rules out of force, each with its count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Dormant(Vec<(Threshold, u32)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Watch {
    threshold: Threshold,
    phase: Phase,
    /// How often the rule fired: the last part of an alert's id. It never starts over.
    fired: u32,
}

/// The most rules out of force whose count is kept: the oldest goes first.
const MOST_DORMANT: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Follows the rules in force: a rule that stays keeps what it remembers.
    pub fn follow(&mut self, rules: &[Rule], credit_type: CreditType) {
        let mut wanted: Vec<Threshold> =
            rules.iter().filter(|rule| rule.concerns(credit_type)).map(|rule| rule.threshold).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if self.awake.iter().map(|watch| watch.threshold).eq(wanted.iter().copied()) {
            return;
        }
        let known = std::mem::take(&mut self.awake);
        let gone = |watch: &&Watch| watch.fired > 0 && !wanted.contains(&watch.threshold);
        let gone: Vec<_> = known.iter().filter(gone).map(|watch| (watch.threshold, watch.fired)).collect();
        if !gone.is_empty() {
            self.dormant.get_or_insert_default().0.extend(gone);
        }
        for threshold in wanted {
            let kept = known.iter().find(|watch| watch.threshold == threshold).copied();
            let watch = match kept {
                Some(watch) => watch,
                None => Watch { threshold, phase: Phase::Fresh, fired: self.wake(threshold) },
            };
            self.awake.push(watch);
        }
        if let Some(dormant) = &mut self.dormant {
            let excess = dormant.0.len().saturating_sub(MOST_DORMANT);
            dormant.0.drain(..excess);
        }
    }

    /// How often a rule that was out of force had fired.
    fn wake(&mut self, threshold: Threshold) -> u32 {
        let Some(Dormant(dormant)) = self.dormant.as_deref_mut() else { return 0 };
        let place = dormant.iter().position(|(known, _)| *known == threshold);
        place.map_or(0, |place| dormant.remove(place).1)
    }

    /// Looks at the level and reports every threshold crossed just now, worst first.
    ///
    /// Answers the highest level at which a rule would fire next: above it, nothing needs looking at.
    pub fn look(&mut self, level: Credits, total: Credits, mut crossed: impl FnMut(Crossing)) -> Credits {
        let mut next = Credits::from_micros(i64::MIN);
        for watch in &mut self.awake {
            let above = watch.threshold.is_above(level, total);
            match watch.phase {
                Phase::Fresh if above => watch.phase = Phase::Armed,
                Phase::Armed if !above => {
                    watch.phase = Phase::Fired;
                    watch.fired = watch.fired.saturating_add(1);
                    crossed(Crossing { threshold: watch.threshold, nth: watch.fired });
                }
                Phase::Fired if watch.threshold.has_recovered(level, total) => watch.phase = Phase::Armed,
                _ => {}
            }
            if watch.phase == Phase::Armed {
                next = next.max(watch.threshold.floor(total));
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credits(n: i64) -> Credits {
        n.to_string().parse().unwrap()
    }

    fn crossings(watches: &mut Watches, level: i64, total: i64) -> Vec<String> {
        let mut seen = Vec::new();
        watches.look(credits(level), credits(total), |c| seen.push(format!("{}.{}", c.threshold, c.nth)));
        seen
    }

    #[test]
    fn a_fluttering_balance_raises_one_alert() {
        let mut watches = Watches::default();
        watches.follow(&Rule::defaults(), CreditType::default());
        assert!(crossings(&mut watches, 100, 100).is_empty());
        assert_eq!(crossings(&mut watches, 60, 100), ["p60.1"]);
        assert!(crossings(&mut watches, 64, 100).is_empty());
        assert!(crossings(&mut watches, 59, 100).is_empty());
        assert!(crossings(&mut watches, 65, 100).is_empty());
        assert_eq!(crossings(&mut watches, 60, 100), ["p60.2"]);
    }

    #[test]
    fn thresholds_jumped_at_once_come_worst_first() {
        let mut watches = Watches::default();
        watches.follow(&Rule::defaults(), CreditType::default());
        crossings(&mut watches, 100, 100);
        assert_eq!(crossings(&mut watches, -5, 100), ["p0.1", "p10.1", "p30.1", "p60.1"]);
    }

    #[test]
    fn nothing_to_look_at_above_the_next_threshold() {
        let mut watches = Watches::default();
        watches.follow(&Rule::defaults(), CreditType::default());
        assert_eq!(watches.look(credits(100), credits(100), |_| ()), credits(60));
        assert_eq!(watches.look(credits(59), credits(100), |_| ()), credits(30));
        assert_eq!(watches.look(credits(0), credits(100), |_| ()), Credits::from_micros(i64::MIN));
    }

    #[test]
    fn an_organization_that_never_had_credits_hears_nothing() {
        let mut watches = Watches::default();
        watches.follow(&Rule::defaults(), CreditType::default());
        assert!(crossings(&mut watches, 0, 0).is_empty());
        assert!(crossings(&mut watches, -10, 0).is_empty());
    }

    #[test]
    fn a_rule_that_stays_keeps_what_it_remembers() {
        let mut watches = Watches::default();
        watches.follow(&Rule::defaults(), CreditType::default());
        crossings(&mut watches, 100, 100);
        crossings(&mut watches, 25, 100);
        let amount = Rule { threshold: Threshold::Amount(credits(20)), credit_type: None };
        let kept = Rule { threshold: Threshold::Percent(30), credit_type: None };
        watches.follow(&[amount, kept], CreditType::default());
        assert!(crossings(&mut watches, 25, 100).is_empty());
        assert_eq!(crossings(&mut watches, 20, 100), ["a20.1"]);
        assert!(crossings(&mut watches, 20, 100).is_empty());
        assert!(crossings(&mut watches, 21, 100).is_empty());
        assert_eq!(crossings(&mut watches, 20, 100), ["a20.2"]);
    }

    #[test]
    fn the_count_of_a_rule_outlives_its_absence() {
        let rule = |amount| Rule { threshold: Threshold::Amount(credits(amount)), credit_type: None };
        let mut watches = Watches::default();
        watches.follow(&[rule(20)], CreditType::default());
        crossings(&mut watches, 100, 100);
        assert_eq!(crossings(&mut watches, 10, 100), ["a20.1"]);
        watches.follow(&[rule(5)], CreditType::default());
        watches.follow(&[rule(20)], CreditType::default());
        // It is new again: it waits to see the level above, and then counts on.
        assert!(crossings(&mut watches, 10, 100).is_empty());
        assert!(crossings(&mut watches, 20, 100).is_empty());
        crossings(&mut watches, 50, 100);
        assert_eq!(crossings(&mut watches, 10, 100), ["a20.2"]);
    }

    #[test]
    fn only_so_many_absent_rules_are_remembered() {
        let mut watches = Watches::default();
        for amount in 1..1_000 {
            let rule = Rule { threshold: Threshold::Amount(credits(amount)), credit_type: None };
            watches.follow(&[rule], CreditType::default());
            crossings(&mut watches, 2_000, 2_000);
            assert_eq!(crossings(&mut watches, 0, 2_000), [format!("a{amount}.1")]);
        }
        assert_eq!(watches.dormant.map(|dormant| dormant.0.len()), Some(MOST_DORMANT));
    }
}
