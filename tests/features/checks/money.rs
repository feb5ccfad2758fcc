//! Balances, forecasts, limits and recharges beside the books that were kept by hand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::books::{FOREVER, Limit};
use crate::civil::{self, DAY, HOUR, utc};
use crate::event::{CREDIT, read, written};
use crate::year::{LIVE, Year};

/// What live calls have cost so far: a minute begun is a minute.
pub(crate) fn pending() -> i64 {
    LIVE.iter().map(|call| cost(call.2, call.3)).sum()
}

/// What a live call costs that was answered so many seconds ago.
pub(crate) fn cost(ago: i64, translated: bool) -> i64 {
    (ago / 60 + 1) * per_minute(translated)
}

pub(crate) fn per_minute(translated: bool) -> i64 {
    (10 + if translated { 4 } else { 0 }) * CREDIT
}

/// A balance. Organizations other than `acme` got 900,000 of each kind, and nothing else.
pub(crate) fn balance(year: &Year, org: &str, told: &Value) -> usize {
    assert_eq!(told["as_of"], civil::NOW);
    let kinds = ["credits", "email", "export", "phone"];
    let balances = told["balances"].as_array().unwrap();
    if org != "acme" {
        for balance in balances {
            let kind = balance["credit_type"].as_str().unwrap();
            let used: i64 =
                year.events.iter().filter(|event| event.org == org).map(|event| event.cost(kind)).sum();
            let settled = 900_000 * CREDIT - used;
            assert_eq!(
                (&balance["available"], &balance["total"]),
                (&json!(written(settled)), &json!("900000"))
            );
        }
        return balances.len();
    }
    let books = &year.books;
    assert_eq!(balances.len(), kinds.len());
    let cycle = books.cycle.unwrap();
    assert_eq!(
        told["cycle"],
        json!({ "number": cycle.number, "start": utc(cycle.start), "end": utc(cycle.end), "time_zone": civil::ZONE })
    );
    for (kind, balance) in kinds.into_iter().zip(balances) {
        let pending = if kind == "credits" { pending() } else { 0 };
        let settled = books.settled(kind);
        let figures = ["settled", "pending", "held", "available", "total", "owed"]
            .map(|name| read(balance[name].as_str().unwrap()));
        let owed = books.owed.get(kind).copied().unwrap_or(0);
        assert_eq!(balance["credit_type"], kind);
        assert_eq!(figures, [settled, pending, 0, settled - pending, books.total[kind], owed], "{balance}");
        let grants: Vec<Value> =
            books.burn_order(kind).into_iter().map(|grant| grant_state(year, grant)).collect();
        assert_eq!(balance["grants"], json!(grants), "{kind}");
    }
    kinds.len() * 6
}

fn grant_state(year: &Year, number: usize) -> Value {
    let grant = &year.books.grants[number];
    let expires = (grant.expires < FOREVER).then(|| utc(grant.expires));
    json!({ "id": grant.id, "kind": grant.kind, "priority": 100, "state": "usable", "effective": utc(grant.effective),
        "expires": expires, "amount": written(grant.amount), "remaining": written(grant.remaining) })
}

/// What was burnt in the last 24 whole hours.
pub(crate) fn burnt(year: &Year, kind: &str) -> i64 {
    let hour = civil::now() / HOUR;
    let of_kind =
        year.books.burnt.iter().filter(|((of, at), _)| *of == kind && (hour - 24..hour).contains(at));
    of_kind.map(|(_, micros)| *micros).sum::<i64>().max(0)
}

pub(crate) fn forecast(year: &Year, told: &Value) -> usize {
    let books = &year.books;
    let end = books.cycle.unwrap().end;
    for told in told["forecasts"].as_array().unwrap() {
        let kind = told["credit_type"].as_str().unwrap();
        let sum = burnt(year, kind);
        let rate = json!({ "sum": written(sum), "hours": 24, "per_hour": written((sum + 12) / 24), "per_day": written(sum) });
        assert_eq!((&told["rate"], &told["enough_history"]), (&rate, &json!(true)), "{kind}");
        assert_eq!(told["available"], written(books.settled(kind)));
        let mut losses = Vec::new();
        let mut left: Vec<(usize, i64)> =
            books.burn_order(kind).into_iter().map(|grant| (grant, books.grants[grant].remaining)).collect();
        let mut ends: Vec<i64> =
            left.iter().map(|(grant, _)| books.grants[*grant].expires).filter(|at| *at <= end).collect();
        ends.push(end);
        ends.sort_unstable();
        ends.dedup();
        let (mut taken, mut runs_out) = (0, None);
        for at in ends {
            let burnt =
                i64::try_from(i128::from(sum) * i128::from(at - civil::now()) / i128::from(DAY)).unwrap();
            let available: i64 = left.iter().map(|(_, micros)| micros).sum();
            if burnt - taken >= available {
                // The first microsecond in which nothing is left.
                let micros = (i128::from(taken + available) * i128::from(DAY) * 1_000_000 + i128::from(sum)
                    - 1)
                    / i128::from(sum);
                runs_out = Some(i64::try_from(micros).unwrap());
                break;
            }
            let mut open = burnt - taken;
            taken = burnt;
            for (grant, micros) in &mut left {
                let part = open.min(*micros);
                *micros -= part;
                open -= part;
                let grant = &books.grants[*grant];
                if grant.expires == at && *micros > 0 {
                    losses.push((grant.id.clone(), at, *micros));
                    *micros = 0;
                }
            }
            left.retain(|(grant, _)| books.grants[*grant].expires > at);
        }
        the_end(told, runs_out, sum);
        let shown: Vec<Value> = losses
            .iter()
            .map(|(grant, at, amount)| json!({ "grant": grant, "at": utc(*at), "amount": written(*amount) }))
            .collect();
        assert_eq!(told["losses"], json!(shown), "{kind}");
    }
    told["forecasts"].as_array().unwrap().len() * 6
}

fn the_end(told: &Value, runs_out: Option<i64>, sum: i64) {
    match runs_out {
        Some(after) => {
            let at = jiff::Timestamp::from_microsecond(civil::now() * 1_000_000 + after).unwrap().to_string();
            let words = format!("runs out at {at}");
            assert_eq!((&told["runs_out_at"], &told["outcome"]), (&json!(at), &json!(words)));
        }
        None => {
            let words = if sum == 0 { "nothing burnt" } else { "lasts until the reset" };
            assert_eq!((&told["runs_out_at"], &told["outcome"]), (&Value::Null, &json!(words)));
        }
    }
}

pub(crate) fn limits(year: &Year, told: &Value) -> usize {
    let mut expected = Vec::new();
    let mut all: Vec<&Limit> = year.books.limits.iter().collect();
    all.sort_by_key(|limit| limit.id);
    for limit in all {
        let window = limit.window(&year.books, civil::now());
        let used: BTreeMap<&str, i64> = limit
            .used
            .iter()
            .filter(|((begin, _), used)| *begin == window && **used > 0)
            .map(|((_, value), used)| (value.as_str(), *used))
            .collect();
        if limit.is_each() {
            expected.push(limit_state(limit, year, None, 0));
            expected.extend(used.iter().map(|(value, used)| limit_state(limit, year, Some(value), *used)));
        } else {
            expected.push(limit_state(limit, year, None, used.values().sum()));
        }
    }
    assert_eq!(told["data"], json!(expected));
    expected.len() * 3
}

fn limit_state(limit: &Limit, year: &Year, value: Option<&str>, used: i64) -> Value {
    let mut on = json!({});
    on[limit.on.0] = match limit.on.1.split_once('/') {
        Some((kind, id)) => json!({ "type": kind, "id": id }),
        None => json!(limit.on.1),
    };
    if let Some(action) = limit.action {
        on["action"] = json!(action);
    }
    let resets_at = match limit.window {
        "month" => Some(utc(civil::begin(civil::month(civil::now()).last_of_month().tomorrow().unwrap()))),
        "cycle" => Some(utc(year.books.cycle.unwrap().end)),
        _ => None,
    };
    let state = match used {
        _ if used >= limit.most => "reached",
        _ if used * 100 >= limit.most * 80 => "near",
        _ => "ok",
    };
    let (unit, credit_type) =
        if limit.is_credits { ("credits", json!("credits")) } else { ("quantity", Value::Null) };
    json!({ "id": limit.id, "on": on, "value": value, "unit": unit, "credit_type": credit_type, "max": written(limit.most),
        "used": written(used), "remaining": written((limit.most - used).max(0)), "window": limit.window, "resets_at": resets_at,
        "state": state, "hard": limit.is_hard, "whose": "org" })
}

pub(crate) fn recharges(year: &Year, told: &Value) -> usize {
    let (books, now) = (&year.books, civil::now());
    let mut states = Vec::new();
    for told in told["data"].as_array().unwrap() {
        let kind = told["credit_type"].as_str().unwrap();
        let recharge = books.recharges.iter().find(|recharge| recharge.credit_type == kind).unwrap();
        let (words, since, until) = match recharge.in_flight {
            Some((since, _)) => (format!("in flight since {}", utc(since)), Some(since), Some(since + DAY)),
            None if now < recharge.cools_until => (
                format!("cooling down until {}", utc(recharge.cools_until)),
                None,
                Some(recharge.cools_until),
            ),
            None if books.settled(kind) <= recharge.below * CREDIT => {
                let end = recharge.window(now).1;
                (format!("capped until {}", utc(end)), None, Some(end))
            }
            None => ("armed".to_owned(), None, None),
        };
        let instant = |at: Option<i64>| json!(at.map(utc));
        assert_eq!(
            (&told["state"], &told["since"], &told["until"]),
            (&json!(words), &instant(since), &instant(until))
        );
        let request = recharge.in_flight.map(|_| recharge.name());
        let requested = recharge.in_flight.map(|request| written(request.1));
        assert_eq!((&told["request"], &told["requested"]), (&json!(request), &json!(requested)));
        let (below, amount) = (recharge.below.to_string(), recharge.amount.to_string());
        assert_eq!((&told["below"], &told["amount"]), (&json!(below), &json!(amount)));
        let (times, credits) = recharge.used(now);
        let cap = json!([{ "window": recharge.cap.0, "credits": null, "times": recharge.cap.1, "used_credits": written(credits),
            "used_times": times, "resets_at": utc(recharge.window(now).1) }]);
        assert_eq!(told["caps"], cap, "{kind}");
        states.push(words.split(' ').next().unwrap().to_owned());
    }
    states.sort();
    assert_eq!(states, ["armed", "capped", "cooling", "in"]);
    states.len() * 6
}
