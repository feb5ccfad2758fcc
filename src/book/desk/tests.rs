use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::clock;
use crate::log::local::{LocalLog, Options};

const REQUEST: u64 = 7 << 32;

struct Lone {
    desk: Desk,
    _folder: tempfile::TempDir,
}

/// A desk over a real log that nobody reads.
fn lone() -> Lone {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = LocalLog::open(folder.path(), Options::default(), Arc::new(clock::now)).unwrap();
    let desk = Desk::new(
        Arc::default(),
        Arc::new(log),
        Arc::new(Waiters::new(7)),
        Arc::default(),
        Arc::default(),
        Metrics::new().unwrap(),
    );
    Lone { desk, _folder: folder }
}

async fn submit(desk: &Desk, wait: Wait) -> Result<Submitted, SubmitError> {
    desk.submit(Subject::Events("acme"), None, Bytes::from_static(b"{}"), wait).await
}

#[tokio::test]
async fn a_record_that_nobody_applies_is_durable_and_its_outcome_open() {
    let Lone { desk, _folder } = lone();
    let error = submit(&desk, Wait::Applied(Duration::from_millis(20))).await.unwrap_err();
    assert!(matches!(error, SubmitError::Open { seq: 1, .. }), "{error}");
    assert!(!desk.waiters.expects(REQUEST), "the waiter is forgotten");
    assert_eq!(submit(&desk, Wait::Durable).await.unwrap(), Submitted { seq: 2, outcomes: vec![] });
    assert_eq!(desk.extent().await.unwrap().last, 2);
}

#[tokio::test]
async fn outcomes_reach_the_one_who_waits() {
    let Lone { desk, _folder } = lone();
    let outcomes = vec![json!({ "status": "accepted" })];
    let pipeline = async {
        while !desk.waiters.expects(REQUEST) {
            tokio::task::yield_now().await;
        }
        desk.waiters.answer(REQUEST, outcomes.clone());
    };
    let (answer, ()) = tokio::join!(submit(&desk, Wait::Applied(Duration::from_secs(5))), pipeline);
    assert_eq!(answer.unwrap(), Submitted { seq: 1, outcomes });
}

#[tokio::test]
async fn whoever_goes_away_is_forgotten() {
    let Lone { desk, _folder } = lone();
    let waiting = submit(&desk, Wait::Applied(Duration::from_secs(60)));
    assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
    assert!(!desk.waiters.expects(REQUEST));
    assert_eq!(desk.room.available_permits(), MOST_SUBMISSIONS);
}

#[tokio::test]
async fn past_the_limit_and_after_a_failure_nothing_is_written() {
    let Lone { desk, _folder } = lone();
    let all = desk.room.try_acquire_many(u32::try_from(MOST_SUBMISSIONS).unwrap()).unwrap();
    assert!(matches!(submit(&desk, Wait::Durable).await, Err(SubmitError::Busy)));
    drop(all);
    desk.progress.fail("the disk is full".to_owned());
    let refusal = submit(&desk, Wait::Durable).await.unwrap_err();
    assert!(matches!(&refusal, SubmitError::Stopped(why) if why == "the disk is full"));
    assert_eq!(desk.extent().await.unwrap().last, 0);
}

#[tokio::test]
async fn every_reason_not_to_be_ready_is_told() {
    let Lone { desk, _folder } = lone();
    let now = clock::now();
    let reasons =
        async || desk.ready(now).await.into_iter().map(|unready| unready.reason).collect::<Vec<_>>();
    desk.progress.start(3, 3);
    desk.progress.beat(now);
    assert_eq!(reasons().await, [""; 0]);
    desk.progress.start(3, 10);
    desk.progress.checkpoint_trouble(Some("no space".to_owned()));
    desk.progress.beat(now.minus(Millis(5_001)));
    assert_eq!(reasons().await, ["pipeline_silent", "catching_up", "no_checkpoint"]);
    desk.progress.fail("damaged".to_owned());
    assert_eq!(reasons().await, ["pipeline_stopped", "catching_up", "no_checkpoint"]);
}

#[tokio::test]
async fn a_restart_of_a_switch_is_refused_until_it_is_known_which_calls_are_live() {
    let Lone { desk, _folder } = lone();
    desk.progress.start(3, 10);
    let refusal = desk.source_restarted("sbc-1", clock::now()).await.unwrap_err();
    assert!(matches!(refusal, SubmitError::CatchingUp { seq: 3, target: 10 }), "{refusal}");
    desk.progress.applied(10, clock::now());
    assert_eq!(desk.source_restarted("sbc-1", clock::now()).await.unwrap(), Told::default());
}
