//! The workload: from a seed to events. Pure: the same shape gives the same bytes, wherever and whenever.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use super::chance::{Chance, Zipf};
use super::trades::{
    ACCOUNTS, CATALOGS, DESTINATIONS, Deed, DeedKind, NAMES, PEOPLE, TEAMS, TOP_UP_EVERY, TRADES, Trade,
};
use crate::ledger::units::{Millis, Timestamp};
use crate::wire::{catalog_commands_from_toml, time};

/// What is to be simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) seed: u64,
    pub(super) orgs: usize,
    /// When the first event happens.
    pub(super) start: Timestamp,
    /// From one event to the next, in nanoseconds.
    pub(super) step_ns: u64,
    /// Repeats of an earlier event, in a million.
    pub(super) duplicates: u32,
    /// Events that must be refused, in a million.
    pub(super) bad: u32,
    /// Whether organizations are created and given credits, and keep getting them.
    pub(super) setup: bool,
    /// Whether a grant ends when the next one comes; only where the log's time is the workload's.
    pub(super) grants_end: bool,
}

/// Something for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// When it happens.
    pub(super) at: Timestamp,
    /// Whose it is; none for the catalog.
    pub(super) org: Option<Arc<str>>,
    pub(super) kind: ItemKind,
    /// One line of JSON, or of what should have been JSON.
    pub(super) text: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    Command,
    Event,
    /// An event that was sent before.
    Repeat,
    /// An event that must be refused.
    Bad,
}

impl ItemKind {
    pub(super) fn is_command(self) -> bool {
        self == ItemKind::Command
    }
}

/// How many of the latest events may be repeated.
const REPEATABLE: usize = 1_024;

/// An endless iterator over commands and events. The commands that set everything up come first.
#[derive(Debug)]
pub(super) struct Workload {
    shape: Shape,
    chance: Chance,
    zipf: Zipf,
    names: Vec<Arc<str>>,
    /// How many events each organization had.
    had: Vec<u64>,
    /// Commands that come before the next event.
    ahead: VecDeque<Item>,
    recent: VecDeque<Item>,
    /// Events so far, repeats and bad ones among them.
    count: u64,
}

impl Workload {
    pub(super) fn new(shape: Shape) -> Workload {
        let names: Vec<Arc<str>> =
            (1..=shape.orgs.max(1)).map(|n| Arc::from(format!("org-{n:04}"))).collect();
        let mut workload = Workload {
            shape,
            chance: Chance::new(shape.seed),
            zipf: Zipf::new(names.len()),
            had: vec![0; names.len()],
            names,
            ahead: VecDeque::new(),
            recent: VecDeque::new(),
            count: 0,
        };
        if shape.setup {
            workload.set_up();
        }
        workload
    }

    /// The number of commands that come before the first event.
    pub(super) fn setup_items(&self) -> usize {
        if self.count == 0 { self.ahead.len() } else { 0 }
    }

    fn set_up(&mut self) {
        let at = self.shape.start;
        // The shipped catalogs are sound: a test loads them.
        let commands = CATALOGS.iter().flat_map(|text| catalog_commands_from_toml(text).unwrap_or_default());
        let catalog = commands.map(|text| Item { at, org: None, kind: ItemKind::Command, text: text.into() });
        self.ahead.extend(catalog);
        for place in 0..self.names.len() {
            let trade = trade(place);
            let own =
                trade.increment.map_or_else(|| json!({}), |increment| json!({ "increment": increment }));
            let data = json!({ "plan": trade.plan, "overrides": own });
            self.command(place, at, "creditd.org.put.v1", &data);
            self.give(place, at);
        }
    }

    fn command(&mut self, place: usize, at: Timestamp, kind: &str, data: &Value) {
        let text = json!({ "type": kind, "data": data }).to_string();
        let org = self.names.get(place).cloned();
        self.ahead.push_back(Item { at, org, kind: ItemKind::Command, text: text.into() });
    }

    /// Gives an organization the credits for its next events.
    fn give(&mut self, place: usize, at: Timestamp) {
        let round = self.had.get(place).map_or(0, |had| had / TOP_UP_EVERY);
        let kind = if round == 0 { "plan" } else { "purchased" };
        // A tenth longer than its events should take, and half a minute for the smallest steps.
        let lasts = self.zipf.draws(place, TOP_UP_EVERY).saturating_mul(self.shape.step_ns) / 1_000_000;
        let end = at.plus(Millis(lasts.saturating_add(lasts / 10).saturating_add(30_000)));
        for (credit_type, amount) in trade(place).allowance {
            let id = format!("s{}-{credit_type}-{round}", self.shape.seed);
            let mut data =
                json!({ "id": id, "credit_type": credit_type, "amount": amount.to_string(), "kind": kind });
            if let (true, Some(object)) = (self.shape.grants_end, data.as_object_mut()) {
                object.insert("expires".to_owned(), json!(time::format(end)));
            }
            self.command(place, at, "creditd.grant.v1", &data);
        }
    }

    fn now(&self) -> Timestamp {
        let passed = u128::from(self.count) * u128::from(self.shape.step_ns) / 1_000;
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.shape.start.micros().saturating_add(passed))
    }

    fn event(&mut self) -> Item {
        let at = self.now();
        self.count += 1;
        if self.chance.happens(self.shape.duplicates)
            && let Some(earlier) = self.chance.pick(self.recent.make_contiguous())
        {
            return Item { at, kind: ItemKind::Repeat, ..earlier.clone() };
        }
        let place = self.zipf.pick(&mut self.chance);
        let org = self.names.get(place).cloned().unwrap_or_default();
        let event = self.deed(place, &org, at);
        if self.chance.happens(self.shape.bad) {
            let text = self.spoil(event);
            return Item { at, org: Some(org), kind: ItemKind::Bad, text: text.into() };
        }
        let item = Item { at, org: Some(org), kind: ItemKind::Event, text: event.to_string().into() };
        if self.recent.len() == REPEATABLE {
            self.recent.pop_front();
        }
        self.recent.push_back(item.clone());
        let had = self.had.get_mut(place).map_or(0, |had| {
            *had += 1;
            *had
        });
        if self.shape.setup && had.is_multiple_of(TOP_UP_EVERY) {
            self.give(place, at);
        }
        item
    }

    /// Something that an organization of a trade does.
    fn deed(&mut self, place: usize, org: &str, at: Timestamp) -> Value {
        let deed = self.choose(trade(place).deeds, at);
        let chance = &mut self.chance;
        let person = chance.below(PEOPLE.len() as u64);
        let number = chance.below(NAMES.len() as u64);
        let of = |list: &[&'static str], n: u64| {
            usize::try_from(n).ok().and_then(|n| list.get(n % list.len()).copied())
        };
        let mut event = json!({
            "id": format!("s{}-{}", self.shape.seed, self.count),
            "source": "simulate",
            "org": org,
            "time": time::format(at),
            "account": chance.pick(&ACCOUNTS),
            "entity": {
                "type": deed.entity,
                "id": format!("{}-{number}", deed.entity),
                "name": of(&NAMES, number),
            },
            "user": of(&PEOPLE, person),
            "team": of(&TEAMS, person),
            "feature": deed.feature,
        });
        let Some(object) = event.as_object_mut() else { return event };
        let fields = match deed.kind {
            DeedKind::Action(action, (least, most)) => {
                let quantity = chance.between(least, most);
                json!({ "type": "creditd.action.v1", "action": action, "quantity": quantity })
            }
            DeedKind::Call(direction, add_on) => a_call(chance, direction, add_on),
        };
        object.extend(fields.as_object().cloned().unwrap_or_default());
        event
    }

    /// One deed of several, by how often it happens at this hour.
    fn choose(&mut self, deeds: &'static [Deed], at: Timestamp) -> &'static Deed {
        const HOUR: i64 = 3_600_000_000;
        let hour = at.micros().div_euclid(HOUR).rem_euclid(24);
        let weight =
            |deed: &Deed| u64::from(if (7..19).contains(&hour) { deed.weight.0 } else { deed.weight.1 });
        let mut drawn = self.chance.below(deeds.iter().map(weight).sum());
        for deed in deeds {
            match drawn.checked_sub(weight(deed)) {
                Some(rest) => drawn = rest,
                None => return deed,
            }
        }
        &deeds[0]
    }

    /// Makes an event one that must be refused.
    fn spoil(&mut self, mut event: Value) -> String {
        let Some(object) = event.as_object_mut() else { return String::new() };
        match self.chance.below(6) {
            0 => drop(object.remove("type")),
            1 => drop(object.remove("id")),
            2 => drop(object.insert("type".into(), json!("creditd.unheard_of.v9"))),
            3 => drop(object.insert("time".into(), json!("1970-01-01T00:00:00Z"))),
            4 => drop(object.insert("action".into(), json!("no_such_action"))),
            // Neither is JSON, and both look like a line.
            _ => return format!("{{\"org\": {}, \"type\":}}", object.get("org").unwrap_or(&Value::Null)),
        }
        event.to_string()
    }
}

fn trade(place: usize) -> &'static Trade {
    &TRADES[place % TRADES.len()]
}

fn a_call(chance: &mut Chance, direction: &str, add_on: Option<&str>) -> Value {
    let answered = direction == "inbound" || !chance.happens(250_000);
    let length = if answered { chance.call_length() } else { 0 };
    let &(prefix, digits) = chance.pick(&DESTINATIONS).unwrap_or(&DESTINATIONS[0]);
    let rest = chance.below(10_u64.pow(digits));
    let width = usize::try_from(digits).unwrap_or(0);
    let mut call = json!({
        "type": "creditd.call.ended.v1",
        "direction": direction,
        "destination": format!("+{prefix}{rest:0width$}"),
        "duration_ms": length,
        "answered": answered,
    });
    if let (true, Some(add_on), Some(object)) = (chance.happens(100_000), add_on, call.as_object_mut()) {
        object.insert("add_ons".to_owned(), json!([add_on]));
    }
    call
}

impl Iterator for Workload {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        match self.ahead.pop_front() {
            Some(command) => Some(command),
            None => Some(self.event()),
        }
    }
}

#[cfg(test)]
mod tests;
