//! One door for every read: what the faces, the dashboard and the CLI show comes through here.
//!
//! A read takes an organization's guard, copies what it needs and lets go; text is made afterwards.

mod authorization;
mod balance;
mod calls;
mod catalog;
mod charged;
pub(crate) mod csv;
mod ended;
mod forecast;
mod history;
mod limits;
mod names;
mod orgs;
mod page;
mod recharges;
mod reports;
mod spent;
mod usage;
mod verify;
mod webhooks;
mod what_if;

pub use authorization::{Authorized, HoldPage, HoldState, HoldsOf, Quoted, authorized, holds, quoted};
pub use balance::{Balance, GrantState, OrgBalance, OrgState, TallyState, balance, grant, org_state};
pub use calls::{BurnLine, CallPage, CallState, CallsOf, Who, calls, live_call};
pub use catalog::{CatalogView, catalog};
pub use ended::ended_call;
pub use forecast::{ForecastState, LossState, OrgForecast, RateState, forecast};
pub use history::{
    CallFacts, EntityOf, Export, Exported, FinishedCall, HistoryError, HistoryLine, HistoryMeta, HistoryOf,
    HistoryPage, MOST_LOOKED_AT, Part, Step, Wrong, charge, finished_calls, history,
};
pub use limits::{LimitPage, LimitState, PageOf, limits};
pub use names::{
    EntityName, NamePage, NameState, Named, NamesOf, NamesState, PlainName, UserName, name, names,
};
pub use orgs::{MOST_LISTED, OrgLine, Orgs, org, orgs};
pub use page::{AsOf, Dated, PageError, PageMeta};
pub use recharges::{CapState, RechargeState, Recharges, recharges};
pub use reports::{ContentState, ReportState, report_question, reports, within};
pub use spent::{Projection, Spent, Used, spent, spent_by_page};
pub use usage::{
    Cause, Compared, Differences, Figures, GroupLine, MOST_GROUPS, Meta, OfType, Parameters, Percent,
    Percents, Point, RangeState, Refused, Sheet, Sources, Spike, Spikes, SpikesMeta, Sums, Usage, UsageError,
    UsageLine, Values, check_usage, spikes, usage, usage_from, whole_usage,
};
pub use verify::{Verified, verify};
pub use webhooks::{QuietState, WebhookState, webhooks};
pub use what_if::{
    Order, OrgOutcome, Outcome, OutcomePage, PricesState, Progress, Totals, Unpriced, UnpricedAction, WhatIf,
    WhatIfError,
};
