//! A receiver of webhooks that answers as it is told, and remembers what it got.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use creditd::notify::webhooks::Secret;
use futures_util::stream;
use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The path it was sent to, without the slash.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Seen {
    /// The value of a header, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The id of the message.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// How many of its signatures are right for this secret, reckoned without the code that signs.
    pub fn signatures_of(&self, secret: &Secret) -> usize {
        let revealed = secret.reveal();
        let key = STANDARD.decode(revealed.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id(), self.header("webhook-timestamp"), self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').filter(|signature| *signature == expected).count()
    }
}

/// How to answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With a status and nothing else.
    Status(u16),
    /// With a header and a body.
    With(u16, &'static str, String),
    /// Never.
    Hang,
    /// With 200, once this is true.
    Hold(watch::Receiver<bool>),
    /// With a status at once, and a body that never ends, a piece at a time.
    Endless(u16, usize),
}

type Rule = Arc<dyn Fn(usize, &Seen) -> Answer + Send + Sync>;

/// What is known of a receiver.
#[derive(Default)]
struct Book {
    seen: Vec<Seen>,
    /// Requests being answered now, by path.
    open: HashMap<String, usize>,
    /// The most there ever were at once, by path.
    most_open: HashMap<String, usize>,
}

/// A receiver on a free port of 127.0.0.1.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    book: Arc<Mutex<Book>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Answers the nth request (from 0) as `rule` says.
    pub async fn start(rule: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> Receiver {
        let book = Arc::new(Mutex::new(Book::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let rule: Rule = Arc::new(rule);
        let router = Router::new().fallback(receive).with_state((Arc::clone(&book), rule));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver { url, book, serving }
    }

    /// A receiver that takes everything.
    pub async fn willing() -> Receiver {
        Receiver::start(|_, _| Answer::Status(204)).await
    }

    /// What arrived, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.book.lock().seen.clone()
    }

    /// The ids that arrived, in order, repeats included.
    pub fn ids(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.id().to_owned()).collect()
    }

    /// How much arrived.
    pub fn count(&self) -> usize {
        self.book.lock().seen.len()
    }

    /// The most requests that any path had open at once.
    pub fn most_open(&self) -> usize {
        self.book.lock().most_open.values().copied().max().unwrap_or(0)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Counts a request as open for as long as it is answered, or until its sender goes.
struct Open(Arc<Mutex<Book>>, String);

impl Open {
    fn new(book: &Arc<Mutex<Book>>, path: &str) -> Open {
        let mut locked = book.lock();
        let open = locked.open.entry(path.to_owned()).or_default();
        *open += 1;
        let open = *open;
        let most = locked.most_open.entry(path.to_owned()).or_default();
        *most = open.max(*most);
        Open(Arc::clone(book), path.to_owned())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *self.0.lock().open.get_mut(&self.1).unwrap() -= 1;
    }
}

async fn receive(
    State((book, rule)): State<(Arc<Mutex<Book>>, Rule)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.path().trim_start_matches('/').to_owned();
    let seen = Seen { path, headers, body: String::from_utf8(body.to_vec()).unwrap() };
    let _open = Open::new(&book, &seen.path);
    let nth = book.lock().seen.len();
    let answer = rule(nth, &seen);
    book.lock().seen.push(seen);
    let status = |status| Response::builder().status(status);
    match answer {
        Answer::Status(code) => status(code).body(Body::empty()).unwrap(),
        Answer::With(code, header, value) => {
            status(code).header(header, value).body(Body::from("said so")).unwrap()
        }
        Answer::Hang => std::future::pending().await,
        Answer::Hold(mut open) => {
            open.wait_for(|open| *open).await.unwrap();
            status(200).body(Body::empty()).unwrap()
        }
        Answer::Endless(code, bytes) => {
            let pieces = stream::unfold((), move |()| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, std::io::Error>("x".repeat(bytes)), ()))
            });
            status(code).body(Body::from_stream(pieces)).unwrap()
        }
    }
}
