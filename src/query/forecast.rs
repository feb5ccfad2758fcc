//! Forecasts: how long credits last at the rate of now, and what grants will have left at their end.

use schemars::JsonSchema;
use serde::Serialize;

use super::balance::{instant, text};
use crate::book::Book;
use crate::ledger::burn::Rate;
use crate::ledger::forecast::{Forecast, Loss, Outcome};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::wire::time;

/// What will become of an organization's credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrgForecast {
    /// The organization.
    pub org: String,
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant from which on it is reckoned.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// The zone of its days and months.
    pub zone: String,
    /// One for each kind of credits.
    pub forecasts: Vec<ForecastState>,
}

/// What will become of one kind of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ForecastState {
    /// The kind.
    pub credit_type: CreditType,
    /// What is available now.
    pub available: Credits,
    /// Whether there were enough whole hours for a rate.
    pub enough_history: bool,
    /// At which rate credits are burnt; none without enough history.
    pub rate: Option<RateState>,
    /// In words.
    pub outcome: String,
    /// When nothing is available any more, if it is known to come.
    #[schemars(extend("format" = "date-time"))]
    pub runs_out_at: Option<String>,
    /// What is left of grants at their end, until then.
    pub losses: Vec<LossState>,
}

/// At which rate credits are burnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RateState {
    /// What was burnt in the last whole hours.
    pub sum: Credits,
    /// How many hours that is: 3 to 24.
    pub hours: u32,
    /// That is so much an hour, rounded half up.
    pub per_hour: Credits,
    /// That is so much in 24 hours, rounded half up.
    pub per_day: Credits,
}

/// What a grant will have left at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LossState {
    /// The grant's name.
    pub grant: Box<str>,
    /// Its end.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// How much.
    pub amount: Credits,
}

/// What will become of the credits of an organization from `now` on, or from its last entry on where that is later. None for an
/// organization that is not known. With very many grants it takes a while: not for the threads of a runtime.
#[must_use]
pub fn forecast(book: &Book, name: &str, now: Timestamp) -> Option<OrgForecast> {
    let (mut org, at) = book.read(name, |slot| (slot.org.without_ids(), now.max(slot.org.at())))?;
    let catalog = book.catalog();
    org.advance(at, &catalog, &mut Vec::new());
    let forecasts = org.forecasts(&catalog).into_iter().map(|(pool, rate, forecast)| {
        let Forecast { outcome, losses } = forecast;
        ForecastState {
            credit_type: pool.credit_type,
            available: pool.level(),
            enough_history: rate.is_some(),
            rate: rate.map(RateState::from),
            outcome: in_words(outcome, rate),
            runs_out_at: if let Outcome::RunsOut(at) = outcome { Some(time::format(at)) } else { None },
            losses: losses.into_iter().map(LossState::from).collect(),
        }
    });
    let forecasts = forecasts.collect();
    let (seq, zone) = (org.position(), org.zone().to_string());
    Some(OrgForecast { org: name.to_owned(), seq, as_of: at, zone, forecasts })
}

fn in_words(outcome: Outcome, rate: Option<Rate>) -> String {
    let idle = rate.is_none_or(|rate| rate.sum == Credits::ZERO);
    match outcome {
        Outcome::HasRunOut => "has run out".to_owned(),
        Outcome::NotEnoughHistory => "not enough history".to_owned(),
        Outcome::RunsOut(at) => format!("runs out at {}", time::format(at)),
        _ if idle => "nothing burnt".to_owned(),
        Outcome::UntilReset(_) => "lasts until the reset".to_owned(),
        Outcome::Beyond(_) => "lasts longer than 400 days".to_owned(),
        Outcome::AtLeast(at) => format!("lasts at least until {}", time::format(at)),
    }
}

impl From<Rate> for RateState {
    fn from(rate: Rate) -> RateState {
        RateState { sum: rate.sum, hours: rate.hours, per_hour: rate.per_hour(), per_day: rate.per_day() }
    }
}

impl From<Loss> for LossState {
    fn from(Loss { grant, at, amount }: Loss) -> LossState {
        LossState { grant, at, amount }
    }
}
