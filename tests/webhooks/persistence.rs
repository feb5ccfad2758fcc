//! What a process leaves behind, however it ends, is what the next one goes on with.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use creditd::notify::webhooks::{
    Delivery, Endpoint, EndpointState, Finding, Handed, Options, WebhookError, Webhooks,
};

use crate::receiver::{Answer, Receiver};
use crate::{Bench, endpoint, message, open, quick, until};

/// Where the process that is to be killed finds its folder and its receiver.
const CHILD: &str = "CREDITD_TEST_WEBHOOKS_CHILD";

/// Takes what has not a receiver yet: an endpoint that is switched off.
fn off(url: &str) -> Endpoint {
    Endpoint { enabled: false, ..endpoint("a", url) }
}

/// The one file of a queue.
fn queue_file(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[tokio::test]
async fn what_waited_goes_on_after_a_restart_in_order_and_once() {
    let receiver = Receiver::willing().await;
    let bench = Bench::open(quick());
    let mut endpoint = off(&receiver.url);
    for id in ["one", "two", "three"] {
        bench.hand_over(&endpoint, id).await;
    }
    drop(bench.webhooks);
    let webhooks = open(bench.folder.path(), quick());
    assert_eq!(webhooks.endpoints(), [endpoint.key.clone()]);
    assert_eq!(webhooks.hand_over(&endpoint, &message("two")).await.unwrap(), Handed::Known);
    endpoint.enabled = true;
    webhooks.put(&endpoint).await.unwrap();
    until("all", || webhooks.counts().delivered == 3).await;
    webhooks.close().await.unwrap();
    assert!(matches!(webhooks.hand_over(&endpoint, &message("late")).await, Err(WebhookError::Closed)));
    drop(webhooks);

    let webhooks = open(bench.folder.path(), quick());
    assert_eq!(webhooks.hand_over(&endpoint, &message("one")).await.unwrap(), Handed::Known);
    webhooks.hand_over(&endpoint, &message("four")).await.unwrap();
    until("the fourth", || receiver.count() == 4).await;
    assert_eq!(receiver.ids(), ["one", "two", "three", "four"]);
    assert_eq!(webhooks.health(&endpoint.key).unwrap().state, EndpointState::Healthy);
}

#[tokio::test]
async fn failures_and_ends_are_remembered() {
    let receiver = Receiver::start(|nth, _| Answer::Status(if nth < 2 { 500 } else { 410 })).await;
    let bench = Bench::open(quick());
    let endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "one").await;
    until("the end", || matches!(bench.health(&endpoint).state, EndpointState::Gone { .. })).await;
    bench.webhooks.close().await.unwrap();
    let (health, delivery) = (bench.health(&endpoint), bench.delivery(&endpoint, "one"));
    assert!(matches!(&delivery, Some(Delivery::Waiting { tries: 3, attempts }) if attempts.len() == 3));
    let Bench { webhooks, folder } = bench;
    drop(webhooks);
    let bench = Bench { webhooks: open(folder.path(), quick()), folder };
    assert_eq!((bench.health(&endpoint), bench.delivery(&endpoint, "one")), (health, delivery));
    bench.hand_over(&endpoint, "two").await;
    assert_eq!(receiver.count(), 3);
}

/// A real process, killed while it hands over and delivers: what it was told is safe arrives.
#[test]
fn a_killed_process_loses_nothing() {
    if let Ok(child) = std::env::var(CHILD) {
        let (folder, url) = child.split_once('|').unwrap();
        return runtime().block_on(hand_over_for_ever(Path::new(folder), url));
    }
    runtime().block_on(async {
        let willing = Arc::new(AtomicUsize::new(40));
        let rule = Arc::clone(&willing);
        let receiver = Receiver::start(move |nth, _| {
            Answer::Status(if nth < rule.load(Ordering::SeqCst) { 200 } else { 500 })
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let url = receiver.url.clone();
        let at = folder.path().to_owned();
        let safe = tokio::task::spawn_blocking(move || kill_after(120, &at, &url)).await.unwrap();
        assert!(safe.len() >= 120, "{}", safe.len());
        let taken = receiver.seen().into_iter().take(40).map(|seen| seen.id().to_owned());
        let taken: BTreeSet<String> = taken.collect();
        assert!(!taken.is_empty() && taken.len() < safe.len(), "{taken:?}");

        // A write that the end of the machine cut short, on top of it.
        let mut file = OpenOptions::new().append(true).open(queue_file(folder.path())).unwrap();
        file.write_all(&[0xFF, b'c', b'r', 0xFE, 1, 1, 0, 0, 200, 0]).unwrap();
        drop(file);
        let before = receiver.count();
        willing.store(usize::MAX, Ordering::SeqCst);
        let (webhooks, findings) = Webhooks::open(folder.path(), quick()).unwrap();
        assert!(matches!(findings[..], [Finding::Torn { .. }]), "{findings:?}");
        until("the rest", || webhooks.counts().queued == 0).await;
        let after: Vec<String> = receiver.ids().split_off(before);
        let arrived: BTreeSet<String> = taken.iter().chain(&after).cloned().collect();
        assert!(safe.is_subset(&arrived), "lost: {:?}", safe.difference(&arrived));
        // In order, and only what was in flight at the end may have come a second time.
        assert!(after.is_sorted(), "{after:?}");
        assert!(after.iter().filter(|id| taken.contains(*id)).count() <= 1, "{taken:?} {after:?}");
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The part of the process that is killed.
async fn hand_over_for_ever(folder: &Path, url: &str) {
    let webhooks = open(folder, quick());
    let endpoint = endpoint("a", url);
    for nth in 0..1_000 {
        let id = format!("message-{nth:04}");
        webhooks.hand_over(&endpoint, &message(&id)).await.unwrap();
        // In one write, so that a kill does not cut a line short.
        std::io::stdout().write_all(format!("safe {id}\n").as_bytes()).unwrap();
    }
    std::future::pending::<()>().await;
}

/// Runs a test of this program again, as a process of its own, and answers the ids that it says are safe. It is killed
/// once there are so many.
fn kill_after(count: usize, folder: &Path, url: &str) -> BTreeSet<String> {
    let program = Command::new(std::env::current_exe().unwrap());
    run_child(
        program,
        "persistence::a_killed_process_loses_nothing",
        count,
        &format!("{}|{url}", folder.display()),
    )
}

fn run_child(mut program: Command, test: &str, count: usize, role: &str) -> BTreeSet<String> {
    let mut child = program
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, role)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut safe = BTreeSet::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        safe.extend(line.split_once("safe ").map(|(_, id)| id.trim().to_owned()));
        if safe.len() == count || line.contains("full") {
            // SIGKILL: no destructor runs. What it printed before that is read to the end.
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    safe
}

/// Files may not grow past 128 blocks here, which to a writer is a full disk.
#[test]
fn on_a_full_disk_nothing_is_said_to_be_safe_that_is_not() {
    if let Ok(folder) = std::env::var(CHILD) {
        return runtime().block_on(fill(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\"";
    program.arg("-c").arg(limited).arg(std::env::current_exe().unwrap());
    let test = "persistence::on_a_full_disk_nothing_is_said_to_be_safe_that_is_not";
    let safe = run_child(program, test, usize::MAX, &folder.path().display().to_string());
    assert!((10..100).contains(&safe.len()), "{safe:?}");
    runtime().block_on(async {
        let receiver = Receiver::willing().await;
        let webhooks = open(folder.path(), quick());
        webhooks.put(&endpoint("a", &receiver.url)).await.unwrap();
        until("everything", || webhooks.counts().queued == 0).await;
        assert_eq!(receiver.ids().into_iter().collect::<BTreeSet<_>>(), safe);
    });
}

/// Hands over until the disk takes no more, and says when that is.
async fn fill(folder: &Path) {
    let webhooks = open(folder, quick());
    let endpoint = off("http://127.0.0.1:1/");
    let hand_over = async {
        for nth in 0.. {
            let mut large = message(&format!("message-{nth:04}"));
            large.payload = vec![b' '; 2_000];
            webhooks.hand_over(&endpoint, &large).await.unwrap();
            std::io::stdout().write_all(format!("safe {}\n", large.id).as_bytes()).unwrap();
        }
    };
    let full = until("the end of the room", || webhooks.trouble().is_some());
    tokio::select! { () = hand_over => {}, () = full => {} }
    let trouble = webhooks.trouble().unwrap();
    std::io::stdout().write_all(format!("full: {trouble}\n").as_bytes()).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_damaged_middle_costs_what_stood_there_and_nothing_else() {
    let receiver = Receiver::willing().await;
    let bench = Bench::open(quick());
    let mut endpoint = off(&receiver.url);
    for id in ["one", "two", "three"] {
        bench.hand_over(&endpoint, id).await;
    }
    drop(bench.webhooks);
    let path = queue_file(bench.folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(5).position(|window| window == b"\"two\"").unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();

    let (webhooks, findings) = Webhooks::open(bench.folder.path(), quick()).unwrap();
    assert!(matches!(findings[..], [Finding::Damaged { .. }]), "{findings:?}");
    assert!(findings[0].to_string().contains(".damaged"));
    assert!(path.with_extension("damaged").exists());
    endpoint.enabled = true;
    webhooks.put(&endpoint).await.unwrap();
    until("the others", || receiver.count() == 2).await;
    assert_eq!(receiver.ids(), ["one", "three"]);
    webhooks.close().await.unwrap();
    drop(webhooks);
    assert_eq!(open(bench.folder.path(), quick()).counts().queued, 0);
}

#[tokio::test]
async fn the_file_stays_small_when_most_is_done() {
    let receiver = Receiver::willing().await;
    let options = Options { compact_floor: 50_000, remembered: 10, ..quick() };
    let bench = Bench::open(options.clone());
    let sound = endpoint("sound", &receiver.url);
    let mut waiting = off(&receiver.url);
    bench.hand_over(&waiting, "waits").await;
    for nth in 0..100 {
        let mut large = message(&format!("m{nth}"));
        large.payload = vec![b' '; 5_000];
        bench.webhooks.hand_over(&sound, &large).await.unwrap();
        until("the delivery", || bench.health(&sound).queued == 0).await;
    }
    bench.webhooks.close().await.unwrap();
    let size = fs::metadata(queue_file(bench.folder.path())).unwrap().len();
    assert!(size < 80_000, "{size} bytes after 500,000 were written");
    drop(bench.webhooks);
    let webhooks = open(bench.folder.path(), options);
    assert_eq!(webhooks.health(&sound.key).unwrap().delivered, 100);
    assert_eq!(webhooks.hand_over(&sound, &message("m99")).await.unwrap(), Handed::Known);
    waiting.enabled = true;
    webhooks.put(&waiting).await.unwrap();
    until("what waited", || receiver.ids().last().is_some_and(|id| id == "waits")).await;
}

#[tokio::test]
async fn a_second_process_is_refused_the_folder() {
    let bench = Bench::open(quick());
    let refused = Webhooks::open(bench.folder.path(), quick()).unwrap_err();
    assert!(matches!(refused, WebhookError::InUse { .. }), "{refused}");
}
