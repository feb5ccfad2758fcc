//! One door for every read: what the faces, the dashboard and the CLI show comes through here.
//!
//! A read takes an organization's guard, copies what it needs and lets go; text is made afterwards.

mod balance;
mod catalog;
mod forecast;
mod limits;
mod orgs;
mod verify;
mod webhooks;

pub use balance::{Balance, GrantState, OrgBalance, OrgState, TallyState, balance, grant, org_state};
pub use catalog::catalog;
pub use forecast::{ForecastState, LossState, OrgForecast, RateState, forecast};
pub use limits::{LimitPage, LimitState, PageError, PageOf, limits};
pub use orgs::{MOST_LISTED, Orgs, orgs};
pub use verify::{Verified, verify};
pub use webhooks::{WebhookState, webhooks};
