//! When reports are due: whatever the zone, its clocks and the months, each week and each month has one such time, at the hour that was
//! asked for, and it does not matter who looks when.

use creditd::ledger::calendar::Zone;
use creditd::ledger::quiet::Minute;
use creditd::ledger::reports::schedule::{Period, Schedule, Weekday};
use creditd::ledger::units::Timestamp;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZoneDatabase};
use proptest::prelude::*;

/// Zones whose clocks do what clocks do: an hour, half an hour or two at night or at midnight, a day that is left out, in both halves of
/// the earth, with and without DST.
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
];

/// From 1990 to 2050, in microseconds.
const INSTANTS: std::ops::Range<i64> = 631_152_000_000_000..2_524_608_000_000_000;

fn minute() -> impl Strategy<Value = Minute> {
    // Most of what clocks do, they do at night.
    let of_day = prop_oneof![3 => 0_u32..240, 1 => 0_u32..1_440];
    of_day.prop_map(|of_day| Minute::parse(&format!("{:02}:{:02}", of_day / 60, of_day % 60)).unwrap())
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let week = (0_usize..7, minute())
        .prop_map(|(day, at)| Schedule::Week { on: Weekday::named(Weekday::NAMES[day]).unwrap(), at });
    let month = (1_u8..=31, minute()).prop_map(|(on, at)| Schedule::Month { on, at });
    prop_oneof![week, month]
}

fn next(schedule: Schedule, zone: &Zone, instant: Timestamp) -> Timestamp {
    schedule.due_after(zone, instant).unwrap().at
}

/// The civil time that was asked for within the week or month after a period.
fn asked(schedule: Schedule, period: Period) -> civil::DateTime {
    let time = |at: Minute| format!("{at}:00").parse::<civil::Time>().unwrap();
    match (schedule, period) {
        (Schedule::Week { on, at }, Period::Week(monday)) => {
            let passed = Weekday::NAMES.iter().position(|name| *name == on.to_string()).unwrap();
            let days = jiff::Span::new().days(7 + i64::try_from(passed).unwrap());
            monday.checked_add(days).unwrap().to_datetime(time(at))
        }
        (Schedule::Month { on, at }, Period::Month(first)) => {
            let next = first.last_of_month().tomorrow().unwrap();
            let day = i8::try_from(on).unwrap().min(next.days_in_month());
            next.with().day(day).build().unwrap().to_datetime(time(at))
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn a_time_is_the_next_whoever_looks_and_none_lies_between(
        schedule in schedule(), zone in proptest::sample::select(&ZONES), instant in INSTANTS,
    ) {
        let (zone, instant) = (Zone::named(zone).unwrap(), Timestamp::from_micros(instant));
        let (before, after) = (schedule.due_by(&zone, instant).unwrap(), schedule.due_after(&zone, instant).unwrap());
        prop_assert!(before.at <= instant && instant < after.at);
        // Time composes: whoever looks earlier finds the same, and whoever looks again the one after it.
        prop_assert_eq!(schedule.due_after(&zone, before.at), Some(after));
        prop_assert_eq!(schedule.due_by(&zone, after.at), Some(after));
        prop_assert_eq!(schedule.due_before(&zone, after), Some(before));
        let between = Timestamp::from_micros(i64::midpoint(instant.micros(), after.at.micros()));
        if between < after.at {
            prop_assert_eq!(schedule.due_after(&zone, between), Some(after));
        }
        prop_assert!(next(schedule, &zone, after.at) > after.at);
    }

    #[test]
    fn it_is_at_the_hour_that_was_asked_for_unless_the_clocks_skip_that(
        schedule in schedule(), zone in proptest::sample::select(&ZONES), instant in INSTANTS,
    ) {
        // The same clocks: those of this machine may know of other decisions.
        let (clocks, ours) = (TimeZoneDatabase::bundled().get(zone).unwrap(), Zone::named(zone).unwrap());
        let mut due = schedule.due_after(&ours, Timestamp::from_micros(instant)).unwrap();
        let mut periods = Vec::new();
        for _ in 0..14 {
            let period = schedule.period(due).unwrap();
            let wanted = asked(schedule, period);
            let shown = clocks.to_datetime(jiff::Timestamp::from_microsecond(due.at.micros()).unwrap());
            match clocks.to_ambiguous_timestamp(wanted).offset() {
                AmbiguousOffset::Unambiguous { .. } => prop_assert_eq!(shown, wanted),
                // Later by what they skip.
                AmbiguousOffset::Gap { before, after } => {
                    let skipped = i64::from(after.seconds() - before.seconds());
                    prop_assert_eq!(shown, wanted.checked_add(jiff::Span::new().seconds(skipped)).unwrap());
                }
                // The first of two.
                AmbiguousOffset::Fold { before, .. } => {
                    prop_assert_eq!(shown, wanted);
                    prop_assert_eq!(ours.offset(due.at), Some(before));
                }
            }
            periods.push(period);
            due = schedule.due_after(&ours, due.at).unwrap();
        }
        // One for each week or month, and none left out.
        for pair in periods.windows(2) {
            match (pair[0], pair[1]) {
                (Period::Week(one), Period::Week(other)) => {
                    prop_assert_eq!(one.checked_add(jiff::Span::new().days(7)).unwrap(), other);
                }
                (Period::Month(one), Period::Month(other)) => {
                    prop_assert_eq!(one.last_of_month().tomorrow().unwrap(), other);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
