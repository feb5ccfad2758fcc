//! Parcels into the daemon's stream.

use bytes::Bytes;

use super::delivery::Refusal;
use super::parcel::Parcel;
use super::tally::Answer;
use crate::cli::Failure;
use crate::log::jetstream::{Access, JetStreamLog, Options};
use crate::log::{Draft, Log, LogError};
use crate::wire::Subject;

/// The stream, appended to in the way the daemon itself does.
pub(super) struct NatsStream {
    log: JetStreamLog,
}

impl NatsStream {
    /// Connects in the way that the settings say; makes the stream where there is none.
    pub(super) async fn connect(access: Access) -> Result<NatsStream, Failure> {
        let options = Options { access, ..Options::default() };
        let log =
            JetStreamLog::connect(options).await.map_err(|error| Failure::Unavailable(error.to_string()))?;
        Ok(NatsStream { log })
    }

    /// Appends a parcel; it has arrived once the stream says that it is stored.
    pub(super) async fn send(&self, parcel: &Parcel) -> Result<Answer, Refusal> {
        let subject = match &parcel.org {
            None => Subject::Catalog,
            Some(org) if parcel.commands => Subject::Commands(org),
            Some(org) => Subject::Events(org),
        };
        let payload = Bytes::from(parcel.text());
        let draft = Draft { subject: subject.to_string(), payload, ..Draft::default() };
        match self.log.append(draft).await {
            Ok(_) if parcel.commands => Ok(Answer { commands: 1, ..Answer::default() }),
            Ok(_) => Ok(Answer { stored: parcel.lines.len() as u64, ..Answer::default() }),
            Err(LogError::Nats(why)) => Err(Refusal::Away(why)),
            Err(error) => Err(Refusal::Final(error.to_string())),
        }
    }
}
