//! Where a page begins: after a group, in the answer as it stood when the first page was asked for.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::parameters::Refused;
use crate::ledger::units::{Position, Timestamp};
use crate::query::charged::Standing;

/// What all pages of an answer have in common, and the last group of the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// A number of what was asked.
    pub(super) digest: u64,
    /// How the organization stood: what came since is in none of the pages.
    pub(super) standing: Standing,
    /// The instant of the first page.
    pub(super) as_of: Timestamp,
    /// By which the last group of the page before is found.
    pub(super) after: Vec<u8>,
}

impl Cursor {
    pub(super) fn read(text: &str) -> Result<Cursor, Refused> {
        Cursor::parts(text).ok_or_else(|| {
            let remedy = "take it from meta.next of the page before";
            Refused::value("cursor", text, remedy)
        })
    }

    fn parts(text: &str) -> Option<Cursor> {
        let mut parts = text.split('.');
        let mut next = || parts.next();
        let digest = u64::from_str_radix(next()?, 16).ok()?;
        let position = Position { seq: next()?.parse().ok()?, item: next()?.parse().ok()? };
        let (at, as_of) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let standing = Standing { position, at: Timestamp::from_micros(at) };
        let after = BASE64_URL_SAFE_NO_PAD.decode(next()?).ok()?;
        next().is_none().then_some(Cursor { digest, standing, as_of: Timestamp::from_micros(as_of), after })
    }

    pub(super) fn text(&self) -> String {
        let Standing { position, at } = self.standing;
        let after = BASE64_URL_SAFE_NO_PAD.encode(&self.after);
        format!("{:x}.{position}.{}.{}.{after}", self.digest, at.micros(), self.as_of.micros())
    }
}
