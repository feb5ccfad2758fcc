//! Other organizations, on the plans that are shipped: a little every month.

use serde_json::json;

use super::{Deed, Year};
use crate::civil::{self, DAY};
use crate::event::{Call, Drawn, Who};

/// An organization: its name, its plan, and what it does, with how many at most; of a call nothing.
type Other = (&'static str, &'static str, &'static [(&'static str, i64)]);

/// The organizations.
pub(crate) const OTHERS: [Other; 8] = [
    (
        "reach",
        "outreach",
        &[
            ("email_sent", 9),
            ("profile_view", 5),
            ("reaction", 5),
            ("linkedin_message", 3),
            ("connection_request", 3),
            ("person_enrichment", 3),
            ("company_enrichment", 3),
            ("phone_call", 0),
        ],
    ),
    (
        "finder",
        "leads",
        &[
            ("lead_sourced", 20),
            ("phone_reveal", 9),
            ("lead_imported_crm", 30),
            ("lead_imported_csv", 30),
            ("email_sent", 50),
        ],
    ),
    ("talk-base", "calling-base", &[("phone_call", 0)]),
    ("talk-pro", "calling-professional", &[("phone_call", 0)]),
    ("talk-enterprise", "calling-enterprise", &[("phone_call", 0)]),
    (
        "desk",
        "crm",
        &[
            ("ai_tokens", 30_000),
            ("copilot_answer", 4),
            ("pilot_task", 5),
            ("flow_step", 40),
            ("execution_steps", 250),
        ],
    ),
    (
        "sellers",
        "prospecting",
        &[
            ("email_reveal", 20),
            ("phone_reveal", 4),
            ("mobile_reveal", 2),
            ("export_row", 200),
            ("api_lookup", 15),
        ],
    ),
    ("open", "open", &[("email_sent", 9), ("phone_call", 0)]),
];

impl Year {
    pub(super) fn others(&mut self) {
        let begin = civil::instant(civil::BEGIN);
        for (org, plan, does) in OTHERS {
            let mut terms = json!({ "plan": plan, "time_zone": civil::ZONE });
            if org == "talk-enterprise" {
                terms["overrides"] = json!({ "increment": "1/1" });
            }
            let request = |path: String, method, body| (begin, Deed::Request(method, path, body));
            self.deeds.push(request(format!("/v1/orgs/{org}"), "PUT", terms));
            for credit_type in ["credits", "email", "phone", "export"] {
                let is_known = org == "sellers" || (credit_type == "credits" && org != "open");
                if is_known {
                    let grant = json!({ "id": format!("all-{credit_type}"), "amount": "900000", "credit_type": credit_type });
                    self.deeds.push(request(format!("/v1/orgs/{org}/grants"), "POST", grant));
                }
            }
            let mut at = begin + 30 * DAY;
            while at < civil::now() {
                for _ in 0..14 {
                    self.other(org, does, at);
                }
                at += 29 * DAY;
            }
        }
        let lab = json!({ "plan": "outreach", "time_zone": civil::ZONE });
        self.deeds.push((begin, Deed::Request("PUT", "/v1/orgs/lab".to_owned(), lab)));
    }

    /// Something that happened in the 29 days before.
    fn other(&mut self, org: &'static str, does: &[(&'static str, i64)], at: i64) {
        let (action, most) = self.random.one(does);
        let who = Who { user: Some(self.random.one(&["kim", "lou"])), ..Who::default() };
        let quantity = if most == 0 { 1 } else { self.random.from(1, most) };
        let mut event = self.event(at, action, quantity, who);
        (event.org, event.time) = (org, at - self.random.below(29 * DAY));
        if most == 0 {
            let (direction, talked_ms) =
                (self.random.one(&["inbound", "outbound"]), self.random.from(1, 300_000));
            let translated = org.starts_with("talk") && self.random.is(40);
            event.call = Some(Call { direction, talked_ms, answered: self.random.is(85), translated });
        }
        event.lines = event.price();
        for line in event.lines.iter_mut().filter(|line| line.micros > 0) {
            line.drawn = vec![Drawn { grant: Some(0), kind: "purchased", micros: line.micros }];
        }
        let number = self.events.len();
        self.events.push(event);
        self.deeds.push((at, Deed::Event(number)));
    }
}
