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
