//! Rules that watch the level of one credit type.

use std::collections::BTreeMap;

use super::fields::show;
use super::rules::{Kind, Rule};
use super::{Instant, Micros, Position};

/// Below what. In the order in which the thresholds of one alert are told: the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Threshold {
    /// Percent of the total.
    Percent(i128),
    /// Credits.
    Amount(Micros),
}

/// An alert that was raised: thresholds of one credit type that were crossed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// `<org>.<credit type>.<rule>.<n>` of the worst.
    pub id: String,
    /// The credit type watched.
    pub credit_type: String,
    /// The worst: `p30` or `a50`.
    pub rule: String,
    /// The ids of all of them, the worst first.
    pub crossed: Vec<String>,
    /// The log time at which it was raised; of what happens by itself the instant of it.
    pub at: Instant,
    /// The entry that raised it; none if something did that happens by itself.
    pub position: Option<Position>,
}

/// How much there is of a credit type.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauge {
    /// What usable grants still hold, less the outstanding overage and what live calls have cost so far.
    pub level: Micros,
    /// What the usable grants amounted to when last added up.
    pub total: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Fresh,
    Armed,
    Fired,
}

/// The rules of one organization with their states.
#[derive(Debug, Default)]
pub struct Watch {
    stages: BTreeMap<(String, Threshold), Stage>,
    firings: BTreeMap<(String, Threshold), u64>,
    /// All alerts raised so far.
    pub alerts: Vec<Alert>,
}

impl Watch {
    /// Takes over the rules now in force: those that stay keep their state, new ones are judged at once and
    /// watch if the level is above.
    pub fn follow(&mut self, rules: &[Rule], gauges: &BTreeMap<String, Gauge>) {
        let mut stages = BTreeMap::new();
        for (credit_type, gauge) in gauges {
            for rule in rules.iter().filter(|rule| rule.watches(credit_type)) {
                let Kind::Below(threshold) = rule.kind else { continue };
                let key = (credit_type.clone(), threshold);
                let new = if threshold.above(*gauge) { Stage::Armed } else { Stage::Fresh };
                let stage = match self.stages.get(&key) {
                    Some(Stage::Fresh) | None => new,
                    Some(known) => *known,
                };
                stages.insert(key, stage);
            }
        }
        self.stages = stages;
    }

    /// Whether a look at these levels would tell something.
    pub fn would_ring(&self, gauges: &BTreeMap<String, Gauge>) -> bool {
        let crossed = |credit_type: &String, threshold: Threshold| {
            gauges.get(credit_type).is_some_and(|gauge| !threshold.above(*gauge))
        };
        let mut armed = self.stages.iter().filter(|(_, stage)| **stage == Stage::Armed);
        armed.any(|((credit_type, threshold), _)| crossed(credit_type, *threshold))
    }

    /// Looks at every rule once, after something changed. What is crossed at once is one alert.
    pub fn look(
        &mut self,
        org: &str,
        gauges: &BTreeMap<String, Gauge>,
        at: Instant,
        position: Option<Position>,
    ) {
        let mut crossed: BTreeMap<&String, Vec<(String, String)>> = BTreeMap::new();
        for ((credit_type, threshold), stage) in &mut self.stages {
            let Some(gauge) = gauges.get(credit_type).copied() else { continue };
            *stage = match *stage {
                Stage::Fresh if threshold.above(gauge) => Stage::Armed,
                Stage::Fired if threshold.recovered(gauge) => Stage::Armed,
                Stage::Armed if !threshold.above(gauge) => {
                    let firings = self.firings.entry((credit_type.clone(), *threshold)).or_default();
                    *firings += 1;
                    let rule = threshold.name();
                    let id = format!("{org}.{credit_type}.{rule}.{firings}");
                    crossed.entry(credit_type).or_default().push((id, rule));
                    Stage::Fired
                }
                unmoved => unmoved,
            };
        }
        for (credit_type, crossed) in crossed {
            let Some((id, rule)) = crossed.first().cloned() else { continue };
            let crossed = crossed.into_iter().map(|(id, _)| id).collect();
            let credit_type = credit_type.clone();
            self.alerts.push(Alert { id, credit_type, rule, crossed, at, position });
        }
    }
}

impl Threshold {
    fn name(self) -> String {
        match self {
            Threshold::Percent(percent) => format!("p{percent}"),
            Threshold::Amount(amount) => format!("a{}", show(amount)),
        }
    }

    fn above(self, Gauge { level, total }: Gauge) -> bool {
        match self {
            Threshold::Percent(percent) => level * 100 > percent * total && level > 0,
            Threshold::Amount(amount) => level > amount,
        }
    }

    fn recovered(self, Gauge { level, total }: Gauge) -> bool {
        match self {
            Threshold::Percent(percent) => {
                total > 0 && level > 0 && level * 100 >= (percent + 5).min(100) * total
            }
            Threshold::Amount(amount) => level >= amount + (amount / 20).max(1),
        }
    }
}
