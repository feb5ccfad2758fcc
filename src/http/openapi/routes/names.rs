//! Accounts, teams, users, and what spends.

use serde_json::json;

use super::{Group, Told};
use crate::http::openapi::bodies::command;
use crate::http::openapi::told::{get, pages, put, query, text};
use crate::query::{Dated, NamePage, NameState};

const FOUND: &str = "By id.";
const STATED: &str = "As it was stated.";
const NEW: &str = "It was not known before.";

pub(super) fn routes() -> Vec<Group> {
    let search = || text("search", "Only those with that in their id or name.");
    let list = |path, id, summary| {
        get(path, id, summary).with(pages()).with([search()]).answers::<NamePage>(200, FOUND)
    };
    let one =
        |path, id, summary| get(path, id, summary).answers::<Dated<NameState>>(200, "What is known of it.");
    let put = |path, id, summary, kind, said: &[&str]| {
        let told: Told = put(path, id, summary).writes().body(command(kind, said));
        told.answers::<Dated<NameState>>(200, STATED).answers::<Dated<NameState>>(201, NEW)
    };
    let used =
        query("used", &json!({ "type": "boolean", "default": false }), "Whether to tell what each used.");
    vec![(
        "Names",
        vec![
            list("/v1/orgs/{org}/accounts", "listAccounts", "The accounts"),
            one("/v1/orgs/{org}/accounts/{id}", "getAccount", "An account"),
            put(
                "/v1/orgs/{org}/accounts/{id}",
                "putAccount",
                "States an account whole",
                "account.put.v1",
                &["id"],
            ),
            list("/v1/orgs/{org}/teams", "listTeams", "The teams"),
            one("/v1/orgs/{org}/teams/{id}", "getTeam", "A team"),
            put("/v1/orgs/{org}/teams/{id}", "putTeam", "States a team whole", "team.put.v1", &["id"]),
            list("/v1/orgs/{org}/users", "listUsers", "The users"),
            one("/v1/orgs/{org}/users/{id}", "getUser", "A user"),
            put("/v1/orgs/{org}/users/{id}", "putUser", "States a user whole", "user.put.v1", &["id"]),
            list("/v1/orgs/{org}/entities", "listEntities", "What spends").with([
                text("type", "Only those of that type."),
                text("status", "Only those with that status."),
                used,
            ]),
            one(
                "/v1/orgs/{org}/entities/{type}/{id}",
                "getEntity",
                "What spends, with what it used and is going to use",
            ),
            put(
                "/v1/orgs/{org}/entities/{type}/{id}",
                "putEntity",
                "States what spends whole",
                "entity.put.v1",
                &["entity"],
            ),
        ],
    )]
}
