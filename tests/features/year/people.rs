//! Who and what there is at `acme`, and what was done there by hand.

use serde_json::{Value, json};

pub(crate) const ACCOUNTS: [(&str, &str); 3] =
    [("apac", "Asia Pacific"), ("emea", "Europe"), ("us", "America")];
pub(crate) const TEAMS: [(&str, &str); 3] =
    [("growth", "Growth"), ("sales", "Sales"), ("service", "Service")];
pub(crate) const USERS: [(&str, &str, &str); 5] = [
    ("ana", "Ana Gray", "sales"),
    ("bo", "Bo Reed", "sales"),
    ("cy", "Cy Hall", "growth"),
    ("dee", "Dee Fox", "growth"),
    ("eli", "Eli Moor", "service"),
];

/// What spends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entity {
    pub(crate) kind: &'static str,
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) account: Option<&'static str>,
    pub(crate) status: Option<&'static str>,
    pub(crate) life: (Option<&'static str>, Option<&'static str>),
    pub(crate) planned: Option<(i64, &'static str)>,
}

const fn entity(kind: &'static str, id: &'static str, name: &'static str, account: &'static str) -> Entity {
    Entity {
        kind,
        id,
        name,
        account: Some(account),
        status: Some("active"),
        life: (None, None),
        planned: None,
    }
}

pub(crate) const ENTITIES: [Entity; 13] = [
    entity("assistant", "a1", "Front desk", "emea"),
    entity("assistant", "a2", "Night line", "us"),
    Entity { planned: Some((9_000, "email_sent")), ..entity("campaign", "c1", "Spring", "emea") },
    Entity {
        life: (Some("2026-06-01T00:00:00Z"), Some("2026-12-01T00:00:00Z")),
        ..entity("campaign", "c2", "Summer fair", "emea")
    },
    entity("campaign", "c3", "Win back", "us"),
    Entity {
        status: Some("finished"),
        life: (None, Some("2026-03-01T00:00:00Z")),
        ..entity("campaign", "c4", "Partner news", "us")
    },
    Entity { planned: Some((400, "phone_call")), ..entity("campaign", "c5", "Spring cleaning", "apac") },
    entity("flow", "f1", "Lead routing", "emea"),
    Entity { status: Some("paused"), ..entity("flow", "f2", "Onboarding", "us") },
    entity("pilot", "p1", "Inbox pilot", "emea"),
    entity("pilot", "p2", "Quote pilot", "us"),
    entity("test_call", "t1", "Greeting test", "emea"),
    entity("test_call", "t2", "Handover test", "us"),
];

impl Entity {
    /// As it is put.
    pub(crate) fn json(&self) -> Value {
        let mut put = json!({ "name": self.name, "account": self.account, "status": self.status,
            "start": self.life.0, "end": self.life.1, "link": self.link() });
        if let Some((quantity, action)) = self.planned {
            put["planned_quantity"] = json!(quantity);
            put["planned_action"] = json!(action);
        }
        put
    }

    pub(crate) fn link(&self) -> String {
        format!("https://app.example/{}/{}", self.kind, self.id)
    }
}

pub(crate) fn find(kind: &str, id: &str) -> &'static Entity {
    ENTITIES.iter().find(|entity| (entity.kind, entity.id) == (kind, id)).unwrap()
}

/// What was done by hand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hand {
    /// Credits were given: the grant's name and kind, how many of which kind, for how many days, and why.
    Give(&'static str, &'static str, (&'static str, i64), Option<i64>, &'static str),
    /// What was left of a grant was taken back.
    TakeBack(&'static str, &'static str),
    /// Credits were moved: in millionths.
    Adjust(&'static str, i64, &'static str),
    /// The second version of the rate card was published.
    SecondCard,
}

pub(crate) const BY_HAND: [(&str, Hand); 23] = [
    (
        "2025-09-02T09:00:00Z",
        Hand::Give("invoice-1001", "purchased", ("credits", 4_000), None, "invoice 1001"),
    ),
    ("2025-09-20T09:00:00Z", Hand::Give("welcome", "bonus", ("credits", 500), Some(30), "welcome")),
    (
        "2025-10-05T09:00:00Z",
        Hand::Give("invoice-1002", "purchased", ("credits", 4_000), Some(90), "invoice 1002"),
    ),
    (
        "2025-11-03T09:00:00Z",
        Hand::Give("invoice-1003", "purchased", ("credits", 4_000), Some(90), "invoice 1003"),
    ),
    ("2025-11-12T15:00:00Z", Hand::Adjust("ticket-4711", 12_500_000, "goodwill after the outage")),
    (
        "2025-12-01T09:00:00Z",
        Hand::Give("invoice-1004", "purchased", ("credits", 4_000), Some(120), "invoice 1004"),
    ),
    ("2025-12-15T09:00:00Z", Hand::Give("by-mistake", "purchased", ("credits", 900), None, "invoice 1005")),
    ("2025-12-16T09:00:00Z", Hand::TakeBack("by-mistake", "the invoice was cancelled")),
    (
        "2026-01-08T09:00:00Z",
        Hand::Give("invoice-1006", "purchased", ("credits", 4_000), Some(120), "invoice 1006"),
    ),
    ("2026-01-20T09:00:00Z", Hand::Adjust("ticket-4800", -7_250_000, "paid twice")),
    (
        "2026-02-02T09:00:00Z",
        Hand::Give("invoice-1007", "purchased", ("credits", 4_000), None, "invoice 1007"),
    ),
    ("2026-02-20T09:00:00Z", Hand::SecondCard),
    (
        "2026-03-02T09:00:00Z",
        Hand::Give("invoice-1008", "purchased", ("credits", 4_000), Some(60), "invoice 1008"),
    ),
    ("2026-03-10T09:00:00Z", Hand::Give("phones", "purchased", ("phone", 300), None, "more phones")),
    (
        "2026-04-01T09:00:00Z",
        Hand::Give("invoice-1009", "purchased", ("credits", 4_000), Some(90), "invoice 1009"),
    ),
    (
        "2026-05-04T09:00:00Z",
        Hand::Give("invoice-1010", "purchased", ("credits", 4_000), Some(90), "invoice 1010"),
    ),
    (
        "2026-06-01T09:00:00Z",
        Hand::Give("invoice-1011", "purchased", ("credits", 4_000), Some(90), "invoice 1011"),
    ),
    (
        "2026-07-01T09:00:00Z",
        Hand::Give("invoice-1012", "purchased", ("credits", 4_000), Some(90), "invoice 1012"),
    ),
    ("2026-07-20T09:00:00Z", Hand::Give("summer", "bonus", ("credits", 400), Some(21), "summer")),
    (
        "2026-08-03T09:00:00Z",
        Hand::Give("invoice-1013", "purchased", ("credits", 4_000), Some(60), "invoice 1013"),
    ),
    (
        "2026-09-01T09:00:00Z",
        Hand::Give("invoice-1014", "purchased", ("credits", 4_000), Some(365), "invoice 1014"),
    ),
    (
        "2026-09-11T09:00:00Z",
        Hand::Give("anniversary", "bonus", ("credits", 700), Some(9), "one year with us"),
    ),
    ("2026-09-15T09:00:00Z", Hand::Give("more-phones", "purchased", ("phone", 80), Some(100), "more phones")),
];

/// When far more was used than usual: the day, by whom, for which campaign.
pub(crate) const BUSY: [(&str, &str, &str); 4] = [
    ("2025-11-28", "cy", "c4"),
    ("2026-04-15", "ana", "c1"),
    ("2026-06-20", "bo", "c2"),
    ("2026-09-14", "bo", "c3"),
];
