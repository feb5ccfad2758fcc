//! Usage: every figure beside one that was reckoned from the events alone.

mod kept;
mod orphans;
mod pages;
mod series;
mod story;
mod table;

use std::collections::BTreeMap;

use creditd::ledger::units::Credits;
use serde_json::{Value, json};

use self::story::{EVER, Figures, Part, Story, instant};
use crate::Daemon;

const COUNTED: [&str; 7] =
    ["quantity", "calls", "calls_made", "calls_received", "billed_seconds", "talked_ms", "charges"];

const DIMENSIONS: [&str; 9] =
    ["account", "entity_type", "entity", "user", "team", "feature", "action", "credit_type", "grant_kind"];

/// Asks, and answers what is found.
async fn ask(daemon: &Daemon, query: &str) -> Value {
    let answer = daemon.get(&format!("/v1/orgs/acme/usage?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.json);
    answer.json
}

/// The figures of a line. Kinds of credits without an amount are as good as none.
fn figures(line: &Value) -> Figures {
    let credits = line["credits"].as_object().unwrap().iter();
    let micros = |amount: &Value| amount.as_str().unwrap().parse::<Credits>().unwrap().micros();
    Figures {
        credits: credits.map(|(kind, amount)| (kind.clone(), micros(amount))).collect(),
        counted: COUNTED.map(|name| line[name].as_i64().unwrap_or_else(|| panic!("{name}: {line}"))),
    }
}

/// The values of a group.
fn values(line: &Value, group_by: &[&str]) -> Vec<String> {
    let value = |name: &&str| match &line["group"][*name] {
        Value::Null => String::new(),
        Value::String(id) => id.clone(),
        named => {
            let id = named["id"].as_str().unwrap();
            named["type"].as_str().map_or(id.to_owned(), |kind| format!("{kind}/{id}"))
        }
    };
    group_by.iter().map(value).collect()
}

/// The groups of an answer that has one page.
fn groups(answer: &Value, group_by: &[&str]) -> BTreeMap<Vec<String>, Figures> {
    assert_eq!(answer["meta"]["next"], Value::Null);
    let lines = answer["data"].as_array().unwrap();
    assert_eq!(answer["meta"]["groups"], lines.len());
    lines.iter().map(|line| (values(line, group_by), figures(line))).collect()
}

fn total(groups: &BTreeMap<Vec<String>, Figures>) -> Figures {
    let mut total = Figures::default();
    groups.values().for_each(|figures| total.add(figures));
    total
}

/// Asks for groups, and lays them beside those of the story.
async fn compare(
    daemon: &Daemon,
    story: &Story,
    (query, span): (&str, (i64, i64)),
    group_by: &[&str],
    passes: impl Fn(&Part) -> bool,
) {
    let answer = ask(daemon, &format!("{query}&group_by={}&limit=1000", group_by.join(","))).await;
    let expected = story.grouped(span, group_by, passes);
    assert_eq!(groups(&answer, group_by), expected, "{query} by {group_by:?}");
    assert_eq!(figures(&answer["totals"]), total(&expected), "{query} by {group_by:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_grouping_of_every_range_is_what_the_events_come_to() {
    let daemon = Daemon::empty().await;
    let story = Story::of_months(&daemon).await;
    let everyone = |_: &Part| true;
    for (n, one) in DIMENSIONS.iter().enumerate() {
        compare(&daemon, &story, ("range=all", EVER), &[one], everyone).await;
        let (two, three) = (DIMENSIONS[(n + 2) % 9], DIMENSIONS[(n + 5) % 9]);
        let span = (story.ago(100), story.ago(20));
        let range = format!("from={}&to={}", instant(span.0), instant(span.1));
        compare(&daemon, &story, (&range, span), &[one, two, three], everyone).await;
    }
    let all = ask(&daemon, "range=all").await;
    assert_eq!(figures(&all["data"][0]), total(&story.grouped(EVER, &[], everyone)));
    assert_eq!((&all["data"][0]["group"], &all["zone"]), (&json!({}), &json!("Europe/Berlin")));
    let balance = daemon.balance("acme").await;
    assert_eq!(all["seq"], balance["seq"]);

    // Named ranges tell their instants, which are then those of the figures.
    for name in ["this_month", "this_quarter", "this_year", "last_7_days", "cycle"] {
        let answer = ask(&daemon, &format!("range={name}&group_by=action")).await;
        let at = |edge: &str| {
            let text = answer["range"][edge].as_str().unwrap();
            creditd::wire::time::parse(text).unwrap().micros()
        };
        assert_eq!(answer["range"]["name"], name);
        let expected = story.grouped((at("from"), at("to")), &["action"], everyone);
        assert_eq!(groups(&answer, &["action"]), expected, "{name}");
    }
    // It begins on the tenth of a month, at midnight in Berlin, and so does the one before.
    let cycle = ask(&daemon, "range=cycle&zone=UTC&compare=previous_period").await;
    for begin in [&cycle["range"]["from"], &cycle["compared_with"]["from"]] {
        let begin = begin.as_str().unwrap();
        assert!(begin.ends_with("-09T23:00:00Z") || begin.ends_with("-09T22:00:00Z"), "{begin}");
    }
    assert_eq!(cycle["compared_with"]["to"], cycle["range"]["from"]);
    assert_ne!(cycle["compared_with"]["from"], cycle["range"]["from"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_searches_choose_and_names_are_told() {
    let daemon = Daemon::empty().await;
    let story = Story::of_months(&daemon).await;
    let is = |part: &Part, name: &str, value: &str| part.of.get(name).map_or("", |own| own) == value;
    let all = |query: &'static str| (query, EVER);
    let by = ["user", "action"];
    compare(&daemon, &story, all("range=all&user=ana"), &by, |part| is(part, "user", "ana")).await;
    compare(&daemon, &story, all("range=all&user=ana&user="), &by, |part| {
        is(part, "user", "ana") || is(part, "user", "")
    })
    .await;
    compare(
        &daemon,
        &story,
        all("range=all&entity=campaign/c1&grant_kind=bonus&grant_kind=overage"),
        &by,
        |part| {
            is(part, "entity", "campaign/c1")
                && (is(part, "grant_kind", "bonus") || is(part, "grant_kind", "overage"))
        },
    )
    .await;
    compare(
        &daemon,
        &story,
        all("range=all&entity_type=assistant&credit_type=voice&account=emea"),
        &by,
        |part| {
            is(part, "entity_type", "assistant")
                && is(part, "credit_type", "voice")
                && is(part, "account", "emea")
        },
    )
    .await;
    compare(&daemon, &story, all("range=all&team=care&feature=inbox&action=translation"), &by, |part| {
        is(part, "team", "care") && is(part, "feature", "inbox") && is(part, "action", "translation")
    })
    .await;
    // Ana is found by her name, the others by nothing.
    compare(&daemon, &story, all("range=all&search=GRAY"), &by, |part| is(part, "user", "ana")).await;
    compare(&daemon, &story, all("range=all&search=The%20ass"), &["entity"], |part| {
        is(part, "entity", "assistant/c1")
    })
    .await;

    let named = ask(&daemon, "range=all&group_by=user&group_by=entity&user=ana&entity=campaign/c2").await;
    assert_eq!(
        named["data"][0]["group"],
        json!({ "user": { "id": "ana", "name": "Ana Gray" },
                "entity": { "type": "campaign", "id": "c2", "name": "The campaign c2" } })
    );
    let nothing = ask(&daemon, "range=all&user=nobody&group_by=user").await;
    assert_eq!((&nothing["data"], &nothing["totals"]["credits"]), (&json!([]), &json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_before_is_laid_beside_it_also_where_nothing_is_now() {
    let daemon = Daemon::empty().await;
    let story = Story::of_months(&daemon).await;
    let (from, to) = (story.ago(3), story.ago(1));
    let query = format!("from={}&to={}", instant(from), instant(to));
    let answer =
        ask(&daemon, &format!("{query}&compare=previous_period&group_by=user,action&sort=-difference")).await;
    let by = ["user", "action"];
    let (now, before) =
        (story.grouped((from, to), &by, |_| true), story.grouped((from - (to - from), from), &by, |_| true));
    let keys: Vec<_> = before.keys().filter(|key| !now.contains_key(*key)).collect();
    assert!(!keys.is_empty(), "nobody was there before alone");
    let lines = answer["data"].as_array().unwrap();
    assert_eq!(lines.len(), now.len() + keys.len());
    let sum = |figures: &Figures| figures.credits.values().sum::<i64>();
    let mut last = i64::MAX;
    for line in lines {
        let key = values(line, &by);
        let nothing = Figures::default();
        let (own, earlier) = (now.get(&key).unwrap_or(&nothing), before.get(&key).unwrap_or(&nothing));
        let compared = &line["compared"];
        assert_eq!((&figures(line), &figures(&compared["before"])), (own, earlier), "{key:?}");
        let differs = sum(own) - sum(earlier);
        assert!(differs <= last, "{key:?}");
        last = differs;
        for (nth, name) in COUNTED.iter().enumerate() {
            let (now, before) = (own.counted[nth], earlier.counted[nth]);
            assert_eq!(compared["difference"][name], now - before);
            assert_eq!(compared["percent"][name], percent(now, before), "{name} of {key:?}");
        }
        for (kind, difference) in compared["difference"]["credits"].as_object().unwrap() {
            let of = |figures: &Figures| figures.credits.get(kind).copied().unwrap_or(0);
            let micros = difference.as_str().unwrap().parse::<Credits>().unwrap().micros();
            assert_eq!(micros, of(own) - of(earlier));
            assert_eq!(
                compared["percent"]["credits"][kind],
                percent(of(own), of(earlier)),
                "{kind} of {key:?}"
            );
        }
    }
    assert_eq!(figures(&answer["totals"]), total(&now));
    assert_eq!(figures(&answer["totals"]["compared"]["before"]), total(&before));
    let query = format!("from={}&to={}", instant(story.ago(60)), instant(story.ago(30)));
    let query = format!("{query}&compare=previous_period&group_by=user,action&sort=-movement");
    let moved = ask(&daemon, &query).await["data"].as_array().unwrap().clone();
    let movement = |line: &Value| sum(&figures(line)) - sum(&figures(&line["compared"]["before"]));
    let movements: Vec<i64> = moved.iter().map(movement).collect();
    assert!(movements.is_sorted_by(|a, b| a.abs() >= b.abs()), "{movements:?}");
    let (first_down, last_up) =
        (movements.iter().position(|more| *more < 0), movements.iter().rposition(|more| *more > 0));
    assert!(first_down.is_some() && first_down < last_up, "both ways are among each other: {movements:?}");
    let year = ask(&daemon, "range=this_year&compare=previous_year").await;
    assert_eq!(year["compared_with"]["to"], year["range"]["from"]);
}

/// The difference in percent of what was before, in two decimals: half away from zero.
fn percent(now: i64, before: i64) -> Value {
    if before == 0 {
        return Value::Null;
    }
    let (scaled, before) = (i128::from(now - before) * 10_000, i128::from(before));
    let mut hundredths = scaled.abs() / before;
    if scaled.abs() % before * 2 >= before {
        hundredths += 1;
    }
    let sign = if scaled < 0 && hundredths > 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100);
    json!(text.trim_end_matches('0').trim_end_matches('.'))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused_with_field_value_and_remedy() {
    let daemon = Daemon::with_acme().await;
    for (query, field, value) in [
        ("range=this_weak", "range", "this_weak"),
        ("range=all&from=2026-01-01", "range", "leave one of them out"),
        ("range=cycle", "range", "the organization's plan has none"),
        ("range=all&compare=previous_year", "compare", "nothing lies before all"),
        ("from=yesterday", "from", "yesterday"),
        ("from=2026-01-02&to=2026-01-01", "to", "2026-01-01T00:00:00Z"),
        ("zone=Berlin", "zone", "Europe/Berlin"),
        ("group_by=usr", "group_by", "usr"),
        ("group_by=user,user", "group_by", "write it once"),
        ("group_by=user,team,action,feature", "group_by", "at most 3"),
        ("entity=c7", "entity", "campaign/c7"),
        ("grant_kind=gift", "grant_kind", "purchased"),
        ("credit_type=A", "credit_type", "a-z"),
        ("search=x", "search", "group_by"),
        ("interval=minute", "interval", "hour, day, week, month"),
        ("compare=last_year", "compare", "previous_year"),
        ("sort=size", "sort", "talked_ms"),
        ("sort=difference", "sort", "compare"),
        ("sort=-movement", "sort", "compare"),
        ("limit=0", "limit", "1 to 1000"),
        ("limit=many", "limit", "many"),
        ("cursor=x", "cursor", "meta.next"),
        ("cursor=0.1.0.0.0.", "cursor", "another question"),
        ("usr=ana", "usr", "no parameter"),
        ("from=2026-01-01&to=2026-12-31&interval=hour&group_by=user", "interval", "a smaller limit"),
    ] {
        let answer = daemon.get(&format!("/v1/orgs/acme/usage?{query}")).await;
        let detail = answer.problem(400, "invalid_parameter");
        assert!(detail.contains(value), "{query}: {detail}");
        assert_eq!(answer.json["field"], field, "{query}");
    }
    daemon.get("/v1/orgs/nobody/usage").await.problem(404, "unknown_org");
}
