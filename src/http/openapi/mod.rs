//! The OpenAPI document: the router's own table of routes, and what is told of each ([`routes`]). The schemas of answers are made of the
//! types that answer, those of bodies are the published ones of the commands ([`bodies`]).

mod around;
mod bodies;
mod routes;
mod shapes;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use bytes::Bytes;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use self::told::{Answer, Content, Told};
use super::portal;
use super::problem::Document;
use super::routes::{Reach, Route, Rule};
use crate::access::{Permission, Role};

/// `GET /v1/openapi.json`.
pub(super) async fn serve() -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document(&super::table()).to_string()));
    let mut response = Response::new(TEXT.clone().into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(told::JSON));
    response
}

/// The document about these routes. One of which nothing is told is not in it.
fn document(table: &[Route]) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.for_serialize().into_generator();
    let told = routes::all();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for Route { method, path, rule } in table {
        let known = told.iter().find(|(_, told)| told.method == method && told.path == path);
        if let Some((group, told)) = known {
            let operation = operation(group, told, rule, &mut generator);
            paths.entry(path).or_default().insert(method.as_str().to_ascii_lowercase(), operation);
        }
    }
    drop(generator.subschema_for::<Document>());
    let mut schemas = generator.take_definitions(true);
    schemas.extend(bodies::components());
    let tags = routes::GROUPS.map(|(name, what)| json!({ "name": name, "description": what }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "creditd",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": ABOUT,
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": problem() },
            "securitySchemes": schemes(),
        },
    })
}

const ABOUT: &str = "Amounts are decimal strings, instants are RFC 3339. Everything that writes is answered once it is applied. \
                     Whoever may GET may ask for the HEAD alone.";

fn problem() -> Value {
    json!({
        "description": "What went wrong, as RFC 9457 has it.",
        "headers": { "Retry-After": { "schema": { "type": "string" }, "description": "Where it passes: after so many seconds." } },
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn schemes() -> Value {
    json!({
        "token": { "type": "http", "scheme": "bearer", "description": "A token: `cr_<id>_<secret>`." },
        "portal": { "type": "apiKey", "in": "cookie", "name": portal::COOKIE, "description": "What a portal link leaves: it looks, at its organization." },
    })
}

fn operation(group: &str, told: &Told, rule: &Rule, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = names(told.path).map(|name| in_path(told.path, name)).collect();
    parameters.extend(told.parameters.iter().cloned());
    if is_tagged(told) {
        parameters.push(told::header("If-None-Match", "Tags of answers that are known already."));
    }
    let mut operation = json!({
        "operationId": told.id,
        "tags": [group],
        "summary": told.summary,
        "description": description(rule),
        "parameters": parameters,
        "responses": responses(told, rule, generator),
        "security": security(told, rule),
    });
    if let Some(permission) = rule.permission {
        operation["x-creditd-permission"] = json!(permission.name());
    }
    if let Some(body) = &told.body {
        operation["requestBody"] = body.clone();
    }
    operation
}

/// The names in a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn in_path(path: &str, name: &str) -> Value {
    let (schema, what) = match name {
        "org" => {
            (json!({ "type": "string", "pattern": "^[A-Za-z0-9-][A-Za-z0-9_-]{0,63}$" }), "The organization.")
        }
        "seq" => (
            json!({ "type": "string", "pattern": "^[0-9]{1,18}\\.[0-9]{1,9}$" }),
            "The position of the charge.",
        ),
        "credit_type" => {
            (json!({ "type": "string", "pattern": "^[a-z0-9_]{1,16}$" }), "The kind of credits.")
        }
        _ if path.contains("/holds/") => {
            (json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }), "The hold.")
        }
        _ => (json!({ "type": "string", "minLength": 1, "maxLength": 256 }), "By its name."),
    };
    json!({ "name": name, "in": "path", "required": true, "description": what, "schema": schema })
}

/// What a request to a route needs, in words.
fn description(rule: &Rule) -> String {
    let Some(permission) = rule.permission else {
        return "Needs no token.".to_owned();
    };
    let roles: Vec<&str> = permission.roles().iter().copied().map(Role::name).collect();
    let roles = roles.join(", ");
    let reach = match rule.reach {
        Reach::Org => "for this organization",
        Reach::Each => "looked at for each organization",
        Reach::Whole => "of a token that is bound to no organization",
    };
    let accounts =
        if rule.by_account { "Kept to the accounts of a token that is bound to some." } else { "" };
    format!("Needs the permission `{permission}`, {reach}; roles that have it: {roles}. {accounts}")
        .trim_end()
        .to_owned()
}

fn security(told: &Told, rule: &Rule) -> Value {
    let looks = told.method == Method::GET && rule.reach != Reach::Whole;
    match rule.permission {
        None => json!([]),
        Some(Permission::Read) if looks => json!([{ "token": [] }, { "portal": [] }]),
        Some(_) => json!([{ "token": [] }]),
    }
}

/// Whether its answer has an entity tag.
fn is_tagged(told: &Told) -> bool {
    let json = |answer: &Answer| {
        answer.status == 200 && answer.contents.iter().any(|(_, content)| matches!(content, Content::Json(_)))
    };
    told.method == Method::GET && told.answers.iter().any(json)
}

fn responses(told: &Told, rule: &Rule, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let reference = json!({ "$ref": "#/components/responses/Problem" });
    let mut all: Map<String, Value> =
        problems(told, rule).map(|status| (status, reference.clone())).collect();
    if is_tagged(told) {
        all.insert("304".to_owned(), json!({ "description": "It is as it was, by one of the tags." }));
    }
    for answer in &told.answers {
        let mut response = json!({ "description": answer.what });
        let contents = answer.contents.iter().map(|(media, content)| {
            let schema = match content {
                Content::Json(schema) => schema(generator).to_value(),
                Content::Text(what) => json!({ "type": "string", "description": what }),
            };
            ((*media).to_owned(), json!({ "schema": schema }))
        });
        let contents: Map<String, Value> = contents.collect();
        if !contents.is_empty() {
            response["content"] = Value::Object(contents);
        }
        if is_tagged(told) && answer.status == 200 {
            let what = "A weak tag of the content, but for its `as_of`; not of CSV.";
            response["headers"] = json!({ "ETag": { "description": what, "schema": { "type": "string" } } });
        }
        all.insert(answer.status.to_string(), response);
    }
    all
}

/// The statuses of problems: those of every route like it, its own, and `default` for what else may be.
fn problems<'t>(told: &'t Told, rule: &Rule) -> impl Iterator<Item = String> + use<'t> {
    let has_body = told.body.is_some();
    let likely = [
        (400, has_body || !told.parameters.is_empty()),
        (401, rule.permission.is_some()),
        (403, rule.permission.is_some()),
        (404, names(told.path).next().is_some()),
        (413, has_body),
        (422, has_body || rule.reach == Reach::Org),
        (429, rule.permission.is_some()),
        (503, rule.permission.is_some()),
    ];
    let likely = likely.into_iter().filter(|(_, is_likely)| *is_likely).map(|(status, _)| status);
    let all = likely.chain(told.problems.iter().copied()).map(|status| status.to_string());
    all.chain(["default".to_owned()])
}
