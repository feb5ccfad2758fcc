//! Pages of one answer, while events and voids arrive.

use serde_json::Value;

use super::story::{EVER, Story};
use super::{ask, figures, total, values};
use crate::Daemon;

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_of_one_answer_whatever_arrives_between_them() {
    let daemon = Daemon::empty().await;
    let mut story = Story::of_months(&daemon).await;
    let by = ["user", "team", "action"];
    for sort in [
        "-credits",
        "credits.voice",
        "-charges",
        "quantity",
        "-talked_ms",
        "billed_seconds",
        "calls",
        "-calls_made",
        "calls_received",
        "name",
        "-name",
    ] {
        let expected = story.grouped(EVER, &by, |_| true);
        let query = format!("range=all&group_by={}&sort={sort}", by.join(","));
        let whole = ask(&daemon, &format!("{query}&limit=1000")).await;
        let mut lines: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = ask(&daemon, &format!("{query}&limit=7{cursor}")).await;
            assert_eq!(
                (&page["seq"], &page["totals"], &page["meta"]["groups"]),
                (&whole["seq"], &whole["totals"], &whole["meta"]["groups"]),
                "{sort}"
            );
            lines.extend(page["data"].as_array().unwrap().iter().cloned());
            // Everybody uses more, and an event of before is voided.
            story.go_on(&daemon, 5, 30).await;
            story.take_back_late(&daemon).await;
            match page["meta"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(lines, *whole["data"].as_array().unwrap(), "{sort}");
        let found = lines.iter().map(|line| (values(line, &by), figures(line))).collect();
        assert_eq!(expected, found, "{sort}");
        assert_eq!(figures(&whole["totals"]), total(&expected), "{sort}");
        let rank = |line: &Value| match sort.trim_start_matches('-') {
            "credits" => figures(line).credits.values().sum(),
            "credits.voice" => figures(line).credits.get("voice").copied().unwrap_or(0),
            "name" => 0,
            counted => line[counted].as_i64().unwrap(),
        };
        let ranks: Vec<i64> = lines.iter().map(rank).collect();
        let in_order =
            if sort.starts_with('-') { ranks.is_sorted_by(|a, b| a >= b) } else { ranks.is_sorted() };
        assert!(in_order, "{sort}: {ranks:?}");
    }
    // By name: Abe is before Ana Gray, whatever their ids; what has no name goes by its id.
    let answer = ask(&daemon, "range=all&group_by=user&sort=name").await;
    let ids: Vec<String> =
        answer["data"].as_array().unwrap().iter().map(|line| values(line, &["user"]).remove(0)).collect();
    assert_eq!(ids, ["", "-cy", "bo", "ana"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_for_the_question_it_came_from() {
    let daemon = Daemon::empty().await;
    let mut story = Story::begin(&daemon).await;
    story.go_on(&daemon, 30, 3).await;
    let page = ask(&daemon, "range=all&group_by=user&limit=2").await;
    let next = page["meta"]["next"].as_str().unwrap();
    let other =
        daemon.get(&format!("/v1/orgs/acme/usage?range=all&group_by=team&limit=2&cursor={next}")).await;
    assert!(other.problem(400, "invalid_parameter").contains("another question"));
    let wider = ask(&daemon, &format!("range=all&group_by=user&limit=50&cursor={next}")).await;
    assert_eq!(wider["data"].as_array().unwrap().len(), 2, "{wider}");
    // A cursor is not to be trusted: one that lies ahead shows no more than there is.
    let mut parts: Vec<&str> = next.split('.').collect();
    (parts[1], parts[3]) = ("18446744073709551615", "9223372036854775807");
    let ahead = ask(&daemon, &format!("range=all&group_by=user&limit=50&cursor={}", parts.join("."))).await;
    assert_eq!(ahead["data"], wider["data"]);
}
