//! The stream behind the log: made with sane limits, or the operator's own and checked.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, State, StorageType};

use super::Options;
use super::api::Api;
use crate::log::{Extent, LogError};

/// The limits of a stream that we make.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Copies kept by the cluster: 1, 3 or 5.
    pub replicas: usize,
    /// The most bytes it holds; further records are refused until old ones expire.
    pub max_bytes: i64,
    /// How long a record is kept. It must outlive the longest stop of the daemon.
    pub max_age: Duration,
    /// How long the server knows a `Nats-Msg-Id` again.
    pub duplicate_window: Duration,
}

impl Default for Limits {
    /// One copy, 8 GiB, a week, two minutes.
    fn default() -> Self {
        Limits {
            replicas: 1,
            max_bytes: 8 << 30,
            max_age: Duration::from_secs(7 * 24 * 3_600),
            duplicate_window: Duration::from_secs(120),
        }
    }
}

/// Makes the stream when it is missing and ours to make; otherwise checks it.
///
/// # Errors
/// [`LogError::Nats`] when it is missing and not ours to make, or would lose records.
pub(super) async fn ready(api: &Api, options: &Options) -> Result<(), LogError> {
    let info = match api.info().await {
        Err(error) if error.is_stream_missing() && options.manage => {
            tracing::info!(stream = options.stream, "making the stream");
            api.create_stream(&config(options)).await?
        }
        Err(error) if error.is_stream_missing() => {
            return Err(LogError::Nats(format!(
                "the stream {:?} does not exist and is not ours to make: make it so that it captures {}, or let \
                 creditd manage it",
                options.stream,
                options.subjects.join(", ")
            )));
        }
        other => other?,
    };
    let wrong = faults(&info.config, &options.subjects);
    if !wrong.is_empty() {
        return Err(LogError::Nats(format!(
            "the stream {:?} cannot be used: {}",
            options.stream,
            wrong.join("; ")
        )));
    }
    for risk in risks(&info) {
        tracing::warn!(stream = options.stream, "{risk}");
    }
    Ok(())
}

/// The records in a stream of this state.
pub(super) fn extent(state: &State) -> Extent {
    let last = state.last_sequence;
    // An empty stream reports its next sequence number, or 0 when it never held a record.
    let first = if state.messages == 0 { last.saturating_add(1) } else { state.first_sequence };
    Extent { first, last }
}

fn config(options: &Options) -> Config {
    Config {
        name: options.stream.clone(),
        description: Some("events and commands of creditd".to_owned()),
        subjects: options.subjects.clone(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        // A full log refuses what comes; it never forgets what it has.
        discard: DiscardPolicy::New,
        num_replicas: options.limits.replicas,
        max_bytes: options.limits.max_bytes,
        max_age: options.limits.max_age,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        duplicate_window: options.limits.duplicate_window,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

/// What makes a stream unfit to be the log, each with its remedy.
fn faults(config: &Config, subjects: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for subject in subjects {
        if !config.subjects.iter().any(|pattern| covers(pattern, subject)) {
            faults.push(format!(
                "it does not capture {subject:?} (its subjects: {:?}); add it",
                config.subjects
            ));
        }
    }
    if config.retention != RetentionPolicy::Limits {
        faults.push(format!("retention {:?} removes records by itself; use \"limits\"", config.retention));
    }
    if config.max_messages_per_subject > 0 {
        faults.push(format!(
            "max_msgs_per_subject {} drops older events of an organization; use -1",
            config.max_messages_per_subject
        ));
    }
    if config.no_ack {
        faults.push("no_ack leaves appends without an answer; switch it off".to_owned());
    }
    if config.mirror.is_some() {
        faults.push("it is a mirror, which takes no appends; use its origin".to_owned());
    }
    if config.sealed {
        faults.push("it is sealed and takes no appends; use another".to_owned());
    }
    faults
}

/// Settings under which records can be lost, though never unnoticed.
fn risks(info: &Info) -> Vec<&'static str> {
    let config = &info.config;
    let limited = config.max_bytes > 0 || config.max_messages > 0;
    let risks = [
        (config.storage == StorageType::Memory, "memory storage: the log is gone when the server stops"),
        (
            limited && config.discard == DiscardPolicy::Old,
            "discard old: a full stream drops records, read or not; prefer discard new",
        ),
        (!config.deny_delete || !config.deny_purge, "records can be deleted; set deny_delete and deny_purge"),
        (config.allow_rollup, "allow_rollup_hdrs: a publisher can remove records; switch it off"),
    ];
    risks.into_iter().filter_map(|(present, text)| present.then_some(text)).collect()
}

/// Whether every subject that `subject` matches is matched by `pattern` (both may have wildcards).
fn covers(pattern: &str, subject: &str) -> bool {
    let (mut patterns, mut subjects) = (pattern.split('.'), subject.split('.'));
    loop {
        match (patterns.next(), subjects.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(own), Some(token)) if own == token && token != ">" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_captures_whole() {
        let covered = [
            ("credits.events.*", "credits.events.*"),
            ("credits.>", "credits.events.*"),
            (">", "a.*.b"),
            ("a.>", "a.>"),
        ];
        for (pattern, subject) in covered {
            assert!(covers(pattern, subject), "{pattern} covers {subject}");
        }
        let apart = [
            ("credits.events.acme", "credits.events.*"),
            ("credits.*", "credits.events.*"),
            ("a.*", "a.>"),
            ("a.>", "a"),
            ("a", "a.>"),
        ];
        for (pattern, subject) in apart {
            assert!(!covers(pattern, subject), "{pattern} does not cover {subject}");
        }
    }

    #[test]
    fn our_own_stream_has_no_fault() {
        let options = Options::default();
        assert_eq!(faults(&config(&options), &options.subjects), Vec::<String>::new());
    }
}
