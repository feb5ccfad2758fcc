//! For whom a token is good: all organizations or some, and of those all accounts or some.

use serde::{Deserialize, Serialize};

use super::error::AccessError;
use crate::wire;

/// The most organizations, and the most accounts, that a scope names.
pub const MOST_SCOPED: usize = 256;

/// The longest name of an account.
const LONGEST_ACCOUNT: usize = 256;

/// For whom a token is good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// These organizations; all where none is named.
    #[serde(default)]
    orgs: Option<Vec<String>>,
    /// These accounts of them; all where none is named.
    #[serde(default)]
    accounts: Option<Vec<String>>,
}

impl Scope {
    /// A scope of these organizations and accounts; `None` is all there are.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] for a name that cannot be one, too many of them, none at all, or accounts without their organizations.
    pub fn new(orgs: Option<Vec<String>>, accounts: Option<Vec<String>>) -> Result<Scope, AccessError> {
        for (field, names) in [("orgs", &orgs), ("accounts", &accounts)] {
            let Some(names) = names else { continue };
            if !(1..=MOST_SCOPED).contains(&names.len()) {
                let why = format!("{} names; write 1 to {MOST_SCOPED}, or leave it out for all", names.len());
                return Err(AccessError::invalid(field, why));
            }
        }
        for org in orgs.iter().flatten() {
            wire::org_id(org).map_err(|error| AccessError::invalid("orgs", error.to_string()))?;
        }
        for account in accounts.iter().flatten() {
            if account.is_empty() || account.len() > LONGEST_ACCOUNT || account.chars().any(char::is_control)
            {
                let why = format!("{account:?} is no account; write 1 to {LONGEST_ACCOUNT} bytes of text");
                return Err(AccessError::invalid("accounts", why));
            }
        }
        if accounts.is_some() && orgs.is_none() {
            let why = "accounts of which organization? Other organizations may have accounts of these names; name it in orgs";
            return Err(AccessError::invalid("accounts", why.to_owned()));
        }
        Ok(Scope { orgs: distinct(orgs), accounts: distinct(accounts) })
    }

    /// The organizations, where not all.
    #[must_use]
    pub fn orgs(&self) -> Option<&[String]> {
        self.orgs.as_deref()
    }

    /// The accounts, where not all.
    #[must_use]
    pub fn accounts(&self) -> Option<&[String]> {
        self.accounts.as_deref()
    }

    /// Whether an organization is in it.
    #[must_use]
    pub fn has_org(&self, org: &str) -> bool {
        self.orgs.as_ref().is_none_or(|orgs| orgs.iter().any(|known| known == org))
    }

    /// Whether what is of an account, or of none, is in it.
    #[must_use]
    pub fn has_account(&self, account: Option<&str>) -> bool {
        let among = |accounts: &Vec<String>| account.is_some_and(|a| accounts.iter().any(|known| known == a));
        self.accounts.as_ref().is_none_or(among)
    }
}

/// Each name once, so that a list of them shows each once.
fn distinct(names: Option<Vec<String>>) -> Option<Vec<String>> {
    names.map(|mut names| {
        names.sort_unstable();
        names.dedup();
        names
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_is_not_named_is_out_of_scope() {
        let all = Scope::default();
        assert!(all.has_org("acme") && all.has_account(Some("north")) && all.has_account(None));
        let scope = Scope::new(some(&["acme"]), some(&["north"])).unwrap();
        assert!(scope.has_org("acme") && !scope.has_org("acme2") && !scope.has_org("acm"));
        assert!(scope.has_account(Some("north")) && !scope.has_account(Some("south")));
        assert!(!scope.has_account(None), "what is of no account is of no account of its own");
    }

    #[test]
    fn a_name_that_is_given_twice_is_there_once() {
        let scope = Scope::new(some(&["b", "a", "b"]), some(&["n", "n"])).unwrap();
        assert_eq!(
            (scope.orgs().unwrap(), scope.accounts().unwrap().len()),
            (&some(&["a", "b"]).unwrap()[..], 1)
        );
    }

    #[test]
    fn a_scope_that_cannot_be_meant_is_refused_with_the_field() {
        let told = |orgs, accounts| Scope::new(orgs, accounts).unwrap_err().to_string();
        assert!(told(some(&[]), None).starts_with("orgs: 0 names"), "an empty list is not all");
        assert!(told(some(&["a b"]), None).starts_with("orgs: "));
        assert!(told(some(&["acme"]), some(&[""])).starts_with("accounts: "));
        assert!(told(None, some(&["north"])).contains("of which organization?"));
        let many: Vec<String> = (0..=MOST_SCOPED).map(|n| format!("o{n}")).collect();
        assert!(told(Some(many), None).contains("write 1 to 256"));
    }
}
