//! Which alerts are to be told.

use super::{Books, FOREVER};
use crate::civil;
use crate::event::CREDIT;

/// So many days before its end a grant is told of.
pub(crate) const EXPIRING_DAYS: i64 = 7;

/// At which levels a low balance is told of: of a kind of credits, by per cent or by an amount, as the id says it.
pub(crate) const LOW: [(&str, &str, bool, i64); 3] =
    [("credits", "p30", true, 30), ("credits", "p10", true, 10), ("phone", "a50", false, 50)];

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Notice {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) time: i64,
}

impl Notice {
    pub(crate) fn new(id: String, kind: &'static str, time: i64) -> Notice {
        Notice { id, kind, time }
    }
}

impl Books {
    /// The rules look, after whatever happened.
    pub(crate) fn look(&mut self, at: i64) {
        let mut crossed = Vec::new();
        for (number, (credit_type, name, by_percent, threshold)) in LOW.into_iter().enumerate() {
            if !self.knows(credit_type) {
                continue;
            }
            let level = i128::from(self.settled(credit_type));
            let total = i128::from(self.total[credit_type]);
            let (least, again) = if by_percent {
                (i128::from(threshold) * total, i128::from(threshold + 5) * total)
            } else {
                let amount = i128::from(threshold * CREDIT) * 100;
                (amount, amount + amount / 20)
            };
            let level = level * 100;
            if self.watching[number] && level <= least {
                self.watching[number] = false;
                crossed.push((credit_type, name));
            } else if level > least
                && (!self.watching[number] && level >= again || self.never(name, credit_type))
            {
                self.watching[number] = true;
            }
        }
        for credit_type in ["credits", "phone"] {
            // Of several at once the lowest is the name.
            let worst = crossed.iter().rev().find(|(of, _)| *of == credit_type);
            for (_, name) in crossed.iter().filter(|(of, _)| *of == credit_type) {
                self.fired.entry((credit_type, name)).and_modify(|times| *times += 1).or_insert(1_u32);
            }
            if let Some((_, name)) = worst {
                let nth = self.fired[&(credit_type, *name)];
                let id = format!("acme.{credit_type}.{name}.{nth}");
                self.notices.push(Notice::new(id, "balance_low", at));
            }
        }
        self.recharge(at);
    }

    /// Whether a rule has never fired: then it watches as soon as the level is above.
    fn never(&self, name: &'static str, credit_type: &'static str) -> bool {
        !self.fired.contains_key(&(credit_type, name))
    }

    /// Grants that end soon and hold something are told of once, but for those of periods.
    pub(super) fn notice_expiring(&mut self, at: i64) {
        let mut found = Vec::new();
        for grant in &self.grants {
            let soon = grant.expires < FOREVER && grant.expires - EXPIRING_DAYS * civil::DAY <= at;
            if soon && !grant.ended && !grant.of_cycle && grant.remaining > 0 {
                let id = format!("acme.{}.expires{EXPIRING_DAYS}.{}", grant.credit_type, grant.id);
                if self.notices.iter().all(|notice| notice.id != id) {
                    found.push(Notice::new(id, "grant_expiring", at));
                }
            }
        }
        self.notices.extend(found);
    }
}
