//! What was sent and what was answered.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::terminal::grouped;

/// What the daemon said to a parcel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) accepted: u64,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
    /// Stored in the log; what becomes of it is not known here.
    pub(super) stored: u64,
    pub(super) commands: u64,
    pub(super) refused_commands: u64,
    /// Tries beyond the first.
    pub(super) retries: u64,
}

/// The sum of it all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) repeats: u64,
    pub(super) bad: u64,
    pub(super) answer: Answer,
    pub(super) took: Duration,
}

impl Tally {
    pub(super) fn add(&mut self, answer: Answer) {
        let sum = &mut self.answer;
        sum.accepted += answer.accepted;
        sum.duplicate += answer.duplicate;
        sum.rejected += answer.rejected;
        sum.stored += answer.stored;
        sum.commands += answer.commands;
        sum.refused_commands += answer.refused_commands;
        sum.retries += answer.retries;
    }

    fn per_second(&self) -> u64 {
        let millis = self.took.as_millis().max(1);
        u64::try_from(u128::from(self.sent) * 1_000 / millis).unwrap_or(u64::MAX)
    }

    /// The summary for people.
    pub(super) fn to_text(self) -> String {
        let Answer { accepted, duplicate, rejected, stored, commands, refused_commands, retries } =
            self.answer;
        let seconds = format!("{}.{:03}", self.took.as_secs(), self.took.subsec_millis());
        let mut rows = vec![
            ("sent", format!("{} events in {seconds} s", grouped(self.sent))),
            ("rate", format!("{} events a second", grouped(self.per_second()))),
            ("of these", format!("{} repeats, {} bad", grouped(self.repeats), grouped(self.bad))),
        ];
        if stored > 0 {
            rows.push(("stored", format!("{} (the daemon reads them from the stream)", grouped(stored))));
        } else {
            rows.push(("accepted", grouped(accepted)));
            rows.push(("duplicate", grouped(duplicate)));
            rows.push(("rejected", grouped(rejected)));
        }
        rows.push(("commands", format!("{}, {} refused", grouped(commands), grouped(refused_commands))));
        if retries > 0 {
            rows.push(("retries", grouped(retries)));
        }
        rows.iter().map(|(name, value)| format!("{name:<10}{value}\n")).collect()
    }

    /// The summary for programs.
    pub(super) fn to_json(self) -> Value {
        let Answer { accepted, duplicate, rejected, stored, commands, refused_commands, retries } =
            self.answer;
        json!({
            "sent": self.sent, "repeats": self.repeats, "bad": self.bad,
            "accepted": accepted, "duplicate": duplicate, "rejected": rejected, "stored": stored,
            "commands": commands, "refused_commands": refused_commands, "retries": retries,
            "millis": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "events_per_second": self.per_second(),
        })
    }
}
