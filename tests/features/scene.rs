//! The real program under a clock that is set, its mail server and what gets its webhooks, and the year that is told to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::civil;
use crate::daemon::Daemon;
use crate::mailbox::{Mailbox, Talk};
use crate::prices;
use crate::receiver::Receiver;
use crate::table::Request;
use crate::year::{Deed, Year};

/// A daemon that has lived through the year; its clock stands still at the end of it.
pub(crate) struct Scene {
    pub(crate) daemon: Daemon,
    pub(crate) client: Client,
    pub(crate) mailbox: Mailbox,
    pub(crate) receiver: Receiver,
    pub(crate) year: Year,
    folder: TempDir,
}

/// An answer: status, headers and text.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Scene {
    pub(crate) async fn lived() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let (mailbox, receiver) = (Mailbox::start(Talk::Plain).await, Receiver::willing().await);
        let settings = format!(
            "[log]\nkind = \"local\"\n[webhooks]\nallowed_networks = [\"127.0.0.0/8\"]\n[mail]\nserver = \"127.0.0.1\"\nport = {}\n\
             tls = \"none\"\nfrom = \"Usage <usage@meter.example>\"\n[access]\nmode = \"open\"\n",
            mailbox.port()
        );
        set_clock(folder.path(), civil::instant(civil::BEGIN));
        let mut daemon = Daemon::start_by(under_a_clock(folder.path()), folder.path(), &settings);
        daemon.ready().await;
        let year = Year::lived();
        let mut scene = Scene { daemon, client: Client::new(), mailbox, receiver, year, folder };
        scene.tell().await;
        scene
    }

    /// Tells the daemon what happened, each at its time.
    async fn tell(&mut self) {
        for (path, body) in prices::catalog() {
            let put = self.send(Method::PUT, &path, Some(&body)).await;
            assert_eq!(put.status, 200, "{path}: {}", put.text);
        }
        let deeds = std::mem::take(&mut self.year.deeds);
        let mut clock = 0;
        for sent in deeds.chunk_by(|one, other| one.0 == other.0 && one.1.is_item() && other.1.is_item()) {
            let at = sent[0].0;
            if at != clock {
                set_clock(self.folder.path(), at);
                clock = at;
            }
            match &sent[0].1 {
                Deed::Request(method, path, body) => {
                    let body = body.to_string().replace("{receiver}", &self.receiver.url);
                    let body = serde_json::from_str(&body).unwrap();
                    let answer = self.send(method.parse().unwrap(), path, Some(&body)).await;
                    assert!(answer.status < 300, "{method} {path} {body}: {}", answer.text);
                }
                _ => self.tell_items(at, sent).await,
            }
        }
        set_clock(self.folder.path(), civil::now());
        self.year.deeds = deeds;
    }

    /// Sends what is an item of a message of events, and keeps where each is.
    async fn tell_items(&mut self, at: i64, sent: &[(i64, Deed)]) {
        let events = &self.year.events;
        let item = |(_, deed): &(i64, Deed)| match deed {
            Deed::Event(number) | Deed::Again(number) => events[*number].json(),
            Deed::Void(number, id) => events[*number].void(id, at),
            Deed::Request(..) => unreachable!("a request is no item"),
        };
        let items: Vec<Value> = sent.iter().map(item).collect();
        let answer = self.send(Method::POST, "/v1/events", Some(&json!(items))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let results = answer.json["results"].as_array().unwrap();
        for ((_, deed), result) in sent.iter().zip(results) {
            let status = if matches!(deed, Deed::Again(_)) { "duplicate" } else { "accepted" };
            assert_eq!(result["status"], status, "{deed:?}: {result}");
            if let Deed::Event(number) = deed {
                self.year.events[*number].position = result["position"].as_str().unwrap().to_owned();
            }
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.ask_as(None, &Request::new(method, path, body.cloned())).await
    }

    /// Asks, with a token where there is one.
    pub(crate) async fn ask_as(&self, token: Option<&str>, request: &Request) -> Answer {
        let url = format!("{}{}", self.daemon.url(), request.path);
        let mut asked = self.client.request(request.method.clone(), url);
        if let Some(token) = token {
            asked = asked.bearer_auth(token);
        }
        if let Some(body) = &request.body {
            asked = asked.body(body.to_string());
        }
        if request.is_table {
            asked = asked.header("accept", "text/csv");
        }
        let response = asked.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, text, json }
    }

    /// Asks, and it must be answered.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json
    }
}

/// Waits until something is so, at most half a minute.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not come within 30 s");
}

/// Sets the clock of the daemon in a folder, which stands still there.
fn set_clock(folder: &Path, at: i64) {
    let text = civil::utc(at).replace('T', " ").replace('Z', "\n");
    let unfinished = folder.join("clock.unfinished");
    fs::write(&unfinished, text).unwrap();
    fs::rename(unfinished, folder.join("clock")).unwrap();
}

/// What starts a program whose wall clock is that of a folder.
fn under_a_clock(folder: &Path) -> Vec<String> {
    let clock = format!("FAKETIME_TIMESTAMP_FILE={}", folder.join("clock").display());
    let library = format!("LD_PRELOAD={}", faketime().display());
    ["env", "TZ=UTC", &library, &clock, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
        .map(str::to_owned)
        .to_vec()
}

fn faketime() -> PathBuf {
    let libraries = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let found =
        libraries.map(|library| library.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    found.expect("libfaketime is missing: run `make tools`")
}
