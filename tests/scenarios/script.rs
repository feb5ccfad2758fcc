//! A scenario as it is written: what it shows, then its lines, each at an instant.
//!
//! ```text
//! A month that begins on the 31st begins on the last day of a shorter month.
//!
//! card: email_sent costs 1
//! plan base: 100 credits each month
//! 2026-01-31 09:00   acme joins base
//! 2026-02-28 08:59   acme: 30 email_sent          # a remark
//!                    expect available 70, cycle 1
//! ```
//!
//! Instants are UTC. A line without a date is of the same day, one without a time of day too is of the same instant as the line above
//! it; what comes before the first date is of that instant. `=>` tells what becomes of a line that is not simply accepted.

use std::collections::BTreeMap;

use creditd::ledger::units::{Credits, Timestamp};
use creditd::wire::{Subject, time};
use serde_json::{Map, Value};

use super::expectation::{Fact, facts};
use super::words::{Words, instant, is_clock, is_date, unknown};
use super::{catalog, language};

/// A scenario.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
}

/// A line of it.
#[derive(Debug)]
pub(crate) struct Step {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) at: Timestamp,
    pub(crate) act: Act,
}

/// What a line does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends an event or a command.
    Send {
        /// The subject.
        subject: String,
        /// The JSON.
        item: Value,
        /// What becomes of it.
        ends: Ends,
    },
    /// Looks at an organization, once time has passed.
    Look {
        /// The organization.
        org: String,
        /// What must be seen.
        facts: Vec<Fact>,
    },
    /// Lets time pass.
    Pass,
}

/// What becomes of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Accepted,
    /// Told of a live call: it costs nothing by itself.
    Noted,
    /// Accepted, for so much of each credit type.
    Costs(BTreeMap<String, Credits>),
    Duplicate,
    Rejected {
        reason: String,
        /// What the rejection names, where that is looked at.
        names: Option<String>,
    },
}

impl Step {
    fn expects(&self) -> bool {
        match &self.act {
            Act::Send { ends, .. } => *ends != Ends::Accepted,
            Act::Look { .. } => true,
            Act::Pass => false,
        }
    }
}

impl Script {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The line that is not understood, counted from 1, and why.
    pub(crate) fn read(text: &str) -> Result<Script, (usize, String)> {
        let mut reader = Reader::default();
        let mut lines = (1..).zip(text.lines());
        let shows: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| !line.is_empty()).collect();
        if shows.is_empty() || shows.len() > 3 || !shows.concat().ends_with('.') {
            return Err((
                1,
                "say first what it shows, in one or two sentences, then leave a line blank".to_owned(),
            ));
        }
        for (number, line) in lines {
            reader.line(number, line).map_err(|why| (number, why))?;
        }
        if !reader.steps.iter().any(Step::expects) {
            return Err((text.lines().count(), "it expects nothing".to_owned()));
        }
        Ok(Script { steps: reader.steps })
    }
}

#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    date: String,
    at: Option<Timestamp>,
    /// The organization that was named last.
    org: String,
    /// How many versions of each rate card and plan there are.
    versions: catalog::Versions,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let line = without_remark(line).trim();
        let Some(rest) = self.take_instant(line)? else { return Ok(()) };
        let act = self.act(number, rest)?;
        let at = self.at.unwrap_or_default();
        self.steps.push(Step { line: number, at, act });
        Ok(())
    }

    /// Takes the instant at the begin of a line. Answers the rest, if there is any.
    fn take_instant<'t>(&mut self, line: &'t str) -> Result<Option<&'t str>, String> {
        let (mut rest, mut clock) = (line, None);
        let first = |text: &'t str| text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (word, behind) = first(rest);
        if is_date(word) {
            word.clone_into(&mut self.date);
            (rest, clock) = (behind.trim_start(), Some("00:00"));
        }
        let (word, behind) = first(rest);
        if is_clock(word) {
            (rest, clock) = (behind.trim_start(), Some(word));
        }
        if let Some(clock) = clock {
            let at = instant(&self.date, clock)?;
            if self.at.is_none() {
                self.steps.iter_mut().for_each(|step| step.at = at);
            }
            self.at = Some(at);
        }
        match (rest.is_empty(), clock) {
            (true, Some(_)) => Err("nothing happens at this instant; write \"time passes\"".to_owned()),
            (empty, _) => Ok((!empty).then_some(rest)),
        }
    }

    fn act(&mut self, number: usize, text: &str) -> Result<Act, String> {
        if text == "time passes" {
            return Ok(Act::Pass);
        }
        if let Some(wanted) = text.strip_prefix("expect ") {
            // A colon that does not follow a single word is of a limit.
            let (org, wanted) = match wanted.split_once(": ") {
                Some((org, wanted)) if !org.contains(' ') => (org, wanted),
                _ => (self.org.as_str(), wanted),
            };
            return Ok(Act::Look { org: org.to_owned(), facts: facts(wanted)? });
        }
        let (text, ends) = match text.rsplit_once(" => ") {
            Some((text, ends)) => (text, self::ends(ends)?),
            None => (text, Ends::Accepted),
        };
        let (text, more) = with_json(text)?;
        if text.trim() == "again" {
            return self.again(&more, ends);
        }
        let (subject, mut item) = match catalog::statement(text, &mut self.versions)? {
            Some(item) => (Subject::Catalog.to_string(), item),
            None => {
                let statement = language::statement(text, number)?;
                statement.org.clone_into(&mut self.org);
                let subject = if statement.is_event {
                    Subject::Events(&statement.org).to_string()
                } else {
                    Subject::Commands(&statement.org).to_string()
                };
                (subject, statement.item)
            }
        };
        item.extend(more);
        Ok(Act::Send { subject, item: Value::Object(item), ends })
    }

    /// The item above, once more.
    fn again(&self, more: &Map<String, Value>, ends: Ends) -> Result<Act, String> {
        let sent = self.steps.iter().rev().find_map(|step| match &step.act {
            Act::Send { subject, item, .. } => Some((subject.clone(), item.clone())),
            Act::Look { .. } | Act::Pass => None,
        });
        let (subject, mut item) = sent.ok_or("there is nothing above to send again")?;
        item.as_object_mut().ok_or("the item above is no object")?.extend(more.clone());
        Ok(Act::Send { subject, item, ends })
    }
}

fn without_remark(line: &str) -> &str {
    match line.split_once(" # ") {
        _ if line.starts_with('#') => "",
        Some((said, _)) => said,
        None => line,
    }
}

/// The JSON fields in braces at the end of a line, which go into the item as they are.
fn with_json(text: &str) -> Result<(&str, Map<String, Value>), String> {
    let Some(begin) = text.find('{') else { return Ok((text, Map::new())) };
    let fields =
        serde_json::from_str(&text[begin..]).map_err(|error| format!("the JSON in braces: {error}"))?;
    Ok((&text[..begin], fields))
}

/// What becomes of an item: `duplicate`, `noted`, `rejected conflict`, `rejected limit_reached each-user`, `costs 12.5, 3 email`.
fn ends(text: &str) -> Result<Ends, String> {
    let mut words = Words::of(text);
    match words.next("what becomes of it")? {
        "duplicate" => words.end().map(|()| Ends::Duplicate),
        "noted" => words.end().map(|()| Ends::Noted),
        "rejected" => {
            let reason = words.next("a reason")?.to_owned();
            let names = if words.is_empty() { None } else { Some(words.all("a name")?) };
            Ok(Ends::Rejected { reason, names })
        }
        "costs" => {
            let mut costs = BTreeMap::new();
            for mut clause in Words::clauses(text.trim_start_matches("costs")) {
                let amount = clause.amount()?;
                costs.insert(clause.next("").unwrap_or("credits").to_owned(), amount);
                clause.end()?;
            }
            Ok(Ends::Costs(costs))
        }
        word => Err(unknown(word)),
    }
}

impl Ends {
    /// Why the item came to another end, if it did.
    pub(crate) fn differs(&self, outcomes: &[Value]) -> Option<String> {
        let [outcome] = outcomes else {
            return Some(format!("one outcome was expected; there are {outcomes:?}"));
        };
        let status = outcome["status"].as_str().unwrap_or_default();
        let agrees = match self {
            Ends::Accepted => status == "accepted",
            Ends::Noted => status == "accepted" && outcome["credits"].is_null() && outcome["voids"].is_null(),
            Ends::Duplicate => status == "duplicate",
            Ends::Rejected { reason, names } => {
                let detail = outcome["detail"].as_str().unwrap_or_default();
                let mut words = detail.split(|sign: char| !sign.is_alphanumeric() && sign != '-');
                let named = names.as_ref().is_none_or(|name| words.any(|word| word == name));
                status == "rejected" && outcome["reason"] == reason.as_str() && named
            }
            Ends::Costs(costs) => status == "accepted" && charged(outcome) == without_nothing(costs.clone()),
        };
        (!agrees).then(|| format!("{} was expected; it came to {outcome}", self.in_words()))
    }

    fn in_words(&self) -> String {
        match self {
            Ends::Accepted => "accepted".to_owned(),
            Ends::Noted => "noted".to_owned(),
            Ends::Duplicate => "duplicate".to_owned(),
            Ends::Rejected { reason, names } => {
                format!("rejected {reason} {}", names.as_deref().unwrap_or_default()).trim_end().to_owned()
            }
            Ends::Costs(costs) => {
                let costs: Vec<String> =
                    costs.iter().map(|(kind, amount)| format!("{amount} {kind}")).collect();
                format!("costs {}", costs.join(", "))
            }
        }
    }
}

fn charged(outcome: &Value) -> BTreeMap<String, Credits> {
    let amounts = outcome["credits"].as_object().into_iter().flatten();
    let read = |(kind, amount): (&String, &Value)| Some((kind.clone(), amount.as_str()?.parse().ok()?));
    without_nothing(amounts.filter_map(read).collect())
}

fn without_nothing(mut amounts: BTreeMap<String, Credits>) -> BTreeMap<String, Credits> {
    amounts.retain(|_, amount| *amount != Credits::ZERO);
    amounts
}

/// An instant as people write it in a scenario.
pub(crate) fn shown(at: Timestamp) -> String {
    time::format(at)
}
