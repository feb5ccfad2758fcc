//! The prices of a question: a rate card or a plan, published or just written down.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use smallvec::SmallVec;

use crate::ledger::catalog::{Catalog, History, Plan, RateCard};
use crate::ledger::charge::Line;
use crate::ledger::entry::{CatalogCommand, Overrides};
use crate::ledger::rating::Pricing;
use crate::ledger::rejection::{Reason, Rejection};
use crate::query::charged::Charged;
use crate::query::usage::parameters::Refused;
use crate::wire::{AnyCommand, Subject, decode_command};

/// By which prices everything is priced once more.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    card: Arc<RateCard>,
    /// That of each charge where none is given.
    plan: Option<Arc<Plan>>,
    /// Whether what an organization has of its own stays.
    keeps_own: bool,
    pub(super) told: PricesState,
}

/// Prices, as they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PricesState {
    /// The rate card.
    pub rate_card: Given,
    /// The plan whose increment counts, and whether it is metered; none where each charge keeps that of its own.
    pub plan: Option<Given>,
    /// Whether prices and increments that an organization has of its own stay.
    pub own_prices: bool,
}

/// A rate card or plan of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Given {
    /// Its name; none where it was written down.
    pub id: Option<Box<str>>,
    /// Its version.
    pub version: Option<u32>,
}

const WRITTEN: Given = Given { id: None, version: None };

/// What a field may hold.
enum Said {
    /// Something that is published, and which version of it: the newest where none is named.
    Published(String, Option<u32>),
    /// Something that is written down.
    Written(Map<String, Value>),
}

impl Prices {
    /// Takes them out of the fields of a question.
    pub(super) fn read(fields: &mut Map<String, Value>, catalog: &Catalog) -> Result<Prices, Refused> {
        let keeps_own = match fields.remove("own_prices") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(keeps)) => keeps,
            Some(other) => {
                return Err(Refused::value("own_prices", &other.to_string(), "write true or false"));
            }
        };
        let card = Said::take(fields, "rate_card", "prices")?.map(|said| card(said, catalog)).transpose()?;
        let plan =
            Said::take(fields, "plan", "")?.map(|said| plan(said, catalog, card.is_some())).transpose()?;
        let (plan, plan_told, of_plan) = match plan {
            Some((plan, told, of_plan)) => (Some(plan), Some(told), of_plan),
            None => (None, None, None),
        };
        let (card, card_told) = card.or(of_plan).ok_or_else(|| {
            let why = "rate_card: it is missing, and so is a plan; name one of them, or write down the prices of a rate card";
            Refused::new("rate_card", why)
        })?;
        let told = PricesState { rate_card: card_told, plan: plan_told, own_prices: keeps_own };
        Ok(Prices { card, plan, keeps_own, told })
    }

    /// What a charge would have cost.
    pub(super) fn again(
        &self,
        charged: &Charged<'_>,
        destination: Option<&str>,
        own: Option<&Overrides>,
        catalog: &Catalog,
    ) -> Result<SmallVec<[Line; 1]>, Rejection> {
        let charge = charged.charge;
        let own_plan = || catalog.plan(charge.plan.0)?.version(charge.plan.1);
        let plan = self.plan.as_deref().or_else(own_plan).ok_or_else(|| {
            Rejection::new(Reason::UnknownPlan, "plan", "the plan of the charge is not in the catalog")
        })?;
        let pricing = Pricing::by(plan, &self.card, own.filter(|_| self.keeps_own));
        pricing.again(&charge.lines, &charged.actions, destination)
    }
}

impl Said {
    /// Takes a field. It is written down where it holds `content`, or else where it names no id.
    fn take(fields: &mut Map<String, Value>, field: &str, content: &str) -> Result<Option<Said>, Refused> {
        match fields.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) => Ok(Some(Said::Published(id, None))),
            Some(Value::Object(mut object)) => match object.remove("id") {
                Some(Value::String(id)) if !object.contains_key(content) => {
                    let version = object.remove("version").filter(|version| !version.is_null());
                    let number = version.as_ref().map(|version| {
                        let number = version.as_u64().and_then(|number| u32::try_from(number).ok());
                        let field = format!("{field}.version");
                        number.ok_or_else(|| Refused::value(&field, &version.to_string(), "write 1 or more"))
                    });
                    if let Some((other, _)) = object.iter().next() {
                        let why = format!(
                            "{field}.{other}: beside an id there is a version at most; leave out one of both"
                        );
                        return Err(Refused::new(format!("{field}.{other}"), why));
                    }
                    Ok(Some(Said::Published(id, number.transpose()?)))
                }
                _ => Ok(Some(Said::Written(object))),
            },
            Some(other) => {
                let remedy = "write the id of one that is published, or an object";
                Err(Refused::value(field, &other.to_string(), remedy))
            }
        }
    }
}

type Carded = (Arc<RateCard>, Given);

fn card(said: Said, catalog: &Catalog) -> Result<Carded, Refused> {
    match said {
        Said::Published(id, version) => {
            let history = catalog.cards().iter().find(|history| *history.id == *id);
            let (content, told) = version_of("rate_card", &id, version, history)?;
            Ok((Arc::new(content.clone()), told))
        }
        Said::Written(content) => match decoded("rate_card", "creditd.rate_card.put.v1", content)? {
            CatalogCommand::PutRateCard(card) => Ok((Arc::new(card.content), WRITTEN)),
            CatalogCommand::PutPlan(..) => Err(Refused::new("rate_card", "rate_card: it is a plan")),
        },
    }
}

/// A plan, with the rate card it names where none is given beside it.
fn plan(
    said: Said,
    catalog: &Catalog,
    has_card: bool,
) -> Result<(Arc<Plan>, Given, Option<Carded>), Refused> {
    match said {
        Said::Published(id, version) => {
            let history = catalog.plans().iter().find(|history| *history.id == *id);
            let (content, told) = version_of("plan", &id, version, history)?;
            let of_plan = catalog.card(content.rate_card).and_then(|history| {
                let version = history.newest();
                let told = Given { id: Some(history.id.clone()), version: Some(version) };
                Some((Arc::new(history.version(version)?.clone()), told))
            });
            Ok((Arc::new(content.clone()), told, of_plan))
        }
        Said::Written(mut content) => {
            if has_card {
                content.entry("rate_card").or_insert_with(|| json!("what-if"));
            }
            let decoded = decoded("plan", "creditd.plan.put.v1", content)?;
            let CatalogCommand::PutPlan(plan, named) = decoded else {
                return Err(Refused::new("plan", "plan: it is a rate card"));
            };
            let of_plan =
                if has_card { None } else { Some(card(Said::Published(named.into(), None), catalog)?) };
            Ok((Arc::new(plan.content), WRITTEN, of_plan))
        }
    }
}

fn version_of<'c, T>(
    field: &str,
    id: &str,
    version: Option<u32>,
    history: Option<&'c History<T>>,
) -> Result<(&'c T, Given), Refused> {
    let history = history.ok_or_else(|| {
        Refused::value(field, id, "nothing of that name is published; compare with GET /v1/catalog")
    })?;
    let number = version.unwrap_or_else(|| history.newest());
    let content = history.version(number).ok_or_else(|| {
        let remedy = format!("{id:?} has the versions 1 to {}", history.newest());
        Refused::value(&format!("{field}.version"), &number.to_string(), &remedy)
    })?;
    Ok((content, Given { id: Some(history.id.clone()), version: Some(number) }))
}

/// What is written down, read as if it were published.
fn decoded(field: &str, kind: &str, mut content: Map<String, Value>) -> Result<CatalogCommand, Refused> {
    content.insert("id".to_owned(), json!("what-if"));
    content.insert("version".to_owned(), json!(1));
    let text = json!({ "type": kind, "data": content }).to_string();
    let mut found = None;
    decode_command(Subject::Catalog, text.as_bytes(), &mut |_, read| found = Some(read));
    match found {
        Some(Ok(AnyCommand::Catalog(command))) => Ok(command),
        Some(Err(rejection)) => {
            let inner = rejection.field.to_string();
            let field = if inner.is_empty() { field.to_owned() } else { format!("{field}.{inner}") };
            Err(Refused::new(field.clone(), format!("{field}: {}", rejection.detail)))
        }
        Some(Ok(AnyCommand::Org(_))) | None => {
            Err(Refused::new(field, format!("{field}: it cannot be read")))
        }
    }
}
