//! A sending: one report about one period, a mail for each recipient, and what became of each.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::ledger::units::{Millis, Position, Timestamp};

/// The sendings of a report that are kept, those under way aside.
const KEPT: usize = 12;

/// The first pause after an attempt that failed for the moment; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Millis = Millis(60_000);
const LONGEST_PAUSE: Millis = Millis(3_600_000);

/// What is kept of a report's sendings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The entry that defined the report: another of its name has a past of its own.
    pub created: Position,
    /// The last time at which it was due and was taken up.
    pub handled: Option<Timestamp>,
    /// How many sendings there were.
    pub count: u64,
    /// The last of them, oldest first.
    pub sendings: VecDeque<Sending>,
}

/// Why something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It was due then.
    Scheduled(Timestamp),
    /// Somebody asked for it.
    OnDemand,
}

/// One report about one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// The how-manieth of its report, from 1 on.
    pub number: u64,
    /// Why.
    pub why: Why,
    /// The parameters that tell the period.
    pub range: Vec<(String, String)>,
    /// When it began.
    pub begun: Timestamp,
    /// The times at which it was due before and was not sent.
    pub missed: Vec<Timestamp>,
    /// A mail for each recipient.
    pub mails: Vec<Mail>,
}

/// A mail to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// Where it stands.
    pub state: MailState,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong at last.
    pub reason: Option<String>,
}

/// Where a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailState {
    /// It is tried from then on.
    Waiting(Timestamp),
    /// The server took it then.
    Sent(Timestamp),
    /// The server will not have it, or it cannot be made.
    Refused(Timestamp),
    /// It was tried for too long.
    GivenUp(Timestamp),
    /// It is no longer wanted: the address left, or the report is gone or other.
    Dropped(Timestamp),
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent,
    Refused(String),
    /// It may work later.
    Failed(String),
    /// No mail can be sent at the moment, this one or another.
    Unreachable(String),
    Dropped(String),
}

impl MailState {
    /// In a word.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            MailState::Waiting(_) => "waiting",
            MailState::Sent(_) => "sent",
            MailState::Refused(_) => "refused",
            MailState::GivenUp(_) => "given_up",
            MailState::Dropped(_) => "dropped",
        }
    }

    /// Since when, or from when on where it waits.
    #[must_use]
    pub fn at(self) -> Timestamp {
        match self {
            MailState::Waiting(at)
            | MailState::Sent(at)
            | MailState::Refused(at)
            | MailState::GivenUp(at)
            | MailState::Dropped(at) => at,
        }
    }
}

impl Mail {
    /// Takes in what came of an attempt at `now`. Of a mail that waits on, it tells when it is tried again.
    pub(super) fn tried(&mut self, outcome: Outcome, now: Timestamp, give_up: Timestamp) {
        self.tries = self.tries.saturating_add(1);
        (self.state, self.reason) = match outcome {
            Outcome::Sent => (MailState::Sent(now), None),
            Outcome::Refused(why) => (MailState::Refused(now), Some(why)),
            Outcome::Dropped(why) => (MailState::Dropped(now), Some(why)),
            Outcome::Failed(why) | Outcome::Unreachable(why) if now >= give_up => {
                (MailState::GivenUp(now), Some(why))
            }
            // The last attempt is at the very end.
            Outcome::Failed(why) | Outcome::Unreachable(why) => {
                (MailState::Waiting(now.plus(pause(self.tries)).min(give_up)), Some(why))
            }
        };
    }
}

/// How long to wait after so many attempts.
fn pause(tries: u32) -> Millis {
    let doublings = tries.saturating_sub(1).min(16);
    Millis(FIRST_PAUSE.0.saturating_mul(1 << doublings).min(LONGEST_PAUSE.0))
}

impl Sending {
    /// One that begins at `now`, with a mail for each of these addresses.
    pub fn new<'a>(
        why: Why,
        range: Vec<(String, String)>,
        missed: Vec<Timestamp>,
        to: impl Iterator<Item = &'a str>,
        now: Timestamp,
    ) -> Sending {
        let state = MailState::Waiting(now);
        let mail = |to: &str| Mail { to: to.to_owned(), state, tries: 0, reason: None };
        Sending { number: 0, why, range, begun: now, missed, mails: to.map(mail).collect() }
    }

    /// When the next of its mails is to be tried; none where nothing waits.
    #[must_use]
    pub fn next_attempt(&self) -> Option<Timestamp> {
        let waiting = self.mails.iter().filter_map(|mail| match mail.state {
            MailState::Waiting(at) => Some(at),
            _ => None,
        });
        waiting.min()
    }

    /// In a word: how it stands as a whole.
    #[must_use]
    pub fn state(&self) -> &'static str {
        let sent = self.mails.iter().filter(|mail| matches!(mail.state, MailState::Sent(_))).count();
        match (self.next_attempt(), sent) {
            (Some(_), _) => "waiting",
            (None, 0) => "not_sent",
            (None, sent) if sent == self.mails.len() => "sent",
            (None, _) => "partly_sent",
        }
    }
}

impl Past {
    /// Begins a sending, and forgets old ones. Answers its number.
    pub(super) fn begin(&mut self, mut sending: Sending) -> u64 {
        self.count = self.count.saturating_add(1);
        sending.number = self.count;
        if let Why::Scheduled(due) = sending.why {
            self.handled = self.handled.max(Some(due));
        }
        self.sendings.push_back(sending);
        let mut over = self.sendings.len().saturating_sub(KEPT);
        self.sendings.retain(|sending| {
            let goes = over > 0 && sending.next_attempt().is_none();
            over = over.saturating_sub(usize::from(goes));
            !goes
        });
        self.count
    }

    /// When something of it was last sent.
    #[must_use]
    pub fn last_sent(&self) -> Option<Timestamp> {
        let mails = self.sendings.iter().flat_map(|sending| &sending.mails);
        mails.filter(|mail| matches!(mail.state, MailState::Sent(_))).map(|mail| mail.state.at()).max()
    }

    pub(super) fn sending(&mut self, number: u64) -> Option<&mut Sending> {
        self.sendings.iter_mut().find(|sending| sending.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros(minutes * 60_000_000)
    }

    fn sending(why: Why) -> Sending {
        let state = MailState::Waiting(at(0));
        let mail = Mail { to: "ana@example.com".to_owned(), state, tries: 0, reason: None };
        Sending { number: 0, why, range: Vec::new(), begun: at(0), missed: Vec::new(), mails: vec![mail] }
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_the_last_attempt_is_at_the_end_of_the_day() {
        let (mut mail, give_up) = (sending(Why::OnDemand).mails.remove(0), at(24 * 60));
        let mut tried = Vec::new();
        while let MailState::Waiting(due) = mail.state {
            tried.push(due.micros() / 60_000_000);
            mail.tried(Outcome::Failed("busy".to_owned()), due, give_up);
        }
        assert_eq!(tried[..9], [0, 1, 3, 7, 15, 31, 63, 123, 183]);
        assert_eq!((tried.last(), mail.state), (Some(&1_440), MailState::GivenUp(give_up)));
        assert_eq!((mail.reason.as_deref(), mail.tries as usize), (Some("busy"), tried.len()));
    }

    #[test]
    fn the_last_sendings_are_kept_and_those_under_way() {
        let mut past = Past::default();
        let first = past.begin(sending(Why::Scheduled(at(9))));
        for n in 0..30 {
            let number = past.begin(sending(Why::Scheduled(at(n))));
            past.sending(number).unwrap().mails[0].tried(Outcome::Sent, at(n), at(100));
        }
        assert_eq!((first, past.count, past.handled), (1, 31, Some(at(29))));
        let numbers: Vec<u64> = past.sendings.iter().map(|sending| sending.number).collect();
        assert_eq!(numbers, std::iter::once(1).chain(21..=31).collect::<Vec<_>>());
        assert_eq!(past.last_sent(), Some(at(29)));
    }

    #[test]
    fn a_sending_tells_how_it_stands() {
        let mut one = sending(Why::OnDemand);
        one.mails.push(one.mails[0].clone());
        assert_eq!(one.state(), "waiting");
        one.mails[0].tried(Outcome::Sent, at(1), at(9));
        one.mails[1].tried(Outcome::Refused("no such user".to_owned()), at(1), at(9));
        assert_eq!((one.state(), one.next_attempt()), ("partly_sent", None));
        one.mails.remove(0);
        assert_eq!(one.state(), "not_sent");
    }
}
