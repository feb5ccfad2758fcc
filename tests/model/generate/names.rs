//! What generated logs of years hold about names, and mistakes in them.

use serde_json::{Value, json};

use super::drafts::spell;
use super::random::Random;
use super::{DAY, Writer, name};
use crate::model::fields::Object;

/// Commands for an organization that must be rejected.
const BAD: [&str; 15] = [
    r#"{"type":"creditd.account.put.v1","name":"EMEA"}"#,
    r#"{"type":"creditd.account.put.v1","id":""}"#,
    r#"{"type":"creditd.account.put.v1","id":"emea","team":"sales"}"#,
    r#"{"type":"creditd.team.put.v1","id":"sales","name":7}"#,
    r#"{"type":"creditd.team.put.v1","id":"sales","link":"ftp://example.com"}"#,
    r#"{"type":"creditd.team.put.v1","id":"sales","link":"example.com/sales"}"#,
    r#"{"type":"creditd.user.put.v1","id":"user-1","teams":["sales"]}"#,
    r#"{"type":"creditd.user.put.v1","id":"user-1","org":"somebody-else"}"#,
    r#"{"type":"creditd.entity.put.v1","name":"Spring"}"#,
    r#"{"type":"creditd.entity.put.v1","entity":{"type":"campaign"}}"#,
    r#"{"type":"creditd.entity.put.v1","entity":"campaign"}"#,
    r#"{"type":"creditd.entity.put.v1","entity":{"type":"campaign","id":"c1"},"planned_quantity":0}"#,
    r#"{"type":"creditd.entity.put.v1","entity":{"type":"campaign","id":"c1"},"planned_quantity":1000000000001}"#,
    r#"{"type":"creditd.entity.put.v1","entity":{"type":"campaign","id":"c1"},"start":"2026-01-05T00:00:00Z","end":"2026-01-05T00:00:00Z"}"#,
    r#"{"type":"creditd.entity.put.v1","entity":{"type":"campaign","id":"c1"},"end":"soon"}"#,
];

/// Another name of what spends, or none, and somebody new.
pub(super) fn spice(data: &mut Object, random: &mut Random) {
    if let Some(entity) = data.get_mut("entity").filter(|_| random.chance(40)) {
        entity["name"] = random.pick(&[json!("Autumn"), json!("Spring 2"), Value::Null]).clone();
    }
    if random.chance(5) {
        data.insert("user".to_string(), json!(format!("user-{}", random.between(1, 60))));
    }
}

impl Writer {
    /// A name stated, now and then with mistakes in it.
    pub(super) fn name_command(&mut self, org: i64) {
        if self.recipe.bad_percent > 0 && self.random.chance(10) {
            let bad = self.random.pick(&BAD).as_bytes().to_vec();
            return self.push(format!("credits.commands.{}", name(org)), Vec::new(), bad);
        }
        let mut data = json!({});
        if self.random.chance(60) {
            data["name"] = json!(self.random.pick(&["Ana Gray", "EMEA", "Œuvre", "a"]));
        }
        if self.random.chance(30) {
            data["link"] = json!(format!("https://example.com/{}?a=b#c", self.records.len()));
        }
        let kind = *self.random.pick(&["account.put", "team.put", "user.put", "entity.put", "entity.put"]);
        data["id"] = match kind {
            "account.put" => json!(self.random.pick(&["emea", "apac", "latam"])),
            "team.put" => json!(self.random.pick(&["sales", "support", "nobody"])),
            _ => json!(format!("user-{}", self.random.between(1, 8))),
        };
        if kind == "user.put" && self.random.chance(50) {
            data["team"] = json!(self.random.pick(&["sales", "marketing"]));
        }
        if kind == "entity.put" {
            data["id"] = Value::Null;
            data["entity"] = json!({ "type": self.random.pick(&["campaign", "campaign", "pilot"]),
                                     "id": format!("c{}", self.random.between(1, 12)) });
            self.plan_entity(&mut data);
        }
        if data["id"].is_null() {
            data.as_object_mut().map(|data| data.remove("id"));
        }
        self.command(&name(org), kind, &data);
    }

    fn plan_entity(&mut self, data: &mut Value) {
        if self.random.chance(40) {
            data["account"] = json!(self.random.pick(&["emea", "africa"]));
        }
        if self.random.chance(40) {
            data["status"] = json!(self.random.pick(&["active", "paused"]));
        }
        let start = self.now + self.random.between(-30 * DAY, 30 * DAY);
        if self.random.chance(40) {
            data["start"] = json!(spell(start, &mut self.random));
        }
        if self.random.chance(40) {
            data["end"] = json!(spell(start + self.random.between(1, 90 * DAY), &mut self.random));
        }
        if self.random.chance(40) {
            data["planned_quantity"] = json!(self.random.between(1, 20_000));
            data["planned_action"] = json!("email_sent");
        }
    }
}
