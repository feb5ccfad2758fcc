//! What is durable: told by the writer after each group, asked by the readers before each read.
//!
//! Nothing that stands here can be taken back by a crash, so nothing else is ever handed to a reader.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::TAIL_BYTES;
use super::segment::{GROUPS_FROM, Header, Mark};
use crate::log::{Extent, LogError};

/// A segment of the log, and how much of it is durable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) header: Header,
    pub(super) bytes: u64,
}

impl Segment {
    pub(super) fn first(&self) -> u64 {
        self.header.first()
    }
}

/// A failure of the disk, kept to be told to everyone whom it concerns.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    path: PathBuf,
    verb: &'static str,
    kind: io::ErrorKind,
    text: String,
}

impl Failure {
    pub(super) fn new(path: &Path, verb: &'static str, error: &io::Error, remedy: &str) -> Failure {
        Failure { path: path.into(), verb, kind: error.kind(), text: format!("{error}; {remedy}") }
    }

    pub(super) fn to_error(&self) -> LogError {
        super::io_error(&self.path, self.verb, io::Error::new(self.kind, self.text.clone()))
    }
}

/// Where a reader stands: always on the border of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// The next record.
    pub(super) next: u64,
    /// The first record of the segment that was read last.
    pub(super) segment: u64,
    /// The end, in that segment, of the group that was read last.
    pub(super) offset: u64,
}

/// A durable group that is still in memory.
#[derive(Clone, Debug)]
pub(super) struct TailGroup {
    pub(super) first: u64,
    /// Where a reader stands after it.
    pub(super) after: Cursor,
    pub(super) payload: Bytes,
}

/// Where the next group is to be read.
#[derive(Debug)]
pub(super) enum Place {
    /// Nowhere yet: the reader has read everything.
    End,
    /// In memory.
    Memory(TailGroup),
    /// In the file of the segment `first`, from one byte to another.
    File { first: u64, from: u64, to: u64 },
    /// Nowhere any more: the log starts later.
    Gone { first: u64 },
}

/// What wakes a waiting reader.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    /// The last durable record.
    pub(super) last: u64,
    /// Whether the log takes no more records because it was closed.
    pub(super) closed: bool,
}

#[derive(Debug)]
struct State {
    segments: VecDeque<Segment>,
    last: Mark,
    tail: VecDeque<TailGroup>,
    tail_bytes: usize,
}

/// The durable part of the log; shared by its writer and its readers.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) folder: PathBuf,
    pub(super) created_ns: i128,
    state: Mutex<State>,
    news: watch::Sender<News>,
    failure: OnceLock<Failure>,
}

impl Durable {
    pub(super) fn new(folder: PathBuf, created_ns: i128, segments: VecDeque<Segment>, last: Mark) -> Durable {
        let state = State { segments, last, tail: VecDeque::new(), tail_bytes: 0 };
        let news = watch::Sender::new(News { last: last.seq, closed: false });
        Durable { folder, created_ns, state: Mutex::new(state), news, failure: OnceLock::new() }
    }

    /// A group became durable at the end of the active segment.
    pub(super) fn extend(&self, group: TailGroup, last: Mark) {
        {
            let mut state = self.state.lock();
            if let Some(active) = state.segments.back_mut() {
                active.bytes = group.after.offset;
            }
            state.last = last;
            state.tail_bytes += group.payload.len();
            state.tail.push_back(group);
            while state.tail_bytes > TAIL_BYTES
                && let Some(oldest) = state.tail.pop_front()
            {
                state.tail_bytes -= oldest.payload.len();
            }
        }
        self.news.send_modify(|news| news.last = last.seq);
    }

    /// A new segment became the active one.
    pub(super) fn rotate(&self, segment: Segment) {
        self.state.lock().segments.push_back(segment);
    }

    /// No more records will come.
    pub(super) fn close(&self) {
        self.news.send_modify(|news| news.closed = true);
    }

    /// From now on the log takes nothing more; the first failure stays.
    pub(super) fn poison(&self, failure: &Failure) {
        tracing::error!(error = %failure.to_error(), "the log takes no more records");
        self.failure.get_or_init(|| failure.clone());
    }

    /// Why the log takes nothing more, if so.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    pub(super) fn watch(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    pub(super) fn last(&self) -> Mark {
        self.state.lock().last
    }

    pub(super) fn extent(&self) -> Extent {
        let state = self.state.lock();
        Extent {
            first: state.segments.front().map_or(state.last.seq + 1, Segment::first),
            last: state.last.seq,
        }
    }

    /// The first segment.
    pub(super) fn front(&self) -> Option<Segment> {
        self.state.lock().segments.front().copied()
    }

    /// The segment that holds a record, if the record stands in the log.
    pub(super) fn segment_of(&self, seq: u64) -> Option<Segment> {
        let state = self.state.lock();
        if seq > state.last.seq { None } else { state.segment_of(seq) }
    }

    /// Where a reader finds its next group.
    pub(super) fn find(&self, cursor: Cursor) -> Place {
        let state = self.state.lock();
        if cursor.next > state.last.seq {
            return Place::End;
        }
        let index = state.tail.partition_point(|group| group.first < cursor.next);
        if let Some(group) = state.tail.get(index).filter(|group| group.first == cursor.next) {
            return Place::Memory(group.clone());
        }
        match state.segment_of(cursor.next) {
            Some(segment) => {
                let first = segment.first();
                let from = if first == cursor.segment { cursor.offset } else { GROUPS_FROM };
                Place::File { first, from, to: segment.bytes }
            }
            None => Place::Gone { first: state.segments.front().map_or(state.last.seq + 1, Segment::first) },
        }
    }

    /// Takes out the first segment if another follows and all its records are before `seq`.
    pub(super) fn retire(&self, seq: u64) -> Option<Segment> {
        let mut state = self.state.lock();
        let second = state.segments.get(1)?;
        if second.first() > seq {
            return None;
        }
        state.segments.pop_front()
    }

    /// Puts back a segment whose file could not be deleted.
    pub(super) fn reinstate(&self, segment: Segment) {
        self.state.lock().segments.push_front(segment);
    }
}

impl State {
    fn segment_of(&self, seq: u64) -> Option<Segment> {
        let after = self.segments.partition_point(|segment| segment.first() <= seq);
        after.checked_sub(1).and_then(|index| self.segments.get(index)).copied()
    }
}
