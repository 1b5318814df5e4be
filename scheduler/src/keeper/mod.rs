//! Compaction: a segment in which little still waits is emptied, so that it can go.
//!
//! ```text
//! survey    the keeper thread reads what lies in an old segment; the queue knows what of it still waits
//! copy      the keeper copies that, a batch at a time, to a segment of its own, and flushes it
//! move      the log says `Moved`, and everything that is kept by place is kept by the new one
//! remove    once the log is durable and no agent has the old segment open
//! ```
//!
//! What happens to a message between copy and move wins: if it has meanwhile been finished, its copy means nothing. A
//! copy that the log does not speak of means nothing either, so a restart at any point finds each message once. That is
//! so while the segment that it was copied from is there; without that the log is damaged, and the copy is the message.
//!
//! Only what the log speaks of is moved, so that `Moved` says all. Messages that wait for the router stay where they are,
//! with their segments: the parts of an expansion name the place of the message that they are about.
//!
//! | file | does |
//! |---|---|
//! | `policy.rs` | which segment is worth it; pure |
//! | `thread.rs` | the thread that waits for the disk: surveys, copies, removals |
//! | `compact.rs` | one segment after the other through the steps above |
//! | `moving.rs` | a message has a new place |

mod compact;
mod moving;
mod policy;
mod thread;

use crate::state::Scheduler;
use policy::Surveyed;
use proto::id::SpoolId;
use spool::{Segments, SpoolError};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use thread::{Order, Thread};

/// What the scheduler knows of the keeper's work.
#[derive(Debug)]
pub(crate) struct Keeper {
    thread: Thread,
    stage: Stage,
    /// What the last look into each segment showed.
    surveyed: BTreeMap<SpoolId, Surveyed>,
    /// Segments that are emptied and still there.
    emptied: BTreeSet<SpoolId>,
    /// Segments whose removal is under way.
    leaving: BTreeSet<SpoolId>,
    /// The segment that copies go to.
    segment: Option<SpoolId>,
    /// When there may be something to do next, and when something was copied last; monotonic milliseconds.
    next_at: u64,
    copied_at: u64,
    /// A segment is old after so many milliseconds.
    after: u64,
    /// Segments of copies that may end with some that were given up.
    spoiled: BTreeSet<SpoolId>,
    /// Segments that were there at the start.
    there: BTreeSet<SpoolId>,
    /// Segments emptied since the start.
    compacted: u64,
}

/// What the keeper thread is asked about compaction.
#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Surveying(SpoolId),
    Copying(Compaction),
}

/// A segment that is being emptied.
#[derive(Debug, PartialEq, Eq)]
struct Compaction {
    segment: SpoolId,
    /// The number that a new segment of copies would get.
    spare: SpoolId,
    /// What is still to be copied: message and offset.
    left: Vec<(SpoolId, u64)>,
    /// Monotonic milliseconds.
    began: u64,
    messages: u64,
    octets: u64,
    /// Octets of its file.
    length: u64,
}

/// A segment is old after so many milliseconds, unless the configuration says otherwise.
const AFTER: u64 = 600_000;

/// Milliseconds between two looks at what there may be to do: at most, and at least.
const EACH: u64 = 60_000;
const SOON: u64 = 1_000;

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(spool: &Segments) -> io::Result<Self> {
        Ok(Self {
            thread: thread::start(spool.keeper())?,
            stage: Stage::Idle,
            surveyed: BTreeMap::new(),
            emptied: BTreeSet::new(),
            leaving: BTreeSet::new(),
            segment: None,
            next_at: 0,
            copied_at: 0,
            after: AFTER,
            spoiled: BTreeSet::new(),
            there: BTreeSet::new(),
            compacted: 0,
        })
    }

    /// A segment is old after so many milliseconds.
    pub(crate) fn set_after(&mut self, after: u64) {
        (self.after, self.next_at) = (after, 0);
    }

    /// Copies go to that segment: nobody else announces what is in it.
    pub(crate) fn owns(&self, segment: SpoolId) -> bool {
        let spare = match &self.stage {
            Stage::Copying(compaction) => Some(compaction.spare),
            Stage::Idle | Stage::Surveying(_) => None,
        };
        self.segment == Some(segment) || spare == Some(segment)
    }

    /// These segments were there before anything was read or removed.
    pub(crate) fn found(&mut self, there: BTreeSet<SpoolId>) {
        self.there = there;
    }

    /// A batch of copies has failed: some of them may be on disk.
    fn spoil(&mut self) {
        if let Stage::Copying(compaction) = &self.stage {
            self.spoiled.extend(self.segment.into_iter().chain([compaction.spare]));
        }
    }

    /// Copies are being made of what lies in this segment, or they are not heard of yet.
    pub(crate) fn copies_from(&self, segment: SpoolId) -> bool {
        matches!(&self.stage, Stage::Copying(compaction) if compaction.segment == segment)
    }

    /// The segment is being removed.
    pub(crate) fn is_removing(&self, segment: SpoolId) -> bool {
        self.leaving.contains(&segment)
    }

    /// Milliseconds until it looks again for something to do.
    fn interval(&self) -> u64 {
        if self.emptied.is_empty() { self.after.clamp(SOON, EACH) } else { SOON }
    }

    /// Segments emptied since the start.
    pub(crate) fn compacted(&self) -> u64 {
        self.compacted
    }

    /// Removes the file of a large content, soon.
    pub(crate) fn discard(&self, id: SpoolId) {
        if self.thread.order(Order::Discard(id)).is_err() {
            log::error!("the content of {id} stays: the keeper thread is gone");
        }
    }

    /// When it wants to be looked at, monotonic milliseconds.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        (self.stage == Stage::Idle).then_some(self.next_at)
    }

    /// Copies are under way, or made and not heard of.
    #[cfg(test)]
    pub(crate) fn is_copying(&self) -> bool {
        matches!(self.stage, Stage::Copying(_))
    }

    /// Nothing is under way.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.stage == Stage::Idle && self.leaving.is_empty()
    }
}

impl AsRawFd for Keeper {
    fn as_raw_fd(&self) -> RawFd {
        self.thread.as_raw_fd()
    }
}

impl Scheduler {
    /// Has a segment removed in which everything is finished or moved, durably so.
    ///
    /// # Errors
    /// [`SpoolError::NotOurs`]; [`SpoolError::Stopped`] if the keeper thread is gone.
    pub(crate) fn order_removal(&mut self, segment: SpoolId) -> Result<(), SpoolError> {
        let kept = self.spool.kept(segment)?;
        if self.keeper.thread.order(Order::Remove(kept)).is_err() {
            return Err(SpoolError::Stopped);
        }
        self.keeper.leaving.insert(segment);
        Ok(())
    }
}
