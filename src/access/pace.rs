//! How often a token may be shown: so many requests a second, and as many at once.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::token::Token;
use super::tokens::MOST_TOKENS;
use crate::ledger::units::Timestamp;

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// When each token may be shown again.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<String, Timestamp>>);

impl Pace {
    /// Whether a token may be shown now; it is counted if so. One without a bound always may.
    #[must_use]
    pub fn allows(&self, token: &Token, now: Timestamp) -> bool {
        let Some(rate) = token.per_second.filter(|rate| *rate > 0) else { return true };
        let step = SECOND / i64::from(rate);
        let mut all = self.0.lock();
        if all.len() >= MOST_TOKENS && !all.contains_key(&token.id) {
            // Those that are not behind have nothing to be remembered for.
            all.retain(|_, due| *due > now);
        }
        let due = all.entry(token.id.clone()).or_insert(now);
        let ahead = due.micros().saturating_sub(now.micros());
        // Further ahead than a second is a clock that was set back.
        let ahead = if (0..=SECOND).contains(&ahead) { ahead } else { 0 };
        if ahead > SECOND - step {
            return false;
        }
        *due = Timestamp::from_micros(now.micros().saturating_add(ahead + step));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{NewToken, Role, Scope, Tokens};

    fn token(per_second: Option<u32>) -> Token {
        let folder = tempfile::tempdir().unwrap();
        let new = NewToken { per_second, ..NewToken::new("x", Role::Viewer, Scope::default()) };
        let issued = Tokens::open(folder.path()).unwrap().create(new, at(0)).unwrap();
        Token::clone(&issued.token)
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000 + millis * 1_000)
    }

    #[test]
    fn so_many_at_once_and_so_many_a_second() {
        let (pace, token) = (Pace::default(), token(Some(10)));
        let allowed = |millis: i64| (0..50).filter(|_| pace.allows(&token, at(millis))).count();
        assert_eq!(allowed(0), 10);
        assert_eq!(allowed(99), 0);
        assert_eq!(allowed(100), 1);
        assert_eq!(allowed(400), 3);
        assert_eq!(allowed(60_000), 10, "what was not used long ago is not saved up");
        let steady = (0..1_000).filter(|n| pace.allows(&token, at(100_000 + n * 10))).count();
        assert!((100..=110).contains(&steady), "{steady} in ten seconds");
    }

    #[test]
    fn one_does_not_slow_another_and_without_a_bound_there_is_none() {
        let (pace, one, other, free) = (Pace::default(), token(Some(1)), token(Some(1)), token(None));
        assert!(pace.allows(&one, at(0)) && !pace.allows(&one, at(0)) && pace.allows(&other, at(0)));
        assert!((0..10_000).all(|_| pace.allows(&free, at(0))));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (pace, token) = (Pace::default(), token(Some(1)));
        assert!(pace.allows(&token, at(3_600_000)));
        assert!(pace.allows(&token, at(0)));
        assert!(!pace.allows(&token, at(1)));
    }
}
