use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::book::commons::Commons;
use crate::book::partition::{Item, Listener, Partition};
use crate::book::shelf::{History, Shelf};
use crate::ledger::effect::{Effect, Outcome};
use crate::log::{Draft, Record};
use crate::notify::webhooks::Options;
use crate::store::history::Limits;

const HOUR: i64 = 3_600_000_000;
const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

/// Commands that must be taken.
struct Taken;

impl Listener for Taken {
    fn outcome(&mut self, _: &Record, _: Item<'_>, outcome: &Outcome) {
        assert_eq!(*outcome, Outcome::Done);
    }

    fn effect(&mut self, _: &str, _: &Effect) {}
}

/// A book that is written to, its roll, and a queue.
struct Scene {
    partition: Partition,
    seq: u64,
    roll: Roll,
    webhooks: Arc<Webhooks>,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let (webhooks, _) = Webhooks::open(folder.path(), Options::default()).unwrap();
        let (book, webhooks) = (Arc::new(Book::default()), Arc::new(webhooks));
        let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
        let partition = Partition::new(Arc::clone(&book), Commons::default(), history);
        let roll = Roll::new(book, Arc::clone(&webhooks));
        let mut scene = Scene { partition, seq: 0, roll, webhooks, _folder: folder };
        scene.tell(0, "_catalog", r#"{"type":"rate_card.put","id":"card","version":1,"prices":{}}"#);
        scene.tell(0, "_catalog", r#"{"type":"plan.put","id":"plan","version":1,"rate_card":"card"}"#);
        scene.tell(0, "acme", r#"{"type":"org.put","plan":"plan"}"#);
        scene
    }

    fn tell(&mut self, at: i64, whom: &str, command: &str) {
        self.seq += 1;
        let subject = format!("credits.commands.{whom}");
        let draft = Draft { subject, payload: command.to_owned().into(), ..Draft::default() };
        let record = Record { seq: self.seq, at: Timestamp::from_micros(at), draft };
        self.partition.apply(&record, &mut Taken).unwrap();
    }

    fn put(&mut self, at: i64, id: &str, url: &str, secret: &str) {
        let command = serde_json::json!({ "type": "webhook.put", "id": id, "url": url, "secret": secret });
        self.tell(at, "acme", &command.to_string());
    }

    /// Puts an endpoint of acme into the queue alone.
    async fn put_elsewhere(&self, id: &str) -> EndpointKey {
        let key = EndpointKey { org: "acme".to_owned(), id: id.to_owned() };
        let url = EndpointUrl::parse("https://example.com/now").unwrap();
        let secrets = Secrets::new(Secret::parse(SECRETS[0]).unwrap());
        let endpoint = Endpoint { key: key.clone(), url, secrets, quiet: None, enabled: true };
        self.webhooks.put(&endpoint).await.unwrap();
        key
    }

    async fn follow(&mut self, now: i64) {
        self.roll.follow(["acme".to_owned()].into(), Timestamp::from_micros(now)).await;
    }

    fn ids(&self) -> Vec<String> {
        self.webhooks.endpoints().into_iter().map(|key| key.id).collect()
    }

    /// How the queue knows an endpoint: its URL, and how many secrets sign.
    fn known(&self, id: &str) -> (String, usize) {
        let key = EndpointKey { org: "acme".to_owned(), id: id.to_owned() };
        let endpoint = self.webhooks.endpoint(&key).unwrap();
        let signed = endpoint.secrets.sign("id", Timestamp::default(), b"");
        (endpoint.url.to_string(), signed.split(' ').count())
    }
}

const URL: &str = "https://example.com/";

#[tokio::test]
async fn a_replaced_secret_stops_signing_after_a_day() {
    let mut scene = Scene::new();
    scene.put(0, "a", URL, SECRETS[0]);
    scene.put(HOUR, "a", URL, SECRETS[1]);
    scene.roll.call(Timestamp::from_micros(2 * HOUR)).await;
    assert_eq!(scene.known("a"), (URL.to_owned(), 2));
    assert_eq!(scene.roll.next_end(), Some(Timestamp::from_micros(25 * HOUR)));
    scene.roll.end(Timestamp::from_micros(25 * HOUR - 1)).await;
    assert_eq!(scene.known("a").1, 2);
    scene.roll.end(Timestamp::from_micros(25 * HOUR)).await;
    assert_eq!((scene.known("a").1, scene.roll.next_end()), (1, None));
    let key = EndpointKey { org: "acme".to_owned(), id: "a".to_owned() };
    let alone = Secrets::new(Secret::parse(SECRETS[1]).unwrap());
    assert_eq!(scene.webhooks.endpoint(&key).unwrap().secrets, alone);
}

#[tokio::test]
async fn the_queue_knows_what_the_book_has_and_nothing_else() {
    let mut scene = Scene::new();
    let gone = scene.put_elsewhere("gone").await;
    scene.put(0, "a", URL, SECRETS[0]);
    scene.put(0, "b", URL, SECRETS[0]);
    scene.roll.call(Timestamp::from_micros(HOUR)).await;
    assert_eq!(scene.ids(), ["a", "b"]);
    assert!(scene.webhooks.endpoint(&gone).is_none());
    scene.tell(HOUR, "acme", r#"{"type":"webhook.remove","id":"a"}"#);
    scene.put(HOUR, "c", "https://example.com/c", SECRETS[0]);
    assert_eq!(scene.ids(), ["a", "b"]);
    scene.follow(HOUR).await;
    assert_eq!(scene.ids(), ["b", "c"]);
    // Another organization's are not touched by it.
    scene.roll.follow(["other".to_owned()].into(), Timestamp::from_micros(HOUR)).await;
    assert_eq!(scene.ids(), ["b", "c"]);
}

#[tokio::test]
async fn while_the_book_tells_of_the_past_the_queue_knows_better() {
    let mut scene = Scene::new();
    scene.put_elsewhere("a").await;
    // The replay is where both had another URL.
    scene.put(0, "a", URL, SECRETS[0]);
    scene.put(0, "b", URL, SECRETS[0]);
    let raised = Position { seq: scene.seq, item: 0 };
    let now = Timestamp::from_micros(HOUR);
    let wanting = |scene: &Scene| -> Vec<(String, bool)> {
        let found = scene.roll.who_wants("acme", "balance_low", raised, now);
        found.into_iter().map(|endpoint| (endpoint.url.to_string(), endpoint.enabled)).collect()
    };
    assert_eq!(wanting(&scene), [("https://example.com/now".to_owned(), true), (URL.to_owned(), false)]);
    scene.roll.call(now).await;
    assert_eq!(wanting(&scene), [(URL.to_owned(), true), (URL.to_owned(), true)]);
}
