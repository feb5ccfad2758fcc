//! What is done beside events: things are named, credits given, requests answered.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::people::{ACCOUNTS, ENTITIES, Hand, TEAMS, USERS};
use super::{Deed, Year};
use crate::books::{FOREVER, Grant, Limit, Recharge};
use crate::civil::{self, DAY, utc};
use crate::event::{CREDIT, written};

impl Year {
    /// Something is asked for that is no event.
    pub(super) fn request(&mut self, method: &'static str, path: &str, body: Value) {
        self.deeds.push((self.books.at, Deed::Request(method, path.to_owned(), body)));
    }

    /// The organization begins.
    pub(super) fn open(&mut self) {
        let org = json!({ "plan": "suite", "name": "Acme", "time_zone": civil::ZONE, "cycle_anchor": "2025-09-10T00:00:00+02:00" });
        self.request("PUT", "/v1/orgs/acme", org);
        for (id, name) in ACCOUNTS {
            self.request("PUT", &format!("/v1/orgs/acme/accounts/{id}"), json!({ "name": name }));
        }
        for (id, name) in TEAMS {
            self.request("PUT", &format!("/v1/orgs/acme/teams/{id}"), json!({ "name": name }));
        }
        for (id, name, team) in USERS {
            self.request("PUT", &format!("/v1/orgs/acme/users/{id}"), json!({ "name": name, "team": team }));
        }
        for entity in ENTITIES {
            self.request(
                "PUT",
                &format!("/v1/orgs/acme/entities/{}/{}", entity.kind, entity.id),
                entity.json(),
            );
        }
        self.limit(("each-user", "month"), ("user", "*"), None, (true, 1_500), false);
        self.limit(("pilots", "cycle"), ("feature", "AI Pilots"), None, (true, 500), true);
        self.limit(("sales", "month"), ("team", "sales"), None, (true, 4_000), false);
        self.limit(
            ("spring-leads", "life"),
            ("entity", "campaign/c1"),
            Some("lead_sourced"),
            (false, 400),
            false,
        );
        self.recharge("email", (60, 200), 600, ("month", 30));
    }

    fn limit(
        &mut self,
        (id, window): (&'static str, &'static str),
        on: (&'static str, &'static str),
        action: Option<&'static str>,
        (is_credits, most): (bool, i64),
        is_hard: bool,
    ) {
        let mut of = json!({});
        of[on.0] = match on.1.split_once('/') {
            Some((kind, id)) => json!({ "type": kind, "id": id }),
            None => json!(on.1),
        };
        if let Some(action) = action {
            of["action"] = json!(action);
        }
        let mut put = json!({ "on": of, "window": window, "hard": is_hard });
        if is_credits {
            put["credits"] = json!(most.to_string());
        } else {
            put["quantity"] = json!(most);
        }
        self.request("PUT", &format!("/v1/orgs/acme/limits/{id}"), put);
        let (most, since, used) = (most * CREDIT, self.books.at, BTreeMap::new());
        self.books.limits.push(Limit { id, on, action, is_credits, most, window, is_hard, since, used });
    }

    pub(super) fn recharge(
        &mut self,
        credit_type: &'static str,
        (below, amount): (i64, i64),
        cooldown_s: i64,
        cap: (&'static str, i64),
    ) {
        let put = json!({ "below": below.to_string(), "amount": amount.to_string(), "cooldown_s": cooldown_s,
            "caps": [{ "window": cap.0, "times": cap.1 }] });
        self.request("PUT", &format!("/v1/orgs/acme/recharges/{credit_type}"), put);
        self.books.recharges.push(Recharge {
            credit_type,
            below,
            amount,
            cooldown_s,
            cap,
            requests: 0,
            in_flight: None,
            cools_until: 0,
            made: Vec::new(),
        });
        self.books.look(self.books.at);
    }

    /// What was asked for is paid, and given.
    pub(super) fn answer_requests(&mut self) {
        for number in 0..self.books.recharges.len() {
            let recharge = &self.books.recharges[number];
            if let Some((_, amount)) = recharge.in_flight {
                let (name, credit_type) = (recharge.name(), recharge.credit_type);
                self.give(&name, "purchased", (credit_type, amount), None, "paid by card");
            }
        }
    }

    /// Credits are given, in millionths.
    pub(super) fn give(
        &mut self,
        id: &str,
        kind: &'static str,
        (credit_type, amount): (&'static str, i64),
        expires: Option<i64>,
        reason: &str,
    ) {
        let mut body = json!({ "id": id, "kind": kind, "credit_type": credit_type, "amount": written(amount),
            "reason": reason, "by": "billing" });
        if let Some(expires) = expires {
            body["expires"] = json!(utc(expires));
        }
        self.request("POST", "/v1/orgs/acme/grants", body);
        let grant = Grant {
            id: id.to_owned(),
            kind,
            credit_type,
            effective: self.books.at,
            expires: expires.unwrap_or(FOREVER),
            amount,
            remaining: amount,
            ended: false,
            of_cycle: false,
        };
        self.books.grant(&grant, &[reason, "(billing)"]);
    }

    pub(super) fn do_by_hand(&mut self, hand: Hand) {
        let at = self.books.at;
        match hand {
            Hand::Give(id, kind, (credit_type, amount), days, reason) => {
                self.give(id, kind, (credit_type, amount * CREDIT), days.map(|days| at + days * DAY), reason);
            }
            Hand::TakeBack(id, reason) => {
                let path = format!("/v1/orgs/acme/grants/{id}/void");
                self.request("POST", &path, json!({ "reason": reason, "by": "billing" }));
                self.books.take_back(id, &[id, reason, "(billing)"]);
            }
            Hand::Adjust(id, amount, reason) => {
                let body = json!({ "id": id, "amount": written(amount), "reason": reason, "by": "support" });
                self.request("POST", "/v1/orgs/acme/adjustments", body);
                if amount < 0 {
                    self.books.take(-amount, &["adjusted", reason, "(support)"]);
                    return;
                }
                let grant = Grant {
                    id: id.to_owned(),
                    kind: "bonus",
                    credit_type: "credits",
                    effective: at,
                    expires: FOREVER,
                    amount,
                    remaining: amount,
                    ended: false,
                    of_cycle: false,
                };
                self.books.grant(&grant, &["adjusted", reason, "(support)"]);
            }
            Hand::SecondCard => self.request("PUT", "/v1/rate-cards/suite", crate::prices::second_suite()),
        }
    }
}
