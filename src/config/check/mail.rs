//! The mail server: where mail is handed over, and how.

use std::net::IpAddr;
use std::time::Duration;

use super::{Checking, raw};
use crate::config::{Mail, MailTls};
use crate::ledger::units::Millis;
use crate::ledger::webhooks::SecretText;
use crate::wire;

impl Checking<'_> {
    /// None where no server is named: then no mail is sent.
    pub(super) fn mail(&mut self, raw: &raw::Mail) -> Option<Option<Mail>> {
        let give_up = self.duration("mail.give_up_after", &raw.give_up_after, Duration::from_secs(1));
        if raw.server.is_empty() {
            return give_up.map(|_| None);
        }
        let tls = self.mail_tls(raw);
        let credentials = self.mail_credentials(raw);
        let public_url = self.public_url(&raw.public_url);
        let port = u16::try_from(raw.port).ok().filter(|port| *port > 0);
        let Some(port) = port else {
            return self.wrong("mail.port", raw.port, "is no port; write 587, 465 or 25");
        };
        if let Err(error) = wire::mailbox(&raw.from) {
            return self.report("mail.from", error.to_string());
        }
        Some(Some(Mail {
            server: raw.server.clone(),
            port,
            tls: tls?,
            credentials: credentials?,
            from: raw.from.clone(),
            public_url: public_url?,
            give_up_after: Millis(u64::try_from(give_up?.as_millis()).unwrap_or(u64::MAX)),
        }))
    }

    fn mail_tls(&mut self, raw: &raw::Mail) -> Option<MailTls> {
        match raw.tls.as_str() {
            "required" => Some(MailTls::Required),
            "starttls" => Some(MailTls::StartTls),
            "none" if is_here(&raw.server) => Some(MailTls::None),
            "none" => self.wrong(
                "mail.tls",
                "none",
                format!(
                    "is for a server on this machine, and {} is another; write \"starttls\" or \"required\"",
                    raw.server
                ),
            ),
            other => self.wrong("mail.tls", other, "is none; write \"starttls\", \"required\" or \"none\""),
        }
    }

    fn mail_credentials(&mut self, raw: &raw::Mail) -> Option<Option<(String, SecretText)>> {
        let password = match (raw.password.as_str(), raw.password_file.as_str()) {
            (password, "") => password.to_owned(),
            ("", file) => {
                let path = self.layers.folder.join(file);
                match std::fs::read_to_string(&path) {
                    Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
                    Err(error) => {
                        let why = format!("{} cannot be read: {error}; name another", path.display());
                        return self.report("mail.password_file", why);
                    }
                }
            }
            (_, file) => {
                return self.wrong(
                    "mail.password_file",
                    file,
                    "stands beside mail.password; leave one of them out",
                );
            }
        };
        match (raw.user.as_str(), password) {
            ("", password) if password.is_empty() => Some(None),
            (user, password) if !user.is_empty() && !password.is_empty() => {
                Some(Some((user.to_owned(), SecretText(password.into()))))
            }
            (user, _) => {
                self.wrong("mail.user", user, "needs a password, and a password a user; give both or none")
            }
        }
    }

    fn public_url(&mut self, url: &str) -> Option<Option<String>> {
        if url.is_empty() {
            return Some(None);
        }
        let sound =
            ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
        if !sound || url.contains(['?', '#', ' ', '<', '>', '"']) || !url.is_ascii() {
            return self.wrong(
                "mail.public_url",
                url,
                "is no such address; write \"https://meter.example.com\"",
            );
        }
        Some(Some(url.trim_end_matches('/').to_owned()))
    }
}

/// Whether a server is this machine.
fn is_here(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
