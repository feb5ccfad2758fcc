//! The order of groups.

use super::groups::Group;
use super::names::Shown;
use super::parameters::Refused;
use crate::ledger::price::CreditType;

/// By what groups are put in an order, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    by: By,
    descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Those of all kinds together.
    Credits,
    CreditsOf(CreditType),
    Quantity,
    Calls,
    CallsMade,
    CallsReceived,
    BilledSeconds,
    TalkedMs,
    Charges,
    /// The credits of all kinds, less those before.
    Difference,
    /// The same, whichever way it went.
    Movement,
    /// The names of groups, or their ids where there are none.
    Name,
}

/// The place of a group in an order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Figure(i128),
    Names(Vec<Option<String>>),
}

impl Default for Order {
    /// The largest first.
    fn default() -> Self {
        Order { by: By::Credits, descending: true }
    }
}

impl Order {
    pub(super) fn read(text: Option<&str>, compares: bool) -> Result<Order, Refused> {
        let Some(text) = text else { return Ok(Order::default()) };
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let of_type = name.strip_prefix("credits.").and_then(CreditType::new);
        let by = match (name, of_type) {
            (_, Some(credit_type)) => By::CreditsOf(credit_type),
            ("credits", _) => By::Credits,
            ("quantity", _) => By::Quantity,
            ("calls", _) => By::Calls,
            ("calls_made", _) => By::CallsMade,
            ("calls_received", _) => By::CallsReceived,
            ("billed_seconds", _) => By::BilledSeconds,
            ("talked_ms", _) => By::TalkedMs,
            ("charges", _) => By::Charges,
            ("difference", _) if compares => By::Difference,
            ("movement", _) if compares => By::Movement,
            ("difference" | "movement", _) => {
                return Err(Refused::value("sort", text, "there is one only with compare; say that too"));
            }
            ("name", _) => By::Name,
            _ => {
                let remedy = "write credits, credits.<kind>, quantity, calls, calls_made, calls_received, billed_seconds, talked_ms, \
                              charges, difference, movement or name, with a - before it for the largest first";
                return Err(Refused::value("sort", text, remedy));
            }
        };
        Ok(Order { by, descending })
    }

    /// The place of a group.
    pub(super) fn rank(&self, group: &Group, shown: &[Shown<'_>]) -> Rank {
        let sums = &group.now;
        Rank::Figure(match self.by {
            By::Credits => sums.all_credits(),
            By::CreditsOf(credit_type) => i128::from(sums.credits_of(credit_type).micros()),
            By::Quantity => sums.quantity.into(),
            By::Calls => sums.calls.into(),
            By::CallsMade => sums.calls_made.into(),
            By::CallsReceived => sums.calls_received.into(),
            By::BilledSeconds => sums.billed_seconds.into(),
            By::TalkedMs => sums.talked_ms.into(),
            By::Charges => sums.charges.into(),
            By::Difference => group.difference(),
            By::Movement => group.difference().saturating_abs(),
            By::Name => {
                let name = |shown: &Shown<'_>| shown.name.or(shown.id).map(str::to_lowercase);
                return Rank::Names(shown.iter().map(name).collect());
            }
        })
    }

    /// Puts groups in this order; of equal ones those with lower ids come first.
    pub(super) fn sort<T>(&self, all: &mut [T], rank: impl Fn(&T) -> (&Rank, &Group)) {
        all.sort_by(|one, other| {
            let ((rank_of_one, one), (rank_of_other, other)) = (rank(one), rank(other));
            let order = rank_of_one.cmp(rank_of_other);
            let order = if self.descending { order.reverse() } else { order };
            order.then_with(|| one.ids.cmp(&other.ids))
        });
    }
}
