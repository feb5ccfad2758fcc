//! Who and what there is: what commands state, and what charged events tell.
//!
//! Both are kept apart for ever: what was told last shows wherever nothing is stated.

use std::collections::BTreeMap;

use super::Reason;
use super::scope::Spender;

/// The most names of an organization.
const MOST: usize = 100_000;

/// What a name is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A unit inside the organization.
    Account(String),
    /// A group of users.
    Team(String),
    /// Somebody.
    User(String),
    /// Something that spends: its type and id.
    Entity(String, String),
}

/// Field by field, in words; instants in microseconds since 1970.
pub type Row = BTreeMap<&'static str, String>;

/// What a command states.
#[derive(Debug)]
pub struct Stated {
    /// Of whom or what.
    pub who: Who,
    /// All of it.
    pub row: Row,
}

#[derive(Debug, Default)]
struct Name {
    stated: Row,
    told: Row,
}

/// The names of an organization.
#[derive(Debug, Default)]
pub struct Names {
    /// What the organization is called.
    pub own: Option<String>,
    known: BTreeMap<Who, Name>,
}

impl Names {
    /// States a name whole. The team or the account that it is of is there from then on, too.
    pub fn state(&mut self, stated: Stated) -> Result<(), Reason> {
        let team = stated.row.get("team").map(|id| Who::Team(id.clone()));
        let account = stated.row.get("account").map(|id| Who::Account(id.clone()));
        let named: Vec<Who> = [Some(stated.who.clone()), team, account].into_iter().flatten().collect();
        let new = named.iter().filter(|who| !self.known.contains_key(who)).count();
        if self.known.len() + new > MOST {
            return Err("too_many");
        }
        for who in named {
            self.known.entry(who).or_default();
        }
        if let Some(name) = self.known.get_mut(&stated.who) {
            name.stated = stated.row;
        }
        Ok(())
    }

    /// Hears what an event that is charged names.
    pub fn hear(&mut self, spender: &Spender) {
        let Spender { account, user, team, entity, entity_name, .. } = spender;
        let entity = entity.as_ref().map(|(kind, id)| Who::Entity(kind.clone(), id.clone()));
        self.tell(account.clone().map(Who::Account), []);
        self.tell(team.clone().map(Who::Team), []);
        self.tell(user.clone().map(Who::User), [("team", team)]);
        self.tell(entity, [("name", entity_name), ("account", account)]);
    }

    fn tell<const N: usize>(&mut self, who: Option<Who>, facts: [(&'static str, &Option<String>); N]) {
        let Some(who) = who else { return };
        if self.known.contains_key(&who) || self.known.len() < MOST {
            let told = &mut self.known.entry(who).or_default().told;
            told.extend(facts.into_iter().filter_map(|(name, fact)| Some((name, fact.clone()?))));
        }
    }

    /// All names with what is known of them.
    pub fn report(&self) -> BTreeMap<Who, Row> {
        let row = |name: &Name| {
            let mut row = name.told.clone();
            row.extend(name.stated.clone());
            row
        };
        self.known.iter().map(|(who, name)| (who.clone(), row(name))).collect()
    }
}
