//! Events, calls, and what may start.

use serde_json::json;

use super::{Group, Told};
use crate::http::openapi::bodies::{authorization, events, restart};
use crate::http::openapi::routes::figures::of_history;
use crate::http::openapi::shapes::{
    Adapted, AnyCall, CallList, DurableEvents, EventResults, Released, SourceRestarted,
};
use crate::http::openapi::told::{CSV, EVENTS, choice, cursor, get, header, limit, pages, post, text};
use crate::query::{Authorized, HoldPage, HoldState, Quoted};

pub(super) fn routes() -> Vec<Group> {
    vec![("Events", of_events()), ("Calls", calls()), ("Calls", holds())]
}

fn of_events() -> Vec<Told> {
    let taken = |told: Told| {
        let wait = choice("wait", &["applied", "none"], "What the answer waits for: `applied` if absent.");
        told.with([wait])
            .answers::<EventResults>(200, "What became of each event.")
            .answers::<DurableEvents>(202, "With `wait=none`: they are in the log.")
            .problems(&[504])
    };
    let mut all = vec![
        taken(post("/v1/events", "sendEvents", "Takes events; each names its organization")),
        taken(post("/v1/orgs/{org}/events", "sendOrgEvents", "Takes events of one organization")),
    ];
    all.iter_mut().for_each(|told| told.body = Some(events()));
    let wait = choice("wait", &["applied", "none"], "What the answer waits for: `applied` if absent.");
    all.push(
        post("/v1/adapters/{name}", "sendMessage", "Takes a message as a telephony system sends it")
            .with([wait])
            .body(json!({ "description": "As the system sends it: JSON, a form, or whatever the adapter reads." }))
            .answers::<Adapted>(200, "What became of it.")
            .answers::<DurableEvents>(202, "With `wait=none`: it is in the log.")
            .problems(&[504]),
    );
    all
}

fn calls() -> Vec<Told> {
    let source = text("source", "Where the call comes from, as its events say it; `nats` if absent.");
    vec![
        get("/v1/orgs/{org}/calls", "listCalls", "The calls that are live, or those that are over")
            .with([choice(
                "state",
                &["live", "finished"],
                "Which; the live ones if absent. Of those that are live nothing else can be chosen.",
            )])
            .with(of_history())
            .answers::<CallList>(200, "A page of them.")
            .or_as(CSV, "Those that are over, all of them where no limit is given."),
        get("/v1/orgs/{org}/calls/stream", "streamCalls", "The calls that are live, as they change")
            .with([cursor(), limit(100, 1_000), choice("state", &["live"], "There are no others here.")])
            .with([header("Last-Event-ID", "The id of the last event that was heard.")])
            .text(200, EVENTS, "An event for each state, with the page of live calls as its data."),
        get("/v1/orgs/{org}/calls/{id}", "getCall", "One call: as it is, or explained once it is over")
            .with([source])
            .answers::<AnyCall>(200, "The call."),
        post(
            "/v1/sources/{source}/restarted",
            "sourceRestarted",
            "A switch was started anew: its calls of before are closed",
        )
        .optional_body(restart())
        .answers::<SourceRestarted>(200, "Who was told."),
    ]
}

fn holds() -> Vec<Told> {
    vec![
        post("/v1/orgs/{org}/authorize", "authorize", "Whether something may start; what is granted is held")
            .body(authorization())
            .answers::<Authorized>(200, "Whether it may. A refusal is an answer, too."),
        post("/v1/orgs/{org}/quote", "quote", "The same with the price, and nothing is held")
            .body(authorization())
            .answers::<Quoted>(200, "What it would cost."),
        get("/v1/orgs/{org}/holds", "listHolds", "What is held")
            .with(pages())
            .answers::<HoldPage>(200, "The holds."),
        post("/v1/orgs/{org}/holds/{id}/release", "releaseHold", "Nothing is held under that name any more")
            .answers::<Released>(200, "It is released."),
        post("/v1/orgs/{org}/holds/{id}/extend", "extendHold", "It stays as long as a new one would")
            .answers::<HoldState>(200, "The hold."),
    ]
}
