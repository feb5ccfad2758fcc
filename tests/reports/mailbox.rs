//! A real SMTP server of a test's own, told what to answer. Its mails are taken apart by another program's reader of mail.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::until;

/// How the server wants to be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// In the clear.
    Plain,
    /// Encrypted after a greeting, and signed in.
    StartTls,
    /// Encrypted from the first byte on.
    Tls,
}

/// The user and the password that a server wants, where it wants any.
pub const LOGIN: [&str; 2] = ["meter", "correct horse"];

/// The server; ended when dropped.
pub struct Mailbox {
    process: Child,
    folder: TempDir,
}

impl Mailbox {
    /// Starts one, and waits until it listens.
    pub async fn start(talk: Talk) -> Mailbox {
        let folder = tempfile::tempdir().unwrap();
        if talk != Talk::Plain {
            make_certificate(folder.path());
        }
        let process = spawn(folder.path(), talk);
        let mailbox = Mailbox { process, folder };
        until("the SMTP server", || mailbox.file("port").exists()).await;
        mailbox
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        fs::read_to_string(self.file("port")).unwrap().parse().unwrap()
    }

    /// The certificate by which its own is known.
    pub fn authority(&self) -> std::path::PathBuf {
        self.file("server.crt")
    }

    /// Tells it what to answer next, once each: to a recipient (`rcpt-…`), to a mail (`data`), or how many seconds to take for the answer to
    /// a mail that it has already (`hold`).
    pub fn answer(&self, what: &str, lines: &[&str]) {
        let unfinished = self.file("answers.unfinished");
        fs::write(&unfinished, lines.join("\n")).unwrap();
        fs::rename(unfinished, self.file(what)).unwrap();
    }

    /// The mails so far, in the order in which they came.
    pub fn mails(&self) -> Vec<Mail> {
        let parts = (1..).map(|number| fs::read(self.file(&format!("{number:04}.json"))));
        parts.map_while(Result::ok).map(|parts| Mail(serde_json::from_slice(&parts).unwrap())).collect()
    }

    /// The mails, once there are so many, and no more for a moment.
    pub async fn wait_for(&self, count: usize) -> Vec<Mail> {
        until(&format!("{count} mails"), || self.mails().len() >= count).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mails = self.mails();
        assert_eq!(mails.len(), count, "{mails:?}");
        mails
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spawn(folder: &Path, talk: Talk) -> Child {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".tools/smtp/bin/python");
    assert!(python.exists(), "{} is missing: run `make tools`", python.display());
    let (talk, login) = match talk {
        Talk::Plain => ("none", &[][..]),
        Talk::StartTls => ("starttls", &LOGIN[..]),
        Talk::Tls => ("tls", &[][..]),
    };
    Command::new(python)
        .arg(root.join("tests/reports/receiver.py"))
        .arg(folder)
        .arg(talk)
        .args(login)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

fn make_certificate(folder: &Path) {
    // Valid under whatever clock a test has.
    let made = Command::new("faketime")
        .args(["2020-01-01 00:00:00", "openssl"])
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "3650",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"])
        .arg("-keyout")
        .arg(folder.join("server.key"))
        .arg("-out")
        .arg(folder.join("server.crt"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A mail as it arrived.
#[derive(Clone, Debug)]
pub struct Mail(pub Value);

impl Mail {
    /// The value of a header that is there once.
    pub fn header(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.0["headers"]))
    }

    /// The same, if it is there.
    pub fn find(&self, name: &str) -> Option<&str> {
        let headers = self.0["headers"].as_array().unwrap();
        let mut found = headers.iter().filter(|header| header[0] == name);
        let value = found.next()?[1].as_str();
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    /// To whom the envelope was.
    pub fn recipient(&self) -> &str {
        assert_eq!(self.0["recipients"].as_array().unwrap().len(), 1);
        self.0["recipients"][0].as_str().unwrap()
    }

    /// A part as text: `text` or `html`.
    pub fn part(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    /// The one file that comes with it: its name and its bytes.
    pub fn table(&self) -> (&str, Vec<u8>) {
        let tables = self.0["attachments"].as_array().unwrap();
        assert_eq!(
            (tables.len(), &tables[0]["type"], &tables[0]["charset"]),
            (1, &"text/csv".into(), &"utf-8".into())
        );
        (tables[0]["name"].as_str().unwrap(), serde_json::from_value(tables[0]["bytes"].clone()).unwrap())
    }

    /// Its rows, each as it stands in the file.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let (_, bytes) = self.table();
        let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }
}
