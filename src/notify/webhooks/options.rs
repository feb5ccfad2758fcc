//! How webhooks are delivered: every limit and every pause has its name here.

use std::time::Duration;

use ipnet::IpNet;

/// How webhooks are delivered. The defaults are what a daemon should run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long an attempt may take as a whole: resolving, connecting, asking, and reading the answer.
    pub attempt_limit: Duration,
    /// The pause after the first failure; it doubles with every further failure in a row.
    pub first_pause: Duration,
    /// The longest pause between two attempts.
    pub longest_pause: Duration,
    /// The longest pause that an endpoint may ask for with `Retry-After`; a longer one is cut to this.
    pub longest_retry_after: Duration,
    /// How long a message is tried, counted from when it was handed over, before it is given up.
    pub patience: Duration,
    /// The most requests in flight to endpoints whose last attempt succeeded, or that were never tried.
    pub in_flight: usize,
    /// The most requests in flight to endpoints whose last attempt failed: they have places of their own, so that those that
    /// hang cannot take the places of those that answer.
    pub in_flight_failing: usize,
    /// The most endpoints; one more is refused.
    pub endpoints: usize,
    /// The most messages that wait for an endpoint; past it the oldest is given up and counted as lost.
    pub queued: usize,
    /// The most bytes of messages that wait for an endpoint; past it the oldest is given up and counted as lost.
    pub queued_bytes: usize,
    /// The most bytes of messages that wait for all endpoints; past it the endpoint with the most gives up its oldest.
    pub total_bytes: usize,
    /// The most messages given up that are kept for an endpoint, with their reason, to be sent again by hand.
    pub kept_failed: usize,
    /// The most delivered messages an endpoint remembers, so that they are not sent again when handed over again.
    pub remembered: usize,
    /// The size, in bytes, below which the queue's file is never rewritten.
    pub compact_floor: u64,
    /// Networks that may be reached although they are not public, such as `10.1.0.0/16`.
    pub allowed_networks: Vec<IpNet>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            attempt_limit: Duration::from_secs(15),
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(3_600),
            longest_retry_after: Duration::from_secs(3_600),
            patience: Duration::from_secs(86_400),
            in_flight: 64,
            in_flight_failing: 16,
            endpoints: 10_000,
            queued: 1_000,
            queued_bytes: 4 << 20,
            total_bytes: 128 << 20,
            kept_failed: 100,
            remembered: 1_000,
            compact_floor: 4 << 20,
            allowed_networks: Vec::new(),
        }
    }
}
