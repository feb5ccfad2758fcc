//! What a grant may pay.

use serde_json::Value;

use super::Reason;
use super::fields::{self, Object, needed};

const INVALID: Reason = "invalid_field";

/// Lists of what a grant may pay. A charge must be in every list that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    features: Option<Vec<String>>,
    actions: Option<Vec<String>>,
    /// Type and id; any id if none is given.
    entities: Option<Vec<(String, Option<String>)>>,
}

/// Who spent.
#[derive(Clone, Debug, Default)]
pub struct Spender {
    /// The unit inside the organization.
    pub account: Option<String>,
    /// Who did it.
    pub user: Option<String>,
    /// The user's group.
    pub team: Option<String>,
    /// The product area.
    pub feature: Option<String>,
    /// Type and id of what spent.
    pub entity: Option<(String, String)>,
    /// What it is called.
    pub entity_name: Option<String>,
}

impl Spender {
    /// This one, and where it says nothing the other. An entity is said with its name.
    pub fn over(self, other: Spender) -> Spender {
        let unsaid = self.entity.is_none();
        Spender {
            account: self.account.or(other.account),
            user: self.user.or(other.user),
            team: self.team.or(other.team),
            feature: self.feature.or(other.feature),
            entity_name: if unsaid { other.entity_name } else { self.entity_name },
            entity: self.entity.or(other.entity),
        }
    }
}

impl Scope {
    /// Reads a scope. One without any list says nothing, which nobody means.
    pub fn read(data: &Object) -> Result<Scope, Reason> {
        fields::only(data, &["features", "actions", "entities"])?;
        let scope = Scope {
            features: list(data, "features", name)?,
            actions: list(data, "actions", name)?,
            entities: list(data, "entities", entity)?,
        };
        let empty = scope.features.is_none() && scope.actions.is_none() && scope.entities.is_none();
        if empty { Err(INVALID) } else { Ok(scope) }
    }

    /// Whether it holds a charge for this action by this spender.
    pub fn holds(&self, action: &str, spender: &Spender) -> bool {
        let feature = |names: &Vec<String>| spender.feature.as_ref().is_some_and(|own| names.contains(own));
        let named = |names: &Vec<String>| names.iter().any(|name| name == action);
        let entity = |(kind, id): &(String, Option<String>)| {
            let own = spender.entity.as_ref();
            own.is_some_and(|own| *kind == own.0 && id.as_ref().is_none_or(|id| *id == own.1))
        };
        self.features.as_ref().is_none_or(feature)
            && self.actions.as_ref().is_none_or(named)
            && self.entities.as_ref().is_none_or(|entities| entities.iter().any(entity))
    }
}

/// A list of 1 to 64, if it is there.
fn list<T>(
    data: &Object,
    name: &str,
    read: impl Fn(&Value) -> Result<T, Reason>,
) -> Result<Option<Vec<T>>, Reason> {
    let Some(values) = fields::list(data, name)? else { return Ok(None) };
    if !(1..=64).contains(&values.len()) {
        return Err(INVALID);
    }
    values.iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn name(value: &Value) -> Result<String, Reason> {
    let text = value.as_str().filter(|text| (1..=256).contains(&text.len()));
    text.map(str::to_string).ok_or(INVALID)
}

fn entity(value: &Value) -> Result<(String, Option<String>), Reason> {
    let data = value.as_object().ok_or(INVALID)?;
    fields::only(data, &["type", "id"])?;
    Ok((needed(fields::text(data, "type")?)?, fields::text(data, "id")?))
}
