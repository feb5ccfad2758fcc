//! Entity tags: who has an answer already is told so, and not sent it again (RFC 9110, sections 8.8.3 and 13.1.2).
//!
//! A tag is of the content but for its `as_of`: an answer of now that says what that of before said is the same.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_64;

/// The longest answer that has a tag.
const LONGEST_TAGGED: usize = 8 << 20;

/// Tags an answer to a `GET`, or answers 304 where its tag is one of those that the request names.
pub(super) async fn tag(request: Request, next: Next) -> Response {
    let asks = request.method() == Method::GET;
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let response = next.run(request).await;
    if asks && can_be_tagged(&response) { tagged(response, &known).await } else { response }
}

/// Whether an answer is whole, and of a kind that is asked for again and again.
fn can_be_tagged(response: &Response) -> bool {
    let is_json = |kind: &HeaderValue| kind == "application/json";
    let length = response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok());
    response.status() == StatusCode::OK
        && response.headers().get(header::CONTENT_TYPE).is_some_and(is_json)
        && length.is_some_and(|length| length <= LONGEST_TAGGED)
}

async fn tagged(response: Response, known: &[HeaderValue]) -> Response {
    let (mut parts, body) = response.into_parts();
    // It is in memory already.
    let Ok(bytes) = to_bytes(body, LONGEST_TAGGED).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = tag_of(&bytes);
    let matches = known.iter().filter_map(|tags| tags.to_str().ok()).any(|tags| names(tags, &tag));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if !matches {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    Response::from_parts(parts, Body::empty())
}

/// Whether a list of tags names this one. Weak or not does not matter here.
fn names(tags: &str, tag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.split(',').any(|one| one.trim() == "*" || plain(one) == plain(tag))
}

fn tag_of(bytes: &[u8]) -> String {
    const AS_OF: &[u8] = b"\"as_of\":\"";
    let begin = memchr::memmem::find(bytes, AS_OF).map(|at| at.saturating_add(AS_OF.len()));
    let (before, after) = match begin.and_then(|begin| bytes.split_at_checked(begin)) {
        Some((before, rest)) => {
            let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
            (before, rest.get(end..).unwrap_or_default())
        }
        None => (bytes, &[][..]),
    };
    let content = [xxh3_64(before), xxh3_64(after)];
    format!("W/\"{:016x}{:016x}\"", content[0], content[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_the_content_and_not_of_the_instant() {
        let told =
            |seq: &str, at: &str| format!(r#"{{"org":"acme","seq":"{seq}","as_of":"{at}","balances":[]}}"#);
        let tag = |text: String| tag_of(text.as_bytes());
        assert_eq!(tag(told("1.0", "2026-01-01T00:00:00Z")), tag(told("1.0", "2026-01-01T00:00:01.5Z")));
        assert_ne!(tag(told("1.0", "2026-01-01T00:00:00Z")), tag(told("2.0", "2026-01-01T00:00:00Z")));
        assert_ne!(tag_of(b"{}"), tag_of(b"[]"));
        assert_eq!(tag_of(br#"{"as_of":""#), tag_of(br#"{"as_of":"2026"#), "cut short");
    }

    #[test]
    fn a_list_of_tags_may_be_weak_and_may_name_all() {
        for tags in [r#"W/"ab""#, r#""ab""#, r#""x", W/"ab" "#, "*"] {
            assert!(names(tags, r#"W/"ab""#), "{tags}");
        }
        for tags in ["", r#""x""#, "ab", r#"W/"abc""#] {
            assert!(!names(tags, r#"W/"ab""#), "{tags}");
        }
    }
}
