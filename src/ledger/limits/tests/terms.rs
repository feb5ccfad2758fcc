//! Whose limit is in force, and what counts on when it changes.

use super::*;

const TEN: &str = "2026-01-05T10:00:00Z";
const ELEVEN: &str = "2026-01-05T11:00:00Z";

#[test]
fn a_limit_starts_to_count_when_it_is_put_and_counts_on_when_it_is_replaced() {
    let mut acme = Acme::on(Plan::default(), TEN);
    acme.emails(TEN, "ana", 5);
    acme.put(TEN, each_user(10, Window::Month));
    acme.emails(TEN, "ana", 2);
    acme.put(TEN, Limit { hard: false, ..each_user(4, Window::Month) });
    assert_eq!(acme.used(TEN), ["each-user ana 2/4"]);
    acme.put(TEN, each_user(4, Window::Week));
    assert_eq!(acme.used(TEN), Vec::<String>::new(), "another window counts anew");
    acme.emails(TEN, "ana", 1);
    acme.put(TEN, Limit { unit: Unit::Quantity, ..each_user(4, Window::Week) });
    assert_eq!(acme.used(TEN), Vec::<String>::new(), "another unit counts anew");
}

#[test]
fn a_limit_of_its_own_goes_before_one_of_the_plan() {
    let mut acme = Acme::on(plan(&[each_user(10, Window::Month), total(50, Window::Month)]), TEN);
    acme.emails(TEN, "ana", 3);
    acme.put(TEN, each_user(20, Window::Month));
    assert_eq!(acme.used(TEN), ["each-user ana 3/20", "total - 3/50"]);
    assert_eq!(acme.remove(TEN, "each-user"), Outcome::Done);
    assert_eq!(acme.used(TEN), ["each-user ana 3/10", "total - 3/50"]);
    assert_eq!(acme.off(TEN, "each-user"), Outcome::Done);
    acme.emails(TEN, "ana", 30);
    assert_eq!(acme.used(TEN), ["total - 33/50"], "nothing is limited under that name");
    acme.remove(TEN, "each-user");
    acme.emails(TEN, "ana", 1);
    assert_eq!(acme.used(TEN), ["each-user ana 1/10", "total - 34/50"], "it starts to count again");
    assert_eq!(reason(&acme.remove(TEN, "each-user")), Some(Reason::UnknownLimit));
    assert_eq!(reason(&acme.remove(TEN, "total")), Some(Reason::UnknownLimit), "it is the plan's");
}

#[test]
fn a_new_version_of_the_plan_counts_from_its_own_instant_and_counts_on() {
    let noon = "2026-01-05T12:00:00Z";
    let mut acme = Acme::on(Plan::default(), TEN);
    publish(&mut acme.catalog, "plan", 2, Some(ELEVEN), plan(&[each_user(10, Window::Month)]));
    let wider = plan(&[each_user(20, Window::Month), total(50, Window::Day)]);
    publish(&mut acme.catalog, "plan", 3, Some(noon), wider);
    acme.emails("2026-01-05T10:59:59.999999Z", "ana", 5);
    acme.emails(ELEVEN, "ana", 2);
    assert_eq!(acme.used(ELEVEN), ["each-user ana 2/10"]);
    assert_eq!(acme.used(noon), ["each-user ana 2/20"]);
    acme.emails(noon, "ana", 1);
    assert_eq!(acme.used(noon), ["each-user ana 3/20", "total - 1/50"]);
}

#[test]
fn versions_that_nobody_saw_are_followed_one_by_one() {
    let mut acme = Acme::on(plan(&[each_user(10, Window::Month)]), TEN);
    publish(&mut acme.catalog, "plan", 2, Some(ELEVEN), Plan::default());
    publish(
        &mut acme.catalog,
        "plan",
        3,
        Some("2026-01-05T12:00:00Z"),
        plan(&[each_user(10, Window::Month)]),
    );
    acme.emails(TEN, "ana", 5);
    acme.emails("2026-01-05T13:00:00Z", "ana", 1);
    assert_eq!(acme.used("2026-01-05T13:00:00Z"), ["each-user ana 1/10"], "for an hour there was no limit");
}

#[test]
fn on_another_plan_a_limit_of_that_name_counts_on() {
    let mut acme = Acme::on(plan(&[each_user(10, Window::Month), total(9, Window::Day)]), TEN);
    publish(&mut acme.catalog, "pro", 1, None, plan(&[each_user(40, Window::Month)]));
    acme.emails(TEN, "ana", 3);
    acme.terms(ELEVEN, "pro", None);
    assert_eq!(acme.used(ELEVEN), ["each-user ana 3/40"]);
    acme.terms(ELEVEN, "plan", None);
    assert_eq!(acme.used(ELEVEN), ["each-user ana 3/10"]);
}

#[test]
fn an_organization_has_so_many_limits_of_its_own() {
    let mut acme = Acme::on(plan(&[each_user(10, Window::Month)]), TEN);
    let named = |n: usize| Limit { id: format!("limit-{n}").into(), ..total(1, Window::Day) };
    for n in 0..MOST_LIMITS {
        assert_eq!(acme.put(TEN, named(n)), Outcome::Done);
    }
    assert_eq!(reason(&acme.put(TEN, named(MOST_LIMITS))), Some(Reason::TooMany));
    assert_eq!(reason(&acme.off(TEN, "each-user")), Some(Reason::TooMany));
    assert_eq!(acme.put(TEN, named(7)), Outcome::Done, "a known one is replaced");
    acme.remove(TEN, "limit-7");
    assert_eq!(acme.off(TEN, "each-user"), Outcome::Done);
}

#[test]
fn a_limit_is_in_credits_that_something_is_priced_in() {
    let mut acme = Acme::on(Plan::default(), TEN);
    let unit = Unit::Credits(CreditType::new("phone").unwrap());
    assert_eq!(reason(&acme.put(TEN, Limit { unit, ..total(1, Window::Day) })), Some(Reason::InvalidField));
    assert_eq!(acme.org.limits(), Limits::default());
    let plan = Versioned {
        id: "other".into(),
        version: 1,
        effective_from: None,
        content: plan(&[Limit { unit, ..total(1, Window::Day) }]),
    };
    let refused = acme.catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), at(TEN)).unwrap_err();
    assert_eq!(refused.reason, Reason::InvalidField);
}

#[test]
fn alerts_of_a_limit_that_began_anew_in_one_window_differ_in_their_begin() {
    let mut acme = Acme::on(Plan::default(), TEN);
    acme.put(TEN, total(1, Window::Month));
    let begin =
        |acme: &Acme| acme.org.limits().counts().first().map(|count| (count.span().start, count.begin()));
    let january = at("2026-01-01T00:00:00Z");
    assert_eq!(begin(&acme), Some((january, at(TEN))));
    acme.remove(ELEVEN, "total");
    acme.put(ELEVEN, total(1, Window::Month));
    assert_eq!(begin(&acme), Some((january, at(ELEVEN))));
    acme.emails("2026-02-03T00:00:00Z", "ana", 1);
    let february = at("2026-02-01T00:00:00Z");
    assert_eq!(begin(&acme), Some((february, february)));
}
