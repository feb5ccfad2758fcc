//! Where windows begin and end.

use super::*;

/// What was used just before and at an instant, of a limit in a window, by an organization in Berlin.
fn around(window: Window, put: &str, before: &str, at: &str) -> [Vec<String>; 2] {
    let mut acme = Acme::on(Plan::default(), put);
    acme.terms(put, "plan", Some("Europe/Berlin"));
    acme.put(put, total(9, window));
    acme.emails(put, "ana", 3);
    [acme.used(before), acme.used(at)]
}

#[test]
fn windows_end_at_midnight_in_the_zone_of_the_organization() {
    let used = || vec!["total - 3/9".to_owned()];
    let cases = [
        (Window::Day, "2026-01-05T10:00:00Z", "2026-01-05T22:59:59.999999Z", "2026-01-05T23:00:00Z"),
        (Window::Day, "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999999Z", "2026-03-29T22:00:00Z"),
        (Window::Day, "2026-10-24T22:00:00Z", "2026-10-25T22:59:59.999999Z", "2026-10-25T23:00:00Z"),
        (Window::Week, "2026-01-04T23:00:00Z", "2026-01-11T22:59:59.999999Z", "2026-01-11T23:00:00Z"),
        (Window::Month, "2028-02-10T10:00:00Z", "2028-02-29T22:59:59.999999Z", "2028-02-29T23:00:00Z"),
    ];
    for (window, put, before, at) in cases {
        assert_eq!(around(window, put, before, at), [used(), vec![]], "{window:?} {put}");
    }
    assert_eq!(
        around(Window::Life, "2026-01-05T10:00:00Z", "2027-01-01T00:00:00Z", "2066-01-01T00:00:00Z"),
        [used(), used()]
    );
}

#[test]
fn an_event_just_before_the_end_is_of_the_old_window() {
    let mut acme = Acme::on(rejecting(), "2026-01-31T10:00:00Z");
    acme.put("2026-01-31T10:00:00Z", total(3, Window::Month));
    assert_eq!(reason(&acme.emails("2026-01-31T23:59:59.999999Z", "ana", 3)), None);
    assert_eq!(reason(&acme.emails("2026-01-31T23:59:59.999999Z", "ana", 1)), Some(Reason::LimitReached));
    assert_eq!(reason(&acme.emails("2026-02-01T00:00:00Z", "ana", 3)), None);
}

#[test]
fn a_void_takes_back_while_the_window_runs() {
    let (noon, night) = ("2026-01-05T12:00:00Z", "2026-01-06T00:00:00Z");
    let mut acme = Acme::on(Plan::default(), noon);
    acme.put(noon, each_user(9, Window::Day));
    acme.put(noon, total(9, Window::Week));
    acme.emails(noon, "ana", 4);
    acme.emails(noon, "ana", 2);
    acme.void_last("2026-01-05T23:59:59.999999Z", noon);
    assert_eq!(acme.used(noon), ["each-user ana 4/9", "total - 4/9"]);
    acme.emails("2026-01-05T23:59:59.999999Z", "ana", 1);
    acme.emails(night, "ana", 3);
    acme.charges.pop();
    acme.void_last(night, "2026-01-05T23:59:59.999999Z");
    assert_eq!(acme.used(night), ["each-user ana 3/9", "total - 7/9"], "the day of that event is over");
}

#[test]
fn a_void_to_nothing_leaves_no_value_behind() {
    let noon = "2026-01-05T12:00:00Z";
    let mut acme = Acme::on(Plan::default(), noon);
    acme.put(noon, each_user(9, Window::Day));
    acme.emails(noon, "ana", 4);
    acme.void_last(noon, noon);
    assert_eq!(acme.used(noon), Vec::<String>::new());
}

#[test]
fn the_window_of_a_cycle_turns_with_it_and_is_for_life_outside() {
    let start = "2026-01-05T10:00:00Z";
    let mut acme = Acme::on(Plan::default(), start);
    let monthly = Plan { cycle: Some(Every::Month), ..Plan::default() };
    publish(&mut acme.catalog, "monthly", 1, None, monthly.clone());
    publish(&mut acme.catalog, "larger", 1, None, monthly);
    publish(&mut acme.catalog, "weekly", 1, None, Plan { cycle: Some(Every::Days(7)), ..Plan::default() });
    acme.put(start, total(9, Window::Cycle));
    acme.emails(start, "ana", 1);
    assert_eq!(acme.used("2046-01-01T00:00:00Z"), ["total - 1/9"], "for life outside of cycles");
    acme.terms("2026-01-10T00:00:00Z", "monthly", None);
    assert_eq!(acme.used("2026-01-10T00:00:00Z"), Vec::<String>::new(), "its first cycle begins");
    acme.emails("2026-01-11T00:00:00Z", "ana", 2);
    acme.terms("2026-01-12T00:00:00Z", "larger", None);
    assert_eq!(acme.used("2026-02-09T23:59:59.999999Z"), ["total - 2/9"], "the same cycle goes on");
    assert_eq!(acme.used("2026-02-10T00:00:00Z"), Vec::<String>::new());
    acme.terms("2026-01-13T00:00:00Z", "weekly", None);
    assert_eq!(acme.used("2026-01-13T00:00:00Z"), Vec::<String>::new(), "another length is another cycle");
    acme.emails("2026-01-14T00:00:00Z", "ana", 3);
    acme.terms("2026-01-15T00:00:00Z", "plan", None);
    assert_eq!(acme.used("2026-01-15T00:00:00Z"), Vec::<String>::new(), "outside of cycles again");
    acme.emails("2026-01-15T00:00:00Z", "ana", 4);
    assert_eq!(acme.used("2026-12-31T00:00:00Z"), ["total - 4/9"]);
}

#[test]
fn a_void_does_not_reach_into_another_cycle_that_began_at_the_same_instant() {
    let start = "2026-01-05T10:00:00Z";
    let mut acme = Acme::on(Plan { cycle: Some(Every::Month), ..Plan::default() }, start);
    publish(&mut acme.catalog, "weekly", 1, None, Plan { cycle: Some(Every::Days(7)), ..Plan::default() });
    acme.put(start, total(9, Window::Cycle));
    acme.emails(start, "ana", 1);
    acme.terms(start, "weekly", None);
    acme.emails(start, "ana", 2);
    acme.charges.pop();
    acme.void_last(start, start);
    assert_eq!(acme.used(start), ["total - 2/9"]);
}

#[test]
fn in_another_time_zone_the_window_goes_on_to_the_next_begin_there() {
    let mut acme = Acme::on(Plan::default(), "2026-01-31T10:00:00Z");
    acme.put("2026-01-31T10:00:00Z", total(9, Window::Month));
    acme.emails("2026-01-31T10:00:00Z", "ana", 2);
    // It is February in Tokyo already.
    acme.terms("2026-01-31T20:00:00Z", "plan", Some("Asia/Tokyo"));
    assert_eq!(acme.used("2026-02-28T14:59:59.999999Z"), ["total - 2/9"]);
    assert_eq!(acme.used("2026-02-28T15:00:00Z"), Vec::<String>::new());
}
