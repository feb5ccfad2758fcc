//! What running calls are told, as JSON.

use serde_json::{Value, json};

use super::time;
use crate::ledger::calls::CallNews;

/// The stable id of what calls are told: a replay tells it under the same one.
#[must_use]
pub fn call_news_id(org: &str, news: &CallNews) -> String {
    format!("{org}.calls.{}", news.number)
}

/// What calls are told, as a CloudEvent.
#[must_use]
pub fn call_news_json(org: &str, news: &CallNews) -> Value {
    let calls = news.calls.iter().map(|(source, id)| json!({ "source": source, "call_id": id }));
    json!({
        "specversion": "1.0",
        "type": format!("creditd.call.{}.v1", news.news.slug()),
        "source": "creditd",
        "subject": org,
        "id": call_news_id(org, news),
        "time": time::format(news.at),
        "datacontenttype": "application/json",
        "data": {
            "org": org,
            "credit_type": news.credit_type,
            "headroom": news.headroom,
            "seconds_left": news.seconds_left,
            "running": news.running,
            "calls": calls.collect::<Value>(),
            "position": news.position.to_string(),
        },
    })
}
