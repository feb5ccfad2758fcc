//! Whose page asks. Where no token is asked for, whoever opens a page of some other site in a browser that reaches the daemon would let
//! that page ask: to give credits, or to make a token. So a request that a page of another site makes is refused there.

use std::net::IpAddr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, StatusCode, Uri, header};

use super::listener::Peer;
use super::problem::Problem;

/// Refuses what a page of another site asks for, as a browser tells it. Programs tell nothing of the kind and are let through.
pub(super) fn refuse_others(parts: &Parts, public_url: &str) -> Result<(), Problem> {
    let public = public_url.parse::<Uri>().ok();
    let public = public.as_ref().and_then(Uri::authority).map(Authority::as_str);
    let asked = text(parts, header::HOST);
    let is_own = |authority: &str| {
        [asked, public].into_iter().flatten().any(|own| own.eq_ignore_ascii_case(authority))
    };
    // A browser names the page's site with all that can change something.
    if let Some(origin) = text(parts, header::ORIGIN)
        && !origin.split_once("://").is_some_and(|(_, authority)| is_own(authority))
    {
        return Err(other(format!("a page of {:?} asks", short(origin))));
    }
    // A site may also let its own name lead to this machine; then the name of the host gives it away.
    let near = parts.extensions.get::<ConnectInfo<Peer>>();
    let near = near.is_some_and(|ConnectInfo(Peer(peer))| peer.ip().to_canonical().is_loopback());
    match asked {
        Some(host) if near && !is_of_this_machine(host) && Some(host) != public => {
            Err(other(format!("the header host is {:?}", short(host))))
        }
        _ => Ok(()),
    }
}

fn text(parts: &Parts, name: HeaderName) -> Option<&str> {
    // What is no text is no name of ours.
    parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// An address, or a name that nobody elsewhere can lead to this machine: one without a dot is no site's.
fn is_of_this_machine(host: &str) -> bool {
    let name = host.parse::<Authority>().map(|authority| authority.host().to_ascii_lowercase());
    let Ok(name) = name else { return false };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    !name.contains('.') || name.ends_with(".localhost") || address.parse::<IpAddr>().is_ok()
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn other(what: String) -> Problem {
    let why = format!(
        "{what}, which may be another site's doing, and no token is shown; show one, or set http.public_url to what this daemon is reached as"
    );
    Problem::new(StatusCode::FORBIDDEN, "other_site", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn allowed(peer: &str, headers: &[(&str, &str)], public_url: &str) -> bool {
        let request = headers
            .iter()
            .fold(Request::post("/v1/tokens"), |request, (name, value)| request.header(*name, *value));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(Peer(peer.parse().unwrap())));
        refuse_others(&parts, public_url).is_ok()
    }

    #[test]
    fn programs_and_own_pages_ask_and_pages_of_other_sites_do_not() {
        let near = "127.0.0.1:5000";
        assert!(allowed(near, &[], ""));
        for host in
            ["127.0.0.1:8427", "[::1]:8427", "localhost:8427", "LOCALHOST", "ui.localhost:8427", "meter:8427"]
        {
            assert!(allowed(near, &[("host", host)], ""), "{host}");
            assert!(allowed(near, &[("host", host), ("origin", &format!("http://{host}"))], ""), "{host}");
            for origin in [
                "http://evil.example",
                "null",
                "http://127.0.0.1:9",
                "",
                "http://evil.example/127.0.0.1:8427",
            ] {
                assert!(!allowed(near, &[("host", host), ("origin", origin)], ""), "{host} {origin}");
            }
        }
    }

    #[test]
    fn a_name_that_was_led_to_this_machine_is_no_name_of_its_own() {
        let rebound = [("host", "evil.example:8427"), ("origin", "http://evil.example:8427")];
        for headers in [&rebound[..1], &rebound] {
            assert!(!allowed("127.0.0.1:5000", headers, ""));
            assert!(!allowed("[::ffff:127.0.0.1]:5000", headers, ""));
        }
        for host in ["localhost.evil.example", "127.0.0.1.evil.example", "evil.example#localhost", "é"] {
            assert!(!allowed("127.0.0.1:5000", &[("host", host)], ""), "{host}");
        }
        let public = [("host", "credits.example"), ("origin", "https://credits.example")];
        assert!(!allowed("127.0.0.1:5000", &public, ""));
        assert!(allowed("127.0.0.1:5000", &public, "https://credits.example"));
        assert!(allowed(
            "127.0.0.1:5000",
            &[("host", "127.0.0.1:8427"), public[1]],
            "https://credits.example/"
        ));
        // Whoever lets the network in has hosts of all names.
        assert!(allowed("10.0.0.7:5000", &rebound, ""));
        assert!(!allowed("10.0.0.7:5000", &[("host", "meter:8427"), ("origin", "http://evil.example")], ""));
    }
}
