//! What `docs/ACCESS.md` says of roles and routes is what the program does.

use creditd::access::{Permission, Role};
use creditd::http::{Reach, Route};

const DOCUMENT: &str = include_str!("../../docs/ACCESS.md");

/// Fails with the lines that the document lacks.
fn says(lines: impl Iterator<Item = String>) {
    let known: Vec<&str> = DOCUMENT.lines().collect();
    let missing: Vec<String> = lines.filter(|line| !known.contains(&line.as_str())).collect();
    assert!(missing.is_empty(), "docs/ACCESS.md lacks\n{}", missing.join("\n"));
}

#[test]
fn every_permission_is_told_with_the_roles_that_have_it() {
    let row = |permission: Permission| {
        let marks: Vec<&str> =
            Role::ALL.iter().map(|role| if role.may(permission) { "✓" } else { "" }).collect();
        format!("| `{permission}` | {} | {} |", permission.meaning(), marks.join(" | "))
    };
    says(Permission::ALL.into_iter().map(row));
}

#[test]
fn every_route_is_told_with_what_it_needs() {
    let row = |Route { method, path, rule }: Route| {
        let permission = rule.permission.map_or("nothing".to_owned(), |permission| format!("`{permission}`"));
        let reach = match (rule.permission, rule.reach) {
            (None, _) => "",
            (_, Reach::Org) => "the organization of the path",
            (_, Reach::Each) => "each organization by itself",
            (_, Reach::Whole) => "all organizations",
        };
        let kept = if rule.permission.is_some() && rule.by_account { "yes" } else { "" };
        format!("| `{method} {path}` | {permission} | {reach} | {kept} |")
    };
    let routes = creditd::http::table();
    let is_route =
        |line: &&str| ["GET", "POST", "PUT", "DELETE"].iter().any(|m| line.starts_with(&format!("| `{m} /")));
    let told = DOCUMENT.lines().filter(is_route).count();
    assert_eq!(told, routes.len(), "as many routes as there are");
    says(routes.into_iter().map(row));
}
