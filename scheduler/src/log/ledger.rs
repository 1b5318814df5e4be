//! The log in use: lines are written once per turn of the loop and flushed within 20 ms.
//!
//! Invariant: `synced <= written`; a mark is durable when `synced` has reached it. After any failure the log is of no
//! use and the scheduler starts again from disk.
//!
//! While a checkpoint is under way every line goes into both logs, so that the new one says the same when it takes over.

use super::syncer::{self, Done, Order, Syncer};
use farm::clock::Moment;
use proto::id::SpoolId;
use spool::SpoolError;
use spool::log::{Lines, Log, LogRecord, Successor};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// Milliseconds after a write at which its flush is ordered.
const DELAY: u64 = 15;

/// Milliseconds between two attempts at a checkpoint that could not be made.
const PAUSE: u64 = 60_000;

/// A log of less than so many octets is not worth a checkpoint at the start.
const WORTH: u64 = 1 << 20;

/// Octets of a checkpoint that the loop may wait for.
const TAIL: u64 = 1 << 20;

/// A point in the log: everything appended before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// The log of the scheduler.
#[derive(Debug)]
pub(crate) struct Ledger {
    log: Log,
    /// The checkpoint under way.
    successor: Option<Successor>,
    /// Most of what the log said when it was opened is over.
    overdue: bool,
    /// Octets of the checkpoint that are durable.
    ahead: u64,
    syncer: Syncer,
    written: u64,
    synced: u64,
    /// Monotonic time of the next order, if something written is not ordered.
    due: Option<u64>,
    checkpoint_after: u64,
}

impl Ledger {
    /// Takes over an opened log and starts the thread that flushes it.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn new(log: Log) -> io::Result<Self> {
        let syncer = syncer::start()?;
        Ok(Self {
            log,
            successor: None,
            overdue: false,
            ahead: 0,
            syncer,
            written: 0,
            synced: 0,
            due: None,
            checkpoint_after: 0,
        })
    }

    /// The lines that are in the log in use.
    pub(crate) fn lines(&self) -> Lines {
        self.log.lines()
    }

    /// Adds a line.
    pub(crate) fn append(&mut self, record: &LogRecord) {
        self.append_text(&record.to_string());
    }

    /// Adds a line in print.
    pub(crate) fn append_text(&mut self, record: &str) {
        self.log.append_text(record);
        self.copy_text(record);
    }

    /// Adds a line to the checkpoint under way only; one that cannot be written is given up.
    pub(crate) fn copy(&mut self, record: &LogRecord) {
        if self.successor.is_some() {
            self.copy_text(&record.to_string());
        }
    }

    /// As [`Ledger::copy`], for a line in print.
    pub(crate) fn copy_text(&mut self, record: &str) {
        let Some(successor) = &mut self.successor else { return };
        match successor.append_text(record) {
            // If the thread is gone, the next write says so.
            Ok(true) => drop(self.syncer.order(Order::Ahead(successor.syncer(), successor.size()))),
            Ok(false) => {}
            Err(error) => {
                log::error!("checkpoint: {error}; the old log goes on");
                self.abandon();
            }
        }
    }

    /// Begins a checkpoint: from now on every line goes into both logs.
    ///
    /// # Errors
    /// The new log cannot be begun; the old one goes on.
    pub(crate) fn begin_checkpoint(&mut self, id: SpoolId) -> Result<(), SpoolError> {
        self.successor = Some(self.log.successor(id)?);
        self.ahead = 0;
        Ok(())
    }

    /// Nearly all of the checkpoint is durable, so that [`Ledger::succeed`] does not wait for long.
    pub(crate) fn is_settled(&self) -> bool {
        self.successor.as_ref().is_none_or(|successor| successor.size() <= self.ahead + TAIL)
    }

    /// A checkpoint is under way.
    pub(crate) fn is_copying(&self) -> bool {
        self.successor.is_some()
    }

    /// Gives up the checkpoint under way.
    pub(crate) fn abandon(&mut self) {
        if let Some(successor) = self.successor.take() {
            successor.abandon();
        }
    }

    /// Most of what was read from the log at the start is over: a checkpoint is due although the log has not grown.
    pub(crate) fn overdue(&mut self) {
        self.overdue = self.log.size() > WORTH;
    }

    /// Writes what was added, and orders its flush when that is due.
    ///
    /// # Errors
    /// The log is of no use any more.
    pub(crate) fn write(&mut self, now: Moment) -> Result<(), SpoolError> {
        if self.log.is_dirty() {
            self.log.write()?;
            self.written += 1;
            self.due.get_or_insert(now.mono + DELAY);
        }
        if self.due.is_some_and(|due| due <= now.mono) {
            self.due = None;
            if self.syncer.order(Order::Log(self.log.syncer(), self.written)).is_err() {
                return Err(SpoolError::Stopped);
            }
        }
        Ok(())
    }

    /// Takes note of finished flushes; `true` if more is durable than before.
    ///
    /// # Errors
    /// The log is of no use any more.
    pub(crate) fn collect(&mut self) -> Result<bool, SpoolError> {
        let before = self.synced;
        for report in self.syncer.reports() {
            match report? {
                Done::Log(write) => self.synced = self.synced.max(write),
                Done::Ahead(octets) => self.ahead = self.ahead.max(octets),
            }
        }
        Ok(self.synced > before)
    }

    /// Waits until everything that was added is durable; for the end of the process.
    ///
    /// # Errors
    /// The log is of no use any more.
    pub(crate) fn finish(&mut self) -> Result<(), SpoolError> {
        self.abandon();
        self.log.write()?;
        self.log.sync()?;
        self.written += 1;
        self.synced = self.written;
        self.due = None;
        Ok(())
    }

    /// The point behind everything that was added so far.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.written + u64::from(self.log.is_dirty()))
    }

    /// Everything before the mark is on disk.
    pub(crate) fn is_durable(&self, mark: Mark) -> bool {
        self.synced >= mark.0
    }

    /// It is time for a checkpoint.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.successor.is_none() && (self.overdue || self.log.is_due()) && now.mono >= self.checkpoint_after
    }

    /// No checkpoint can be made now: not again for a while.
    pub(crate) fn postpone(&mut self, now: Moment) {
        self.checkpoint_after = now.mono + PAUSE;
    }

    /// The checkpoint takes the place of the log, durably. Waits for the disk, which has most of it already.
    ///
    /// # Errors
    /// As [`Log::succeed`].
    pub(crate) fn succeed(&mut self) -> Result<(), SpoolError> {
        let Some(successor) = self.successor.take() else { return Ok(()) };
        self.log.succeed(successor)?;
        self.overdue = false;
        self.written += 1;
        (self.synced, self.due) = (self.written, None);
        Ok(())
    }

    /// When [`Ledger::write`] wants to be called, monotonic milliseconds.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.due
    }
}

impl AsRawFd for Ledger {
    fn as_raw_fd(&self) -> RawFd {
        self.syncer.as_raw_fd()
    }
}
