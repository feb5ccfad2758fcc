//! Recovery against the log: the newest checkpoint must be of the log that stands there.

use std::sync::Arc;

use super::{DaemonError, Options};
use crate::book::recovery::{Recovered, recover};
use crate::log::{Log, LogError};

/// Recovers from the newest checkpoint that the log is the log of.
///
/// Only on the operator's word (`roll_back`) is an older checkpoint taken; what it lacks is then replayed from
/// the log as it is now.
pub(super) async fn recover_checked(options: &Options, log: &Arc<dyn Log>) -> Result<Recovered, DaemonError> {
    let mut below = u64::MAX;
    loop {
        let recovered = recover(&options.data, below, options.history)?;
        for finding in &recovered.findings {
            tracing::warn!(%finding, "recovery");
        }
        let (cut, sealed) = (recovered.cut.seq, recovered.sealed.seq);
        // The log must still hold the last record that any organization contains.
        match log.reader(recovered.sealed.clone()).await {
            Ok(_) => {
                let orgs = recovered.partition.book().len();
                if cut == 0 {
                    tracing::info!("there is no checkpoint; the log is read from its first record");
                } else {
                    tracing::info!(position = cut, organizations = orgs, "recovered from the checkpoint");
                }
                return Ok(recovered);
            }
            Err(LogError::Lineage(lineage)) if options.roll_back && sealed > 0 => {
                tracing::warn!(%lineage, position = sealed, "rolling back: this checkpoint is not of this log");
                below = sealed;
            }
            Err(LogError::Lineage(lineage)) => return Err(DaemonError::Lineage(lineage)),
            Err(error) => return Err(error.into()),
        }
    }
}
