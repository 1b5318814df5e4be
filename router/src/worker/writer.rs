//! The worker's part in the spool: a lease and a segment, taken when there is something to write for the first time.

use super::parts::Part;
use farm::clock;
use farm::config::Common;
use proto::envelope::Envelope;
use spool::{Batcher, Closing, Completion, Disk, Entry, Kind, Segments, Spool, SpoolError, Ticket, Tuning};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

/// The lease is renewed after so many milliseconds.
const RENEW: u64 = 5_000;

/// The spool for writing; see the module.
#[derive(Debug)]
pub(super) struct Writer {
    common: Common,
    batcher: Batcher,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    segments: Segments,
    renew_at: u64,
}

/// The descriptor on which the loop waits for completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting(RawFd);

impl AsRawFd for Waiting {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Writer {
    /// Nothing is opened yet.
    pub(super) fn new(common: &Common) -> Self {
        let batcher = Batcher { delay: common.spool.commit_delay, ..Batcher::default() };
        Self { common: common.clone(), batcher, open: None }
    }

    /// Opens the spool, unless it is open; gives the descriptor to watch if it was opened now. May wait for the disk.
    ///
    /// # Errors
    /// No lease, or the disk fails.
    pub(super) fn open(&mut self, now: u64, utc: u64) -> Result<Option<Waiting>, SpoolError> {
        if self.open.is_some() {
            return Ok(None);
        }
        let disk = Disk::new(&self.common.paths.spool)
            .with_free_probe(sys::space::free_octets)
            .with_flushes(self.common.spool.backend.is_lasting());
        let tuning = Tuning {
            segment_size: self.common.spool.segment_size,
            reserve: self.common.spool.reserve,
            ..Tuning::default()
        };
        let mut segments = Segments::open(Arc::new(disk), tuning)?;
        segments.renew(utc)?;
        segments.start_flusher(clock::microseconds)?;
        let open = self.open.insert(Open { segments, renew_at: now + RENEW });
        Ok(open.segments.wait_fd().map(|descriptor| Waiting(descriptor.as_raw_fd())))
    }

    /// The descriptor that is watched.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        let open = self.open.as_ref()?;
        open.segments.wait_fd().map(|descriptor| Waiting(descriptor.as_raw_fd()))
    }

    /// Gives lease and segment up, after a failure that only a new start cures. It must not be watched any more.
    pub(super) fn give_up(&mut self) {
        self.open = None;
    }

    /// Puts a part of the expansion of `entry` into the open batch.
    ///
    /// # Errors
    /// No space, or the writer has stopped.
    pub(super) fn commit(&mut self, entry: &Entry, part: Part, utc: u64) -> Result<Ticket, SpoolError> {
        let open = self.open.as_mut().ok_or(SpoolError::Stopped)?;
        let mut draft = open.segments.create_as(entry.id, utc)?;
        draft.set_kind(Kind::Expansion(part.what));
        draft.preserve(&entry.preserved);
        let Envelope { from, received, origin, shape, terms, .. } = entry.envelope.clone();
        let envelope = Envelope { from, recipients: part.recipients, received, origin, shape, terms };
        open.segments.commit(draft, &envelope, utc)
    }

    /// Closes the batch if it is time; `more` messages may still join it. Gives the UTC time at which to ask again.
    pub(super) fn close_batch(&mut self, more: usize, utc: u64) -> Option<u64> {
        let open = self.open.as_mut()?;
        match self.batcher.decide(&open.segments.gathering(), more, utc) {
            Closing::Now => open.segments.close_batch(utc),
            Closing::At(due) => return Some(due),
            Closing::Nothing | Closing::AfterFlush => {}
        }
        None
    }

    /// What came to its end.
    pub(super) fn completions(&mut self) -> Vec<Completion> {
        self.open.as_mut().map(|open| open.segments.completions()).unwrap_or_default()
    }

    /// Keeps the lease.
    pub(super) fn tick(&mut self, now: u64, utc: u64) {
        let Some(open) = self.open.as_mut().filter(|open| open.renew_at <= now) else { return };
        open.renew_at = now + RENEW;
        if let Err(error) = open.segments.renew(utc) {
            log::error!("renewing the writer lease: {error}");
        }
    }

    /// When [`Writer::tick`] wants to be called.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.renew_at)
    }
}
