//! A streaming credit meter: events in, exact prepaid balances and low-credit alerts out.
//!
//! The path of an event, and the module that holds each step:
//!
//! 1. [`log`] hands over records in order: from NATS JetStream, or from the local log in embedded mode.
//! 2. `wire` turns a record's JSON into checked ledger events, each item of a batch on its own.
//! 3. [`ledger`] folds each event into its organization: rate, burn grants, raise alerts. Pure.
//! 4. `book` keeps the organizations in memory, runs the ordered pipeline and takes checkpoints.
//! 5. [`store`] keeps checkpoints and the history of charges on disk.
//! 6. `query` reads; `http` and `nats` are the faces, and [`access`] says who may do what at them; `cli` is the program.
//!
//! The invariants that hold all of this together are listed in `ARCHITECTURE.md`; the first of them:
//! an organization's state is a pure fold of the log, so the same log gives the same credits anywhere.

pub mod access;
pub mod book;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod http;
pub mod ledger;
pub mod log;
pub mod metrics;
pub mod nats;
pub mod notify;
pub mod query;
pub mod store;
pub mod wire;
