//! What a webhook is made of, as people write it: its name, its URL, its secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
// The `url` crate, by the way of the client that will ask for it: what is taken here can be asked for.
use reqwest::Url;

/// The longest URL, in bytes.
pub const LONGEST_URL: usize = 2_048;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// What a secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// The fewest bytes of a secret, by Standard Webhooks.
const SHORTEST_SECRET: usize = 24;
/// The most bytes of a secret, by Standard Webhooks.
const LONGEST_SECRET: usize = 64;

/// Why a text is not the URL of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointUrlError {
    /// It is not a URL.
    #[error("{url:?} is not a URL ({why}): write one such as \"https://example.com/credits\"")]
    Form {
        /// The beginning of the text.
        url: String,
        /// What the parser said.
        why: String,
    },
    /// It is too long.
    #[error("the URL has {0} bytes: write one of at most {LONGEST_URL}")]
    Length(usize),
    /// It is of a scheme that is not spoken here.
    #[error("a URL of the scheme {0:?} cannot be posted to: write one of http or https")]
    Scheme(String),
    /// It carries a user or a password, which are not shown here.
    #[error(
        "the URL carries a user or a password: leave them out, and check the signature of what arrives instead"
    )]
    Credentials,
    /// It carries a fragment, which is never sent.
    #[error("the URL carries a fragment (#…), which is never sent: leave it out")]
    Fragment,
}

/// Why a text is not a secret. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The text does not have the form.
    #[error("the secret is not {SECRET_PREFIX} and base64: write it as it was given, or have a new one made")]
    Form,
    /// It holds too few or too many bytes.
    #[error("the secret has {0} bytes: write one of {SHORTEST_SECRET} to {LONGEST_SECRET}")]
    Length(usize),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a secret: try again")]
    NoRandomness,
}

/// Why a text is not the name of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a webhook: write 1 to {LONGEST_NAME} of A-Z, a-z, 0-9, - and _")]
pub struct WebhookNameError(String);

/// The URL of an endpoint, checked: `http` or `https`, with a host and without a user, a password or a fragment.
///
/// # Errors
/// [`EndpointUrlError`] says what it may not be.
pub fn endpoint_url(text: &str) -> Result<Url, EndpointUrlError> {
    if text.len() > LONGEST_URL {
        return Err(EndpointUrlError::Length(text.len()));
    }
    let url = Url::parse(text).map_err(|error| {
        // A password in what does not parse must not be shown either.
        let shown = if text.contains('@') { "…".to_owned() } else { text.chars().take(80).collect() };
        EndpointUrlError::Form { url: shown, why: error.to_string() }
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointUrlError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointUrlError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(EndpointUrlError::Fragment);
    }
    Ok(url)
}

/// The bytes of a secret `whsec_<base64>`, 24 to 64 of them.
///
/// # Errors
/// [`SecretError`] for a text of another form or length.
pub fn secret_bytes(text: &str) -> Result<Vec<u8>, SecretError> {
    let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(SecretError::Form)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| SecretError::Form)?;
    if (SHORTEST_SECRET..=LONGEST_SECRET).contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(SecretError::Length(bytes.len()))
    }
}

/// The name of a webhook, checked: it fits into a path.
///
/// # Errors
/// [`WebhookNameError`] where it does not.
pub fn webhook_name(name: &str) -> Result<&str, WebhookNameError> {
    if is_name(name) { Ok(name) } else { Err(WebhookNameError(name.chars().take(80).collect())) }
}

/// Whether a text can name a webhook or a report: it fits into a path.
pub(super) fn is_name(name: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(sound)
}

/// A text with every secret in it covered: a command that is refused is shown to others than its sender.
#[must_use]
pub(super) fn without_secrets(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(place) = rest.find(SECRET_PREFIX) {
        let (before, secret) = rest.split_at(place.saturating_add(SECRET_PREFIX.len()));
        shown.push_str(before);
        let end = secret.find(|c: char| c == '"' || c.is_whitespace()).unwrap_or(secret.len());
        shown.push('…');
        rest = secret.get(end..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_path() {
        assert_eq!(webhook_name("Ops-1_b"), Ok("Ops-1_b"));
        for bad in ["", "a/b", "a.b", "ä", &"x".repeat(65)] {
            assert!(webhook_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_covered_wherever_they_stand() {
        let text = r#"{"secret":"whsec_a\/b+c=","x":["whsec_d"]} whsec_e f whsec_g"#;
        let shown = r#"{"secret":"whsec_…","x":["whsec_…"]} whsec_… f whsec_…"#;
        assert_eq!(without_secrets(text), shown);
        assert_eq!(without_secrets("nothing to hide"), "nothing to hide");
    }
}
