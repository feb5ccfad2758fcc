//! What an event counts against, and what happens past a limit.

use super::*;

const TEN: &str = "2026-01-05T10:00:00Z";

fn part(field: Field, value: Option<&str>) -> Part {
    Part { field, value: value.map(Box::from) }
}

fn value(parts: &[Part], of: Dimensions<'_>) -> Option<String> {
    On::new(parts.to_vec()).unwrap().value(&of, "email").map(String::from)
}

#[test]
fn an_event_is_in_a_limit_when_it_has_all_that_the_limit_names() {
    let of = Dimensions {
        user: Some("ana"),
        account: Some("a/b"),
        entity_type: Some("campaign"),
        entity_id: Some("c7"),
        ..Dimensions::default()
    };
    let campaign = || Field::Entity("campaign".into());
    assert_eq!(value(&[], of).as_deref(), Some(""));
    assert_eq!(value(&[part(Field::User, Some("ana"))], of).as_deref(), Some(""));
    assert_eq!(value(&[part(Field::User, Some("ben"))], of), None);
    assert_eq!(value(&[part(Field::Team, None)], of), None);
    assert_eq!(value(&[part(campaign(), None)], of).as_deref(), Some("c7"));
    assert_eq!(value(&[part(Field::Entity("flow".into()), None)], of), None);
    let pair = [part(campaign(), Some("c7")), part(Field::User, None)];
    assert_eq!(value(&pair, of).as_deref(), Some("ana"));
    assert_eq!(
        value(&[part(Field::User, None), part(Field::Account, None)], of).as_deref(),
        Some("a%2Fb/ana")
    );
    let three = [Field::User, Field::Team, Field::Feature].map(|field| part(field, None));
    assert_eq!(On::new(three.to_vec()), None);
}

#[test]
fn near_begins_at_four_fifths() {
    let level = |used, max| Level::of(Measure::of_quantity(used), Measure::of_quantity(max));
    assert_eq!((level(79, 100), level(80, 100), level(99, 100)), (Level::Ok, Level::Near, Level::Near));
    assert_eq!(
        (level(100, 100), level(u64::MAX, 7), level(0, 0)),
        (Level::Reached, Level::Reached, Level::Reached)
    );
    assert_eq!((level(3, 4), level(4, 5)), (Level::Ok, Level::Near));
}

#[test]
fn credits_of_an_action_are_those_of_its_lines_and_a_quantity_is_of_the_events_own() {
    let mut acme = Acme::on(Plan::default(), TEN);
    let action = |value: Option<&str>| On::new(vec![part(Field::Action, value)]).unwrap();
    let limits = [
        Limit { id: "a".into(), on: action(None), ..total(100, Window::Day) },
        Limit { id: "b".into(), on: action(Some("translation")), ..total(100, Window::Day) },
        Limit { id: "c".into(), ..total(100, Window::Day) },
        Limit { id: "d".into(), on: action(None), unit: Unit::Quantity, ..total(1, Window::Day) },
    ];
    for limit in limits {
        assert_eq!(acme.put(TEN, limit), Outcome::Done);
    }
    assert!(matches!(acme.call(TEN, "ana", 2), Outcome::Charged(_)));
    let expected =
        ["a phone_call 20/100", "a translation 6/100", "b - 6/100", "c - 26/100", "d phone_call 1/1000000"];
    assert_eq!(acme.used(TEN), expected);
}

#[test]
fn what_costs_nothing_counts_as_a_thing_and_not_as_credits() {
    let mut acme = Acme::on(Plan::default(), TEN);
    acme.put(TEN, each_user(0, Window::Life));
    acme.put(TEN, Limit { id: "things".into(), unit: Unit::Quantity, ..total(1, Window::Life) });
    let of = Dimensions { user: Some("ana"), ..Dimensions::default() };
    acme.event(TEN, of, Kind::Action { action: "free", quantity: 3 });
    assert_eq!(acme.used(TEN), ["things - 3/1000000"]);
    assert_eq!(acme.alerts, Vec::<String>::new());
}

#[test]
fn past_a_hard_limit_it_is_charged_and_named() {
    let mut acme = Acme::on(Plan::default(), TEN);
    acme.put(TEN, each_user(10, Window::Month));
    acme.put(TEN, Limit { hard: false, ..total(12, Window::Month) });
    assert_eq!(past(&acme.emails(TEN, "ana", 10)), Vec::<&str>::new());
    assert_eq!(past(&acme.emails(TEN, "ana", 1)), ["each-user"]);
    assert_eq!(past(&acme.emails(TEN, "ben", 9)), Vec::<&str>::new(), "a soft limit only warns");
    assert_eq!(acme.used(TEN), ["each-user ana 11/10", "each-user ben 9/10", "total - 20/12"]);
    assert_eq!(
        acme.alerts,
        ["each-user ana reached", "total - near", "each-user ben near", "total - reached"]
    );
}

#[test]
fn a_plan_that_rejects_leaves_nothing_behind() {
    let mut acme = Acme::on(rejecting(), TEN);
    acme.put(TEN, each_user(10, Window::Month));
    acme.put(TEN, Limit { id: "all".into(), ..total(11, Window::Month) });
    acme.emails(TEN, "ana", 7);
    let refused = acme.emails(TEN, "ana", 5);
    let Outcome::Rejected(rejection) = &refused else { panic!("{refused:?}") };
    assert_eq!(rejection.reason, Reason::LimitReached);
    assert!(rejection.detail.contains("\"all\""), "the first by name: {rejection}");
    assert_eq!(acme.used(TEN), ["all - 7/11", "each-user ana 7/10"]);
    assert_eq!(reason(&acme.emails(TEN, "ben", 4)), None, "what fits exactly fits");
    assert_eq!(reason(&acme.emails(TEN, "", 1)), Some(Reason::LimitReached));
    assert_eq!(acme.org.tally().charged, 2);
}

#[test]
fn the_limit_is_looked_at_before_the_credits_and_neither_counts_without_the_other() {
    use crate::ledger::catalog::WhenExhausted;
    let mut acme = Acme::on(Plan { when_exhausted: WhenExhausted::Reject, ..rejecting() }, TEN);
    acme.put(TEN, total(5, Window::Life));
    assert_eq!(reason(&acme.emails(TEN, "ana", 6)), Some(Reason::LimitReached));
    assert_eq!(reason(&acme.emails(TEN, "ana", 5)), Some(Reason::InsufficientCredits));
    assert_eq!(acme.used(TEN), Vec::<String>::new());
    let order = GrantOrder::of(CreditType::default(), credits(5));
    acme.apply(TEN, What::Command(Command::Grant(order)));
    assert!(matches!(acme.emails(TEN, "ana", 5), Outcome::Charged(_)));
    assert_eq!(acme.used(TEN), ["total - 5/5"]);
}

#[test]
fn each_alert_comes_once_and_the_worse_one_alone() {
    let mut acme = Acme::on(Plan::default(), TEN);
    acme.put(TEN, each_user(10, Window::Month));
    acme.emails(TEN, "ana", 10);
    acme.void_last(TEN, TEN);
    acme.emails(TEN, "ana", 8);
    acme.emails(TEN, "ana", 5);
    assert_eq!(acme.alerts, ["each-user ana reached"]);
    acme.emails(TEN, "ben", 8);
    acme.emails(TEN, "ben", 1);
    acme.emails(TEN, "ben", 1);
    assert_eq!(acme.alerts, ["each-user ana reached", "each-user ben near", "each-user ben reached"]);
    // In the next window both come again.
    acme.emails("2026-02-01T00:00:00Z", "ben", 9);
    assert_eq!(acme.alerts.last().map(String::as_str), Some("each-user ben near"));
}

#[test]
fn so_many_values_and_no_more() {
    let mut acme = Acme::on(Plan::default(), TEN);
    acme.put(TEN, each_user(10, Window::Day));
    for user in 0..MOST_VALUES {
        assert!(matches!(acme.emails(TEN, &format!("user-{user}"), 1), Outcome::Charged(_)));
    }
    assert_eq!(reason(&acme.emails(TEN, "one-more", 1)), Some(Reason::TooMany));
    assert!(matches!(acme.emails(TEN, "user-7", 1), Outcome::Charged(_)), "a known value goes on");
    assert!(matches!(acme.emails(TEN, "", 1), Outcome::Charged(_)), "and what has no user");
    assert!(matches!(acme.emails("2026-01-06T00:00:00Z", "one-more", 1), Outcome::Charged(_)));
    assert_eq!(acme.used("2026-01-06T00:00:00Z"), ["each-user one-more 1/10"]);
}
