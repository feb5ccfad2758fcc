//! Who may do what, and who did: tokens, their roles and their scopes, and the audit log. Described for its users in `docs/ACCESS.md`.
//!
//! A request shows a [token](Token). Its [role](Role) says what it may do, its [scope](Scope) for whom. What a face does not
//! find allowed here it refuses. Nothing of HTTP is known here, and no secret is kept: only its SHA-256.
//!
//! Bounded are: tokens ([`MOST_TOKENS`]), portal links ([`MOST_LINKS_OF_AN_ORG`]), the names of a scope ([`MOST_SCOPED`]), and how long a token that is over is
//! still listed ([`KEPT_AFTER_END`]).

mod audit;
mod error;
mod file;
mod folder;
mod pace;
mod provider;
mod role;
mod scope;
mod token;
mod tokens;

use std::path::Path;

pub use self::audit::{Actor, Audit, AuditPage, Deed};
pub use self::error::AccessError;
pub use self::pace::Pace;
pub use self::provider::{KeysError, Provider, ProviderOptions};
pub use self::role::{Permission, Role};
pub use self::scope::{MOST_SCOPED, Scope};
pub use self::token::{Presented, Secret, Standing, Token};
pub use self::tokens::{Issued, KEPT_AFTER_END, MOST_LINKS_OF_AN_ORG, MOST_TOKENS, NewToken, Tokens};

/// What decides about requests.
#[derive(Debug)]
pub struct Gate {
    /// The tokens there are.
    pub tokens: Tokens,
    /// Who did what.
    pub audit: Audit,
    /// How often each token may be shown.
    pub pace: Pace,
    /// An identity provider whose tokens are taken too.
    pub provider: Option<Provider>,
    /// Whether those who show no token are let in.
    pub open: bool,
    /// Whether the metrics are for everybody, whatever else is not.
    pub open_metrics: bool,
}

impl Gate {
    /// A gate before the tokens of a data folder. It is shut to all others.
    ///
    /// # Errors
    /// [`AccessError`] where the tokens cannot be read.
    pub fn shut(data: &Path) -> Result<Gate, AccessError> {
        let (tokens, audit) = (Tokens::open(data)?, Audit::in_folder(data));
        Ok(Gate { tokens, audit, pace: Pace::default(), provider: None, open: false, open_metrics: false })
    }

    /// A gate that lets everybody in, and holds those who show a token to what it may.
    ///
    /// # Errors
    /// [`AccessError`] where the tokens cannot be read.
    pub fn open(data: &Path) -> Result<Gate, AccessError> {
        Ok(Gate { open: true, open_metrics: true, ..Gate::shut(data)? })
    }
}
