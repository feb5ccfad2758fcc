//! Every route is told of, once, and nothing else is.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_route_of_the_table_is_told_once_and_nothing_else() {
    let told: Vec<(String, String)> =
        routes::all().iter().map(|(_, told)| (told.method.to_string(), told.path.to_owned())).collect();
    let once: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(once.len(), told.len(), "something is told twice");
    let table: BTreeSet<_> =
        crate::http::table().into_iter().map(|route| (route.method.to_string(), route.path)).collect();
    let untold: Vec<_> = table.difference(&once).collect();
    let unknown: Vec<_> = once.difference(&table).collect();
    assert!(untold.is_empty() && unknown.is_empty(), "not told: {untold:?}; no routes: {unknown:?}");
}

#[test]
fn every_body_of_a_command_is_that_of_its_schema() {
    for (_, told) in routes::all() {
        let Some(body) = told.body else { continue };
        for (media, content) in body["content"].as_object().unwrap() {
            let schema = &content["schema"];
            assert!(schema.is_object(), "{}: {media} has no schema", told.id);
            let says = ["type", "anyOf", "description"].iter().any(|word| !schema[word].is_null());
            assert!(says, "{}: nothing is said of {media}: {schema}", told.id);
        }
    }
}

#[test]
fn every_group_is_known() {
    let known: BTreeSet<&str> = routes::GROUPS.iter().map(|(name, _)| *name).collect();
    let used: BTreeSet<&str> = routes::all().iter().map(|(group, _)| *group).collect();
    assert_eq!(known, used);
}

/// What is below a value, each with the way there.
fn below<'v>(value: &'v Value, way: &str, found: &mut Vec<(String, &'v Value)>) {
    found.push((way.to_owned(), value));
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| below(value, &format!("{way}/{name}"), found));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| below(value, &format!("{way}/{at}"), found));
        }
        _ => {}
    }
}

/// Whether somebody who reads it is told what it is: here, or where it refers to.
fn is_described(value: &Value) -> bool {
    let says = value["description"].as_str().is_some_and(|what| what.len() > 3);
    let refers = |one: &Value| one["$ref"].is_string();
    let parts = ["allOf", "anyOf", "oneOf"].iter().filter_map(|word| value[word].as_array()).flatten();
    says || refers(value) || parts.into_iter().any(refers)
}

#[test]
fn every_operation_parameter_answer_and_field_is_described() {
    let document = document(&crate::http::table());
    let mut all = Vec::new();
    below(&document["paths"], "", &mut all);
    below(&document["components"], "components", &mut all);
    let mut mute = Vec::new();
    for (way, value) in all {
        if let Some(id) = value["operationId"].as_str() {
            let told = ["summary", "description"].map(|word| value[word].as_str().unwrap_or_default());
            if told.iter().any(|text| text.len() < 4) {
                mute.push(format!("{id}: {told:?}"));
            }
            let things = value["parameters"].as_array().into_iter().flatten();
            let answers = value["responses"].as_object().into_iter().flat_map(Map::values);
            let undescribed = things.chain(answers).filter(|one| !is_described(one));
            mute.extend(undescribed.map(|one| format!("{id}: {one}")));
        }
        // What is published as the schemas of commands and events is told of in docs/EVENTS.md.
        let is_ours = way.starts_with("components/schemas/") && !way.contains(".v1");
        let fields = value["properties"].as_object().filter(|_| is_ours).into_iter().flatten();
        let undescribed = fields.filter(|(_, field)| !is_described(field));
        mute.extend(undescribed.map(|(name, _)| format!("{way}: {name}")));
    }
    assert!(mute.is_empty(), "nothing is said of\n{}", mute.join("\n"));
}
