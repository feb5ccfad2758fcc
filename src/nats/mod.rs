//! The NATS face: alerts and refusals out, and a service that answers.

mod authorize;
mod publisher;
mod restarts;
mod service;

pub use async_nats::Client;
pub use publisher::{OutStream, publish};
pub use service::{ServeError, serve};
