//! The rate cards and plans of the year: those that are shipped, and one that joins them.

use std::path::Path;

use serde_json::{Map, Value, json};

/// A file of the catalog that is shipped.
fn shipped(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/catalog").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::to_value(toml::from_str::<toml::Value>(&text).unwrap()).unwrap()
}

const FILES: [&str; 5] = ["outreach.toml", "leads.toml", "calling.toml", "crm.toml", "prospecting.toml"];

/// What `acme` lives by: all prices that are shipped; where two are of one action, those of the file that stands later.
fn suite() -> Map<String, Value> {
    let mut prices = Map::new();
    for name in ["leads.toml", "calling.toml", "outreach.toml", "crm.toml", "prospecting.toml"] {
        let card = &shipped(name)["rate_cards"][0];
        prices.extend(card["prices"].as_object().unwrap().clone());
    }
    prices
}

/// From March on a task of a pilot costs half a credit more.
pub(crate) fn second_suite() -> Value {
    let mut prices = suite();
    prices["pilot_task"] = json!({ "per_action": "4.5" });
    json!({ "version": 2, "effective_from": crate::event::SECOND_CARD, "prices": prices })
}

/// What is published before anything else: paths and bodies.
pub(crate) fn catalog() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for name in FILES {
        let file = shipped(name);
        for (list, path) in [("rate_cards", "rate-cards"), ("plans", "plans")] {
            for item in file[list].as_array().unwrap() {
                all.push((format!("/v1/{path}/{}", item["id"].as_str().unwrap()), item.clone()));
            }
        }
    }
    all.push(("/v1/rate-cards/suite".to_owned(), json!({ "version": 1, "prices": suite() })));
    let allotment = |(credit_type, amount, most): (&str, i64, i64)| {
        let mut allotment = json!({ "credit_type": credit_type, "amount": amount.to_string() });
        if most > 0 {
            allotment["rollover"] = json!({ "max": most.to_string() });
        }
        allotment
    };
    let allotments: Vec<Value> = crate::books::ALLOTMENTS.into_iter().map(allotment).collect();
    let alerts = json!([
        { "below_percent": 30, "credit_type": "credits" }, { "below_percent": 10, "credit_type": "credits" },
        { "below": "50", "credit_type": "phone" }, { "expires_within_days": 7 }, { "cycle_reset": true },
    ]);
    let plan = json!({ "version": 1, "rate_card": "suite", "when_exhausted": "overage", "cycle": "month",
        "allotments": allotments, "alerts": alerts, "calls": { "overdraft": "0" } });
    all.push(("/v1/plans/suite".to_owned(), plan));
    let open = json!({ "version": 1, "rate_card": "outreach", "unmetered": true });
    all.push(("/v1/plans/open".to_owned(), open));
    all
}
