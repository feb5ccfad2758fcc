//! A real nats-server of a test's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that has no server has failed")]

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// A nats-server with JetStream on 127.0.0.1, its files in a folder of its own; ended when dropped.
pub struct NatsServer {
    process: Child,
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
}

impl NatsServer {
    /// Starts a server on a free port and waits until it is ready.
    pub fn start() -> NatsServer {
        NatsServer::start_with(&[])
    }

    /// Starts a server with further command line arguments.
    pub fn start_with(arguments: &[&str]) -> NatsServer {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        let process = spawn(folder.path(), None, &arguments);
        let mut server = NatsServer { process, folder, port: 0, arguments };
        server.port = server.wait_for(|server| port_of(server.folder.path(), server.process.id()));
        server
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The folder that holds the streams. Copy it only while the server is dead.
    pub fn store(&self) -> PathBuf {
        store(self.folder.path())
    }

    /// Ends the server as a crash would.
    pub fn kill9(&mut self) {
        // An error means that it has ended already.
        drop(self.process.kill());
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same files and the same port, and waits until it is ready.
    pub fn restart(&mut self) {
        self.kill9();
        fs::create_dir_all(self.store()).unwrap();
        self.process = spawn(self.folder.path(), Some(self.port), &self.arguments);
        self.wait_for(|server| port_of(server.folder.path(), server.process.id()));
    }

    fn wait_for<T>(&mut self, ready: impl Fn(&NatsServer) -> Option<T>) -> T {
        for _ in 0..3_000 {
            if let Some(answer) = ready(self) {
                return answer;
            }
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("nats-server ended with {status}: {}", self.log());
            }
            sleep(Duration::from_millis(10));
        }
        panic!("nats-server is not ready after 30 s: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn store(folder: &Path) -> PathBuf {
    folder.join("store")
}

fn spawn(folder: &Path, port: Option<u16>, arguments: &[String]) -> Child {
    let executable = executable();
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new(&executable)
        .args(["--jetstream", "--addr", "127.0.0.1", "--port"])
        .arg(port.map_or_else(|| "-1".to_owned(), |port| port.to_string()))
        .arg("--store_dir")
        .arg(store(folder))
        .arg("--ports_file_dir")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}", executable.display()))
}

fn executable() -> PathBuf {
    let path = std::env::var_os("CREDITD_NATS_SERVER")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/nats-server"), PathBuf::from);
    assert!(
        path.exists(),
        "{} is missing: run `make tools`, or name another nats-server in CREDITD_NATS_SERVER",
        path.display()
    );
    path
}

/// The port of the server with this process id, once it listens: it writes its ports to a file then.
fn port_of(folder: &Path, pid: u32) -> Option<u16> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let path = entries.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(&format!("_{pid}.ports"))
    })?;
    let ports: serde_json::Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let port = ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    Some(port)
}
