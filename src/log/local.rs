//! Local log.
