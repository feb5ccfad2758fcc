//! The local log does what every log must do.

#[path = "support/log_contract.rs"]
mod log_contract;

use std::sync::Arc;

use creditd::clock;
use creditd::log::local::{LocalLog, Options};

#[tokio::test]
async fn the_local_log_keeps_the_contract_of_every_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = LocalLog::open(folder.path(), Options::default(), Arc::new(clock::now)).expect("a log");
    log_contract::contract(Arc::new(log)).await;
}
