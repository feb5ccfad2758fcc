//! Customers and their prices.

use std::net::Ipv4Addr;

use creditd::ledger::units::Credits;
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// A customer: a trunk, a number, a plan of its own, and credits.
#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) org: String,
    /// Where its calls come from.
    pub(crate) address: Ipv4Addr,
    /// Where it is called.
    pub(crate) number: String,
    pub(crate) prices: Prices,
    /// Of its only grant, if it has any.
    pub(crate) credits: Option<&'static str>,
    /// The most that is granted to a call at once.
    pub(crate) slice_s: u32,
    /// What the plan says for when creditd does not know, or does not answer.
    pub(crate) on_failure: &'static str,
}

/// What a call costs.
#[derive(Clone, Copy)]
pub(crate) struct Prices {
    /// Seconds of the first increment and of each further one.
    pub(crate) increment: (u64, u64),
    /// Whole credits a minute.
    pub(crate) outbound: u64,
    pub(crate) inbound: u64,
    /// Thousandths of a credit, of each call that was answered.
    pub(crate) connect_fee: u64,
}

impl Prices {
    /// What a call costs that counts so many milliseconds.
    pub(crate) fn cost(&self, inbound: bool, duration_ms: u64) -> Credits {
        let (initial, next) = self.increment;
        let beyond = duration_ms.saturating_sub(initial * 1_000).div_ceil(next * 1_000);
        let seconds = initial + beyond * next;
        let per_minute = if inbound { self.inbound } else { self.outbound };
        let micros = (per_minute * seconds * 1_000_000 * 2 + 60) / 120;
        let fee = self.connect_fee * 1_000;
        Credits::from_micros(i64::try_from(if duration_ms == 0 { 0 } else { micros + fee }).unwrap())
    }
}

impl Customer {
    /// The n-th, of 1 to 99: a credit for six seconds outbound, and more credits than it can use.
    pub(crate) fn new(n: u8) -> Customer {
        Customer {
            org: format!("customer-{n}"),
            address: Ipv4Addr::new(127, 0, 1, n),
            number: format!("+4930100{n:02}"),
            prices: Prices { increment: (6, 6), outbound: 10, inbound: 5, connect_fee: 0 },
            credits: Some("100000"),
            slice_s: 300,
            on_failure: "refuse",
        }
    }

    /// Has it, its prices and its credits put.
    pub(crate) async fn open(&self, http: &Client, daemon: &str) {
        let (org, prices) = (&self.org, &self.prices);
        let (initial, next) = prices.increment;
        let fee = format!("0.{:03}", prices.connect_fee);
        let price = json!({ "per_minute": prices.outbound.to_string(), "increment": format!("{initial}/{next}"),
            "connect_fee": fee, "inbound": { "per_minute": prices.inbound.to_string(), "connect_fee": fee } });
        let card = json!({ "version": 1, "prices": { "phone_call": price } });
        let calls = json!({ "slice_s": self.slice_s, "warn_before_s": 0, "on_failure": self.on_failure });
        let plan = json!({ "version": 1, "rate_card": org, "when_exhausted": "reject", "calls": calls });
        put(http, Method::PUT, format!("{daemon}/v1/rate-cards/{org}"), card).await;
        put(http, Method::PUT, format!("{daemon}/v1/plans/{org}"), plan).await;
        put(http, Method::PUT, format!("{daemon}/v1/orgs/{org}"), json!({ "plan": org })).await;
        if let Some(amount) = self.credits {
            self.top_up(http, daemon, amount).await;
        }
    }

    /// Gives it credits, once.
    pub(crate) async fn top_up(&self, http: &Client, daemon: &str, amount: &str) {
        let grant = json!({ "id": "prepaid", "amount": amount });
        put(http, Method::POST, format!("{daemon}/v1/orgs/{}/grants", self.org), grant).await;
    }
}

async fn put(http: &Client, method: Method, url: String, body: Value) {
    let answer = http.request(method, &url).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.text().await.unwrap());
}
