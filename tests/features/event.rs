//! What happened, as it was sent: the raw events from which every figure is computed, and what each costs.

use serde_json::{Value, json};

use crate::civil::{self, utc};
use crate::year::people;

/// Millionths of a credit.
pub(crate) const CREDIT: i64 = 1_000_000;

/// Who spent, and on what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) account: Option<&'static str>,
    pub(crate) user: Option<&'static str>,
    pub(crate) team: Option<&'static str>,
    pub(crate) feature: Option<&'static str>,
    pub(crate) entity: Option<(&'static str, &'static str)>,
}

/// What is told of a call beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) direction: &'static str,
    pub(crate) talked_ms: i64,
    pub(crate) answered: bool,
    pub(crate) translated: bool,
}

/// An action or a call that ended.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) org: &'static str,
    pub(crate) id: String,
    /// When it happened.
    pub(crate) time: i64,
    /// When the log got it.
    pub(crate) at: i64,
    pub(crate) action: &'static str,
    pub(crate) quantity: i64,
    pub(crate) call: Option<Call>,
    pub(crate) who: Who,
    /// What paid: of each line of the price the kind of credits, what it drew, and from which grants.
    pub(crate) lines: Vec<Line>,
    /// When it was taken back.
    pub(crate) voided: Option<i64>,
    /// Its place in the log, as the answer told it.
    pub(crate) position: String,
}

/// An action, or an add-on of a call, with what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) action: &'static str,
    pub(crate) quantity: i64,
    pub(crate) credit_type: &'static str,
    pub(crate) micros: i64,
    pub(crate) drawn: Vec<Drawn>,
}

/// Credits that a line drew from a grant; from none where it is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) grant: Option<usize>,
    pub(crate) kind: &'static str,
    pub(crate) micros: i64,
}

/// How long calls are billed: the first seconds, and then blocks.
fn increment(org: &str) -> i64 {
    match org {
        "talk-pro" => 30,
        "talk-enterprise" => 1,
        _ => 60,
    }
}

/// From when on pilots cost more at `acme`.
pub(crate) const SECOND_CARD: &str = "2026-02-28T23:00:00Z";

impl Event {
    pub(crate) fn talked_ms(&self) -> i64 {
        self.call.filter(|call| call.answered).map_or(0, |call| call.talked_ms)
    }

    /// A second begun is a second of its increment.
    pub(crate) fn billed_seconds(&self) -> i64 {
        // Where nothing is metered, no seconds are billed.
        if self.org == "open" {
            return 0;
        }
        let seconds = (self.talked_ms() + 999) / 1_000;
        let block = increment(self.org);
        (seconds + block - 1) / block * block
    }

    pub(crate) fn cost(&self, credit_type: &str) -> i64 {
        self.lines.iter().filter(|line| line.credit_type == credit_type).map(|line| line.micros).sum()
    }

    /// What it costs, line by line: the prices that are shipped.
    pub(crate) fn price(&self) -> Vec<Line> {
        let line = |action, quantity, credit_type, micros| Line {
            action,
            quantity,
            credit_type,
            micros,
            drawn: Vec::new(),
        };
        if let Some(call) = self.call {
            let per_minute = match (self.org, call.direction) {
                ("open", _) => 0,
                ("talk-base" | "talk-pro" | "talk-enterprise", "inbound") => 6,
                _ => 10,
            };
            let of = |per_minute: i64| (per_minute * CREDIT * self.billed_seconds() + 30) / 60;
            let mut lines = vec![line("phone_call", 1, "credits", of(per_minute))];
            if call.translated {
                lines.push(line("translation", 1, "credits", of(4)));
            }
            return lines;
        }
        let (credit_type, micros) = self.price_of_action();
        vec![line(self.action, self.quantity, credit_type, micros)]
    }

    fn price_of_action(&self) -> (&'static str, i64) {
        let each = |credits: i64, of: i64| self.quantity * credits * CREDIT / of;
        if self.org == "open" {
            return ("credits", 0);
        }
        match self.action {
            "email_sent" if self.org == "finder" => ("credits", 0),
            "phone_reveal" if self.org == "finder" => ("credits", each(1, 1)),
            "email_sent" | "profile_view" | "lead_sourced" => ("credits", each(1, 1)),
            "reaction" => ("credits", each(2, 1)),
            "linkedin_message" | "connection_request" | "person_enrichment" | "company_enrichment" => {
                ("credits", each(5, 1))
            }
            "lead_imported_crm" | "copilot_answer" => ("credits", each(1, 2)),
            "lead_imported_csv" => ("credits", each(1, 4)),
            "ai_tokens" => ("credits", each(1, 1_000)),
            "pilot_task" if self.org == "acme" && self.time >= civil::instant(SECOND_CARD) => {
                ("credits", each(9, 2))
            }
            "pilot_task" => ("credits", each(4, 1)),
            "flow_step" => ("credits", each(1, 10)),
            "execution_steps" => ("credits", (self.quantity + 99) / 100 * 5 * CREDIT),
            "email_reveal" => ("email", each(1, 1)),
            "phone_reveal" => ("phone", each(1, 1)),
            "mobile_reveal" => ("phone", each(8, 1)),
            "export_row" => ("export", each(1, 1)),
            "api_lookup" => ("credits", each(1, 5)),
            other => panic!("{other} has no price"),
        }
    }

    /// As it is sent.
    pub(crate) fn json(&self) -> Value {
        let mut event = json!({ "type": "action", "org": self.org, "source": "year", "id": self.id, "time": utc(self.time) });
        match self.call {
            None => {
                event["action"] = json!(self.action);
                event["quantity"] = json!(self.quantity);
            }
            Some(call) => {
                event["type"] = json!("call.ended");
                event["duration_ms"] = json!(call.talked_ms);
                event["direction"] = json!(call.direction);
                event["destination"] = json!("+4930123456");
                event["answered"] = json!(call.answered);
                if call.translated {
                    event["add_ons"] = json!(["translation"]);
                }
            }
        }
        let Who { account, user, team, feature, entity } = self.who;
        for (field, value) in [("account", account), ("user", user), ("team", team), ("feature", feature)] {
            if let Some(value) = value {
                event[field] = json!(value);
            }
        }
        if let Some((kind, id)) = entity {
            event["entity"] = json!({ "type": kind, "id": id, "name": people::find(kind, id).name });
        }
        event
    }
}

/// As credits are written: decimals, as few as need be.
pub(crate) fn written(micros: i64) -> String {
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let whole = size / 1_000_000;
    match size % 1_000_000 {
        0 => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{}", format!("{rest:06}").trim_end_matches('0')),
    }
}

/// Credits as they are written, in millionths.
pub(crate) fn read(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(rest.len() <= 6 && !whole.is_empty(), "{text} is no amount");
    sign * (whole.parse::<i64>().unwrap() * CREDIT + format!("{rest:0<6}").parse::<i64>().unwrap())
}
