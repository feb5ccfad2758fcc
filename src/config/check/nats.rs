//! How NATS is reached.

use std::time::Duration;

use super::{Checking, raw};
use crate::config::Nats;
use crate::log::jetstream;

impl Checking<'_> {
    pub(super) fn nats(&mut self, raw: &raw::Nats) -> Option<Nats> {
        let urls = self.urls(&raw.urls);
        let credentials = self.credentials(raw);
        let tls = self.nats_tls(raw);
        let limits = self.limits(raw);
        let stream = self.stream("nats.stream", &raw.stream);
        let alerts_stream = self.stream("nats.alerts_stream", &raw.alerts_stream);
        if raw.stream == raw.alerts_stream {
            return self.wrong(
                "nats.alerts_stream",
                &raw.stream,
                "is the log's own stream; name another one",
            );
        }
        let access = jetstream::Access { urls: urls?, credentials: credentials?, tls: tls? };
        let log = jetstream::Options {
            access,
            stream: stream?,
            manage: raw.manage,
            limits: limits?,
            accept_gaps: raw.accept_gaps,
            ..jetstream::Options::default()
        };
        Some(Nats { log, alerts_stream: alerts_stream?, service: raw.service })
    }

    fn urls(&mut self, urls: &[String]) -> Option<Vec<String>> {
        const KNOWN: [&str; 4] = ["nats://", "tls://", "ws://", "wss://"];
        if urls.is_empty() {
            return self.wrong("nats.urls", "", "names no server; write [\"nats://host:4222\"]");
        }
        if let Some(url) = urls.iter().find(|url| url.contains('@')) {
            // It would be shown wherever the address is.
            let host = url.rsplit('@').next().unwrap_or_default();
            let why = "holds a password or a token, which would stand in logs; write nats.user and nats.password, or nats.token";
            return self.wrong("nats.urls", format!("…@{host}"), why);
        }
        let bad = urls.iter().find(|url| !KNOWN.iter().any(|scheme| url.starts_with(scheme)));
        match bad {
            Some(url) => self.wrong("nats.urls", url, "is not a NATS address; write \"nats://host:4222\""),
            None => Some(urls.to_vec()),
        }
    }

    fn credentials(&mut self, raw: &raw::Nats) -> Option<jetstream::Credentials> {
        use jetstream::Credentials;
        let (user, password) = (raw.user.as_str(), raw.password.as_str());
        let (token, file) = (raw.token.as_str(), self.file(&raw.credentials_file));
        match ((user, password), token, file, self.file(&raw.nkey_seed_file)) {
            (("", ""), "", None, None) => Some(Credentials::None),
            ((user, password), "", None, None) if !user.is_empty() && !password.is_empty() => {
                let (user, password) = (user.to_owned(), password.to_owned());
                Some(Credentials::Password { user, password })
            }
            (("", ""), token, None, None) => Some(Credentials::Token(token.to_owned())),
            (("", ""), "", Some(file), None) => Some(Credentials::File(file)),
            (("", ""), "", None, Some(seed)) => Some(Credentials::Nkey(seed)),
            _ => self.wrong(
                "nats.user",
                user,
                "is not the only way to sign in, or not all of it; give a user with its password, or a token, or a credentials_file, or an nkey_seed_file",
            ),
        }
    }

    fn nats_tls(&mut self, raw: &raw::Nats) -> Option<jetstream::Tls> {
        let ca = self.file(&raw.ca_file);
        let client = match (self.file(&raw.cert_file), self.file(&raw.key_file)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                return self.wrong(
                    "nats.key_file",
                    "",
                    "is no file; name the one with the key of nats.cert_file",
                );
            }
            (None, Some(_)) => {
                return self.wrong(
                    "nats.cert_file",
                    "",
                    "is no file; name the one with the certificate of nats.key_file",
                );
            }
        };
        // Who names files for it means it.
        let required = raw.tls || raw.tls_first || ca.is_some() || client.is_some();
        Some(jetstream::Tls { required, first: raw.tls_first, ca, client })
    }

    fn limits(&mut self, raw: &raw::Nats) -> Option<jetstream::Limits> {
        let max_bytes = self.size("nats.max_bytes", &raw.max_bytes, (1 << 20)..=1 << 60);
        let max_age = self.duration("nats.max_age", &raw.max_age, Duration::from_secs(3_600));
        let replicas = usize::try_from(raw.replicas).ok().filter(|copies| [1, 3, 5].contains(copies));
        let Some(replicas) = replicas else {
            return self.wrong("nats.replicas", raw.replicas, "copies cannot be kept; write 1, 3 or 5");
        };
        let max_bytes = i64::try_from(max_bytes?).ok()?;
        Some(jetstream::Limits { replicas, max_bytes, max_age: max_age?, ..jetstream::Limits::default() })
    }

    fn stream(&mut self, name: &str, text: &str) -> Option<String> {
        let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !text.is_empty() && text.len() <= 255 && text.bytes().all(sound) {
            return Some(text.to_owned());
        }
        self.wrong(name, text, "is not the name of a stream; write letters, digits, - and _")
    }
}
