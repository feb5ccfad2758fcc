//! Series: each point beside what the events in it come to, and the days on which clocks are set.

use creditd::wire::time;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::{Value, json};

use super::story::{Figures, Story};
use super::{ask, figures, total, values};
use crate::Daemon;

const BERLIN: &str = "Europe/Berlin";

fn span(point: &Value) -> (i64, i64) {
    let at = |edge: &str| time::parse(point[edge].as_str().unwrap()).unwrap().micros();
    (at("from"), at("to"))
}

fn berlin(micros: i64) -> Zoned {
    Timestamp::from_microsecond(micros).unwrap().to_zoned(TimeZone::get(BERLIN).unwrap())
}

/// Whether a point begins where one of its interval does.
fn is_begin(interval: &str, at: &Zoned) -> bool {
    let midnight = (at.hour(), at.minute(), at.second()) == (0, 0, 0);
    match interval {
        "hour" => (at.minute(), at.second()) == (0, 0),
        "day" => midnight,
        "week" => midnight && at.weekday() == Weekday::Monday,
        _ => midnight && at.day() == 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_is_what_the_events_in_it_come_to() {
    let daemon = Daemon::empty().await;
    let story = Story::of_months(&daemon).await;
    let by = ["entity_type", "action"];
    for (range, interval, least) in
        [("all", "month", 4), ("all", "week", 20), ("all", "day", 140), ("last_7_days", "hour", 167)]
    {
        let query = format!("range={range}&interval={interval}&group_by={}&limit=20", by.join(","));
        let answer = ask(&daemon, &query).await;
        let lines = answer["data"].as_array().unwrap();
        assert!(lines.len() > 3, "{answer}");
        let all = span(&answer["range"]);
        for line in lines.iter().chain([&answer["totals"]]) {
            let points = line["series"].as_array().unwrap();
            assert!(points.len() >= least, "{query}: {}", points.len());
            let spans: Vec<(i64, i64)> = points.iter().map(span).collect();
            assert_eq!((spans[0].0, spans[spans.len() - 1].1), all, "{query}");
            assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "{query}");
            assert!(spans.iter().skip(1).all(|(from, _)| is_begin(interval, &berlin(*from))), "{query}");
            let key = line.get("group").map(|_| values(line, &by));
            for (point, span) in points.iter().zip(spans) {
                let groups = story.grouped(span, &by, |_| true);
                let expected = key
                    .as_ref()
                    .map_or_else(|| total(&groups), |key| groups.get(key).cloned().unwrap_or_default());
                assert_eq!(figures(point), expected, "{query}: {key:?} in {point}");
            }
            let mut sum = Figures::default();
            points.iter().for_each(|point| sum.add(&figures(point)));
            assert_eq!(sum, figures(line), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn points_are_compared_with_those_of_the_same_number_before() {
    let daemon = Daemon::empty().await;
    let story = Story::of_months(&daemon).await;
    let answer = ask(&daemon, "range=this_month&interval=day&compare=previous_period").await;
    let before = span(&answer["compared_with"]);
    let days = (before.1 - before.0 + 7_200_000_000) / 86_400_000_000;
    let points = answer["totals"]["series"].as_array().unwrap();
    let mut begin = berlin(before.0);
    for (nth, point) in points.iter().enumerate() {
        let end = begin.checked_add(1.day()).unwrap();
        let micros = |at: &Zoned| at.timestamp().as_microsecond();
        if i64::try_from(nth).unwrap() < days {
            let expected = total(&story.grouped((micros(&begin), micros(&end)), &[], |_| true));
            assert_eq!(figures(&point["compared"]["before"]), expected, "{nth}");
        } else {
            assert_eq!(point["compared"], Value::Null, "{nth}");
        }
        begin = end;
    }
    assert_eq!(answer["data"][0]["series"], answer["totals"]["series"]);
}

/// The last Sunday of a month that lies behind us.
fn last_sunday(month: i8) -> Date {
    let today = berlin(creditd::clock::now().micros()).date();
    let sunday = |year: i16| {
        let last = Date::constant(year, month, 1).last_of_month();
        last.checked_sub(i64::from(last.weekday().to_sunday_zero_offset()).days()).unwrap()
    };
    if sunday(today.year()) < today { sunday(today.year()) } else { sunday(today.year() - 1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_the_hours_that_its_clocks_show() {
    let daemon = Daemon::with_acme().await;
    let (spring, autumn) = (last_sunday(3), last_sunday(10));
    // Half past two comes twice in autumn; half past one is followed by half past three in spring.
    let times = [
        format!("{autumn}T00:30:00Z"),
        format!("{autumn}T01:30:00Z"),
        format!("{spring}T00:30:00Z"),
        format!("{spring}T01:30:00Z"),
    ];
    let event = |(n, at): (usize, &String)| json!({ "type": "action", "org": "acme", "id": n.to_string(), "action": "email_sent", "quantity": n + 1, "time": at });
    let events: Vec<Value> = times.iter().enumerate().map(event).collect();
    assert_eq!(daemon.post("/v1/events", json!(events)).await.statuses(), ["accepted"; 4]);
    for (day, hours, quantities) in [
        (autumn, 25, vec![("02:00:00+02:00", 1), ("02:00:00+01:00", 2)]),
        (spring, 23, vec![("01:00:00+01:00", 3), ("03:00:00+02:00", 4)]),
    ] {
        let query = format!("from={day}&to={}&zone={BERLIN}&interval=hour", day.tomorrow().unwrap());
        let answer = ask(&daemon, &query).await;
        let points = answer["data"][0]["series"].as_array().unwrap();
        assert_eq!(points.len(), hours, "{day}");
        let used = points.iter().filter(|point| point["quantity"] != 0);
        let used: Vec<(&str, u64)> = used
            .map(|point| (&point["from"].as_str().unwrap()[11..], point["quantity"].as_u64().unwrap()))
            .collect();
        assert_eq!(used, quantities, "{day}");
        let whole = ask(&daemon, &query.replace("hour", "day")).await;
        assert_eq!(whole["data"][0]["series"].as_array().unwrap().len(), 1);
    }
}
