//! Notices as JSON: grants that end soon, credits that run out, hours that burn too much, cycles that begin.

use serde_json::{Value, json};

use super::{time, token};
use crate::ledger::notice::{About, Expiring, Notice, RunOut, SpikeSeen};
use crate::ledger::units::{Hour, Timestamp};

/// The stable id of a notice: a replay raises it under the same one.
#[must_use]
pub fn notice_id(org: &str, notice: &Notice) -> String {
    match &notice.about {
        About::GrantExpiring(Expiring { credit_type, days, grant, .. }) => {
            format!("{org}.{credit_type}.expires{}.{}", days.0, token(grant))
        }
        About::RunOut(RunOut { credit_type, hours, nth, .. }) => {
            format!("{org}.{credit_type}.runs_out{}.{nth}", hours.0)
        }
        About::Spike(SpikeSeen { credit_type, percent, hour, .. }) => {
            format!("{org}.{credit_type}.spike{percent}.{}", begin(*hour))
        }
        About::CycleReset(cycle) => format!("{org}.cycle.{}", cycle.number),
    }
}

/// A notice as a CloudEvent.
#[must_use]
pub fn notice_json(org: &str, notice: &Notice) -> Value {
    json!({
        "specversion": "1.0",
        "type": format!("creditd.alert.{}.v1", notice.about.slug()),
        "source": "creditd",
        "subject": org,
        "id": notice_id(org, notice),
        "time": time::format(notice.at),
        "datacontenttype": "application/json",
        "data": data(org, notice),
    })
}

/// What a person needs to know.
fn data(org: &str, notice: &Notice) -> Value {
    let position = notice.position.to_string();
    match &notice.about {
        About::GrantExpiring(Expiring { credit_type, days, grant, expires, remaining, amount }) => json!({
            "org": org,
            "credit_type": credit_type,
            "rule": { "expires_within_days": days.0 },
            "grant": grant,
            "expires": time::format(*expires),
            "remaining": remaining,
            "amount": amount,
            "position": position,
        }),
        About::RunOut(RunOut { credit_type, hours, nth, runs_out_at, rate, available }) => json!({
            "org": org,
            "credit_type": credit_type,
            "rule": { "runs_out_within_hours": hours.0 },
            "nth": nth,
            "runs_out_at": time::format(*runs_out_at),
            "rate_per_day": rate.per_day(),
            "available": available,
            "position": position,
        }),
        About::Spike(SpikeSeen { credit_type, percent, hour, burnt, usual }) => json!({
            "org": org,
            "credit_type": credit_type,
            "rule": { "spike_percent": percent },
            "hour": begin(*hour),
            "burn": burnt,
            "usual": usual.per_hour(),
            "position": position,
        }),
        About::CycleReset(cycle) => json!({
            "org": org,
            "rule": { "cycle_reset": true },
            "number": cycle.number,
            "start": time::format(cycle.start),
            "end": time::format(cycle.end),
            "position": position,
        }),
    }
}

/// The begin of an hour.
fn begin(hour: Hour) -> String {
    time::format(Timestamp::from_micros(i64::from(hour.0).saturating_mul(3_600_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::alerts::{Days, Hours};
    use crate::ledger::burn::Rate;
    use crate::ledger::price::CreditType;
    use crate::ledger::units::{Credits, Position};

    fn notice(about: About) -> Notice {
        Notice { about, at: Timestamp::default(), position: Position { seq: 3, item: 1 } }
    }

    fn credits(text: &str) -> Credits {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_that_ends_soon() {
        let notice = notice(About::GrantExpiring(Expiring {
            credit_type: CreditType::default(),
            days: Days(7),
            grant: "g1.0 & co".into(),
            expires: Timestamp::from_micros(604_800_000_000),
            remaining: credits("2.5"),
            amount: credits("10"),
        }));
        let json = notice_json("acme", &notice);
        assert_eq!(json["id"], "acme.credits.expires7.g1%2E0%20%26%20co");
        assert_eq!(json["type"], "creditd.alert.grant_expiring.v1");
        let expected = json!({
            "org": "acme", "credit_type": "credits", "rule": { "expires_within_days": 7 }, "grant": "g1.0 & co",
            "expires": "1970-01-08T00:00:00Z", "remaining": "2.5", "amount": "10", "position": "3.1",
        });
        assert_eq!(json["data"], expected);
    }

    #[test]
    fn credits_that_run_out_and_an_hour_that_burns_too_much() {
        let rate = Rate { sum: credits("10"), hours: 3 };
        let run_out = notice(About::RunOut(RunOut {
            credit_type: CreditType::default(),
            hours: Hours(48),
            nth: 2,
            runs_out_at: Timestamp::from_micros(3_600_000_001),
            rate,
            available: credits("4"),
        }));
        let json = notice_json("acme", &run_out);
        assert_eq!(json["id"], "acme.credits.runs_out48.2");
        assert_eq!(json["data"]["runs_out_at"], "1970-01-01T01:00:00.000001Z");
        assert_eq!(json["data"]["rate_per_day"], "80");
        let spike = notice(About::Spike(SpikeSeen {
            credit_type: CreditType::default(),
            percent: 300,
            hour: Hour(25),
            burnt: credits("11"),
            usual: rate,
        }));
        let json = notice_json("acme", &spike);
        assert_eq!(json["id"], "acme.credits.spike300.1970-01-02T01:00:00Z");
        assert_eq!((&json["data"]["burn"], &json["data"]["usual"]), (&json!("11"), &json!("3.333333")));
    }
}
