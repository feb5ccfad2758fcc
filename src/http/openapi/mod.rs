//! The OpenAPI document: the router's own table of routes, and what is told of each ([`routes`]). The schemas of answers are made of the
//! types that answer, those of bodies are the published ones of the commands ([`bodies`]).

mod around;
mod bodies;
mod explained;
mod problems;
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
            "responses": problems::components(),
            "securitySchemes": schemes(),
        },
    })
}

const ABOUT: &str = "Amounts are decimal strings of credits, such as \"12.5\", with at most six decimals. Instants are RFC 3339. \
                     What ends in `_ms` is in milliseconds, what ends in `_s` or `_seconds` in seconds. A position, such as \
                     \"17.2\", is the record of the log and the item in it.\n\n\
                     Everything that writes is answered once it is applied, and may be sent again as it is where its \
                     description says how a repeat is known. A list comes in pages: `meta.next` is the `cursor` of the next \
                     one, null on the last. Where an answer is to be had as CSV, `Accept: text/csv` asks for it. Answers in \
                     JSON have an `ETag`, which `If-None-Match` names. Streams are server-sent events. \
                     Whoever may GET may ask for the HEAD alone.";

fn schemes() -> Value {
    json!({
        "token": { "type": "http", "scheme": "bearer", "description": "A token: `cr_<id>_<secret>`, or a JSON Web Token of the identity provider where `access.oidc` names one. Where `access.mode` is `open` none is asked for." },
        "password": { "type": "http", "scheme": "basic", "description": "The token as the password, with any name: for programs that know no other way." },
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
        "description": description(told, rule),
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
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let any = || json!({ "type": "string", "minLength": 1, "maxLength": 256 });
    let before = path.split('/').take_while(|part| part.trim_matches(['{', '}']) != name).last();
    let (schema, what, example) = match (name, before.unwrap_or_default()) {
        ("org", _) => (text("^[A-Za-z0-9-][A-Za-z0-9_-]{0,63}$"), "The organization, by its name.", "acme"),
        ("seq", _) => (
            text("^[0-9]{1,18}\\.[0-9]{1,9}$"),
            "The position of the charge: `seq` of its row of the history.",
            "16.2",
        ),
        ("credit_type", _) => (text("^[a-z0-9_]{1,16}$"), "The kind of credits.", "credits"),
        ("type", _) => (any(), "The type of what spends.", "campaign"),
        ("source", _) => (any(), "The switch, as its events say it in `source`.", "sbc-1"),
        ("name", _) => (any(), "The adapter, by its name in its file.", "freeswitch-cdr"),
        ("token", "unsubscribe") => (any(), "As the link in the mail has it.", "…"),
        ("token", _) => (any(), "As the link has it: `cr_<id>_<secret>`.", "cr_…"),
        (_, "holds") => {
            (text("^[0-9a-f]{32}$"), "The hold: `hold_id` of the answer that granted it.", "0c5b…")
        }
        (_, "rate-cards" | "plans") => (any(), "Its name: 1 to 256 bytes.", "standard"),
        (_, "tokens" | "portal-links") => (any(), "Its `id`, which is no secret.", "k3f9…"),
        (_, "what-if") => (text("^[0-9]{1,18}$"), "The answer: `id` of what began it.", "1"),
        (_, "calls") => (any(), "The call, as its events say it in `call_id`.", "9c3f"),
        _ => (any(), "Its name: 1 to 256 bytes.", "…"),
    };
    let mut parameter =
        json!({ "name": name, "in": "path", "required": true, "description": what, "schema": schema });
    if !example.contains('…') {
        parameter["example"] = json!(example);
    }
    parameter
}

/// What there is to know of a route, and what a request to it needs.
fn description(told: &Told, rule: &Rule) -> String {
    let more = if told.more.is_empty() { String::new() } else { format!("{}\n\n", told.more) };
    let Some(permission) = rule.permission else {
        return format!("{more}Needs no token.");
    };
    let roles: Vec<&str> = permission.roles().iter().copied().map(Role::name).collect();
    let roles = roles.join(", ");
    let reach = match rule.reach {
        Reach::Org => "for this organization",
        Reach::Each => "looked at for each organization",
        Reach::Whole => "of a token that is bound to no organization",
    };
    let accounts = match rule.by_account {
        true => "Kept to the accounts of a token that is bound to some.",
        false => "Not for a token that is bound to some accounts.",
    };
    format!("{more}Needs the permission `{permission}`, {reach}; roles that have it: {roles}. {accounts}")
}

/// The ways to show a token, of which one is enough.
fn security(told: &Told, rule: &Rule) -> Value {
    let looks = told.method == Method::GET && rule.reach != Reach::Whole;
    let all: &[&str] = match rule.permission {
        None => &[],
        Some(Permission::Read) if looks => &["token", "password", "portal"],
        Some(_) => &["token", "password"],
    };
    all.iter().map(|scheme| json!({ *scheme: [] })).collect()
}

/// Whether its answer has an entity tag.
fn is_tagged(told: &Told) -> bool {
    let json = |answer: &Answer| {
        answer.status == 200 && answer.contents.iter().any(|(_, content)| matches!(content, Content::Json(_)))
    };
    told.method == Method::GET && told.answers.iter().any(json)
}

const ETAG: (&str, &str) =
    ("ETag", "A weak tag of the content but for its `as_of`; not of CSV, and not over 8 MB.");

fn responses(told: &Told, rule: &Rule, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut all = problems::of(told, rule);
    let is_tagged = is_tagged(told);
    if is_tagged {
        let what = "It is as it was, by one of the tags of `If-None-Match`.";
        all.insert("304".to_owned(), json!({ "description": what, "headers": headers(&[ETAG]) }));
    }
    for answer in &told.answers {
        let contents = answer.contents.iter().map(|(media, content)| {
            let schema = match content {
                Content::Json(schema) => schema(generator).to_value(),
                Content::Text(what) => json!({ "type": "string", "description": what }),
            };
            ((*media).to_owned(), json!({ "schema": schema }))
        });
        let contents: Map<String, Value> = contents.collect();
        let mut told = answer.headers.clone();
        told.extend((is_tagged && answer.status == 200).then_some(ETAG));
        let mut response = json!({ "description": answer.what });
        if !contents.is_empty() {
            response["content"] = Value::Object(contents);
        }
        if !told.is_empty() {
            response["headers"] = headers(&told);
        }
        all.insert(answer.status.to_string(), response);
    }
    all
}

/// Headers of an answer, each with what it tells.
fn headers(all: &[(&str, &str)]) -> Value {
    let one = |(name, what): &(&str, &str)| {
        ((*name).to_owned(), json!({ "description": what, "schema": { "type": "string" } }))
    };
    Value::Object(all.iter().map(one).collect())
}
