//! The tokens there are: found for each request in memory, changed in the file, which other processes may change too.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::error::AccessError;
use super::file::{Stamp, TokenFile};
use super::role::Role;
use super::scope::Scope;
use super::token::{self, Presented, Previous, Secret, Standing, Token};
use crate::clock::Stopwatch;
use crate::ledger::units::{Millis, Timestamp};

/// The most tokens that are kept, those that are over among them.
pub const MOST_TOKENS: usize = 10_000;

/// The most tokens of portal links among them: room is left for those who run the daemon.
const MOST_LINKS: usize = MOST_TOKENS - 1_000;

/// The most portal links that one organization has: none takes the room of the others.
pub const MOST_LINKS_OF_AN_ORG: usize = 500;

/// How long a token that has ended is still listed. That of a portal link goes at once: there may be many of them a day.
pub const KEPT_AFTER_END: Millis = Millis(30 * 86_400_000);

/// How long what was read is taken for what the file says.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The longest name of a token, in bytes.
const LONGEST_NAME: usize = 128;

/// The tokens of a data folder.
pub struct Tokens {
    file: TokenFile,
    known: RwLock<Known>,
    /// Since the file was looked at.
    looked: Mutex<Stopwatch>,
    /// Held from reading the file to knowing what it says: what is known never goes back.
    reading: Mutex<()>,
}

/// What the file said.
#[derive(Default)]
struct Known {
    stamp: Option<Stamp>,
    by_id: HashMap<String, Arc<Token>>,
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For whom.
    pub scope: Scope,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// How many requests it may make a second.
    pub per_second: Option<u32>,
    /// Whether it is that of a portal link.
    pub portal: bool,
}

impl NewToken {
    /// One that does not end by itself and may make as many requests as it likes.
    #[must_use]
    pub fn new(name: &str, role: Role, scope: Scope) -> NewToken {
        NewToken { name: name.to_owned(), role, scope, expires: None, per_second: None, portal: false }
    }
}

/// A token with the secret it has just got, which is shown to nobody again.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token.
    pub token: Arc<Token>,
    /// Its secret.
    pub secret: Secret,
}

impl Issued {
    /// The whole token as its holder writes it.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.secret.reveal(&self.token.id)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Tokens {
    /// The tokens of a data folder. Nothing is written before there is one.
    ///
    /// # Errors
    /// [`AccessError`] where the file is there and cannot be read or is damaged.
    pub fn open(data: &Path) -> Result<Tokens, AccessError> {
        let file = TokenFile::in_folder(data);
        let looked = Mutex::new(Stopwatch::start());
        let tokens = Tokens { file, known: RwLock::default(), looked, reading: Mutex::default() };
        tokens.read()?;
        Ok(tokens)
    }

    /// The token that a request shows, and how it stands. `None` where there is none of that id and secret: which of them is wrong
    /// is nobody's business.
    #[must_use]
    pub fn find(&self, presented: &Presented, now: Timestamp) -> Option<(Arc<Token>, Standing)> {
        let found = || {
            let token = Arc::clone(self.known.read().by_id.get(&presented.id)?);
            token.is_shown_by(presented, now).then_some(token)
        };
        self.look_again(LOOK_AGAIN_AFTER);
        let token = found().or_else(|| {
            // It may have been made a moment ago, by another process.
            self.look_again(Duration::ZERO);
            found()
        })?;
        let standing = token.standing(now);
        Some((token, standing))
    }

    /// How a token stands that was found before: what goes on for long asks again.
    #[must_use]
    pub fn standing(&self, id: &str, now: Timestamp) -> Standing {
        self.look_again(LOOK_AGAIN_AFTER);
        self.known.read().by_id.get(id).map_or(Standing::Revoked, |token| token.standing(now))
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// [`AccessError`] where the file cannot be read or is damaged.
    pub fn list(&self) -> Result<Vec<Arc<Token>>, AccessError> {
        self.read()?;
        let mut all: Vec<Arc<Token>> = self.known.read().by_id.values().cloned().collect();
        all.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(all)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`AccessError`]; nothing was changed.
    pub fn create(&self, new: NewToken, now: Timestamp) -> Result<Issued, AccessError> {
        let NewToken { name, role, scope, expires, per_second, portal } = new;
        let sound =
            !name.trim().is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control);
        if !sound {
            let why = format!("{name:?} says nothing; write 1 to {LONGEST_NAME} bytes that tell whose it is");
            return Err(AccessError::invalid("name", why));
        }
        if expires.is_some_and(|end| end <= now) {
            return Err(AccessError::invalid(
                "expires",
                "it would be over at once; write a later time".into(),
            ));
        }
        if per_second == Some(0) {
            let why = "0 requests a second are none; write 1 or more, or leave it out".to_owned();
            return Err(AccessError::invalid("per_second", why));
        }
        let (id, secret) = (token::new_id()?, Secret::generate()?);
        let digest = secret.digest();
        self.change(now, |tokens| {
            room(tokens, &scope, portal)?;
            let (rotated, revoked, previous) = (None, None, None);
            let created = now;
            let token = Token {
                id,
                name,
                role,
                scope,
                created,
                expires,
                rotated,
                revoked,
                per_second,
                portal,
                elsewhere: false,
                digest,
                previous,
            };
            tokens.push(token.clone());
            Ok(token)
        })
        .map(|token| Issued { token, secret })
    }

    /// Gives a token another secret. The one it had is good beside it until `overlap` has gone by.
    ///
    /// # Errors
    /// [`AccessError`]; nothing was changed.
    pub fn rotate(&self, id: &str, overlap: Millis, now: Timestamp) -> Result<Issued, AccessError> {
        let secret = Secret::generate()?;
        let digest = secret.digest();
        self.change(now, |tokens| {
            let token = in_force(tokens, id, now)?;
            let digest = std::mem::replace(&mut token.digest, digest);
            let until = now.plus(overlap);
            token.previous = (until > now).then_some(Previous { digest, until });
            token.rotated = Some(now);
            Ok(token.clone())
        })
        .map(|token| Issued { token, secret })
    }

    /// Takes a token away, at once.
    ///
    /// # Errors
    /// [`AccessError`]; nothing was changed.
    pub fn revoke(&self, id: &str, now: Timestamp) -> Result<Arc<Token>, AccessError> {
        self.change(now, |tokens| {
            let token = in_force(tokens, id, now)?;
            token.revoked = Some(now);
            token.previous = None;
            Ok(token.clone())
        })
    }

    /// Changes the file as it is now, and knows what it says then.
    fn change(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut Vec<Token>) -> Result<Token, AccessError>,
    ) -> Result<Arc<Token>, AccessError> {
        let _reading = self.reading.lock();
        let held = self.file.hold()?;
        let mut tokens = self.file.read()?;
        let kept = |token: &Token| if token.portal { Millis(0) } else { KEPT_AFTER_END };
        tokens.retain(|token| token.ended(now).is_none_or(|end| end.plus(kept(token)) > now));
        let changed = change(&mut tokens)?;
        let tokens = self.file.replace(&held, tokens)?;
        self.keep(self.file.stamp()?, tokens);
        Ok(Arc::new(changed))
    }

    /// Looks whether the file is another one, unless that was done so little ago.
    fn look_again(&self, after: Duration) {
        {
            let mut looked = self.looked.lock();
            if looked.elapsed() < after {
                return;
            }
            *looked = Stopwatch::start();
        }
        match self.file.stamp() {
            Ok(stamp) if stamp == self.known.read().stamp => {}
            // What was known stays in force: nobody is let in who was not before.
            Ok(stamp) => {
                let Err(error) = self.read() else { return };
                tracing::error!(%error, "the tokens of before stay in force");
                if matches!(error, AccessError::Damaged { .. }) {
                    // Said once, and not read again before it is another file.
                    self.known.write().stamp = stamp;
                }
            }
            Err(error) => tracing::error!(%error, "the tokens of before stay in force"),
        }
    }

    /// Reads the file. A stamp that is older than what is read leads to one more reading, never to one too few.
    fn read(&self) -> Result<(), AccessError> {
        let _reading = self.reading.lock();
        let stamp = self.file.stamp()?;
        let tokens = self.file.read()?;
        self.keep(stamp, tokens);
        Ok(())
    }

    fn keep(&self, stamp: Option<Stamp>, tokens: Vec<Token>) {
        let by_id = tokens.into_iter().map(|token| (token.id.clone(), Arc::new(token))).collect();
        *self.known.write() = Known { stamp, by_id };
    }
}

/// Whether there is room for one more.
fn room(tokens: &[Token], scope: &Scope, portal: bool) -> Result<(), AccessError> {
    if tokens.len() >= MOST_TOKENS {
        let why = format!("there are {MOST_TOKENS} tokens already; revoke some, they go after 30 days");
        return Err(AccessError::invalid("tokens", why));
    }
    if !portal {
        return Ok(());
    }
    let end_some = "end some, or give them less time";
    for org in scope.orgs().unwrap_or_default() {
        if tokens.iter().filter(|token| token.is_portal_of(org)).count() >= MOST_LINKS_OF_AN_ORG {
            let why = format!("{org:?} has {MOST_LINKS_OF_AN_ORG} already; {end_some}");
            return Err(AccessError::invalid("portal_links", why));
        }
    }
    if tokens.iter().filter(|token| token.portal).count() >= MOST_LINKS {
        let why = format!("there are {MOST_LINKS} already; {end_some}");
        return Err(AccessError::invalid("portal_links", why));
    }
    Ok(())
}

fn in_force<'t>(tokens: &'t mut [Token], id: &str, now: Timestamp) -> Result<&'t mut Token, AccessError> {
    let unknown = || AccessError::Unknown(id.chars().take(80).collect());
    let good = |token: &&mut Token| token.id == id && token.standing(now) == Standing::Good;
    tokens.iter_mut().find(good).ok_or_else(unknown)
}

#[cfg(test)]
mod tests;
