//! What is told of every route, by what it is about.

mod around;
mod calls;
mod credits;
mod daemon;
mod figures;
mod names;

use super::told::Told;

/// The groups of routes, each with its name and what it is about.
pub(super) const GROUPS: [(&str, &str); 14] = [
    ("Organizations", "Who spends, and what is left."),
    ("Credits", "What comes and goes by hand, and the books."),
    ("Prices", "Rate cards and plans."),
    ("Events", "What was done."),
    ("Calls", "What is talked, and what may start."),
    ("Usage", "What was used, and every movement of credits."),
    ("Limits", "What may be used."),
    ("Recharges", "Credits that are bought when they run low."),
    ("Names", "Accounts, teams, users, and what spends."),
    ("Alerts", "What is told, and to whom."),
    ("Reports", "What is mailed, and when."),
    ("What if", "Other prices over the real history."),
    ("Access", "Who may do what, and who did what."),
    ("Daemon", "How it is."),
];

/// All routes, by the names of their groups.
pub(super) fn all() -> Vec<(&'static str, Told)> {
    let groups = [
        credits::routes(),
        calls::routes(),
        figures::routes(),
        names::routes(),
        around::routes(),
        daemon::routes(),
    ];
    let all = groups.into_iter().flatten();
    all.flat_map(|(group, told)| told.into_iter().map(move |told| (group, told))).collect()
}

/// Routes of one group.
type Group = (&'static str, Vec<Told>);
