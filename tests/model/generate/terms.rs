//! What billing tells: grants, and terms and prices that change on the way.

use serde_json::json;

use super::drafts::spell;
use super::{DAY, MINUTE, Writer, catalog, name};

impl Writer {
    /// A grant, or one that is known already.
    pub(super) fn grant(&mut self, org: i64) {
        if self.random.chance(10) && !self.grants.is_empty() {
            // Sent again, and half the time not the same.
            let (org, mut known) = self.random.pick(&self.grants).clone();
            if self.random.chance(50) {
                known["priority"] = json!(7);
            }
            return self.command(&name(org), "grant", &known);
        }
        let micros = self.random.between(1, 400_000_000);
        let amount = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let credit_type = *self.random.pick(&["credits", "credits", "email", "phone"]);
        let mut data = json!({ "amount": amount, "credit_type": credit_type });
        data["kind"] = json!(self.random.pick(&["plan", "purchased", "bonus"]));
        if self.random.chance(30) {
            data["priority"] = json!(self.random.pick(&[0, 50, 255]));
        }
        let mut starts = self.now;
        if self.random.chance(30) {
            starts += self.random.between(-DAY, 3 * DAY);
            data["effective"] = json!(spell(starts, &mut self.random));
        }
        if self.random.chance(50) {
            let ends = starts.max(self.now) + self.random.between(MINUTE, 6 * DAY);
            data["expires"] = json!(spell(ends, &mut self.random));
        }
        if self.random.chance(70) {
            data["id"] = json!(format!("grant-{}", self.records.len()));
            self.grants.push((org, data.clone()));
        }
        self.command(&name(org), "grant", &data);
    }

    /// New terms, a new version of the plan `base`, or of the card `outreach`.
    pub(super) fn change(&mut self, org: i64) {
        let rules = json!([{ "below_percent": self.random.between(0, 99) }, { "below_percent": 30 }, { "below": "25" }]);
        let from = self.now + self.random.between(0, DAY);
        match self.random.between(1, 4) {
            1 => self.command(&name(org), "org.put", &json!({ "plan": "callers" })),
            2 => {
                let overrides = json!({ "increment": "1/1", "alerts": rules,
                                        "prices": { "message": { "per_action": "4.5" } } });
                self.command(&name(org), "org.put", &json!({ "plan": "base", "overrides": overrides }));
            }
            3 => {
                self.versions[0] += 1;
                let plan = json!({ "id": "base", "version": self.versions[0], "rate_card": "outreach", "alerts": rules });
                self.command("_catalog", "plan.put", &plan);
            }
            _ => {
                let [card, _] = catalog::cards();
                let mut card = card;
                self.versions[1] += 1;
                card["version"] = json!(self.versions[1]);
                card["prices"]["email_sent"]["per_action"] = json!(self.random.between(1, 4).to_string());
                // Once one is announced, all later ones are: a version never overtakes the one before it.
                card["effective_from"] = json!(spell(from + self.versions[1] * DAY, &mut self.random));
                self.command("_catalog", "rate_card.put", &card);
            }
        }
    }
}
