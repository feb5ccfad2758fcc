//! What users see, as docs/FEATURES.md has it: every request of its table is asked at the end of a year that was lived through, and every
//! figure that is answered is compared with one that is computed here from the raw events alone.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what fails here fails the test")]

mod books;
mod checks;
mod civil;
#[path = "../support/daemon.rs"]
pub mod daemon;
mod event;
#[path = "../reports/mailbox.rs"]
pub mod mailbox;
mod prices;
#[path = "../support/receiver.rs"]
pub mod receiver;
mod scene;
mod table;
mod usage;
mod year;

use std::panic::AssertUnwindSafe;

use checks::lines;
use futures_util::FutureExt;
use scene::{Scene, until};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_answered_with_the_figures_that_the_events_come_to() {
    let table = table::lines();
    let numbers: Vec<u32> = table.iter().map(|line| line.number).collect();
    assert_eq!(numbers, (1..=46).collect::<Vec<_>>());
    let scene = Scene::lived().await;
    let (mut figures, mut wrong) = (0, Vec::new());
    for line in &table {
        // All lines are looked at: what is wrong with each is told where it is found.
        match AssertUnwindSafe(lines::check(&scene, line)).catch_unwind().await {
            Ok(compared) => {
                println!("line {}: {compared} figures", line.number);
                figures += compared;
            }
            Err(_) => wrong.push(line.number),
        }
    }
    assert!(wrong.is_empty(), "these lines are answered wrongly: {wrong:?}");
    println!("{figures} figures of {} events", scene.year.events.len());
}
