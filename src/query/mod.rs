//! One door for every read: what the faces, the dashboard and the CLI show comes through here.
//!
//! A read takes an organization's guard, copies what it needs and lets go; text is made afterwards.

mod balance;

pub use balance::{Balance, GrantState, OrgBalance, OrgState, TallyState, balance, org_state};
