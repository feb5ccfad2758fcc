//! What an event says of a call.

use super::super::fields::{self, Object, needed};
use super::super::read::{Call, is_digits};
use super::super::scope::Spender;
use super::super::{Instant, Reason};

/// The longest call, in milliseconds.
pub const LONGEST: i128 = 604_800_000;

/// What is told of a call that has a name.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its name within the source.
    pub call_id: String,
    /// What is said of it.
    pub facts: Facts,
}

/// How far a call is that is not over by its end.
#[derive(Clone, Debug)]
pub enum Step {
    /// It rings.
    Started,
    /// It is talked.
    Answered,
    /// It has been talked for so many milliseconds.
    Progress(i128),
    /// It was never answered.
    Failed,
}

/// What an end says of its own; none of it where the call was told before.
#[derive(Clone, Debug)]
pub struct End {
    /// Its length in milliseconds.
    pub duration_ms: Option<i128>,
    /// Whether anyone answered.
    pub answered: Option<bool>,
    /// When.
    pub answered_at: Option<Instant>,
}

/// What may be said of a call at any time of it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The action it is charged as.
    pub action: Option<String>,
    /// `inbound` or `outbound`.
    pub direction: Option<&'static str>,
    /// The digits of the number called.
    pub destination: Option<String>,
    /// Actions that share its seconds.
    pub add_ons: Option<Vec<String>>,
    /// Who spends.
    pub spender: Spender,
}

/// How far a call is by an event of this full type; nothing of one that is of no live call.
pub fn step(kind: &str, data: &Object) -> Result<Option<Step>, Reason> {
    Ok(Some(match kind {
        "creditd.call.started.v1" => Step::Started,
        "creditd.call.answered.v1" => Step::Answered,
        "creditd.call.progress.v1" => Step::Progress(needed(duration(data)?)?),
        "creditd.call.failed.v1" => Step::Failed,
        _ => return Ok(None),
    }))
}

/// What an event tells of the call that it names.
pub fn told(data: &Object, spender: Spender) -> Result<Told, Reason> {
    Ok(Told { call_id: needed(fields::text(data, "call_id")?)?, facts: Facts::read(data, spender)? })
}

/// How long an event says that a call was.
pub fn duration(data: &Object) -> Result<Option<i128>, Reason> {
    fields::integer(data, "duration_ms", 0..=LONGEST)
}

/// What an end says. It cannot be answered after it is over.
pub fn end(data: &Object, time: Instant) -> Result<End, Reason> {
    let answered_at = fields::instant(data, "answered_at")?;
    if answered_at.is_some_and(|answered_at| answered_at > time) {
        return Err("invalid_field");
    }
    let (duration_ms, answered) = (duration(data)?, fields::boolean(data, "answered")?);
    Ok(End { duration_ms, answered, answered_at })
}

impl Facts {
    /// What the data of an event say.
    pub fn read(data: &Object, spender: Spender) -> Result<Facts, Reason> {
        let destination = fields::text(data, "destination")?;
        let digits = destination.map(|text| text.strip_prefix('+').unwrap_or(&text).to_string());
        if digits.as_ref().is_some_and(|digits| !is_digits(digits, 32)) {
            return Err("invalid_field");
        }
        Ok(Facts {
            action: fields::text(data, "action")?,
            direction: fields::word(data, "direction", &["inbound", "outbound"])?,
            destination: digits,
            add_ons: fields::list(data, "add_ons")?.map(|names| add_ons(names)).transpose()?,
            spender,
        })
    }

    /// These, and where they say nothing the others.
    pub fn over(&self, others: &Facts) -> Facts {
        let (ours, theirs) = (self.clone(), others.clone());
        Facts {
            action: ours.action.or(theirs.action),
            direction: ours.direction.or(theirs.direction),
            destination: ours.destination.or(theirs.destination),
            add_ons: ours.add_ons.or(theirs.add_ons),
            spender: ours.spender.over(theirs.spender),
        }
    }

    /// The call that they are of.
    pub fn call(
        &self,
        direction: &'static str,
        duration_ms: i128,
        answered: bool,
        answered_at: Instant,
    ) -> Call {
        Call {
            action: self.action.clone().unwrap_or("phone_call".to_string()),
            duration_ms,
            direction,
            destination: self.destination.clone(),
            answered,
            answered_at,
            add_ons: self.add_ons.clone().unwrap_or_default(),
        }
    }
}

fn add_ons(values: &[serde_json::Value]) -> Result<Vec<String>, Reason> {
    let mut names = Vec::new();
    for value in values {
        let name = value.as_str().filter(|name| (1..=256).contains(&name.len())).ok_or("invalid_field")?;
        if names.len() == 8 || names.iter().any(|known| known == name) {
            return Err("invalid_field");
        }
        names.push(name.to_string());
    }
    Ok(names)
}
