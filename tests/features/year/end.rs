//! The last hours: credits run low, calls run, and whatever else is to be seen now.

use serde_json::json;

use super::{Deed, Year};
use crate::civil::{self, utc};
use crate::event::{CREDIT, Who};

/// The calls that run: their names, directions, how long ago they were answered, and the add-on.
pub(crate) const LIVE: [(&str, &str, i64, bool); 3] =
    [("live-1", "outbound", 167, false), ("live-2", "inbound", 61, false), ("live-3", "outbound", 420, true)];

impl Year {
    pub(super) fn end(&mut self) {
        let now = civil::now();
        self.moment(now - 80 * 60);
        self.request("PUT", "/v1/orgs/acme/webhooks/ops", json!({ "url": "{receiver}" }));
        self.recharge("export", (100, 500), 0, ("day", 1));
        self.recharge("phone", (20, 100), 3_600, ("day", 3));
        self.recharge("credits", (100, 1_000), 60, ("month", 2));
        // Exports run low twice: the second time the cap of the day forbids to ask.
        self.use_up("export", "export_row", 40);
        self.moment(now - 60 * 60);
        self.answer_requests();
        self.use_up("export", "export_row", 30);
        // Phones run low, and are bought.
        self.moment(now - 10 * 60);
        self.use_up("phone", "phone_reveal", 15);
        self.moment(now - 5 * 60);
        self.answer_requests();
        // E-mails run low, and nobody has paid yet.
        self.moment(now - 2 * 60);
        self.use_up("email", "email_reveal", 25);
        self.calls();
        self.moment(now);
        let monthly = json!({ "to": ["ana@example.com"], "schedule": { "every": "month", "on": 1, "at": "08:00" },
            "content": { "group_by": ["user", "credit_type"], "compare": "previous_period" } });
        let weekly = json!({ "to": ["ana@example.com", "bo@example.com"], "schedule": { "every": "week", "on": "monday", "at": "08:00" },
            "content": { "group_by": ["feature"], "interval": "day" } });
        let cycle = json!({ "to": ["ana@example.com"], "schedule": { "every": "cycle" },
            "content": { "group_by": ["team", "credit_type"] } });
        for (id, report) in [("monthly", monthly), ("weekly", weekly), ("cycle", cycle)] {
            self.request("PUT", &format!("/v1/orgs/acme/reports/{id}"), report);
        }
    }

    fn moment(&mut self, at: i64) {
        self.books.advance(at);
    }

    /// Lets `eli` use so much that only that many credits are left.
    fn use_up(&mut self, credit_type: &str, action: &'static str, left: i64) {
        let at = self.books.at;
        let quantity = self.books.settled(credit_type) / CREDIT - left;
        assert!(quantity > 0, "{credit_type}: {quantity}");
        let who = Who { user: Some("eli"), team: Some("service"), ..Who::default() };
        let mut event = self.event(at, action, quantity, who);
        event.time = at - 30;
        self.charge(event);
    }

    fn calls(&mut self) {
        let now = civil::now();
        for (id, direction, ago, translated) in LIVE {
            let mut call = json!({ "type": "call.answered", "org": "acme", "source": "switch", "call_id": id, "direction": direction,
                "time": utc(now - ago), "user": "ana", "entity": { "type": "assistant", "id": "a1" } });
            if translated {
                call["add_ons"] = json!(["translation"]);
            }
            self.request("POST", "/v1/events", call);
        }
    }
}

impl Deed {
    /// Whether it is one of the items of a message of events.
    pub(crate) fn is_item(&self) -> bool {
        !matches!(self, Deed::Request(..))
    }
}
