//! What figures come from makes no difference to them.

use creditd::http::Options;
use reqwest::Client;

use super::ask;
use super::story::Story;
use crate::Daemon;
use crate::running::Running;

const TREE: &str = "range=all&group_by=entity_type,entity&interval=month&limit=30";

async fn again(daemon: Daemon) -> Daemon {
    let Daemon { running, folder, .. } = daemon;
    running.stop().await;
    let running = Running::start(folder.path(), Options::default()).await;
    Daemon { running, client: Client::new(), folder }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_and_the_loss_of_all_cells_change_no_figure() {
    let daemon = Daemon::empty().await;
    let _story = Story::of_months(&daemon).await;
    let told = async |daemon: &Daemon| {
        let answer = ask(daemon, TREE).await;
        (answer["totals"].clone(), answer["data"].clone())
    };
    let before = told(&daemon).await;
    let daemon = again(daemon).await;
    daemon.shows("creditd_history_cells_files", 1.0).await;
    assert_eq!(told(&daemon).await, before);
    let cells = daemon.folder.path().join("cells");
    assert_eq!(std::fs::read_dir(&cells).unwrap().count(), 1, "a run was written, and has its cells");
    std::fs::remove_dir_all(&cells).unwrap();
    let daemon = again(daemon).await;
    assert_eq!(told(&daemon).await, before);
    daemon.shows("creditd_usage_answers_total{from=\"cells\"}", 1.0).await;
    daemon.running.stop().await;
}
