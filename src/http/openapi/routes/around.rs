//! Alerts, webhooks, reports, tokens, and who did what.

use serde_json::json;

use super::{Group, Told};
use crate::http::openapi::around::{
    AlertLine, Attempt, AuditLine, NewPortalLink, NewToken, Report, Reports, Resent, Sending, Token, Webhook,
};
use crate::http::openapi::bodies::{command, message, portal_link, rotation, sending, token};
use crate::http::openapi::routes::figures::of_range;
use crate::http::openapi::shapes::{List, Page, PageOfOrg};
use crate::http::openapi::told::{
    CSV, EVENTS, HTML, OF_TABLES, OF_USAGE, cursor, delete, get, header, limit, pages, post, put,
};

pub(super) fn routes() -> Vec<Group> {
    vec![("Alerts", alerts()), ("Reports", reports()), ("Access", access())]
}

const LISTENING: &str = "A comment comes every 15 seconds. Who has more than 64 unread is cut off; 64 listen to an \
                         organization at once.";

fn alerts() -> Vec<Told> {
    vec![
        get("/v1/orgs/{org}/alerts", "listAlerts", "The last alerts, and what became of them")
            .with([cursor(), limit(50, 200)])
            .answers::<PageOfOrg<AlertLine>>(200, "Newest first."),
        get("/v1/orgs/{org}/alerts/stream", "streamAlerts", "Alerts as they are raised")
            .more(LISTENING)
            .with([header(
                "Last-Event-ID",
                "The alert that was heard last: what is kept after it comes first.",
            )])
            .text(200, EVENTS, "An event for each alert, with its CloudEvent as its data."),
        get("/v1/orgs/{org}/webhooks", "listWebhooks", "The webhooks, each with its health")
            .answers::<List<Webhook>>(200, "By name."),
        put("/v1/orgs/{org}/webhooks/{id}", "putWebhook", "Defines a webhook")
            .writes()
            .body(command("webhook.put.v1", &["id"]))
            .example(json!({ "url": "https://example.com/credits" }))
            .answers::<Webhook>(200, "As it is defined now.")
            .answers::<Webhook>(201, "It is new; with the secret where none was given.")
            .problems(&[409]),
        delete("/v1/orgs/{org}/webhooks/{id}", "removeWebhook", "Takes a webhook away")
            .writes()
            .nothing(204, "It is gone."),
        post("/v1/orgs/{org}/webhooks/{id}/test", "testWebhook", "Sends a test message now")
            .answers::<Attempt>(200, "What came of it."),
        post("/v1/orgs/{org}/webhooks/{id}/resend", "resendAlert", "Sends an alert again")
            .body(message())
            .answers::<Resent>(202, "It is on its way."),
    ]
}

fn reports() -> Vec<Told> {
    let schedule = json!({ "every": "week", "on": "monday", "at": "08:00" });
    let weekly =
        json!({ "to": ["ana@example.com"], "schedule": schedule, "content": { "group_by": "user" } });
    vec![
        get("/v1/orgs/{org}/reports", "listReports", "The reports, each with when it is due")
            .answers::<Reports>(200, "By name."),
        get(
            "/v1/orgs/{org}/reports/{id}",
            "getReport",
            "A report with its last sendings, or what it would hold now",
        )
        .with(of_range())
        .answers::<Report>(200, "The report.")
        .or_as(CSV, "What it would hold; of another time where a range is given.")
        .headers(&OF_TABLES)
        .headers(&OF_USAGE),
        put("/v1/orgs/{org}/reports/{id}", "putReport", "Defines a report")
            .writes()
            .body(command("report.put.v1", &["id"]))
            .example(weekly)
            .answers::<Report>(200, "As it is defined now.")
            .answers::<Report>(201, "It is new.")
            .problems(&[409]),
        delete("/v1/orgs/{org}/reports/{id}", "removeReport", "Nothing of it is sent any more")
            .writes()
            .nothing(204, "It is gone."),
        post("/v1/orgs/{org}/reports/{id}/send", "sendReport", "Sends a report now")
            .optional_body(sending())
            .answers::<Sending>(202, "It is on its way.")
            .problems(&[409]),
        get("/v1/unsubscribe/{token}", "askToLeave", "A page that asks whether to leave a report")
            .text(200, HTML, "The page.")
            .text(404, HTML, "The link is not known."),
        post("/v1/unsubscribe/{token}", "leave", "Takes an address off a report")
            .text(200, HTML, "It is done.")
            .text(404, HTML, "The link is not known.")
            .text(503, HTML, "It did not work."),
    ]
}

fn access() -> Vec<Told> {
    vec![
        get("/v1/tokens", "listTokens", "The tokens, those that are over too")
            .with(pages())
            .answers::<Page<Token>>(200, "The oldest first."),
        post("/v1/tokens", "createToken", "Makes a token")
            .body(token())
            .example(json!({ "name": "billing", "role": "viewer", "orgs": ["acme"] }))
            .answers::<NewToken>(201, "The token, which is shown once."),
        post("/v1/tokens/{id}/rotate", "rotateToken", "Gives a token another secret")
            .optional_body(rotation())
            .answers::<NewToken>(200, "The token, which is shown once."),
        delete("/v1/tokens/{id}", "revokeToken", "It is good for nothing from now on")
            .nothing(204, "It is revoked."),
        get("/v1/orgs/{org}/portal-links", "listPortalLinks", "The portal links that are in force")
            .answers::<List<Token>>(200, "The oldest first."),
        post(
            "/v1/orgs/{org}/portal-links",
            "createPortalLink",
            "Makes an address that shows the organization",
        )
        .optional_body(portal_link())
        .answers::<NewPortalLink>(201, "The address, which is told once."),
        delete("/v1/orgs/{org}/portal-links/{id}", "revokePortalLink", "It shows nothing from now on")
            .nothing(204, "It is revoked."),
        get("/portal/{token}", "enterPortal", "Leads on to the page of the organization")
            .nothing(303, "To the page, with the token as a cookie.")
            .headers(&[("Location", "The page."), ("Set-Cookie", "The token, until it ends.")]),
        get("/v1/audit", "listAudit", "Who did what")
            .with(pages())
            .answers::<Page<AuditLine>>(200, "Newest first."),
    ]
}
