//! Alerts of all kinds but thresholds and limits: grants that end, credits that run out, spikes, resets, recharges.

use std::collections::BTreeMap;

use super::Instant;
use super::burn::Burn;
use super::grant::Grant;
use super::rules::{Kind, Rule};

const HOUR: Instant = 3_600_000_000;
const DAY: Instant = 24 * HOUR;

/// An alert that was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// The log time at which it was raised, or the instant at which something happened by itself.
    pub at: Instant,
}

/// What the rules of an organization remember.
#[derive(Debug, Default)]
pub struct Notices {
    rules: Vec<Rule>,
    /// By credit type and hours: the rules that wait until the credits last longer.
    quiet: BTreeMap<(String, i64), bool>,
    /// How often a rule about running out fired.
    firings: BTreeMap<(String, i64), u64>,
    /// By credit type and percent: the last hour that burnt so much more than usual.
    spiking: BTreeMap<(String, i128), Instant>,
    /// All alerts raised so far.
    pub raised: Vec<Notice>,
}

/// Percent-encoded but for letters, digits, `-` and `_`.
pub fn token(text: &str) -> String {
    let sign = |byte: u8| match byte {
        b'-' | b'_' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(sign).collect()
}

impl Notices {
    /// Takes over the rules now in force. What those about running out wait for is forgotten with them.
    pub fn follow(&mut self, rules: &[Rule]) {
        if self.rules != rules {
            self.rules = rules.to_vec();
            let stays = |(name, hours): &(String, i64)| {
                rules.iter().any(|rule| rule.kind == Kind::RunsOut(*hours) && rule.watches(name))
            };
            self.quiet.retain(|key, _| stays(key));
        }
    }

    /// The kinds of the rules for a credit type, each once.
    fn kinds(&self, credit_type: &str) -> Vec<Kind> {
        let watching = self.rules.iter().filter(|rule| rule.watches(credit_type));
        let mut kinds: Vec<Kind> = watching.map(|rule| rule.kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// Raises an alert.
    pub fn raise(&mut self, id: String, at: Instant) {
        self.raised.push(Notice { id, at });
    }

    /// The instants at which a rule looks at a grant, each with its days.
    pub fn looks(&self, grant: &Grant) -> Vec<(Instant, i64)> {
        let asked = self.rules.iter().any(|rule| matches!(rule.kind, Kind::Expires(_)));
        let Some(ends) = grant.ends.filter(|_| asked && grant.cycle.is_none()) else { return Vec::new() };
        let days = |kind: Kind| if let Kind::Expires(days) = kind { Some(days) } else { None };
        let days = self.kinds(&grant.order.credit_type).into_iter().filter_map(days);
        days.map(|days| (ends - days * DAY, days)).collect()
    }

    /// A grant that holds something and has not ended ends soon, where `due` says so of the instant to look.
    pub fn expiring(&mut self, org: &str, grant: &Grant, now: Instant, due: impl Fn(Instant) -> bool) {
        if grant.remaining > 0 {
            for (_, days) in self.looks(grant).into_iter().filter(|(at, _)| due(*at)) {
                let (credit_type, name) = (&grant.order.credit_type, token(&grant.id));
                self.raise(format!("{org}.{credit_type}.expires{days}.{name}"), now);
            }
        }
    }

    /// Whether a rule asks when the credits of a type run out.
    pub fn asks_for_the_end(&self, credit_type: &str) -> bool {
        self.kinds(credit_type).iter().any(|kind| matches!(kind, Kind::RunsOut(_)))
    }

    /// The credits of a type last so long, or longer than anybody asks.
    pub fn lasting(&mut self, org: &str, credit_type: &str, lasts: Option<Instant>, now: Instant) {
        for kind in self.kinds(credit_type) {
            let Kind::RunsOut(hours) = kind else { continue };
            let key = (credit_type.to_string(), hours);
            let quiet = self.quiet.entry(key.clone()).or_default();
            if lasts.is_none_or(|lasts| lasts >= hours * HOUR / 4 * 5) {
                *quiet = false;
            } else if lasts.is_some_and(|lasts| lasts <= hours * HOUR) && !*quiet {
                *quiet = true;
                let firings = self.firings.entry(key).or_default();
                *firings += 1;
                let id = format!("{org}.{credit_type}.runs_out{hours}.{firings}");
                self.raise(id, now);
            }
        }
    }

    /// An event cost credits: is this hour like the others?
    pub fn spikes(&mut self, org: &str, credit_type: &str, burn: &Burn, now: Instant) {
        let hour = now.div_euclid(HOUR);
        let spike =
            |kind: Kind| if let Kind::Spike(percent, least) = kind { Some((percent, least)) } else { None };
        let mut spikes: Vec<_> = self.kinds(credit_type).into_iter().filter_map(spike).collect();
        // Of several with one percentage the one that asks for least counts, which comes first.
        spikes.dedup_by_key(|(percent, _)| *percent);
        for (percent, at_least) in spikes {
            if burn.spikes(percent, at_least, now) {
                let last = self.spiking.insert((credit_type.to_string(), percent), hour);
                if last.is_none_or(|last| last < hour - 1) {
                    let begin = jiff::Timestamp::from_microsecond(hour * HOUR).unwrap_or_default();
                    self.raise(format!("{org}.{credit_type}.spike{percent}.{begin}"), now);
                }
            }
        }
    }

    /// A cycle ended, and this one began.
    pub fn reset(&mut self, org: &str, number: u64, now: Instant) {
        if self.rules.iter().any(|rule| rule.kind == Kind::CycleReset) {
            self.raise(format!("{org}.cycle.{number}"), now);
        }
    }
}
