//! The daemon itself.

use serde_json::{Map, Value};

use super::Group;
use crate::http::openapi::shapes::{Alive, Readiness};
use crate::http::openapi::told::get;

pub(super) fn routes() -> Vec<Group> {
    vec![(
        "Daemon",
        vec![
            get("/healthz", "getHealth", "Whether this process serves").answers::<Alive>(200, "It does."),
            get("/readyz", "getReadiness", "Whether events and questions are welcome")
                .answers::<Readiness>(200, "They are.")
                .answers::<Readiness>(503, "They are not, for these reasons."),
            get("/metrics", "getMetrics", "The figures that Prometheus scrapes").text(
                200,
                "text/plain",
                "In the text format of Prometheus.",
            ),
            get("/v1/openapi.json", "getOpenApi", "This document")
                .answers::<Map<String, Value>>(200, "An OpenAPI document."),
        ],
    )]
}
