//! What the server tells about a message it delivers, in the message's reply subject.

use crate::ledger::units::Timestamp;

/// Where a delivered message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// Its sequence number in the stream.
    pub(super) stream_seq: u64,
    /// The how many-eth message of the consumer it is, from 1.
    pub(super) consumer_seq: u64,
    /// When it was stored.
    pub(super) at: Timestamp,
    /// How many the consumer has still to deliver after it.
    pub(super) pending: u64,
}

impl Delivery {
    /// Reads the reply subject, without allocating.
    ///
    /// Two forms are in use ([ADR-15](https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md)):
    /// `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`, and with
    /// `<domain>.<account>` after `ACK` and perhaps more at the end.
    pub(super) fn parse(reply: &str) -> Option<Delivery> {
        let rest = reply.strip_prefix("$JS.ACK.")?;
        let before_numbers = match memchr::memchr_iter(b'.', rest.as_bytes()).count() + 1 {
            7 => 3,
            9.. => 5,
            _ => return None,
        };
        let mut tokens = rest.split('.').skip(before_numbers);
        let stream_seq = tokens.next()?.parse().ok()?;
        let consumer_seq = tokens.next()?.parse().ok()?;
        let nanos: i64 = tokens.next()?.parse().ok()?;
        let pending = tokens.next()?.parse().ok()?;
        Some(Delivery {
            stream_seq,
            consumer_seq,
            at: Timestamp::from_micros(nanos.div_euclid(1_000)),
            pending,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Delivery = Delivery {
        stream_seq: 33,
        consumer_seq: 4,
        at: Timestamp::from_micros(1_700_000_000_123_456),
        pending: 7,
    };

    #[test]
    fn both_forms_are_read() {
        let short = "$JS.ACK.CREDITS.consumer.1.33.4.1700000000123456789.7";
        let long = "$JS.ACK.hub.ACCHASH.CREDITS.consumer.1.33.4.1700000000123456789.7";
        let longer = "$JS.ACK._.ACCHASH.CREDITS.consumer.1.33.4.1700000000123456789.7.random";
        for reply in [short, long, longer] {
            assert_eq!(Delivery::parse(reply), Some(EXPECTED), "{reply}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let foreign = [
            "",
            "_INBOX.abc.1",
            "$JS.ACK.",
            "$JS.ACK.CREDITS.consumer.1.33.4.1700000000123456789",
            "$JS.ACK.x.CREDITS.consumer.1.33.4.1700000000123456789.7",
            "$JS.ACK.CREDITS.consumer.1.-33.4.1700000000123456789.7",
            "$JS.ACK.CREDITS.consumer.1.33.4.18446744073709551616.7",
        ];
        for reply in foreign {
            assert_eq!(Delivery::parse(reply), None, "{reply}");
        }
    }
}
