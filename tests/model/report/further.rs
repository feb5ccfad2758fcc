//! What else must be equal: recharges, names, the burn, and the ids of all alerts.

use std::collections::BTreeMap;

use crate::model::names::{Row, Who};
use crate::model::{Instant, Micros};

/// Of one organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Further {
    /// By credit type: those that are there.
    pub recharges: BTreeMap<String, RechargeReport>,
    /// What the organization is called.
    pub name: Option<String>,
    /// Who and what there is.
    pub names: BTreeMap<Who, Row>,
    /// By credit type.
    pub burn: BTreeMap<String, BurnReport>,
}

/// A recharge as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RechargeReport {
    /// Its state in words, without the instant.
    pub state: String,
    /// The instant of the state; none where it names none.
    pub instant: Option<Instant>,
    /// How many requests failed in a row.
    pub failures: u32,
    /// By window.
    pub caps: BTreeMap<String, CapReport>,
}

/// What counts against a cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapReport {
    /// Credits.
    pub credits: Micros,
    /// Requests.
    pub times: i128,
    /// When the window ends; none of what is for life.
    pub resets: Option<Instant>,
}

/// The burn of a credit type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BurnReport {
    /// What the last whole hours burnt.
    pub sum: Micros,
    /// How many they are.
    pub hours: i64,
    /// What the running hour burnt so far.
    pub running: Micros,
}

impl Further {
    /// Without names and burn, which are looked at less often.
    pub fn only_recharges(self) -> Further {
        Further { recharges: self.recharges, ..Further::default() }
    }
}
