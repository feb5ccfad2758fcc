//! Usage, the history, and what other prices would have come to.

use serde_json::{Value, json};

use super::{Group, Told};
use crate::http::openapi::bodies::what_if;
use crate::http::openapi::shapes::{ChargeAnswer, List, WhatIfAnswer};
use crate::http::openapi::told::{
    CSV, choice, cursor, delete, get, instant, limit, post, query, several, text,
};
use crate::query::{HistoryLine, HistoryPage, Usage};

const RANGES: [&str; 6] = ["this_month", "this_quarter", "this_year", "last_7_days", "cycle", "all"];
const KINDS: [&str; 12] = [
    "charge",
    "void",
    "call_closed",
    "call_corrected",
    "adjusted",
    "granted",
    "expired",
    "voided",
    "rolled_out",
    "rolled_in",
    "covered",
    "dropped",
];
const DIMENSIONS: [&str; 9] =
    ["account", "entity_type", "entity", "user", "team", "feature", "action", "credit_type", "grant_kind"];

pub(super) fn routes() -> Vec<Group> {
    vec![("Usage", usage()), ("What if", what_ifs())]
}

fn usage() -> Vec<Told> {
    vec![
        get("/v1/orgs/{org}/usage", "getUsage", "What was used, by whom and for what, in any range of time")
            .with(of_range())
            .with(of_usage())
            .answers::<Usage>(200, "The groups of a page, and all of them together.")
            .or_as(CSV, "A row for each group of the page, or for each point of each."),
        get("/v1/orgs/{org}/history", "getHistory", "Every movement of credits, newest first")
            .with([several("kind", &json!({ "enum": KINDS }), "Only rows of these kinds.")])
            .with(of_history())
            .answers::<HistoryPage<HistoryLine>>(200, "A page of rows.")
            .or_as(CSV, "A row for each kind of credits of each; all of them where no limit is given."),
        get("/v1/orgs/{org}/charges/{seq}", "getCharge", "One charge explained")
            .answers::<ChargeAnswer>(200, "The charge."),
    ]
}

/// What chooses a range of time.
pub(super) fn of_range() -> Vec<Value> {
    vec![
        choice("range", &RANGES, "A range by its name; `this_month` if nothing chooses one."),
        query(
            "month",
            &json!({ "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$" }),
            "A month by itself, such as 2026-01.",
        ),
        query(
            "cycle",
            &json!({ "type": "string", "pattern": "^([1-9][0-9]{0,8}|previous)$" }),
            "A billing period by itself: its number, or `previous`.",
        ),
        text("from", "From that day or instant on."),
        text("to", "Up to that day or instant, exclusive; `from` must be there."),
    ]
}

fn of_usage() -> Vec<Value> {
    let mut all = vec![
        text("zone", "An IANA name: whose days these are; the organization's if absent."),
        several("group_by", &json!({ "enum": DIMENSIONS }), "Up to three dimensions by which it is grouped."),
        choice("interval", &["hour", "day", "week", "month"], "Point by point, each so long."),
        choice("compare", &["previous_period", "previous_year"], "Beside what was used before."),
        text("search", "Only groups with that in an id or a name."),
        text(
            "sort",
            "credits, credits.<kind>, quantity, calls, billed_seconds, talked_ms, charges, difference or name; with a - the largest first.",
        ),
        cursor(),
        limit(100, 1_000),
    ];
    let chosen = "Only what has one of these values; an empty one for what has none.";
    all.extend(DIMENSIONS.map(|name| several(name, &json!({ "type": "string" }), chosen)));
    all
}

/// What chooses rows of a history, and of the calls that are over.
pub(super) fn of_history() -> Vec<Value> {
    let mut all = vec![
        instant("from", "Only what moved at that instant of the log's time, or later."),
        instant("to", "Only what moved before that instant."),
    ];
    let texts = [
        ("user", "Only what that user spent, or got back."),
        ("team", "The same of a team."),
        ("account", "The same of an account."),
        ("entity", "The same of an entity, `type/id`, or of all of a type."),
        ("feature", "The same of a feature."),
        ("action", "Only what that action, or add-on, cost."),
        ("credit_type", "Only what moved credits of that kind."),
        ("call_id", "Only what a call of that id cost."),
        ("search", "Only rows with that in an id, a name or the remarks."),
    ];
    all.extend(texts.map(|(name, what)| text(name, what)));
    all.extend([cursor(), limit(100, 1_000)]);
    all
}

fn what_ifs() -> Vec<Told> {
    let order = choice(
        "sort",
        &["-difference", "difference", "org"],
        "What comes first: who would pay most more, if absent.",
    );
    vec![
        get("/v1/what-if", "listWhatIfs", "The answers that are there or under way")
            .answers::<List<WhatIfAnswer>>(200, "Newest first, without their organizations."),
        post("/v1/what-if", "beginWhatIf", "Begins to work out what other prices would have come to")
            .body(what_if())
            .answers::<WhatIfAnswer>(202, "It is begun.")
            .problems(&[404, 409]),
        get("/v1/what-if/{id}", "getWhatIf", "How far an answer is, and the answer once it is there")
            .with([order, cursor(), limit(100, 1_000)])
            .answers::<WhatIfAnswer>(200, "The answer, with a page of organizations.")
            .or_as(CSV, "A row for each organization.")
            .problems(&[409]),
        delete("/v1/what-if/{id}", "forgetWhatIf", "The answer is not wanted any more")
            .nothing(204, "It is gone."),
    ]
}
