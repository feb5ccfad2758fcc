//! Bodies: JSON, a form, or JSON inside of something else. Values are looked up where they stand; no tree is built, so a number keeps
//! every digit it was sent with.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::source::Source;
use crate::ledger::rejection::{Reason, Rejection};
use crate::wire::text::Text;

/// The largest body, in bytes: more than any switch sends, and little enough to be looked through for each field.
const LARGEST_BODY: usize = 1 << 20;

/// How a body is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// A JSON object.
    Json,
    /// `a=1&b=2`, percent-encoded.
    Form,
    /// JSON as the text of a field of a JSON object or a form.
    JsonIn(Vec<String>),
    /// JSON as base64.
    Base64,
}

impl BodyForm {
    /// Reads a form as it is written.
    pub(super) fn parse(text: &str) -> Result<BodyForm, String> {
        let wrapped = text.strip_prefix("json-in:").map(Source::parse);
        match (text, wrapped) {
            ("json", _) => Ok(BodyForm::Json),
            ("form", _) => Ok(BodyForm::Form),
            ("base64+json", _) => Ok(BodyForm::Base64),
            (_, Some(Ok(Source::Body(pointer)))) => Ok(BodyForm::JsonIn(pointer)),
            _ => Err(format!(
                "{text:?} is no form of a body; write \"json\", \"form\", \"base64+json\" or \"json-in:/field\""
            )),
        }
    }
}

/// A body whose values can be looked up.
#[derive(Debug)]
pub(super) struct Body<'m> {
    content: Content<'m>,
    /// Whether texts of the JSON are percent-encoded.
    url_encoded: bool,
}

#[derive(Debug)]
enum Content<'m> {
    /// The text of a JSON object, known to be one.
    Json(Cow<'m, str>),
    Form(Vec<(Cow<'m, str>, Cow<'m, str>)>),
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found<'v> {
    /// A text, a number or a truth value, as it was written.
    Text(Cow<'v, str>),
    /// An object or a list.
    Nested,
}

impl<'m> Body<'m> {
    /// Opens a body. With `url_encoded` the texts of its JSON are percent-decoded when they are looked up.
    pub(super) fn open(bytes: &'m [u8], form: &BodyForm, url_encoded: bool) -> Result<Body<'m>, Rejection> {
        if bytes.len() > LARGEST_BODY {
            let why = format!("the body has {} bytes, the most is {LARGEST_BODY}; send less", bytes.len());
            return Err(Rejection::new(Reason::TooLarge, "", why));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            unread(format!("byte {} of it is not UTF-8; send UTF-8", error.valid_up_to()))
        })?;
        let content = match form {
            BodyForm::Json => Content::Json(object(Cow::Borrowed(text))?),
            BodyForm::Form => Content::Form(form_urlencoded::parse(bytes).collect()),
            BodyForm::Base64 => Content::Json(object(Cow::Owned(decoded(text)?))?),
            BodyForm::JsonIn(pointer) => Content::Json(object(Cow::Owned(inner(text, pointer)?))?),
        };
        Ok(Body { content, url_encoded })
    }

    /// What stands at a place; `None` where nothing does, or `null`.
    pub(super) fn find(&self, pointer: &[String]) -> Result<Option<Found<'_>>, Rejection> {
        let found = match &self.content {
            Content::Form(pairs) => {
                let [name] = pointer else { return Ok(None) };
                let found = pairs.iter().rev().find(|(known, _)| known == name);
                return Ok(found.map(|(_, value)| Found::Text(Cow::Borrowed(&**value))));
            }
            Content::Json(text) => lookup(text, pointer),
        };
        match found {
            Some(Found::Text(text)) if self.url_encoded => percent_decoded(text, pointer).map(Some),
            other => Ok(other),
        }
    }
}

fn percent_decoded<'v>(text: Cow<'v, str>, pointer: &[String]) -> Result<Found<'v>, Rejection> {
    if !text.contains('%') {
        return Ok(Found::Text(text));
    }
    let decoded = percent_decode_str(&text).decode_utf8().map(Cow::into_owned);
    decoded.map(|text| Found::Text(Cow::Owned(text))).map_err(|_| {
        unread(format!(
            "/{} is not UTF-8 once percent-decoded; let the system write UTF-8",
            pointer.join("/")
        ))
    })
}

/// A text that is a JSON object.
fn object(text: Cow<'_, str>) -> Result<Cow<'_, str>, Rejection> {
    let sound = serde_json::from_str::<IgnoredAny>(&text);
    match sound {
        Err(error) => Err(unread(format!("not JSON: {error}; check `body` of the adapter and what is sent"))),
        Ok(_) if !text.trim_ascii_start().starts_with('{') => {
            Err(unread("no JSON object; send one message at a time".to_owned()))
        }
        Ok(_) => Ok(text),
    }
}

fn decoded(text: &str) -> Result<String, Rejection> {
    let bytes = STANDARD.decode(text.trim_ascii()).map_err(|error| unread(format!("not base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| unread("what its base64 holds is not UTF-8; send UTF-8".to_owned()))
}

/// The text of a field of a JSON object or, where it is none, of a form.
fn inner(text: &str, pointer: &[String]) -> Result<String, Rejection> {
    let form = if text.trim_ascii_start().starts_with('{') { BodyForm::Json } else { BodyForm::Form };
    match Body::open(text.as_bytes(), &form, false)?.find(pointer)? {
        Some(Found::Text(inner)) => Ok(inner.into_owned()),
        _ => Err(unread(format!("there is no text at /{}; check `body` of the adapter", pointer.join("/")))),
    }
}

fn unread(why: String) -> Rejection {
    Rejection::new(Reason::NotJson, "", format!("the body: {why}"))
}

/// What stands at a place of a JSON text that is sound.
fn lookup<'j>(json: &'j str, pointer: &[String]) -> Option<Found<'j>> {
    let mut at = json;
    for part in pointer {
        at = serde_json::Deserializer::from_str(at).deserialize_any(Member(part)).ok()??.get();
    }
    let at = at.trim_ascii();
    match at.as_bytes().first()? {
        b'"' => serde_json::from_str::<Text<'j>>(at).ok().map(|text| Found::Text(text.0)),
        b'{' | b'[' => Some(Found::Nested),
        b'n' => None,
        _ => Some(Found::Text(Cow::Borrowed(at))),
    }
}

/// Picks the member of an object by its name, or of a list by its number; of several by one name the last.
struct Member<'p>(&'p str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<Text<'de>>()? {
            if name.as_str() == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let wanted: Option<usize> = self.0.parse().ok();
        let mut found = None;
        let mut place = 0_usize;
        while let Some(item) = items.next_element::<&'de RawValue>()? {
            if Some(place) == wanted {
                found = Some(item);
            }
            place += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(body: &[u8], form: &str, url_encoded: bool, pointer: &str) -> Option<String> {
        let Source::Body(pointer) = Source::parse(pointer).unwrap() else { panic!("a pointer") };
        let body = Body::open(body, &BodyForm::parse(form).unwrap(), url_encoded).unwrap();
        match body.find(&pointer).unwrap()? {
            Found::Text(text) => Some(text.into_owned()),
            Found::Nested => Some("nested".to_owned()),
        }
    }

    #[test]
    fn a_value_is_found_as_it_was_written() {
        let json =
            br#" {"a": {"b/c": [true, 1.230000000000000000001, null, "x\n\u00e9"]}, "a~": "", "n": {}} "#;
        let at = |pointer: &str| find(json, "json", false, pointer);
        assert_eq!(at("/a/b~1c/0").as_deref(), Some("true"));
        assert_eq!(at("/a/b~1c/1").as_deref(), Some("1.230000000000000000001"));
        assert_eq!(at("/a/b~1c/3").as_deref(), Some("x\né"));
        assert_eq!((at("/a/b~1c/2"), at("/a/b~1c/9"), at("/z"), at("/a~0/x")), (None, None, None, None));
        assert_eq!(at("/a~0").as_deref(), Some(""));
        assert_eq!(at("/a").as_deref(), Some("nested"));
        assert_eq!(find(br#"{"a":1,"a":2}"#, "json", false, "/a").as_deref(), Some("2"));
    }

    #[test]
    fn wrappings_are_taken_off() {
        assert_eq!(find(b"a=1%2B2+3&b=x", "form", false, "/a").as_deref(), Some("1+2 3"));
        assert_eq!(find(b"cdr=%7B%22a%22%3A7%7D", "json-in:/cdr", false, "/a").as_deref(), Some("7"));
        assert_eq!(find(br#"{"m":"{\"a\":7}"}"#, "json-in:/m", false, "/a").as_deref(), Some("7"));
        assert_eq!(find(b"eyJhIjo3fQ==\n", "base64+json", false, "/a").as_deref(), Some("7"));
        assert_eq!(find(br#"{"a":"%2B49+1"}"#, "json", true, "/a").as_deref(), Some("+49+1"));
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let why = |body: &[u8], form: &str| {
            Body::open(body, &BodyForm::parse(form).unwrap(), false).unwrap_err().detail
        };
        assert!(why(b"{\"a\":", "json").contains("line 1 column 5"));
        assert!(why(b"[{}]", "json").contains("no JSON object"));
        assert!(why(b"\xff", "form").contains("byte 0"));
        assert!(why(b"&&&", "base64+json").contains("not base64"));
        assert!(why(b"x=1", "json-in:/cdr").contains("no text at /cdr"));
        assert!(why(&vec![b' '; LARGEST_BODY + 1], "json").contains("the most is 1048576"));
        let deep = "[".repeat(200_000);
        assert!(why(format!("{{\"a\":{deep}").as_bytes(), "json").contains("not JSON"));
    }
}
