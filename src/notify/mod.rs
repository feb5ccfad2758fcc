//! What leaves on its own: alerts to whoever asked to be told.

pub mod webhooks;
