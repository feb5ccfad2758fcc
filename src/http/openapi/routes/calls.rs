//! Events, calls, and what may start.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{Group, Told};
use crate::http::openapi::bodies::{authorization, events, message_of_adapter, restart};
use crate::http::openapi::explained::AnyCall;
use crate::http::openapi::routes::figures::of_history;
use crate::http::openapi::shapes::{
    Adapted, CallList, DurableEvents, EventResults, Released, SourceRestarted,
};
use crate::http::openapi::told::{
    CSV, EVENTS, OF_HISTORY, OF_TABLES, choice, cursor, get, header, limit, pages, post, text,
};
use crate::query::{Authorized, HoldPage, HoldState, Quoted};

pub(super) fn routes() -> Vec<Group> {
    vec![("Events", of_events()), ("Calls", calls()), ("Calls", holds())]
}

const OF_EVENTS: &str = "An event is known by its `source` and `id`: sent again it is a `duplicate`, so that the same \
                         body may be sent again whatever went wrong. Up to 10,000 events and 8 MiB, each up to \
                         512 KiB. See docs/EVENTS.md.";
const OF_MESSAGES: &str = "The adapter reads the message, whatever its media type, and makes an event of it. See \
                           docs/ADAPTERS.md.";

fn of_events() -> Vec<Told> {
    let own = json!({ "type": "action", "id": "1", "action": "email_sent", "user": "ana" });
    let of_any = json!({ "type": "action", "org": "acme", "id": "1", "action": "email_sent", "user": "ana" });
    let any = post("/v1/events", "sendEvents", "Takes events; each names its organization");
    let one = post("/v1/orgs/{org}/events", "sendOrgEvents", "Takes events of one organization");
    let foreign =
        post("/v1/adapters/{name}", "sendMessage", "Takes a message as a telephony system sends it");
    vec![
        taken::<EventResults>(any.more(OF_EVENTS), events()).example(of_any),
        taken::<EventResults>(one.more(OF_EVENTS), events()).example(own),
        taken::<Adapted>(foreign.more(OF_MESSAGES), message_of_adapter()),
    ]
}

fn taken<T: JsonSchema>(told: Told, body: Value) -> Told {
    let wait = choice("wait", &["applied", "none"], "What the answer waits for: `applied` if absent.");
    Told { body: Some(body), ..told.writes().with([wait]) }
        .answers::<T>(200, "What became of it, within ten seconds.")
        .answers::<DurableEvents>(202, "With `wait=none`: it is in the log, and not yet applied.")
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
            .or_as(CSV, "Those that are over, all of them where no limit is given.")
            .headers(&OF_TABLES)
            .headers(&OF_HISTORY),
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
        .writes()
        .optional_body(restart())
        .answers::<SourceRestarted>(200, "Who was told."),
    ]
}

const OF_AUTHORIZE: &str = "A hold is known by its `source` and `call_id`, an action's by its `source` and `id`: \
                            asked again it is replaced. See docs/AUTHORIZE.md.";

fn holds() -> Vec<Told> {
    let call = || json!({ "source": "sbc-1", "call_id": "9c3f", "direction": "outbound", "user": "ana" });
    vec![
        post("/v1/orgs/{org}/authorize", "authorize", "Whether something may start; what is granted is held")
            .more(OF_AUTHORIZE)
            .body(authorization())
            .example(call())
            .answers::<Authorized>(200, "Whether it may. A refusal is an answer, too."),
        post("/v1/orgs/{org}/quote", "quote", "The same with the price, and nothing is held")
            .body(authorization())
            .example(call())
            .answers::<Quoted>(200, "What it would cost."),
        get("/v1/orgs/{org}/holds", "listHolds", "What is held")
            .with(pages())
            .answers::<HoldPage>(200, "The holds."),
        post("/v1/orgs/{org}/holds/{id}/release", "releaseHold", "Nothing is held under that name any more")
            .writes()
            .answers::<Released>(200, "It is released."),
        post("/v1/orgs/{org}/holds/{id}/extend", "extendHold", "It stays as long as a new one would")
            .writes()
            .answers::<HoldState>(200, "The hold."),
    ]
}
