//! What is used of limits, in windows of the log's time.

use std::collections::BTreeMap;

use super::{Books, Notice};
use crate::civil;
use crate::event::{CREDIT, Event, Who};

/// A limit that an organization has.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) id: &'static str,
    /// Whose use: a field, and its value, or `*` for each by itself.
    pub(crate) on: (&'static str, &'static str),
    /// Of that action alone.
    pub(crate) action: Option<&'static str>,
    /// Credits, or else a number of things.
    pub(crate) is_credits: bool,
    /// Millionths.
    pub(crate) most: i64,
    pub(crate) window: &'static str,
    pub(crate) is_hard: bool,
    pub(crate) since: i64,
    /// What was used, by the begin of the window and the value.
    pub(crate) used: BTreeMap<(i64, String), i64>,
}

/// The value of a field.
pub(crate) fn value(who: &Who, field: &str) -> Option<String> {
    match field {
        "user" => who.user.map(str::to_owned),
        "team" => who.team.map(str::to_owned),
        "feature" => who.feature.map(str::to_owned),
        "entity" => who.entity.map(|(kind, id)| format!("{kind}/{id}")),
        other => panic!("no limit is on {other}"),
    }
}

impl Limit {
    /// The begin of the window at an instant of the log.
    pub(crate) fn window(&self, books: &Books, at: i64) -> i64 {
        match self.window {
            "month" => civil::begin(civil::month(at)),
            "cycle" => books.cycle.unwrap().start,
            "life" => i64::MIN,
            other => panic!("{other} is no window of a limit here"),
        }
    }

    fn measure(&self, event: &Event) -> Option<(String, i64)> {
        let (field, wanted) = self.on;
        let value = value(&event.who, field)?;
        let is_in =
            (wanted == "*" || wanted == value) && self.action.is_none_or(|action| action == event.action);
        let much = if self.is_credits { event.cost("credits") } else { event.quantity * CREDIT };
        (is_in && much > 0).then_some((value, much))
    }

    pub(crate) fn is_each(&self) -> bool {
        self.on.1 == "*"
    }
}

impl Books {
    /// Counts an event, or takes it out again; the hard limits that it goes past.
    pub(super) fn count(&mut self, event: &Event, sign: i64) -> Vec<&'static str> {
        let (mut past, mut limits) = (Vec::new(), std::mem::take(&mut self.limits));
        for limit in &mut limits {
            let Some((value, much)) = limit.measure(event) else { continue };
            let window = limit.window(self, self.at);
            // What was counted in a window that is over stays there.
            if sign < 0 && (limit.window(self, event.at) != window || event.at < limit.since) {
                continue;
            }
            let used = limit.used.entry((window, value.clone())).or_default();
            let before = *used;
            *used += sign * much;
            if sign > 0 {
                let most = limit.most;
                if limit.is_hard && *used > most {
                    past.push(limit.id);
                }
                let now = *used;
                let begin = window.max(limit.since);
                let value = if limit.is_each() { value } else { "-".to_owned() };
                self.notice_limit(limit.id, &value, begin, [before, now].map(|used| (used * 100, most)));
            }
        }
        self.limits = limits;
        past.sort_unstable();
        past
    }

    /// Tells once of 80 % and once of all of it; of both at once, of all.
    fn notice_limit(&mut self, id: &str, value: &str, begin: i64, [_, now]: [(i64, i64); 2]) {
        let (used, most) = now;
        let kind = match used {
            _ if used >= most * 100 => "reached",
            _ if used >= most * 80 => "near",
            _ => return,
        };
        let name = |kind: &str| format!("acme.limit.{id}.{value}.{}.{kind}", civil::utc(begin));
        let told = |id: &str| self.notices.iter().any(|notice| notice.id == id);
        if told(&name(kind)) || told(&name("reached")) {
            return;
        }
        let of = if kind == "near" { "limit_near" } else { "limit_reached" };
        self.notices.push(Notice::new(name(kind), of, self.at));
    }
}
