//! What only a process of its own can show: this test program is started again as the victim.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::*;

/// Names the folder in which the started process is to append; it does nothing else.
const VICTIM: &str = "CREDITD_LOCAL_LOG_VICTIM";

/// This program once more, to run one test as the victim.
fn victim(test: &str, folder: &Path, prefix: &[&str]) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut words: Vec<&str> = prefix.to_vec();
    words.extend([program.to_str().unwrap(), "--exact", test, "--nocapture", "--test-threads=1"]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env(VICTIM, folder).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.spawn().unwrap()
}

fn victim_folder() -> Option<PathBuf> {
    std::env::var_os(VICTIM).map(PathBuf::from)
}

/// Tells the parent about an acknowledged record; a line is whole only with its full stop.
fn tell(seq: u64, number: u64) {
    let mut out = io::stdout().lock();
    writeln!(out, "\nacknowledged {seq} {number}.").unwrap();
    out.flush().unwrap();
}

fn told(line: &str) -> Option<(u64, u64)> {
    let (seq, number) = line.strip_prefix("acknowledged ")?.strip_suffix('.')?.split_once(' ')?;
    Some((seq.parse().unwrap(), number.parse().unwrap()))
}

#[tokio::test]
async fn kill_9_loses_nothing_that_was_acknowledged() {
    if let Some(folder) = victim_folder() {
        return append_until_killed(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 1..=6 {
        let mut child = victim(
            "log::local::tests::crash::kill_9_loses_nothing_that_was_acknowledged",
            folder.path(),
            &[],
        );
        let before = acknowledged.len();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            acknowledged.extend(told(&line.unwrap()));
            if acknowledged.len() - before == 150 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() - before >= 150 * round, "the victim ended before it was killed");
    }
    let (log, report) = open(folder.path());
    let records = read_all(&log).await;
    assert_eq!(records.len() as u64, report.extent.last);
    for (seq, number) in acknowledged {
        let record = &records[usize::try_from(seq).unwrap() - 1];
        assert_eq!((record.seq, &record.draft), (seq, &draft(number)));
    }
}

async fn append_until_killed(folder: &Path) {
    let options = Options { segment_bytes: 20_000 };
    let log = LocalLog::open(folder, options, ticking(1_000)).unwrap().0;
    let appenders = (0..16).map(|appender| {
        let log = &log;
        async move {
            for number in (appender..).step_by(16) {
                tell(log.append(draft(number)).await.unwrap(), number);
            }
        }
    });
    join_all(appenders).await;
}

#[tokio::test]
async fn a_full_disk_refuses_the_record_and_takes_the_next_one_that_fits() {
    if let Some(folder) = victim_folder() {
        return append_into_the_limit(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    // The system's own file size limit ends a write half way, as a full disk does; 25 is SIGXFSZ.
    let limited = ["sh", "-c", "trap '' 25; ulimit -f 100; exec \"$@\"", "sh"];
    let child = victim(
        "log::local::tests::crash::a_full_disk_refuses_the_record_and_takes_the_next_one_that_fits",
        folder.path(),
        &limited,
    );
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let acknowledged: Vec<(u64, u64)> = text.lines().filter_map(told).collect();
    assert!(acknowledged.len() > 2, "{text}");

    let (log, report) = open(folder.path());
    assert_eq!((report.torn, report.extent.last), (None, acknowledged.len() as u64));
    let kept: Vec<(u64, u64)> =
        read_all(&log).await.iter().map(|record| (record.seq, record.draft.request)).collect();
    assert_eq!(kept, acknowledged);
}

async fn append_into_the_limit(folder: &Path) {
    let (log, _) = open(folder);
    let sized = |request, bytes| Draft { request, payload: vec![b'x'; bytes].into(), ..Draft::default() };
    let mut request = 0;
    let error = loop {
        request += 1;
        match log.append(sized(request, 10_000)).await {
            Ok(seq) => tell(seq, request),
            Err(error) => break error,
        }
    };
    let text = error.to_string();
    assert!(matches!(error, LogError::Io { verb: "written", .. }), "{text}");
    assert!(text.contains("there is no room for the record and nothing of it was kept"), "{text}");
    assert!(log.failure().is_none());
    let path = segment_file(folder, 1);
    assert_eq!(borders(&path).last(), Some(&fs::metadata(&path).unwrap().len()), "the half was cut off");
    for number in request + 1..request + 4 {
        tell(log.append(sized(number, 10)).await.unwrap(), number);
    }
    log.close().unwrap();
}

#[tokio::test]
async fn a_failed_write_poisons_the_log_until_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_short(folder.path());
    append_each(&log, 1..=2).await;
    // The next segment cannot be begun where a folder stands in its way.
    fs::create_dir(folder.path().join("next.tmp")).unwrap();
    let failed = log.append(draft(3)).await.unwrap_err().to_string();
    assert!(failed.contains("00000000000000000003.log cannot be created"), "{failed}");
    assert!(failed.contains("restart creditd"), "{failed}");
    fs::remove_dir(folder.path().join("next.tmp")).unwrap();
    assert_eq!(log.append(draft(3)).await.unwrap_err().to_string(), failed, "it is not tried again");
    assert_eq!(log.failure().unwrap().to_string(), failed);
    assert_eq!(read_all(&log).await.len(), 2, "what was durable can still be read");
    assert_eq!(log.close().unwrap_err().to_string(), failed);

    let log = open_short(folder.path());
    assert_eq!(log.append(draft(3)).await.unwrap(), 3);
}
