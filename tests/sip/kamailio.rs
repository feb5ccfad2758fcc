//! A Kamailio of a test's own, with the configuration that users start from.

use std::fmt::Write;
use std::fs::{self, File};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::accounts::Customer;
use crate::{free_port, tail, until};

/// Its name in the events.
pub(crate) const SOURCE: &str = "kamailio-1";

/// A Kamailio on 127.0.0.1; ended when dropped.
pub(crate) struct Kamailio {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Kamailio {
    /// Starts it on a free port and waits until it answers.
    pub(crate) async fn start(
        folder: &Path,
        creditd: &str,
        nats: &str,
        callee: u16,
        customers: &[Customer],
    ) -> Kamailio {
        let folder = folder.join("kamailio");
        fs::create_dir(&folder).unwrap();
        let port = free_port(Ipv4Addr::LOCALHOST);
        let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/kamailio/creditd.cfg");
        fs::copy(given, folder.join("creditd.cfg")).unwrap();
        fs::write(folder.join("settings.cfg"), settings(port, creditd, nats, callee)).unwrap();
        fs::write(folder.join("customers.cfg"), tables(customers, callee)).unwrap();
        let mut kamailio = Kamailio { process: spawn(&folder), folder, port };
        kamailio.ready().await;
        kamailio
    }

    /// Ends it as a crash would.
    pub(crate) fn kill9(&mut self) {
        // All its processes are of one group, and its children outlive it otherwise. It may have ended already.
        let group = format!("-{}", self.process.id());
        drop(Command::new("kill").args(["-KILL", "--", &group]).status());
        drop(self.process.wait());
    }

    /// Starts it after it has ended, and waits until it answers.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn(&self.folder);
        self.ready().await;
    }

    /// Where it takes calls.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The last lines of its log.
    pub(crate) fn log(&self) -> String {
        tail(&self.folder.join("log"), 40)
    }

    /// Waits until it answers.
    async fn ready(&mut self) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let from = socket.local_addr().unwrap();
        let ping = format!(
            "OPTIONS sip:ping@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKping\r\nMax-Forwards: 9\r\n\
             From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:ping@127.0.0.1>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        let answered = until("Kamailio to answer", async || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("Kamailio ended: {status}\n{}", self.log());
            }
            // Nobody may listen yet, which the next sending or receiving is told.
            drop(socket.send_to(ping.as_bytes(), (Ipv4Addr::LOCALHOST, self.port)));
            let mut answer = [0; 1_024];
            socket.recv(&mut answer).ok()
        });
        answered.await.unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn settings(port: u16, creditd: &str, nats: &str, callee: u16) -> String {
    format!(
        "listen=udp:127.0.0.1:{port}\n\
         #!substdef \"!SOURCE!{SOURCE}!g\"\n\
         #!substdef \"!CREDITD!{creditd};timeout=2!g\"\n\
         #!substdef \"!NATS_URL!{nats}!g\"\n\
         #!substdef \"!TRUNK!sip:127.0.0.1:{callee}!g\"\n\
         #!define FORGETS_CALLS\n"
    )
}

fn tables(customers: &[Customer], callee: u16) -> String {
    let mut tables = "event_route[htable:mod-init] {\n".to_owned();
    for Customer { org, address, number, .. } in customers {
        writeln!(tables, "$sht(customers=>{address}) = \"{org}\";").unwrap();
        writeln!(tables, "$sht(numbers=>{number}) = \"{org}\";").unwrap();
        writeln!(tables, "$sht(phones=>{number}) = \"sip:127.0.0.1:{callee}\";").unwrap();
    }
    tables + "}\n"
}

fn spawn(folder: &Path) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new(executable())
        .args(["-DD", "-E", "-f"])
        .arg(folder.join("creditd.cfg"))
        .arg("-w")
        .arg(folder)
        .arg("-P")
        .arg(folder.join("pid"))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("kamailio cannot be started: {error}; run `make tools`"))
}

/// Debian puts it where only root looks.
fn executable() -> &'static str {
    let usual = "/usr/sbin/kamailio";
    if Path::new(usual).exists() { usual } else { "kamailio" }
}
