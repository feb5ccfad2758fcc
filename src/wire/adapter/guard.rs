//! Guards: what a message may say and yet cannot mean. They catch seconds taken for milliseconds, absurd lengths and clocks that
//! are wrong, before any of it is charged.

use crate::ledger::units::{Millis, Timestamp};

/// The bounds of what is likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// How long before its message an instant may lie.
    pub(super) past: Millis,
    /// How long after it, as clocks differ.
    pub(super) future: Millis,
    /// The longest call.
    pub(super) longest: Millis,
    /// By how much a call may have been talked longer than it lasted, as switches round.
    pub(super) slack: Millis,
    /// How many hundredths of the time from answer to end a stated length must have at least.
    pub(super) least_percent: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Guard {
            past: Millis::days(90),
            future: Millis(300_000),
            longest: Millis::days(1),
            slack: Millis(1_000),
            least_percent: 1,
        }
    }
}

/// The shortest call whose stated length is compared with a share of it.
const WORTH_COMPARING: Millis = Millis(10_000);

impl Guard {
    /// Why an instant is unlikely in a message that arrived then; `None` where it is not.
    pub(super) fn unlikely(&self, instant: Timestamp, arrival: Timestamp) -> Option<String> {
        if instant < arrival.minus(self.past) {
            return Some(format!("more than {} before the message", span(self.past)));
        }
        if instant > arrival.plus(self.future) {
            return Some(format!("more than {} after the message", span(self.future)));
        }
        None
    }

    /// Whether an instant may stand before another, as exactly as clocks are.
    pub(super) fn in_order(&self, first: Timestamp, second: Timestamp) -> bool {
        first <= second.plus(self.slack)
    }

    /// Why a length is unlikely for a call that went on so long, and was talked so long from its answer on, as far as
    /// these are known; `None` where it is not.
    pub(super) fn unlikely_length(
        &self,
        length: Millis,
        lasted: Option<Millis>,
        talked: Option<Millis>,
    ) -> Option<String> {
        if let Some(lasted) = lasted.filter(|lasted| length.0 > lasted.0.saturating_add(self.slack.0)) {
            return Some(format!("longer than the call, which lasted {}", span(lasted)));
        }
        if length > self.longest {
            return Some(format!("longer than {}", span(self.longest)));
        }
        let least = |talked: Millis| talked.0.saturating_mul(self.least_percent).div_euclid(100);
        let short = |talked: &Millis| *talked >= WORTH_COMPARING && length.0 < least(*talked);
        talked
            .filter(short)
            .map(|talked| format!("next to nothing of the {} from answer to end", span(talked)))
    }
}

/// A span of time, for people.
pub(super) fn span(span: Millis) -> String {
    match span.0 {
        millis if millis >= 86_400_000 && millis.is_multiple_of(86_400_000) => {
            format!("{} d", millis / 86_400_000)
        }
        millis if millis.is_multiple_of(1_000) => format!("{} s", millis / 1_000),
        millis => format!("{}.{:03} s", millis / 1_000, millis % 1_000),
    }
}
