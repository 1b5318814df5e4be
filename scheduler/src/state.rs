//! The scheduler without its surroundings: everything that it knows and owns.
//!
//! `process/` gives it events and the time and carries its words to the supervisor; the modules beside this one say what
//! happens. The loop calls [`Scheduler::turn`] once per turn, after the events of the turn.

use crate::dispatch::{Agents, Contents, Records};
use crate::intake::{Entrance, Expanded, Expanding, Scan, Tracks, Unrouted};
use crate::keeper::Keeper;
use crate::log::{Book, Checkpoint, Finished, Ledger};
use crate::notices::Notices;
use crate::queue::{Hold, Queue};
use farm::clock::Moment;
use farm::fault::Faults;
use farm::hints::Hints;
use farm::journal::{Event, Failure, Journal, MessageEvent, ProgramEvent};
use proto::disposition::Disposition;
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::LogRecord;
use spool::{Segments, SpoolError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// All that the scheduler knows.
#[derive(Debug)]
pub(crate) struct Scheduler {
    /// The time of this turn.
    pub(crate) now: Moment,
    pub(crate) hostname: String,
    pub(crate) spool: Segments,
    pub(crate) queue: Queue,
    /// Dropped before the log, so that its thread has ended when the next scheduler begins.
    pub(crate) keeper: Keeper,
    pub(crate) ledger: Ledger,
    pub(crate) book: Book,
    /// The checkpoint of the log that is under way.
    pub(crate) checkpoint: Checkpoint,
    pub(crate) tracks: Tracks,
    pub(crate) unrouted: Unrouted,
    /// Expansions that are being read.
    pub(crate) expanding: VecDeque<Expanding>,
    /// Messages that are coming into the queue.
    pub(crate) entrance: Entrance,
    /// Recipients of messages in the queue that came of an expansion.
    pub(crate) expanded: BTreeMap<Place, Expanded>,
    /// What the log says about records that are still to be read again.
    pub(crate) known: BTreeMap<Place, Known>,
    /// Holds that the log remembers for records that are still to be read again.
    pub(crate) holds: BTreeMap<Place, Hold>,
    pub(crate) records: Records,
    pub(crate) agents: Agents,
    pub(crate) contents: Contents,
    pub(crate) notices: Notices,
    /// Octets that a message may have which a notice gives back whole.
    pub(crate) notice_content: u64,
    /// Reports about jobs of an earlier scheduler, for messages that are still to be read; and until when any are kept
    /// (UTC milliseconds).
    pub(crate) late: BTreeMap<(SpoolId, u32), Disposition>,
    pub(crate) late_until: u64,
    pub(crate) scan: Scan,
    /// Agents that each channel could use.
    pub(crate) wants: BTreeMap<Arc<str>, u32>,
    /// The way to the router's notification socket.
    pub(crate) router_hints: Hints,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    /// Much memory is free by then, monotonic milliseconds: it is given back.
    pub(crate) trim_at: Option<u64>,
    /// Hints that did not hold, not yet owned up to.
    pub(crate) hints_dropped: u64,
}

/// Octets of a line from which on it is large.
const LARGE: usize = 1 << 20;

/// Milliseconds until the memory that something large took is given back.
const TRIM: u64 = 5_000;

/// What the log says about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// It waits, and was restored from the log.
    Waiting,
    /// These recipients are finished.
    Finished(Finished),
}

impl Scheduler {
    /// Does what follows from the events of a turn, and writes it down. `true` if there is more to do at once.
    ///
    /// # Errors
    /// The log cannot be written: the process ends and starts again from disk.
    pub(crate) fn turn(&mut self) -> Result<bool, SpoolError> {
        let durable = self.ledger.collect()?;
        let mut more = self.read_on();
        more |= self.expand_on();
        more |= self.enter_on();
        self.queue.tick(self.now.utc);
        self.act()?;
        more |= self.tend_notices()?;
        more |= self.sweep();
        more |= self.write_book()?;
        more |= self.tend_keeper()?;
        if durable {
            self.remove_finished();
        }
        self.remove_contents();
        self.router_hints.tick(self.now.mono);
        self.agents.flush();
        if self.trim_at.take_if(|at| *at <= self.now.mono).is_some() {
            sys::memory::trim();
        }
        Ok(more)
    }

    /// Something of so many octets has passed: what it took is given back when it has gone.
    pub(crate) fn passed(&mut self, octets: usize) {
        if octets > LARGE {
            self.trim_at = Some(self.now.mono + TRIM);
        }
    }

    /// Writes down what happened in this turn, and goes on with a checkpoint. `true` if there is more to do at once.
    fn write_book(&mut self) -> Result<bool, SpoolError> {
        if self.faults.strikes("log-write") {
            return Err(SpoolError::Broken {
                call: "write",
                path: "logs/scheduler".to_owned(),
                kind: std::io::ErrorKind::Other,
            });
        }
        self.close_book()?;
        let more = self.tend_checkpoint()?;
        self.ledger.write(self.now)?;
        Ok(more)
    }

    /// Writes down what is still to be written and waits until it is durable; for the end of the process.
    ///
    /// # Errors
    /// As [`Scheduler::turn`].
    pub(crate) fn finish(&mut self) -> Result<(), SpoolError> {
        self.book.hurry();
        self.write_waiting()?;
        self.close_book()?;
        self.ledger.finish()
    }

    /// When [`Scheduler::turn`] wants to be called although nothing happened, monotonic milliseconds.
    pub(crate) fn next_deadline(&self) -> u64 {
        // UTC deadlines are looked at again at least each second, because that clock may be set.
        let queue = self.queue.next_deadline().map(|due| self.now.mono + due.saturating_sub(self.now.utc));
        let deadlines =
            [queue, self.ledger.next_deadline(), self.notices.next_deadline(), self.book.next_deadline()];
        let deadlines = deadlines.into_iter().chain([self.keeper.next_deadline()]);
        let soonest = deadlines.flatten().min().unwrap_or(u64::MAX);
        soonest.min(self.now.mono + 1000).min(self.scan.next_at()).min(self.router_hints.next_deadline())
    }

    /// Notes what happened to a message.
    pub(crate) fn note(&mut self, message: SpoolId, event: MessageEvent<'_>) {
        self.journal.note(&Event::Message(message, event), self.now.utc);
    }

    /// Notes what happened to the scheduler.
    pub(crate) fn note_own(&mut self, event: ProgramEvent<'_>) {
        self.journal.note_own(event, self.now.utc);
    }

    /// Notes that the spool failed, and what follows.
    pub(crate) fn note_failure(&mut self, operation: &str, file: &str, error: &SpoolError, then: &str) {
        let error = error.to_string();
        self.note_own(ProgramEvent::SpoolError(Failure { operation, file, error: &error, then }));
    }

    /// Adds a line to the log.
    pub(crate) fn log(&mut self, record: &LogRecord) {
        self.ledger.append(record);
    }
}
