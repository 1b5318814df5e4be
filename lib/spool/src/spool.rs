//! The trait behind which every backend sits, and the values that pass through it.

use crate::body::Body;
use crate::draft::Draft;
use crate::entry::Entry;
use crate::log::LogRecord;
use crate::{Defect, SpoolError};
use proto::envelope::Envelope;
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// A spool: drafts go in, commits complete later, entries come out by place.
///
/// Every `now` is in milliseconds since 1970 (UTC). No method waits for the disk once a backend has its flusher, except
/// those that say so.
pub trait Spool: fmt::Debug + Send {
    /// Begins a message and draws its id.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Stopped`], or no id can be drawn.
    fn create(&mut self, now: u64) -> Result<Draft, SpoolError>;

    /// Begins a record under an id that exists: an expansion of that message, or a notice whose id stands in the log
    /// already. An id seen twice is one message.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Stopped`].
    fn create_as(&mut self, id: SpoolId, now: u64) -> Result<Draft, SpoolError>;

    /// Puts a finished draft into the open batch; [`Spool::completions`] says later whether it is durable. Nothing is
    /// promised before that.
    ///
    /// # Errors
    /// [`SpoolError::Stopped`], or the end of a large content could not be written.
    fn commit(&mut self, draft: Draft, envelope: &Envelope, now: u64) -> Result<Ticket, SpoolError>;

    /// Forgets a draft; dropping it does the same.
    fn abort(&mut self, draft: Draft) {
        drop(draft);
    }

    /// Closes the open batch: it is written and flushed at once, or after the one before it. [`crate::Batcher`] knows
    /// when to do so.
    fn close_batch(&mut self, now: u64);

    /// As [`Spool::close_batch`], by a caller that has nothing else to do: the batch may be written and flushed before this
    /// returns, which saves two changes of thread.
    fn close_batch_here(&mut self, now: u64) {
        self.close_batch(now);
    }

    /// Batches that came to an end since the last call. Never waits.
    fn completions(&mut self) -> Vec<Completion>;

    /// Becomes readable when there are completions; `None` if they are there as soon as the batch is closed.
    fn wait_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Reads the entry at a place. Reads the disk.
    ///
    /// # Errors
    /// [`SpoolError::Absent`], [`SpoolError::Damaged`], [`SpoolError::Broken`].
    fn load(&mut self, place: Place) -> Result<Entry, SpoolError>;

    /// Opens the content at a place; for an expansion that of the message expanded. Reads the disk.
    ///
    /// # Errors
    /// As [`Spool::load`].
    fn open(&mut self, place: Place) -> Result<Body, SpoolError>;

    /// Reads up to `limit` entries of a range: one that was announced, or what a take-over found. Reads the disk.
    /// The range may come from anybody: it is checked against what is on disk.
    ///
    /// # Errors
    /// [`SpoolError::Absent`], [`SpoolError::Broken`], and [`SpoolError::Damaged`] in a segment that was not taken over;
    /// in one that was, damage is skipped and reported.
    fn walk(&mut self, range: Announced, limit: usize) -> Result<Walked, SpoolError>;

    /// The segments that exist, oldest first. Reads the disk.
    ///
    /// # Errors
    /// [`SpoolError::Broken`].
    fn segments(&mut self) -> Result<Vec<SpoolId>, SpoolError>;

    /// Keeps the right to draw ids; call it every few seconds, and once before the first message, where it may wait for
    /// the disk.
    ///
    /// # Errors
    /// [`SpoolError::NoLease`], [`SpoolError::Broken`].
    fn renew(&mut self, now: u64) -> Result<(), SpoolError>;

    /// Takes over what dead writers left, once per segment; `cursors` says how far the caller has read each segment.
    /// Only one process may do so, the scheduler. Waits for the disk.
    ///
    /// # Errors
    /// [`SpoolError::Broken`]; what was taken over before the failure is reported by the next call.
    fn takeover(&mut self, cursors: &BTreeMap<SpoolId, u64>) -> Result<Takeover, SpoolError>;

    /// Removes a segment that was taken over, with the large contents that no other one refers to; durable on return. The
    /// caller has made durable before that every message in it is finished, or was moved. Waits for the disk; a loop
    /// that may not wait has [`crate::Keeper`].
    ///
    /// # Errors
    /// [`SpoolError::NotOurs`], [`SpoolError::Broken`].
    fn remove(&mut self, segment: SpoolId) -> Result<(), SpoolError>;

    /// Opens the log of this owner and returns what it says; `now` dates the file if there was none. Waits for the disk.
    ///
    /// # Errors
    /// [`SpoolError::LogBusy`], [`SpoolError::UnknownLogRecord`], [`SpoolError::Broken`].
    fn replay(&mut self, owner: &str, now: u64) -> Result<Vec<LogRecord>, SpoolError>;

    /// Appends to that log; durable on return. Waits for the disk. For a loop that may not wait there is
    /// [`crate::Segments::open_log`].
    ///
    /// # Errors
    /// [`SpoolError::Broken`], also if the log was never opened; the owner must start again from disk then.
    fn apply(&mut self, records: &[LogRecord]) -> Result<(), SpoolError>;
}

/// Names a commit until it completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A message that is durable: the promise may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Committed {
    /// Its id.
    pub id: SpoolId,
    /// Where it lies.
    pub place: Place,
    /// Offset of its end in octets.
    pub end: u64,
}

/// A range of a segment that is durable: what a hint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Announced {
    /// The segment.
    pub segment: SpoolId,
    /// Offset of the first record, in octets.
    pub from: u64,
    /// Offset of the end, in octets.
    pub to: u64,
}

/// A batch that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What became of each commit in it, in order.
    pub outcomes: Vec<(Ticket, Result<Committed, SpoolError>)>,
    /// What is new in the spool; `None` if the batch failed, or the backend keeps nothing.
    pub announced: Option<Announced>,
    /// How long writing and flushing took; zero without a flusher.
    pub elapsed: Duration,
}

impl Completion {
    /// The messages that are durable now.
    pub fn committed(&self) -> impl Iterator<Item = &Committed> {
        self.outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok())
    }
}

/// What [`Spool::walk`] read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// The entries in order.
    pub entries: Vec<Entry>,
    /// What lay between them and was no intact record.
    pub damage: Vec<Damage>,
    /// Where to go on, in octets: the end of the range, or before it if the limit was reached.
    pub next: u64,
}

/// A range of a segment that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Damage {
    /// The segment.
    pub segment: SpoolId,
    /// First octet.
    pub from: u64,
    /// Octet after the last.
    pub to: u64,
    /// What is wrong.
    pub defect: Defect,
    /// It lies in the last batch, which a crash may have torn before anything in it was acknowledged.
    pub torn: bool,
}

/// What [`Spool::takeover`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Takeover {
    /// Segments taken over now: read each from the cursor to its end.
    pub segments: Vec<Announced>,
    /// What is damaged in them behind the cursors; [`Spool::walk`] skips it.
    pub damage: Vec<Damage>,
    /// Large contents that no record refers to; they are removed.
    pub orphans: Vec<SpoolId>,
    /// Segments without a valid header, left for the administrator.
    pub unreadable: Vec<SpoolId>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let torn = if self.torn { " (torn, never acknowledged)" } else { "" };
        write!(f, "{} {}..{}: {}{torn}", self.segment, self.from, self.to, self.defect)
    }
}
