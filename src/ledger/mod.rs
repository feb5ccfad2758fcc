//! The pure core: entries in, effects out.
//!
//! Nothing here knows the clock, I/O, async, floating point, randomness or hash order. Every amount is an
//! integer number of micro-credits, every instant an integer number of microseconds, and both come in
//! through the log.

#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

pub mod alerts;
pub mod authorization;
mod balance;
pub mod burn;
pub mod calendar;
pub mod calls;
pub mod catalog;
pub mod charge;
pub mod effect;
pub mod entry;
pub mod forecast;
pub mod grants;
pub mod ids;
pub mod limits;
pub mod movement;
pub mod names;
pub mod notice;
pub mod org;
pub mod price;
pub mod quiet;
pub mod rating;
pub mod recharge;
pub(crate) mod refusals;
pub mod rejection;
pub mod reports;
mod terms;
pub mod units;
pub mod webhooks;
