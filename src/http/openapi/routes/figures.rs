//! Usage, the history, and what other prices would have come to.

use serde_json::{Value, json};

use super::{Group, Told};
use crate::http::openapi::bodies::what_if;
use crate::http::openapi::explained::ChargeAnswer;
use crate::http::openapi::shapes::{List, WhatIfAnswer};
use crate::http::openapi::told::{
    CSV, MONTH, OF_HISTORY, OF_TABLES, OF_USAGE, RANGES, choice, cursor, day_or_instant, delete, get,
    instant, limit, post, query, several, text,
};
use crate::query::{HistoryLine, HistoryPage, Spikes, Usage};

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

const BY_TIME: &str = "By the time at which things happened. Of `range`, `month`, `cycle` and `from` one can be there. See \
                       docs/USAGE.md.";
const LOOKED_AT: &str = "A page may have fewer rows than `limit`, or none, and still a next one: 20,000 rows are looked \
                         at for it at most.";
const ONE_BY_ONE: &str = "Four can be under way, one is worked out at a time, and the last four are kept. See \
                          docs/WHAT_IF.md.";

fn usage() -> Vec<Told> {
    vec![
        get("/v1/orgs/{org}/usage", "getUsage", "What was used, by whom and for what, in any range of time")
            .more(BY_TIME)
            .with(of_range())
            .with(of_usage())
            .answers::<Usage>(200, "The groups of a page, and all of them together.")
            .or_as(CSV, "A row for each group of the page, or for each point of each.")
            .headers(&OF_TABLES)
            .headers(&OF_USAGE)
            .headers(&[("Link", "Of CSV: the next page, as `rel=\"next\"`.")]),
        get(
            "/v1/orgs/{org}/spikes",
            "getSpikes",
            "Hours or days in which far more was used than before, and what caused it",
        )
        .more(SPIKES)
        .with(of_range())
        .with(of_spikes())
        .answers::<Spikes>(200, "The newest spikes.")
        .or_as(CSV, "A row for each cause of each.")
        .headers(&OF_TABLES)
        .headers(&OF_USAGE),
        get("/v1/orgs/{org}/history", "getHistory", "Every movement of credits, newest first")
            .more(LOOKED_AT)
            .with([several("kind", &json!({ "enum": KINDS }), "Only rows of these kinds.")])
            .with(of_history())
            .answers::<HistoryPage<HistoryLine>>(200, "A page of rows.")
            .or_as(CSV, "A row for each kind of credits of each; all of them where no limit is given.")
            .headers(&OF_TABLES)
            .headers(&OF_HISTORY),
        get("/v1/orgs/{org}/charges/{seq}", "getCharge", "One charge explained")
            .answers::<ChargeAnswer>(200, "The charge."),
    ]
}

const SPIKES: &str =
    "Each is measured by the mean of the up to 28 days, or 168 hours, before it. See docs/USAGE.md#spikes.";

fn of_spikes() -> Vec<Value> {
    let whole = |least: u32, most: u32, usually: u32| json!({ "type": "integer", "minimum": least, "maximum": most, "default": usually });
    let mut all = vec![
        text("zone", "An IANA name: whose days these are; the organization's if absent."),
        choice("interval", &["hour", "day"], "What may be a spike; `day` if absent."),
        query("percent", &whole(101, 10_000, 200), "More than so many percent of the usual are one."),
        query(
            "at_least",
            &json!({ "type": "string", "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?$", "default": "0" }),
            "If they are so many credits at least.",
        ),
        query("limit", &whole(1, 50, 10), "So many are told of."),
    ];
    all.extend(of_dimensions());
    all
}

/// What chooses a range of time.
pub(super) fn of_range() -> Vec<Value> {
    vec![
        choice("range", &RANGES, "A range by its name; `this_month` if nothing chooses one."),
        query("month", &json!({ "type": "string", "pattern": MONTH }), "A month by itself, such as 2026-01."),
        query(
            "cycle",
            &json!({ "type": "string", "pattern": "^([1-9][0-9]{0,8}|previous)$" }),
            "A billing period by itself: its number, or `previous`.",
        ),
        day_or_instant("from", "From that day or instant on."),
        day_or_instant("to", "Up to that day or instant, exclusive; `from` must be there."),
    ]
}

const SORT: &str = "^-?(credits(\\.[a-z0-9_]{1,16})?|quantity|calls|calls_made|calls_received|billed_seconds|talked_ms|charges|difference|movement|name)$";

fn of_usage() -> Vec<Value> {
    let grouped = json!({
        "type": "array", "items": { "enum": DIMENSIONS }, "maxItems": 3, "uniqueItems": true,
    });
    let sort = json!({ "type": "string", "pattern": SORT, "default": "-credits" });
    let mut all = vec![
        text("zone", "An IANA name: whose days these are; the organization's if absent."),
        query("group_by", &grouped, "Up to three dimensions by which it is grouped."),
        choice("interval", &["hour", "day", "week", "month"], "Point by point, each so long."),
        choice("compare", &["previous_period", "previous_year"], "Beside what was used before."),
        text("search", "Only groups with that in an id or a name. Only with `group_by`."),
        query(
            "sort",
            &sort,
            "The figure, or `name`; with a - the largest first. `difference` and `movement` only with `compare`.",
        ),
        cursor(),
        limit(100, 1_000),
    ];
    all.extend(of_dimensions());
    all
}

/// What chooses by dimensions.
fn of_dimensions() -> Vec<Value> {
    let chosen = "Only what has one of these values; an empty one for what has none.";
    let value = |name: &str| match name {
        "entity" => json!({ "type": "string", "pattern": "^$|/", "examples": ["campaign/c7"] }),
        "credit_type" => json!({ "type": "string", "pattern": "^[a-z0-9_]{0,16}$" }),
        "grant_kind" => json!({ "enum": ["plan", "bonus", "purchased", "overage", ""] }),
        _ => json!({ "type": "string" }),
    };
    DIMENSIONS.map(|name| several(name, &value(name), chosen)).into()
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
        ("feature", "The same of a feature."),
        ("action", "Only what that action, or add-on, cost."),
        ("call_id", "Only what a call of that id cost."),
        ("search", "Only rows with that in an id, a name or the remarks."),
    ];
    all.extend(texts.map(|(name, what)| text(name, what)));
    let entity = json!({ "type": "string", "pattern": "^[^/]+(/.+)?$", "examples": ["campaign/c7"] });
    let credit_type = json!({ "type": "string", "pattern": "^[a-z0-9_]{1,16}$", "examples": ["credits"] });
    all.push(query("entity", &entity, "Only what an entity spent, `type/id`, or all of a `type`."));
    all.push(query("credit_type", &credit_type, "Only what moved credits of that kind."));
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
            .more(ONE_BY_ONE)
            .body(what_if())
            .example(json!({ "plan": "starter", "range": "last_7_days" }))
            .answers::<WhatIfAnswer>(202, "It is begun.")
            .problems(&[404, 409]),
        get("/v1/what-if/{id}", "getWhatIf", "How far an answer is, and the answer once it is there")
            .with([order, cursor(), limit(100, 1_000)])
            .answers::<WhatIfAnswer>(200, "The answer, with a page of organizations.")
            .or_as(CSV, "A row for each organization.")
            .headers(&OF_TABLES[..1])
            .problems(&[409]),
        delete("/v1/what-if/{id}", "forgetWhatIf", "The answer is not wanted any more")
            .nothing(204, "It is gone."),
    ]
}
