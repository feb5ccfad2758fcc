//! What puts right what was said before: the end of a grant, a request that brings nothing, credits moved by hand.

use crate::ledger::movement::Note;
use crate::ledger::price::CreditType;
use crate::ledger::units::Credits;

/// The end of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantVoid {
    /// The grant's name.
    pub id: Box<str>,
    /// Why, and who.
    pub note: Note,
}

/// The answer to a request of the auto-recharge that brings nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RechargeFailure {
    /// The request's name.
    pub id: Box<str>,
    /// Why, and who.
    pub note: Note,
}

/// Credits moved by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The caller's name for it; the log position where none is given.
    pub id: Option<Box<str>>,
    /// The kind of credits.
    pub credit_type: CreditType,
    /// How much: given where it is above nothing, taken where it is below.
    pub amount: Credits,
    /// Why, and who.
    pub note: Note,
}
