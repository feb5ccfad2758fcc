//! A test of an endpoint: one message, sent now, beside the queue.

use std::sync::Arc;

use serde_json::json;

use super::WebhookError;
use super::attempt::Attempt;
use super::desk::Desk;
use super::endpoint::{Endpoint, EndpointKey, Message, MessageId};
use crate::clock;
use crate::ledger::units::Timestamp;
use crate::wire::time;

/// What a test message is called.
const KIND: &str = "creditd.webhook.test";

/// Sends a test message once the endpoint has no other request in flight.
pub(super) async fn run(desk: &Arc<Desk>, endpoint: &Endpoint) -> Result<Attempt, WebhookError> {
    let (desk, endpoint) = (Arc::clone(desk), endpoint.clone());
    // On a task of its own: whoever asked may stop waiting, and the request is then not cut off half-way.
    let attempt = tokio::spawn(async move {
        let _test = desk.tests.acquire().await.map_err(|_| WebhookError::Closed)?;
        let _place = Place::take(&desk, &endpoint.key).await?;
        let now = clock::now();
        let (attempt, _) = desk.courier.attempt(&endpoint, &message(&endpoint, now), now).await;
        Ok(attempt)
    });
    attempt.await.map_err(|_| WebhookError::Closed)?
}

/// The one request in flight of an endpoint, given back when it goes.
struct Place<'a> {
    desk: &'a Desk,
    key: &'a EndpointKey,
}

impl<'a> Place<'a> {
    /// Waits until the endpoint has no other; `None` for an endpoint without a queue, which never has one.
    async fn take(desk: &'a Desk, key: &'a EndpointKey) -> Result<Option<Self>, WebhookError> {
        let mut closing = desk.closing.subscribe();
        loop {
            let mut freed = std::pin::pin!(desk.freed.notified());
            freed.as_mut().enable();
            if *closing.borrow_and_update() {
                return Err(WebhookError::Closed);
            }
            match desk.change(|lines| lines.reserve(key)) {
                Some(true) => return Ok(Some(Place { desk, key })),
                Some(false) => {}
                None => return Ok(None),
            }
            tokio::select! {
                () = freed => {}
                _ = closing.changed() => {}
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.desk.change(|lines| lines.release(self.key));
        self.desk.freed.notify_waiters();
    }
}

fn message(endpoint: &Endpoint, now: Timestamp) -> Message {
    let id = MessageId::of_test(now, rand::random());
    let payload = json!({
        "specversion": "1.0",
        "type": KIND,
        "source": "creditd",
        "subject": endpoint.key.org,
        "id": id.as_str(),
        "time": time::format(now),
        "datacontenttype": "application/json",
        "data": { "org": endpoint.key.org, "endpoint": endpoint.key.id },
    });
    Message { id, kind: KIND.to_owned(), at: now, payload: payload.to_string().into_bytes() }
}
