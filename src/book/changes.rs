//! Organizations of which something is other than somebody was told: each name once, however often it changed.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The names of organizations that changed, for one who follows them.
#[derive(Debug, Default)]
pub(super) struct Changes {
    names: Mutex<BTreeSet<String>>,
    more: Notify,
}

impl Changes {
    /// Notes an organization.
    pub(super) fn note(&self, org: &str) {
        self.names.lock().insert(org.to_owned());
        self.more.notify_one();
    }

    /// Waits for organizations that changed, and takes their names.
    pub(super) async fn take(&self) -> BTreeSet<String> {
        loop {
            let names = std::mem::take(&mut *self.names.lock());
            if !names.is_empty() {
                return names;
            }
            self.more.notified().await;
        }
    }
}
