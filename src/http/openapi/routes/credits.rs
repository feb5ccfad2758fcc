//! Organizations, credits and prices.

use serde_json::{Value, json};

use super::Group;
use crate::http::commands::GrantAnswer;
use crate::http::openapi::bodies::command;
use crate::http::openapi::shapes::{Page, PublishedVersion};
use crate::http::openapi::told::{EVENTS, cursor, delete, get, header, limit, pages, post, put, text};
use crate::query::{
    CatalogView, Dated, LimitPage, OrgBalance, OrgForecast, OrgLine, RechargeState, Recharges, Verified,
};

const KEY: &str = "Idempotency-Key";
const ITS_USE: &str =
    "The `id` of a body that has none, such as a UUID: under it the request is carried out once.";
const PUBLISHED: &str = "A version that was published never changes: the same content again answers 200, another one, a \
                         gap in the numbers or a start in the past is a 409.";
fn key() -> Value {
    let mut key = header(KEY, ITS_USE);
    // In quotes or bare, as most send it.
    key["schema"]["pattern"] = json!("^[!#-~]{1,256}$");
    key
}

const LEFT: &str = "What is left.";

pub(super) fn routes() -> Vec<Group> {
    vec![
        ("Organizations", organizations()),
        ("Credits", credits()),
        ("Prices", prices()),
        ("Limits", limits()),
        ("Recharges", recharges()),
    ]
}

fn organizations() -> Vec<super::Told> {
    vec![
        get("/v1/orgs", "listOrgs", "The organizations, each with its name and plan")
            .with([cursor(), limit(100, 1_000)])
            .answers::<Page<OrgLine>>(200, "In the order of their names."),
        get("/v1/orgs/{org}", "getOrg", "An organization's name and plan")
            .answers::<Dated<OrgLine>>(200, "The organization."),
        put(
            "/v1/orgs/{org}",
            "putOrg",
            "Creates an organization, or changes its plan and what it has of its own",
        )
        .writes()
        .body(command("org.put.v1", &[]))
        .example(json!({ "plan": "starter", "name": "Acme Inc." }))
        .answers::<OrgBalance<'_>>(200, LEFT)
        .answers::<OrgBalance<'_>>(201, "It is new; what is left."),
        get("/v1/orgs/{org}/balance", "getBalance", "What is left").answers::<OrgBalance<'_>>(200, LEFT),
        get("/v1/orgs/{org}/balance/stream", "streamBalance", "What is left, as it changes")
            .with([header("Last-Event-ID", "The id of the last event that was heard.")])
            .text(200, EVENTS, "An event for each state, with the balance as its data."),
        get("/v1/orgs/{org}/forecast", "getForecast", "How long credits last, and what of them will be lost")
            .answers::<OrgForecast>(200, "A forecast for each kind of credits."),
    ]
}

fn credits() -> Vec<super::Told> {
    vec![
        post("/v1/orgs/{org}/grants", "grant", "Gives credits")
            .writes()
            .with([key()])
            .more("Under an `id` of its own, or an `Idempotency-Key`, it is given once; without, a repeat gives again.")
            .body(command("grant.v1", &[]))
            .example(json!({ "id": "invoice-17", "amount": "1000" }))
            .answers::<GrantAnswer<'_>>(200, "It was given before; the grant as it stands.")
            .answers::<GrantAnswer<'_>>(201, "The grant.")
            .problems(&[409]),
        post("/v1/orgs/{org}/grants/{id}/void", "voidGrant", "Takes back what is left of a grant")
            .writes()
            .optional_body(command("grant.void.v1", &["id"]))
            .answers::<OrgBalance<'_>>(200, LEFT)
            .problems(&[409]),
        post("/v1/orgs/{org}/adjustments", "adjust", "Moves credits by hand")
            .writes()
            .with([key()])
            .more("A repeat under the same `id`, or `Idempotency-Key`, changes nothing.")
            .body(command("adjust.v1", &[]))
            .example(json!({ "id": "ticket-4711", "amount": "12.5", "reason": "goodwill" }))
            .answers::<OrgBalance<'_>>(200, LEFT)
            .problems(&[409]),
        post("/v1/orgs/{org}/verify", "verify", "Adds up the history, and compares it with the books")
            .answers::<Verified>(200, "What it came to."),
    ]
}

fn prices() -> Vec<super::Told> {
    vec![
        get("/v1/catalog", "getCatalog", "Every version of every rate card and plan")
            .answers::<CatalogView<'_>>(200, "The catalog, without the prices."),
        put("/v1/rate-cards/{id}", "putRateCard", "Publishes a version of a rate card")
            .writes()
            .more(PUBLISHED)
            .body(command("rate_card.put.v1", &["id"]))
            .example(json!({ "version": 1, "prices": { "email_sent": { "per_action": "1" } } }))
            .answers::<PublishedVersion>(200, "It is published.")
            .problems(&[409]),
        put("/v1/plans/{id}", "putPlan", "Publishes a version of a plan")
            .writes()
            .more(PUBLISHED)
            .body(command("plan.put.v1", &["id"]))
            .example(json!({ "version": 1, "rate_card": "standard" }))
            .answers::<PublishedVersion>(200, "It is published.")
            .problems(&[409]),
    ]
}

fn limits() -> Vec<super::Told> {
    const AFTERWARDS: &str = "The limit as it is in force afterwards.";
    vec![
        get("/v1/orgs/{org}/limits", "listLimits", "What is used of each limit")
            .with(pages())
            .with([text("id", "Only the limit of that name.")])
            .answers::<LimitPage>(200, "The limits in force, by name."),
        put("/v1/orgs/{org}/limits/{id}", "putLimit", "States a limit whole")
            .writes()
            .body(command("limit.put.v1", &["id"]))
            .example(json!({ "on": { "user": "*" }, "credits": "500", "window": "month", "hard": true }))
            .answers::<LimitPage>(200, AFTERWARDS)
            .problems(&[409]),
        delete("/v1/orgs/{org}/limits/{id}", "removeLimit", "Takes a limit away")
            .writes()
            .optional_body(command("limit.remove.v1", &["id"]))
            .answers::<LimitPage>(200, AFTERWARDS),
    ]
}

fn recharges() -> Vec<super::Told> {
    vec![
        get("/v1/orgs/{org}/recharges", "listRecharges", "How the auto-recharges stand")
            .answers::<Recharges>(200, "One for each kind of credits that has one."),
        put(
            "/v1/orgs/{org}/recharges/{credit_type}",
            "putRecharge",
            "Orders credits to be bought when they run low",
        )
        .writes()
        .body(command("recharge.put.v1", &["credit_type"]))
        .example(json!({ "below": "100", "amount": "500", "caps": [{ "window": "day", "times": 3 }] }))
        .answers::<RechargeState>(200, "The recharge as it stands.")
        .nothing(204, "It was taken away meanwhile.")
        .problems(&[409]),
        delete("/v1/orgs/{org}/recharges/{credit_type}", "removeRecharge", "Nothing is asked for any more")
            .writes()
            .optional_body(command("recharge.remove.v1", &["credit_type"]))
            .nothing(204, "It is gone."),
        post(
            "/v1/orgs/{org}/recharges/{credit_type}/failed",
            "failRecharge",
            "A request of it brings nothing",
        )
        .writes()
        .body(command("recharge.failed.v1", &[]))
        .example(json!({ "id": "recharge.credits.1", "reason": "the card was declined" }))
        .answers::<RechargeState>(200, "The recharge as it stands.")
        .nothing(204, "It is ordered no more.")
        .problems(&[409]),
    ]
}
