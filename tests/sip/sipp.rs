//! SIPp: those who call, and those who are called.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{free_port, tail, until};

/// A SIPp that plays a scenario of `scenarios/`; ended when dropped.
pub(crate) struct Sipp {
    process: Child,
    folder: PathBuf,
    scenario: String,
}

/// What a SIPp has seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Calls that went as the scenario says, to its end.
    pub(crate) successful: usize,
    /// Calls that did not.
    pub(crate) failed: usize,
    columns: BTreeMap<String, String>,
}

impl Seen {
    /// How often something was counted that the scenario gives a name.
    pub(crate) fn counted(&self, name: &str) -> usize {
        let column = format!("{name}(C)");
        self.columns.get(&column).unwrap_or_else(|| panic!("no {column} in {self:?}")).parse().unwrap()
    }

    /// How many calls came in.
    pub(crate) fn rang(&self) -> usize {
        self.counted("IncomingCall")
    }

    /// Reads the last line of the statistics that SIPp wrote.
    fn read(path: &Path) -> Option<Seen> {
        let text = fs::read_to_string(path).ok()?;
        let (names, figures) = (text.lines().next()?, text.lines().last()?);
        let columns = names.split(';').zip(figures.split(';'));
        let columns: BTreeMap<String, String> =
            columns.map(|(name, figure)| (name.to_owned(), figure.to_owned())).collect();
        let figure = |name: &str| columns.get(name)?.parse().ok();
        let (successful, failed) = (figure("SuccessfulCall(C)")?, figure("FailedCall(C)")?);
        Some(Seen { successful, failed, columns })
    }
}

impl Sipp {
    /// Answers so many calls at a port of 127.0.0.1, each after it has rung for so many milliseconds.
    pub(crate) fn callee(folder: &Path, port: u16, calls: u32, rings_ms: u32) -> Sipp {
        let (port, calls, rings) = (port.to_string(), calls.to_string(), rings_ms.to_string());
        // A Call-ID that comes again is a call like any other.
        let anew = ["-deadcall_wait", "0"];
        let place = ["-i", "127.0.0.1", "-p", &port, "-m", &calls, "-d", &rings];
        Sipp::play(folder, "callee", &[&anew[..], &place[..]].concat())
    }

    /// Makes one attempt to call a number, under a Call-ID and with a CSeq.
    pub(crate) fn attempt(
        folder: &Path,
        (from, to): (Ipv4Addr, u16),
        number: &str,
        (call_id, cseq): (&str, u32),
    ) -> Sipp {
        let port = free_port(from).to_string();
        let (from, to, cseq) = (from.to_string(), format!("127.0.0.1:{to}"), cseq.to_string());
        let place = ["-i", &from, "-p", &port, "-key", "number", number];
        let name = ["-cid_str", call_id, "-base_cseq", &cseq, "-m", "1", &to];
        Sipp::play(folder, "again", &[&place[..], &name[..]].concat())
    }

    /// Calls a number from an address, through whoever listens at a port of 127.0.0.1: so many calls, so many a second.
    pub(crate) fn caller(
        folder: &Path,
        scenario: &str,
        (from, to): (Ipv4Addr, u16),
        number: &str,
        (calls, a_second): (u32, u32),
    ) -> Sipp {
        let port = free_port(from).to_string();
        let (from, to) = (from.to_string(), format!("127.0.0.1:{to}"));
        let (calls, a_second) = (calls.to_string(), a_second.to_string());
        let place = ["-i", &from, "-p", &port, "-key", "number", number];
        // `-l`: as many at once as there are.
        let pace = ["-m", &calls, "-l", &calls, "-r", &a_second, &to];
        Sipp::play(folder, scenario, &[&place[..], &pace[..]].concat())
    }

    fn play(folder: &Path, scenario: &str, arguments: &[&str]) -> Sipp {
        let folder = tempfile::tempdir_in(folder).unwrap().keep();
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip/scenarios");
        let process = Command::new("sipp")
            .arg("-sf")
            .arg(scenarios.join(format!("{scenario}.xml")))
            .args(["-nostdin", "-trace_err", "-error_file", "errors"])
            .args(["-trace_stat", "-stf", "statistics", "-fd", "1"])
            // Whatever becomes of the test, it ends.
            .args(["-timeout", "150s", "-timeout_error"])
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("screen")).unwrap())
            .stderr(File::create(folder.join("stderr")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("sipp cannot be started: {error}; run `make tools`"));
        Sipp { process, folder, scenario: scenario.to_owned() }
    }

    /// What it saw, once all its calls are over.
    pub(crate) async fn ended(&mut self) -> Seen {
        let ended = until("SIPp to end", async || self.process.try_wait().unwrap()).await;
        let status = ended.unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
        Seen::read(&self.folder.join("statistics"))
            .unwrap_or_else(|| panic!("SIPp ended without statistics: {status}\n{}", self.log()))
    }

    /// What went wrong.
    pub(crate) fn log(&self) -> String {
        let file = |name: &str| tail(&self.folder.join(name), 40);
        format!("SIPp, {}:\n{}\n{}", self.scenario, file("errors"), file("stderr"))
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
