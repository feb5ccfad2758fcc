//! The examples of `docs/EVENTS.md` are accepted, and each type has its schema.

use serde_json::Value;

use super::Book;
use crate::model::Outcome;

/// The JSON examples of the document, each with the subject it is meant for.
fn examples(text: &str) -> Option<Vec<(&str, Value)>> {
    let blocks = text.split("```json ").skip(1);
    let parsed = blocks.map(|block| {
        let (subject, rest) = block.split_once('\n')?;
        Some((subject, serde_json::from_str(rest.split("```").next()?).ok()?))
    });
    parsed.collect()
}

#[test]
fn every_example_of_the_reference_is_taken() {
    let mut book = Book { model: crate::model::Model::new(), seq: 0 };
    let text = std::fs::read_to_string("docs/EVENTS.md").unwrap();
    let mut examples = examples(&text).expect("every example names a subject and is JSON");
    assert_eq!(examples.len(), 15, "an example is missing, or is new");
    // The reference explains events before the commands they need.
    examples.sort_by_key(|(subject, example)| {
        let kind = example["type"].as_str().unwrap_or_default();
        let order = ["rate_card.put", "plan.put", "org.put", "grant", "action", "call.ended"];
        (subject.contains("events"), order.iter().position(|part| kind.contains(part)).unwrap_or(9))
    });
    for (subject, example) in examples {
        for outcome in book.send(0, subject, &example) {
            assert!(
                !matches!(outcome, Outcome::Rejected(_) | Outcome::Duplicate),
                "{outcome:?}: {example:#}"
            );
        }
    }
}

#[test]
fn each_type_has_a_schema_that_names_itself() {
    let events = ["action", "call.ended", "source.restarted", "void"];
    let published = ["rate_card.put", "plan.put"];
    let of_orgs = [
        "org.put",
        "grant",
        "grant.void",
        "adjust",
        "limit.put",
        "limit.remove",
        "recharge.put",
        "recharge.remove",
        "recharge.failed",
        "account.put",
        "team.put",
        "user.put",
        "entity.put",
        "webhook.put",
        "webhook.remove",
        "report.put",
        "report.remove",
        "report.unsubscribe",
    ];
    for kind in events.into_iter().chain(published).chain(of_orgs) {
        let name = format!("creditd.{kind}.v1");
        let text = std::fs::read_to_string(format!("docs/schemas/{name}.json")).unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["$id"], format!("{name}.json"));
        assert!(text.contains(&format!("\"{name}\"")), "{name} does not name its type");
    }
}
