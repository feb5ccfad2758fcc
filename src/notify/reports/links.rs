//! Links by which whoever gets a report leaves it. A link is signed, so that it works without any other leave, and nobody can make one.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Key;

/// The bytes of the key, and of a signature.
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 16;
/// The longest token that is looked at: those we make are shorter.
const LONGEST_TOKEN: usize = 1_024;

/// Makes links and reads them.
#[derive(Debug)]
pub(super) struct Links {
    key: hmac::Key,
    /// What they begin with; none are made where it is not known.
    public_url: Option<String>,
}

impl Links {
    /// With the key in a file, which is made if it is not there.
    pub(super) fn open(file: &Path, public_url: Option<String>) -> io::Result<Links> {
        let key = match fs::read(file) {
            Ok(key) if key.len() == KEY_BYTES => key,
            Ok(other) => {
                let why = format!(
                    "the key has {} bytes, not {KEY_BYTES}: restore it from a copy, or remove it",
                    other.len()
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(file)?,
            Err(error) => return Err(error),
        };
        Ok(Links { key: hmac::Key::new(hmac::HMAC_SHA256, &key), public_url })
    }

    /// The link by which an address leaves a report.
    pub(super) fn link(&self, key: &Key, address: &str) -> Option<String> {
        let public_url = self.public_url.as_ref()?;
        Some(format!("{public_url}/v1/unsubscribe/{}", self.token(key, address)))
    }

    fn token(&self, key: &Key, address: &str) -> String {
        let what = format!("{}/{}/{address}", key.org, key.id);
        let signature = hmac::sign(&self.key, what.as_bytes());
        let short = signature.as_ref().get(..SIGNATURE_BYTES).unwrap_or_default();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&what), URL_SAFE_NO_PAD.encode(short))
    }

    /// The report and the address that a token is of, if we made it.
    pub(super) fn read(&self, token: &str) -> Option<(Key, String)> {
        let (what, _) = token.split_once('.').filter(|_| token.len() <= LONGEST_TOKEN)?;
        let what = String::from_utf8(URL_SAFE_NO_PAD.decode(what).ok()?).ok()?;
        let mut parts = what.splitn(3, '/');
        let (org, id, address) = (parts.next()?, parts.next()?, parts.next()?);
        let key = Key { org: org.to_owned(), id: id.to_owned() };
        let expected = self.token(&key, address);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), token.as_bytes()).ok()?;
        Some((key, address.to_owned()))
    }
}

fn make_key(file: &Path) -> io::Result<Vec<u8>> {
    let mut key = vec![0; KEY_BYTES];
    rand::fill(&mut key).map_err(|_| io::Error::other("the system gave no random bytes for a key"))?;
    let unfinished = file.with_extension("unfinished");
    let mut options = fs::File::options();
    let mut new = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    new.write_all(&key)?;
    new.sync_all()?;
    fs::rename(&unfinished, file)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_tells_whose_it_is_and_no_other_passes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let open = |file: &Path| Links::open(file, Some("https://meter.example.com".to_owned())).unwrap();
        let links = open(&file);
        let key = Key { org: "acme".to_owned(), id: "weekly".to_owned() };
        let link = links.link(&key, "o'neil+a/b@example.com").unwrap();
        let token = link.strip_prefix("https://meter.example.com/v1/unsubscribe/").unwrap();
        let told = Some((key.clone(), "o'neil+a/b@example.com".to_owned()));
        assert_eq!(links.read(token), told);
        assert_eq!(open(&file).read(token), told, "the key is kept");
        assert_eq!(open(&folder.path().join("other")).read(token), None);
        let (what, signature) = token.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode("acme/weekly/eve@example.com");
        for bad in
            ["", ".", what, &format!("{forged}.{signature}"), &format!("{token}A"), &format!("{what}.")]
        {
            assert_eq!(links.read(bad), None, "{bad}");
        }
        fs::write(&file, "short").unwrap();
        assert!(Links::open(&file, None).is_err());
    }
}
