//! What each role may do: one table, which the faces ask and the documents show.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody is to creditd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks, and sets what an organization may set itself.
    Manager,
    /// Sends events.
    Publisher,
    /// Asks whether calls may start, and tells that it was started anew.
    Switch,
    /// Everything.
    Admin,
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// To look at what is an organization's.
    Read,
    /// To look at what is of the daemon as a whole: its catalog and its metrics.
    Survey,
    /// To set what an organization may set itself.
    Manage,
    /// To send events.
    Publish,
    /// To ask whether something may start, and to hold credits for it.
    Authorize,
    /// To tell that a switch was started anew.
    Restart,
    /// To give and take credits, and to set plans and prices.
    Administer,
    /// To give and take access, and to see who did what.
    Grant,
}

/// The one truth about roles: each permission, what it is for, and who has it.
const TABLE: [(Permission, &str, &[Role]); 8] = [
    (
        Permission::Read,
        "see balances, usage, calls, limits, alerts and names of an organization",
        &[Role::Viewer, Role::Manager, Role::Admin],
    ),
    (Permission::Survey, "see the catalog and the metrics", &[Role::Viewer, Role::Manager, Role::Admin]),
    (
        Permission::Manage,
        "set limits, auto-recharges, webhooks and names of an organization; hand out portal links",
        &[Role::Manager, Role::Admin],
    ),
    (Permission::Publish, "send events", &[Role::Publisher, Role::Admin]),
    (Permission::Authorize, "authorize, quote and hold", &[Role::Switch, Role::Admin]),
    (Permission::Restart, "tell that a switch was started anew", &[Role::Switch, Role::Admin]),
    (
        Permission::Administer,
        "create organizations, give and take credits, publish prices and plans, verify",
        &[Role::Admin],
    ),
    (Permission::Grant, "create, list, rotate and revoke tokens; read the audit log", &[Role::Admin]),
];

impl Permission {
    /// All of them, in the order of the documents.
    pub const ALL: [Permission; 8] = [
        Permission::Read,
        Permission::Survey,
        Permission::Manage,
        Permission::Publish,
        Permission::Authorize,
        Permission::Restart,
        Permission::Administer,
        Permission::Grant,
    ];

    fn row(self) -> Option<&'static (Permission, &'static str, &'static [Role])> {
        TABLE.iter().find(|(permission, ..)| *permission == self)
    }

    /// The roles that have it.
    #[must_use]
    pub fn roles(self) -> &'static [Role] {
        self.row().map_or(&[], |(_, _, roles)| roles)
    }

    /// What one may do with it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().map_or("", |(_, meaning, _)| meaning)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Permission::Read => "read",
            Permission::Survey => "survey",
            Permission::Manage => "manage",
            Permission::Publish => "publish",
            Permission::Authorize => "authorize",
            Permission::Restart => "restart",
            Permission::Administer => "administer",
            Permission::Grant => "grant",
        }
    }
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 5] = [Role::Viewer, Role::Manager, Role::Publisher, Role::Switch, Role::Admin];

    /// Whether it has a permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        permission.roles().contains(&self)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Manager => "manager",
            Role::Publisher => "publisher",
            Role::Switch => "switch",
            Role::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        Role::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            format!("{shown:?} is no role; write viewer, manager, publisher, switch or admin")
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_its_row_and_an_administrator_has_all() {
        for permission in Permission::ALL {
            assert!(Role::Admin.may(permission), "{permission}");
            assert_eq!(TABLE.iter().filter(|(known, ..)| *known == permission).count(), 1, "{permission}");
        }
        assert_eq!(TABLE.len(), Permission::ALL.len());
    }

    #[test]
    fn a_role_reads_back_as_it_is_shown() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("Admin".parse::<Role>().unwrap_err().contains("write viewer, manager"));
    }
}
