//! Where each part of an event stands in a message, and the event that it makes.

use super::condition::{Condition, first_unmet};
use super::event::{CallEvent, DIRECTIONS, Details, Entity, Kind, Length};
use super::field::{Field, Stop};
use super::guard::Guard;
use super::instant::Moment;
use super::source::Opened;
use super::usage::{Lasted, Point, Usage};
use crate::ledger::price::Direction;
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::{Millis, Timestamp};
use crate::wire::org_id;

/// How each part of an event is found.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) kind: Field,
    pub(super) org: Field,
    pub(super) source: Field,
    pub(super) call_id: Field,
    pub(super) id: Option<Field>,
    pub(super) direction: Field,
    pub(super) details: DetailFields,
    pub(super) moments: Moments,
    pub(super) inbound: Option<Usage>,
    pub(super) outbound: Option<Usage>,
    pub(super) guard: Guard,
}

/// How what an event may leave out is found.
#[derive(Clone, Debug, Default)]
pub(super) struct DetailFields {
    pub(super) destination: Option<Field>,
    pub(super) action: Option<Field>,
    pub(super) add_ons: Vec<(String, Vec<Condition>)>,
    pub(super) account: Option<Field>,
    pub(super) user: Option<Field>,
    pub(super) team: Option<Field>,
    pub(super) feature: Option<Field>,
    /// Type, id and name.
    pub(super) entity: Option<(Field, Field, Option<Field>)>,
}

/// How the instants of a call are found.
#[derive(Clone, Debug, Default)]
pub(super) struct Moments {
    /// Of the message itself: what an instant falls back on that has no place of its own.
    pub(super) time: Option<Moment>,
    pub(super) started: Option<Moment>,
    pub(super) answered: Option<Moment>,
    pub(super) ended: Option<Moment>,
}

impl Mapping {
    /// The event of a message, guarded.
    pub(super) fn event(&self, opened: &Opened<'_>) -> Result<CallEvent, Stop> {
        let kind = self.kind.need(opened)?;
        let kind =
            Kind::named(&kind).ok_or_else(|| self.kind.invalid(&kind, "is no type of an event of a call"))?;
        let direction = self.direction.need(opened)?;
        let named = DIRECTIONS.iter().find(|(name, _)| direction == *name).map(|(_, direction)| *direction);
        let direction = named.ok_or_else(|| {
            self.direction.invalid(&direction, "is not inbound or outbound, as the customer sees it; map it")
        })?;
        let org = self.org.need(opened)?;
        org_id(&org).map_err(|_| {
            self.org
                .invalid(&org, "is not the name of an organization (A-Z, a-z, 0-9, - and _); map it to one")
        })?;
        let call_id = self.call_id.need(opened)?.into_owned();
        let id = match (&self.id, kind) {
            (Some(id), Kind::Ended) => Some(id.need(opened)?.into_owned()),
            (None, Kind::Ended) => Some(call_id.clone()),
            _ => None,
        };
        let instants = self.moments.read(opened, &self.guard)?;
        let time = instants.of(kind).ok_or_else(|| no_instant(kind))?;
        let until_now = Instants { ended: Some(time), ..instants };
        let length = match kind {
            Kind::Ended => self.length(opened, direction, &until_now)?,
            Kind::Progress => self.so_far(opened, direction, &until_now)?,
            Kind::Started | Kind::Answered | Kind::Failed => Length::default(),
        };
        Ok(CallEvent {
            kind,
            source: self.source.need(opened)?.into_owned(),
            id,
            call_id,
            org: org.into_owned(),
            time,
            direction,
            length,
            details: self.details.read(opened)?,
        })
    }

    fn usage(&self, direction: Direction) -> Option<&Usage> {
        match direction {
            Direction::Inbound => self.inbound.as_ref(),
            Direction::Outbound => self.outbound.as_ref(),
        }
    }

    /// How long a call that goes on has been talked.
    fn so_far(&self, opened: &Opened<'_>, direction: Direction, instants: &Instants) -> Result<Length, Stop> {
        let told = match self.usage(direction) {
            Some(Usage::Told(told)) if told.cumulative => {
                told.read(opened, &self.guard, instants.lasted(&self.guard)?)?
            }
            _ => {
                let why = "the adapter has no cumulative usage for this direction; add form = \"cumulative\"";
                return Err(Rejection::new(Reason::MissingField, "duration_ms", why).into());
            }
        };
        Ok(Length { duration_ms: Some(told), ..Length::default() })
    }

    /// How long a call was talked that is over.
    fn length(&self, opened: &Opened<'_>, direction: Direction, instants: &Instants) -> Result<Length, Stop> {
        let lasted = instants.lasted(&self.guard)?;
        let unanswered = self.moments.answered.is_some() && instants.answered.is_none();
        let length = match self.usage(direction) {
            Some(Usage::Told(told)) if unanswered && told.field.read(opened)?.is_none() => Millis(0),
            Some(Usage::Told(told)) => told.read(opened, &self.guard, lasted)?,
            Some(Usage::Between(..)) if unanswered => Millis(0),
            Some(Usage::Between(from, to)) => self.between(instants, *from, *to)?,
            None if unanswered => Millis(0),
            // As long as the live call ran.
            None => return Ok(Length { answered_at: instants.answered_by_end(), ..Length::default() }),
        };
        if unanswered && length > Millis(0) {
            let why = format!(
                "the call was talked for {} ms and has no instant of its answer; map it, or leave `answered` out of the adapter",
                length.0
            );
            return Err(Rejection::new(Reason::MissingField, "answered_at", why).into());
        }
        let answered = unanswered.then_some(false);
        Ok(Length { duration_ms: Some(length), answered, answered_at: instants.answered_by_end() })
    }

    fn between(&self, instants: &Instants, from: Point, to: Point) -> Result<Millis, Stop> {
        let (Some(first), Some(last)) = (instants.at(from), instants.at(to)) else {
            let absent = if instants.at(from).is_none() { from } else { to };
            let why = format!(
                "the length counts from {} to {}, and one of them is not there",
                from.name(),
                to.name()
            );
            return Err(Rejection::new(Reason::MissingField, absent.name(), why).into());
        };
        let length = last.since(first);
        match self.guard.unlikely_length(length, None, None) {
            None => Ok(length),
            Some(why) => {
                let why = format!(
                    "{} ms from {} to {} is {why}; check the clocks, or widen the guard",
                    length.0,
                    from.name(),
                    to.name()
                );
                Err(Rejection::new(Reason::InvalidField, "duration_ms", why).into())
            }
        }
    }
}

/// The instants that a message tells.
#[derive(Clone, Copy, Debug, Default)]
struct Instants {
    time: Option<Timestamp>,
    started: Option<Timestamp>,
    answered: Option<Timestamp>,
    ended: Option<Timestamp>,
}

impl Instants {
    /// When an event of that kind happened.
    fn of(&self, kind: Kind) -> Option<Timestamp> {
        let own = match kind {
            Kind::Started => self.started,
            Kind::Answered => self.answered,
            Kind::Progress => None,
            Kind::Ended | Kind::Failed => self.ended,
        };
        own.or(self.time)
    }

    fn at(&self, point: Point) -> Option<Timestamp> {
        match point {
            Point::Started => self.started,
            Point::Answered => self.answered,
            Point::Ended => self.ended,
        }
    }

    /// The answer, which no end comes before.
    fn answered_by_end(&self) -> Option<Timestamp> {
        self.answered.map(|answered| self.ended.map_or(answered, |ended| answered.min(ended)))
    }

    /// How long the call was, once its instants are known to stand in their order.
    fn lasted(&self, guard: &Guard) -> Result<Lasted, Rejection> {
        let known: Vec<(Point, Timestamp)> =
            Point::ALL.iter().filter_map(|(_, point)| Some((*point, self.at(*point)?))).collect();
        for pair in known.windows(2) {
            if let [(first, at), (second, then)] = pair
                && !guard.in_order(*at, *then)
            {
                let (first, second) = (first.name(), second.name());
                let why =
                    format!("the call was {second} before it was {first}; check the clocks and the adapter");
                return Err(Rejection::new(Reason::InvalidField, second, why));
            }
        }
        let until_end = |from: Option<Timestamp>| Some(self.ended?.since(from?));
        Ok(Lasted { whole: until_end(self.started.or(self.answered)), talked: until_end(self.answered) })
    }
}

impl Moments {
    fn read(&self, opened: &Opened<'_>, guard: &Guard) -> Result<Instants, Stop> {
        let read = |moment: &Option<Moment>| match moment {
            Some(moment) => moment.read(opened, guard),
            None => Ok(None),
        };
        Ok(Instants {
            time: read(&self.time)?,
            started: read(&self.started)?,
            answered: read(&self.answered)?,
            ended: read(&self.ended)?,
        })
    }
}

impl DetailFields {
    fn read(&self, opened: &Opened<'_>) -> Result<Details, Stop> {
        let read = |field: &Option<Field>| match field {
            Some(field) => Ok(field.read(opened)?.map(|text| text.into_owned())),
            None => Ok::<_, Stop>(None),
        };
        let mut add_ons = Vec::new();
        for (name, when) in &self.add_ons {
            if first_unmet(when, opened)?.is_none() {
                add_ons.push(name.clone());
            }
        }
        let entity = match &self.entity {
            Some((kind, id, name)) => match (kind.read(opened)?, id.read(opened)?) {
                (Some(kind), Some(id)) => {
                    Some(Entity { kind: kind.into_owned(), id: id.into_owned(), name: read(name)? })
                }
                _ => None,
            },
            None => None,
        };
        Ok(Details {
            destination: read(&self.destination)?,
            action: read(&self.action)?,
            add_ons,
            account: read(&self.account)?,
            user: read(&self.user)?,
            team: read(&self.team)?,
            feature: read(&self.feature)?,
            entity,
        })
    }
}

fn no_instant(kind: Kind) -> Rejection {
    let why =
        format!("the message has no instant for {}; map `time`, or the instant of its own", kind.name());
    Rejection::new(Reason::MissingField, "time", why)
}
