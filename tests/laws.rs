//! The laws of the ledger, tried on histories that nobody would think of. A breach is shrunk to the shortest history that shows it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot go on fails the test")]

#[path = "laws/books.rs"]
pub mod books;
#[path = "laws/calls.rs"]
mod calls;
#[path = "laws/claims.rs"]
mod claims;
#[path = "laws/cutoff.rs"]
mod cutoff;
#[path = "laws/folding.rs"]
mod folding;
#[path = "laws/foresight.rs"]
mod foresight;
#[path = "laws/history.rs"]
pub mod history;
#[path = "laws/limits.rs"]
mod limits;
#[path = "laws/names.rs"]
mod names;
#[path = "laws/orphans.rs"]
mod orphans;
#[path = "laws/rating.rs"]
mod rating;
#[path = "laws/recharge.rs"]
mod recharge;
#[path = "laws/reports.rs"]
mod reports;
