//! A misspelt command never passes for another.

use super::*;
use crate::wire::catalog_commands_from_toml;

fn decode(subject: Subject<'_>, text: &str) -> Result<AnyCommand, Rejection> {
    let mut all = Vec::new();
    decode_command(subject, text.as_bytes(), &mut |_, command| all.push(command));
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn refusal(subject: Subject<'_>, text: &str) -> Option<(Reason, String)> {
    decode(subject, text).err().map(|rejection| (rejection.reason, rejection.field.into_owned()))
}

fn price(text: &str) -> Option<Reason> {
    let card = format!(r#"{{"type":"rate_card.put","id":"c","version":1,"prices":{{"a":{text}}}}}"#);
    refusal(Subject::Catalog, &card).map(|(reason, _)| reason)
}

fn grant(rest: &str) -> Option<Reason> {
    let grant = format!(r#"{{"type":"creditd.grant.v1"{rest}}}"#);
    refusal(Subject::Commands("acme"), &grant).map(|(reason, _)| reason)
}

#[test]
fn a_price_is_exactly_one_of_three() {
    for good in [
        r#"{"per_action":"1.5"}"#,
        r#"{"per_action":2}"#,
        r#"{"per_units":"0.7","units":1000,"started":true}"#,
        r#"{"per_minute":"2","increment":"30/6","minimum":"1","inbound":{"connect_fee":"0"}}"#,
        r#"{"per_minute":"2","destinations":[{"prefix":"49","per_minute":"1"},{"prefix":"49","per_minute":"2","direction":"inbound"}]}"#,
        r#"{"per_action":"1","per_minute":null}"#,
    ] {
        assert_eq!(price(good), None, "{good}");
    }
    for bad in [
        "null",
        "{}",
        r#"{"per_action":"1","per_minute":"1"}"#,
        r#"{"per_action":"1","units":5}"#,
        r#"{"per_action":1.5}"#,
        r#"{"per_action":"-0"}"#,
        r#"{"per_action":"1","per_acton":"2"}"#,
        r#"{"per_action":"1","credit_type":"E-Mail"}"#,
        r#"{"per_units":"1","units":0}"#,
        r#"{"per_minute":"1","increment":"+6/6"}"#,
        r#"{"per_minute":"1","inbound":{"conect_fee":"1"}}"#,
        r#"{"per_minute":"1","destinations":[{"prefix":"+49","per_minute":"1"}]}"#,
        r#"{"per_minute":"1","destinations":[{"prefix":"1234567890123456","per_minute":"1"}]}"#,
        r#"{"per_minute":"1","destinations":[{"prefix":"4","per_minute":"1"},{"prefix":"4","per_minute":"2"}]}"#,
    ] {
        assert_eq!(price(bad), Some(Reason::InvalidField), "{bad}");
    }
    assert_eq!(price(r#"{"per_units":"1"}"#), Some(Reason::MissingField));
}

#[test]
fn a_destination_without_a_fee_has_that_of_the_direction() {
    let card = r#"{"type":"rate_card.put","id":"c","version":1,"prices":{"a":{"per_minute":"1","connect_fee":"5",
        "inbound":{"connect_fee":"7"},"destinations":[{"prefix":"49","per_minute":"2"},
        {"prefix":"49","per_minute":"3","connect_fee":"9","direction":"outbound"}]}}}"#;
    let Ok(AnyCommand::Catalog(CatalogCommand::PutRateCard(card))) = decode(Subject::Catalog, card) else {
        panic!("a rate card")
    };
    let crate::ledger::price::Tariff::PerMinute(minutes) = &card.content.prices["a"].tariff else {
        panic!("minutes")
    };
    let fee = |direction| minutes.rate(direction, Some("4930")).0.connect_fee.to_string();
    use crate::ledger::price::Direction::{Inbound, Outbound};
    assert_eq!((fee(Inbound), fee(Outbound)), ("7".to_owned(), "9".to_owned()));
}

#[test]
fn a_misspelt_field_of_a_command_is_refused_by_name() {
    let org = Subject::Commands("acme");
    for (text, field) in [
        (r#"{"type":"org.put","plan":"p","overide":{}}"#, "overide"),
        (r#"{"type":"org.put","plan":"p","names":"Acme"}"#, "names"),
        (r#"{"type":"org.put","plan":"p","overrides":{"price":{}}}"#, "price"),
        (r#"{"type":"grant","amount":"5","expire":"2101-01-01T00:00:00Z"}"#, "expire"),
        (r#"{"specversion":"1.0","type":"grant","data":{"amount":"5","typ":"x"}}"#, "typ"),
    ] {
        assert_eq!(refusal(org, text), Some((Reason::InvalidField, field.to_owned())), "{text}");
    }
    // Beside `data` stand attributes, which are anybody's.
    assert_eq!(
        refusal(org, r#"{"specversion":"1.0","type":"grant","tenant":7,"data":{"amount":"5"}}"#),
        None
    );
}

#[test]
fn an_array_of_its_fields_is_no_object() {
    let plan = r#"{"type":"plan.put","id":"p","version":1,"rate_card":"c","calls":[null,null]}"#;
    let org = r#"{"type":"org.put","plan":"p","overrides":[null,null,null]}"#;
    let grant = r#"{"type":"grant","amount":"1","recurrence":["month",null]}"#;
    let within = r#"{"type":"grant","amount":"1","scope":{"entities":[["campaign","7"]]}}"#;
    for (subject, text, field) in [
        (Subject::Catalog, plan, "calls"),
        (Subject::Commands("acme"), org, "overrides"),
        (Subject::Commands("acme"), grant, "recurrence"),
        (Subject::Commands("acme"), within, "scope"),
    ] {
        assert_eq!(refusal(subject, text), Some((Reason::InvalidField, field.to_owned())), "{text}");
    }
}

#[test]
fn a_grant_is_checked_field_by_field() {
    assert_eq!(grant(r#","amount":"5","expires":null,"kind":null,"org":"acme""#), None);
    assert_eq!(grant(""), Some(Reason::MissingField));
    assert_eq!(grant(r#","amount":null"#), Some(Reason::MissingField));
    assert_eq!(grant(r#","amount":"5","org":"other""#), Some(Reason::OrgMismatch));
    for bad in [
        r#","amount":"0""#,
        r#","amount":"-1""#,
        r#","amount":"1.2345678""#,
        r#","amount":"9223372036854.775808""#,
        r#","amount":"5","kind":"gift""#,
        r#","amount":"5","priority":256"#,
        r#","amount":"5","expires":"tomorrow""#,
        r#","amount":"5","id":"""#,
    ] {
        assert_eq!(grant(bad), Some(Reason::InvalidField), "{bad}");
    }
}

#[test]
fn versions_count_from_1() {
    for (version, expected) in
        [("1", None), ("0", Some(Reason::InvalidField)), ("4294967296", Some(Reason::InvalidField))]
    {
        let card = format!(r#"{{"type":"rate_card.put","id":"c","version":{version},"prices":{{}}}}"#);
        assert_eq!(refusal(Subject::Catalog, &card).map(|(reason, _)| reason), expected, "{version}");
    }
}

#[test]
fn a_command_belongs_on_its_subject() {
    let wrong = [
        (Subject::Catalog, r#"{"type":"grant","amount":"5"}"#),
        (Subject::Commands("acme"), r#"{"type":"plan.put","id":"p","version":1,"rate_card":"c"}"#),
        (Subject::Commands("acme"), r#"{"type":"action","id":"1","action":"a"}"#),
    ];
    for (subject, text) in wrong {
        assert_eq!(refusal(subject, text), Some((Reason::UnknownType, "type".to_owned())), "{text}");
    }
    assert_eq!(refusal(Subject::Catalog, "[]").map(|(reason, _)| reason), Some(Reason::NotJson));
}

#[test]
fn a_catalog_file_says_what_is_wrong_with_it() {
    let good = "[[rate_cards]]\nid = \"c\"\nversion = 1\nprices.a = { per_action = \"1\" }\n\n\
                [[plans]]\nid = \"p\"\nversion = 1\nrate_card = \"c\"\n";
    assert_eq!(catalog_commands_from_toml(good).unwrap().len(), 2);
    for (bad, named) in [
        ("[[rate_card]]\n", "rate_card"),
        ("[[plans]]\nid = \"p\"\nversion = 1\nrate_cards = \"c\"\n", "rate_cards"),
        ("[[rate_cards]]\nid = \"c\"\nversion = 1\nprices.a = { per_acton = \"1\" }\n", "per_acton"),
        ("[[rate_cards]]\nid = \"c\"\nversion = 1\nprices.a = { per_action = 1.5 }\n", "1.5"),
        ("version = ", "version"),
    ] {
        let why = catalog_commands_from_toml(bad).unwrap_err();
        assert!(why.contains(named), "{why}");
    }
}

fn limit(rest: &str) -> Option<(Reason, String)> {
    let limit = format!(r#"{{"type":"creditd.limit.put.v1","id":"l"{rest}}}"#);
    refusal(Subject::Commands("acme"), &limit)
}

#[test]
fn a_limit_says_how_much_of_what_in_which_window() {
    for good in [
        r#","credits":"500","window":"month""#,
        r#","credits":0,"credit_type":"email","window":"life","hard":true,"reason":"r","by":"b""#,
        r#","quantity":200,"window":"cycle","on":{"entity":{"type":"campaign","id":"*"},"action":"lead"}"#,
        r#","quantity":200,"window":"day","on":{"user":"*","team":null}"#,
        r#","quantity":200,"window":"week","on":{},"off":false"#,
        r#","quantity":200,"window":"week","off":true"#,
        r#","off":true"#,
    ] {
        assert_eq!(limit(good), None, "{good}");
    }
    for (bad, field) in [
        (r#","window":"month""#, "credits"),
        (r#","credits":"1","quantity":1,"window":"month""#, "quantity"),
        (r#","quantity":1,"credit_type":"email","window":"month""#, "credit_type"),
        (r#","quantity":-1,"window":"month""#, "quantity"),
        (r#","quantity":1.5,"window":"month""#, "quantity"),
        (r#","credits":"-1","window":"month""#, "credits"),
        (r#","credits":"1","window":"year""#, "window"),
        (r#","credits":"1","window":"month","hard":"yes""#, "hard"),
        (r#","credits":"1","window":"month","on":{"users":"*"}"#, "users"),
        (r#","credits":"1","window":"month","on":{"user":""}"#, "on"),
        (r#","credits":"1","window":"month","on":{"user":"*","team":"a","account":"b"}"#, "on"),
        (r#","credits":"1","window":"month","on":{"entity":{"type":"*","id":"*"}}"#, "on"),
        (r#","credits":"1","window":"month","max":"5""#, "max"),
        (r#","window":"month","off":true"#, "credits"),
        (r#","off":true,"by":"""#, "by"),
    ] {
        assert_eq!(limit(bad), Some((Reason::InvalidField, field.to_owned())), "{bad}");
    }
    assert_eq!(limit(r#","credits":"1""#), Some((Reason::MissingField, "window".to_owned())));
    let without_id = r#"{"type":"limit.put","credits":"1","window":"day"}"#;
    let missing = Some((Reason::MissingField, "id".to_owned()));
    assert_eq!(refusal(Subject::Commands("acme"), without_id), missing);
    assert_eq!(refusal(Subject::Commands("acme"), r#"{"type":"limit.remove"}"#), missing);
    assert_eq!(refusal(Subject::Commands("acme"), r#"{"type":"limit.remove","id":"l","by":"ana"}"#), None);
}

#[test]
fn a_plan_lists_limits_by_their_names() {
    let plan = |rest: &str| {
        let text = format!(r#"{{"type":"plan.put","id":"p","version":1,"rate_card":"c"{rest}}}"#);
        refusal(Subject::Catalog, &text).map(|(reason, field)| format!("{} {field}", reason.slug()))
    };
    let limit = |rest: &str| format!(r#","limits":[{{"id":"l","credits":"1","window":"day"{rest}}}]"#);
    assert_eq!(plan(&limit("")), None);
    assert_eq!(plan(r#","past_limit":"reject","limits":[]"#), None);
    assert_eq!(plan(r#","past_limit":"refuse""#).as_deref(), Some("invalid_field past_limit"));
    for bad in [r#","off":true"#, r#","off":false"#, r#","by":"ana""#, r#","reason":"r""#, r#","quantity":1"#]
    {
        assert_eq!(plan(&limit(bad)).as_deref(), Some("invalid_field limits"), "{bad}");
    }
    let many = |n: usize, same: bool| {
        let one =
            |n: usize| format!(r#"{{"id":"l{}","quantity":1,"window":"day"}}"#, if same { 0 } else { n });
        format!(r#","limits":[{}]"#, (0..n).map(one).collect::<Vec<_>>().join(","))
    };
    assert_eq!(plan(&many(32, false)), None);
    assert_eq!(plan(&many(33, false)).as_deref(), Some("invalid_field limits"));
    assert_eq!(plan(&many(2, true)).as_deref(), Some("invalid_field limits"));
}
