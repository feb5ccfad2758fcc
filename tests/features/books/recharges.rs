//! What is bought by itself when credits run low.

use super::{Books, Notice};
use crate::civil;
use crate::event::CREDIT;

/// An auto-recharge, in whole credits.
#[derive(Clone, Debug)]
pub(crate) struct Recharge {
    pub(crate) credit_type: &'static str,
    pub(crate) below: i64,
    pub(crate) amount: i64,
    pub(crate) cooldown_s: i64,
    /// Its cap: the window, and how often.
    pub(crate) cap: (&'static str, i64),
    pub(crate) requests: i64,
    /// The request that nobody has answered: since when, and how much.
    pub(crate) in_flight: Option<(i64, i64)>,
    pub(crate) cools_until: i64,
    /// The requests that were made: when, and for how much.
    pub(crate) made: Vec<(i64, i64)>,
}

impl Recharge {
    pub(super) fn next_change(&self) -> Option<i64> {
        (self.cools_until > 0).then_some(self.cools_until)
    }

    /// The begin and the end of the window that a cap counts in.
    pub(crate) fn window(&self, at: i64) -> (i64, i64) {
        let (from, to) = match self.cap.0 {
            "day" => (civil::day(at), civil::day(at).tomorrow().unwrap()),
            "month" => (civil::month(at), civil::month(at).last_of_month().tomorrow().unwrap()),
            other => panic!("{other} is no window of a cap here"),
        };
        (civil::begin(from), civil::begin(to))
    }

    /// The times and the credits of requests in the window.
    pub(crate) fn used(&self, at: i64) -> (i64, i64) {
        let (from, _) = self.window(at);
        let within: Vec<i64> = self.made.iter().filter(|made| made.0 >= from).map(|made| made.1).collect();
        (i64::try_from(within.len()).unwrap(), within.iter().sum())
    }

    pub(crate) fn is_capped(&self, at: i64) -> bool {
        self.used(at).0 >= self.cap.1
    }

    pub(crate) fn name(&self) -> String {
        format!("recharge.{}.{}", self.credit_type, self.requests)
    }
}

impl Books {
    /// Asks for more where credits are low.
    pub(super) fn recharge(&mut self, at: i64) {
        for number in 0..self.recharges.len() {
            let left = self.settled(self.recharges[number].credit_type);
            let recharge = &mut self.recharges[number];
            let waits = recharge.in_flight.is_some() || at < recharge.cools_until || recharge.is_capped(at);
            if waits || left > recharge.below * CREDIT {
                continue;
            }
            let missing = recharge.below * CREDIT - left;
            let steps = missing / (recharge.amount * CREDIT) + 1;
            let amount = steps * recharge.amount * CREDIT;
            recharge.requests += 1;
            recharge.in_flight = Some((at, amount));
            recharge.made.push((at, amount));
            let id = format!("acme.recharge.{}.{}.requested", recharge.credit_type, recharge.requests);
            self.notices.push(Notice::new(id, "recharge_requested", at));
        }
    }

    /// A grant may be what was asked for.
    pub(super) fn answered(&mut self, id: &str, amount: i64, at: i64) {
        let Some(recharge) = self.recharges.iter_mut().find(|recharge| recharge.name() == id) else { return };
        assert_eq!(recharge.in_flight.take().map(|request| request.1), Some(amount));
        recharge.cools_until = at + recharge.cooldown_s;
        let id = format!("acme.recharge.{}.{}.succeeded", recharge.credit_type, recharge.requests);
        self.notices.push(Notice::new(id, "recharge_succeeded", at));
    }
}
