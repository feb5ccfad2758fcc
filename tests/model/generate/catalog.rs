//! The price lists and plans of a generated log, and what is wrong with some commands.

use serde_json::{Value, json};

/// Rate cards, by id: outreach by the action, voice by the minute, several credit types.
pub fn cards() -> [Value; 2] {
    let outreach = json!({
        "email_sent": { "per_action": "1" }, "reaction": { "per_action": "2" }, "message": { "per_action": "5" },
        "person_enrichment": { "per_action": "5" }, "lead_sourced": { "per_action": "0" },
        "ai_tokens": { "per_units": "0.7", "units": 1000 },
        "tokens_in_lots": { "per_units": "0.333333", "units": 750, "started": true },
        "phone_call": { "per_minute": "2" }, "support_call": { "per_minute": "0.75", "increment": "6/6" },
        "translation": { "per_minute": "1.000001" }, "recording": { "per_action": "0.25" },
        "moon_rock": { "per_action": "2000000000000" }
    });
    let voice = json!({
        "email_sent": { "per_action": "1", "credit_type": "email" },
        "reaction": { "per_action": "0.1", "credit_type": "email" },
        "message": { "per_action": "3", "credit_type": "email" },
        "person_enrichment": { "per_action": "12.345678" }, "lead_sourced": { "per_action": "1" },
        "ai_tokens": { "per_units": "0.1", "units": 3 }, "tokens_in_lots": { "per_units": "2", "units": 1000, "started": true },
        "phone_call": {
            "credit_type": "phone", "per_minute": "6", "connect_fee": "0.5", "minimum": "1.5", "increment": "30/6",
            "inbound": { "per_minute": "2", "connect_fee": "0" }, "outbound": { "per_minute": "8.33" },
            "destinations": [
                { "prefix": "49", "per_minute": "4" },
                { "prefix": "4917", "per_minute": "11.1", "connect_fee": "1", "direction": "outbound" },
                { "prefix": "1", "per_minute": "0.01" }
            ]
        },
        "support_call": { "per_minute": "0.000001", "increment": "1/1" },
        "translation": { "per_minute": "3", "minimum": "0.75" },
        "recording": { "per_minute": "0.1", "credit_type": "phone", "connect_fee": "0.2" },
        "moon_rock": { "per_action": "2000000000000" }
    });
    [
        json!({ "id": "outreach", "version": 1, "prices": outreach }),
        json!({ "id": "voice", "version": 1, "prices": voice }),
    ]
}

/// Plans, by id.
pub fn plans() -> [Value; 3] {
    [
        json!({ "id": "base", "version": 1, "rate_card": "outreach" }),
        json!({ "id": "prepaid", "version": 1, "rate_card": "outreach", "increment": "30/30", "when_exhausted": "reject",
                "alerts": [{ "below_percent": 50 }, { "below": "40" }], "calls": { "longest_s": 600, "silence_s": 120 } }),
        json!({ "id": "callers", "version": 1, "rate_card": "voice", "when_exhausted": "overage",
                "alerts": [{ "below_percent": 60 }, { "below_percent": 0 }, { "below": "12.5", "credit_type": "phone" },
                           { "below_percent": 20, "credit_type": "email" }], "calls": { "longest_s": 3600, "slice_s": 60 } }),
    ]
}

/// Commands for the catalog that must be rejected.
pub const BAD_FOR_CATALOG: [&str; 16] = [
    r#"{"type":"creditd.rate_card.put.v1","id":"outreach","version":1,"prices":{"message":{"per_action":"6"}}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"outreach","version":99,"prices":{}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":1,"prices":{"a":{"per_action":"1","per_minute":"1"}}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":1,"prices":{"a":{"per_action":1.5}}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":0,"prices":{}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":2,"prices":{}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":1,"prices":{"a":{"per_minute":"1","conect_fee":"1"}}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":1,"prices":{"a":{"per_units":"1"}}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":1,"prices":{"a":null}}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"bad","version":1,"prices":{"a":{"per_minute":"1","destinations":[{"prefix":"1234567890123456","per_minute":"1"}]}}}"#,
    r#"{"type":"creditd.plan.put.v1","id":"bad","version":1,"rate_card":"outreach","alerts":[{"below":"5","credit_type":"creditz"}]}"#,
    r#"{"type":"creditd.plan.put.v1","id":"bad","version":1,"rate_card":"nowhere"}"#,
    r#"{"type":"creditd.plan.put.v1","id":"bad","version":1,"rate_card":"outreach","calls":{"longest_s":59}}"#,
    r#"{"type":"creditd.plan.put.v1","id":"bad","version":1,"rate_card":"outreach","calls":{"silence_s":86401}}"#,
    r#"{"type":"creditd.plan.put.v1","id":"bad","version":1}"#,
    r#"{"type":"creditd.org.put.v1","plan":"base"}"#,
];

/// Commands for an organization that must be rejected.
pub const BAD_FOR_ORG: [&str; 15] = [
    r#"{"type":"creditd.grant.v1","amount":"0"}"#,
    r#"{"type":"creditd.grant.v1","amount":"-1"}"#,
    r#"{"type":"creditd.grant.v1","amount":5.5}"#,
    r#"{"type":"creditd.grant.v1","amount":"1.2345678"}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","kind":"gift"}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","priority":256}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","expires":"2001-01-01T00:00:00Z"}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","expire":"2101-01-01T00:00:00Z"}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","credit_type":"creditz"}"#,
    r#"{"type":"creditd.grant.v1","amount":"5","org":"somebody-else"}"#,
    r#"{"type":"creditd.org.put.v1","plan":"base","overide":{}}"#,
    r#"{"type":"creditd.org.put.v1","plan":"base","names":"Acme"}"#,
    r#"{"type":"creditd.org.put.v1","plan":"nowhere"}"#,
    r#"{"type":"creditd.org.put.v1"}"#,
    r#"{"type":"creditd.rate_card.put.v1","id":"outreach","version":1,"prices":{}}"#,
];
