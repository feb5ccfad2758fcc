//! The NATS face: alerts and refusals out, a service that answers, and messages of other systems in.

mod adapters;
mod authorize;
mod publisher;
mod reads;
mod restarts;
mod service;

pub use adapters::adapt;
pub use async_nats::Client;
pub use publisher::{OutStream, publish};
pub use service::{ServeError, serve};
