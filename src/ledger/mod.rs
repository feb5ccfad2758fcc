//! The pure core: entries in, effects out.
//!
//! Nothing here knows the clock, I/O, async, floating point, randomness or hash order. Every amount is an
//! integer number of micro-credits, every instant an integer number of microseconds, and both come in
//! through the log.

pub mod units;
