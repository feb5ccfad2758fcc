//! The real daemon, as a process of a test's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose daemon does not run has failed")]

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// `creditd serve` on files of its own; ended when dropped.
pub struct Daemon {
    process: Child,
    folder: PathBuf,
    port: u16,
    /// The program that becomes it, with its arguments; it starts by itself where there is none.
    way: Vec<String>,
}

impl Daemon {
    /// Starts it in a folder, with settings beside those of the folder and the port. Everybody is let in.
    pub fn start(folder: &Path, settings: &str) -> Daemon {
        Daemon::start_guarded(folder, &format!("[access]\nmode = \"open\"\n{settings}"))
    }

    /// The same, and who is let in is a matter of the settings.
    pub fn start_guarded(folder: &Path, settings: &str) -> Daemon {
        Daemon::start_by(Vec::new(), folder, settings)
    }

    /// The same by way of a program that becomes it.
    pub fn start_by(way: Vec<String>, folder: &Path, settings: &str) -> Daemon {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = folder.join("data");
        let config = format!(
            "[data]\nfolder = {data:?}\n[http]\nlisten = \"127.0.0.1:{port}\"\n[checkpoint]\nevery = \"700ms\"\n{settings}"
        );
        fs::write(folder.join("creditd.toml"), config).unwrap();
        let process = spawn(&way, folder, &[]);
        Daemon { process, folder: folder.to_owned(), port, way }
    }

    /// Where HTTP is served.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Lets the system count anew what its process holds at most.
    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.id()), "5").unwrap();
    }

    /// Where everything on disk is.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Ends it as a crash would, and starts it again.
    pub fn kill9_and_restart(&mut self) {
        self.kill9();
        self.start_again(&[]);
    }

    /// Ends it as a crash would.
    pub fn kill9(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it on what is there, after it has ended.
    pub fn start_again(&mut self, arguments: &[&str]) {
        self.process = spawn(&self.way, &self.folder, arguments);
    }

    /// Starts it on what is there where no file can grow beyond so many KiB: a full disk, as far as it can tell.
    pub fn start_with_room(&mut self, kib: u64) {
        // A block is 512 bytes; 25 is SIGXFSZ, which no full disk sends.
        let limited = format!("trap '' 25; ulimit -f {}; exec \"$@\"", kib * 2);
        let way = ["sh", "-c", &limited, "sh"].map(str::to_owned);
        self.process = spawn(&way, &self.folder, &[]);
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let start = now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < within, "it runs on\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        let (start, url) = (now(), format!("{}/readyz", self.url()));
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            self.must_run();
            assert!(start.elapsed() < Duration::from_secs(30), "not ready\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn must_run(&mut self) {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("the daemon ended: {status}\n{}", self.log());
        }
    }

    /// Ends it as an operator would.
    pub fn terminate(mut self) -> ExitStatus {
        self.stop()
    }

    /// The same, so that it can be started again.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.process.wait().unwrap()
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits until it has applied everything up to a record.
    pub async fn wait_for(&mut self, seq: u64, within: Duration) {
        let start = now();
        loop {
            self.must_run();
            let position = self.metric("creditd_log_position").await;
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            if position.is_some_and(|position| position >= seq as f64) {
                return;
            }
            assert!(start.elapsed() < within, "stands at {position:?}, not at {seq}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all series of a metric together have a figure: a batch is counted once all of it is applied, a
    /// moment after its first events are answered.
    pub async fn shows(&self, name: &str, figure: f64) {
        let start = now();
        while self.metric(name).await != Some(figure) {
            assert!(start.elapsed() < Duration::from_secs(5), "{name}: {:?}", self.metric(name).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The sum of all series of a metric.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let response = reqwest::get(format!("{}/metrics", self.url())).await.ok()?;
        let text = response.text().await.ok()?;
        let series = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ') || rest.starts_with('{'))
        });
        let values: Vec<f64> = series.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// The last lines of its own log.
    pub fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.join("serve.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn now() -> Instant {
    Instant::now()
}

fn spawn(way: &[String], folder: &Path, arguments: &[&str]) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("serve.log")).unwrap();
    let words = [way, &[env!("CARGO_BIN_EXE_creditd").to_owned()]].concat();
    Command::new(&words[0])
        .args(&words[1..])
        .args(["serve", "--config"])
        .arg(folder.join("creditd.toml"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}
