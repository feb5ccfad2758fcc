//! Which charges stand in the history one by one, for those who look at it.

use super::row::{Row, What};
use crate::ledger::charge::Charge;

/// Which charges are shown one by one. The history keeps all of them, as long as it is kept: a repeat is known by them, and a void takes
/// them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Itemise {
    /// Every charge.
    #[default]
    All,
    /// Those of calls.
    Calls,
    /// None.
    Nothing,
}

impl Itemise {
    /// All of them.
    pub const ALL: [Itemise; 3] = [Itemise::All, Itemise::Calls, Itemise::Nothing];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Itemise::All => "all",
            Itemise::Calls => "calls",
            Itemise::Nothing => "none",
        }
    }

    /// Whether a row is shown: a charge of this kind, what takes one back, and all that is none.
    #[must_use]
    pub fn shows(self, row: &Row) -> bool {
        match &row.what {
            What::Moved(_) => true,
            What::Charge { charge, .. } | What::Orphan { charge, .. } => self.shows_charge(charge),
            What::Void { taken_back, .. } => {
                taken_back.as_ref().is_none_or(|taken_back| self.shows_charge(&taken_back.charge))
            }
            What::OrphanReturned { taken_back, .. } => self.shows_charge(&taken_back.charge),
        }
    }

    fn shows_charge(self, charge: &Charge) -> bool {
        match self {
            Itemise::All => true,
            Itemise::Calls => charge.lines.first().is_some_and(|line| line.basis.direction().is_some()),
            Itemise::Nothing => false,
        }
    }
}
