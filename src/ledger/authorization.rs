//! May this call start, and for how long? What is asked, and what is answered.

use smallvec::SmallVec;

use super::calls::{Amounts, Hold};
use super::entry::{CallName, Dimensions};
use super::price::{CreditType, Direction};
use super::rejection::Rejection;
use super::units::Credits;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The call, or the event of the action, by who will tell of it and its id there.
    pub name: CallName<'a>,
    /// Who is going to spend.
    pub dimensions: Dimensions<'a>,
    /// What it is.
    pub wanted: Wanted<'a>,
    /// The most that is wanted, in seconds of a call or actions; the plan's slice, or one, where nothing is said.
    pub most: Option<u64>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A call.
    Call {
        /// The kind of action.
        action: &'a str,
        /// Who calls whom.
        direction: Direction,
        /// The digits that are dialled.
        destination: Option<&'a str>,
        /// Actions that share its seconds.
        add_ons: &'a [&'a str],
    },
    /// An action.
    Action(&'a str),
}

/// What was promised and is not in the books yet.
#[derive(Clone, Debug, Default)]
pub struct Promised<'a> {
    /// The holds that follow. One that is in the books under the same identity is replaced by it.
    pub holds: Vec<&'a Hold>,
    /// Nobody knows the balance: what is asked for is granted as if there were no bound.
    pub unchecked: bool,
}

impl Request<'_> {
    /// The kind of action.
    #[must_use]
    pub fn action(&self) -> &str {
        match self.wanted {
            Wanted::Call { action, .. } | Wanted::Action(action) => action,
        }
    }

    /// Whether it is a call, not an action.
    #[must_use]
    pub fn is_call(&self) -> bool {
        matches!(self.wanted, Wanted::Call { .. })
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What is granted, or why nothing is.
    pub verdict: Result<Granted, Rejection>,
    /// What may be spent of each kind of credits that it costs, before it: without the overdraft.
    pub available: Amounts,
    /// By how much all calls that run, are held for, or are this one may overspend; none where calls are not bounded.
    pub worst_case: Option<Amounts>,
}

/// What is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Seconds of the call, or how many actions.
    pub quantity: u64,
    /// What that costs, and is set aside; nothing for a call that is talked already.
    pub held: Amounts,
    /// What it costs at least: the first increment with fee and minimum, or one action.
    pub first: Amounts,
    /// What all that was asked for costs.
    pub price: Amounts,
    /// What one more increment of the call costs: so much it may overspend.
    pub increment: Amounts,
    /// Whether the call is talked already.
    pub is_talked: bool,
}

/// Adds amounts up by their kinds.
#[must_use]
pub fn add_up(amounts: impl IntoIterator<Item = (CreditType, Credits)>) -> Amounts {
    let mut sums: Amounts = SmallVec::new();
    for (credit_type, amount) in amounts {
        match sums.iter_mut().find(|(kind, _)| *kind == credit_type) {
            Some((_, sum)) => *sum = sum.plus(amount),
            None => sums.push((credit_type, amount)),
        }
    }
    sums
}

/// The amount of one kind.
#[must_use]
pub fn of_kind(amounts: &Amounts, credit_type: CreditType) -> Credits {
    amounts.iter().find(|(kind, _)| *kind == credit_type).map_or(Credits::ZERO, |(_, amount)| *amount)
}
