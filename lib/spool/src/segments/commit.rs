//! The writing side of [`super::Segments`] as the calling thread sees it: ids, the open batch, what is in flight.

use crate::batch::Gathering;
use crate::draft::Finished;
use crate::error::{Context, SpoolError};
use crate::flusher::{Committer, Flusher, Order, Report};
use crate::layout::Tuning;
use crate::lease::{IdSource, Lease};
use crate::segment::{Job, SegmentWriter};
use crate::sheet;
use crate::spool::{Completion, Ticket};
use crate::storage::{Storage, octets};
use proto::envelope::Envelope;
use proto::id::SpoolId;
use std::sync::Arc;
use std::time::Duration;

/// A batch with more records than this is cut, because `count` in a record line has five digits.
const RECORDS: usize = 10_000;
/// Free space is asked for again after this many milliseconds,
const SPACE_AGE: u64 = 1000;
/// or after this many drafts,
const SPACE_DRAFTS: u32 = 256;
/// or when this part of the reserve may have been used.
const SPACE_SHARE: u64 = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Committing {
    pub(super) flusher: Flusher,
    tuning: Tuning,
    ids: Option<IdSource>,
    tickets: Vec<Ticket>,
    jobs: Vec<Job>,
    octets: u64,
    since: u64,
    in_flight: usize,
    next: u64,
    stopped: bool,
    /// Completions of batches that could not even be handed over, and of those already taken from the flusher.
    done: Vec<Completion>,
    space: Space,
}

/// The last answer about free space.
#[derive(Debug, Default)]
struct Space {
    asked: u64,
    drafts: u32,
    octets: u64,
    enough: bool,
}

impl Committing {
    pub(super) fn new(storage: Arc<dyn Storage>, tuning: Tuning) -> Self {
        let committer = Committer::new(SegmentWriter::new(storage, tuning.clone()));
        Self {
            flusher: Flusher::inline(committer),
            tuning,
            ids: None,
            tickets: Vec::new(),
            jobs: Vec::new(),
            octets: 0,
            since: 0,
            in_flight: 0,
            next: 0,
            stopped: false,
            done: Vec::new(),
            space: Space::default(),
        }
    }

    /// Takes a lease if there is none yet.
    pub(super) fn take_lease(
        &mut self,
        storage: &dyn Storage,
        host: u32,
        now: u64,
    ) -> Result<(), SpoolError> {
        if self.ids.is_none() {
            let lease = Lease::take(storage, now, self.tuning.lease_span)?;
            self.ids = Some(lease.ids(host));
            // If the flusher is gone, nothing will be committed under these ids.
            let _ = self.flusher.order(Order::Hold(lease));
        }
        Ok(())
    }

    pub(super) fn draw(&mut self, now: u64) -> Result<SpoolId, SpoolError> {
        self.ids.as_mut().ok_or(SpoolError::NoLease)?.draw(now)
    }

    /// Orders a renewal, if it is time.
    pub(super) fn renew(&mut self, now: u64) {
        let span = self.tuning.lease_span;
        if let Some(until) = self.ids.as_ref().and_then(|ids| ids.due(now, span)) {
            // If the flusher is gone, nothing is committed any more.
            let _ = self.flusher.order(Order::Renew(until));
        }
    }

    /// Whether a new draft may be begun.
    pub(super) fn admit(&mut self, storage: &dyn Storage, now: u64) -> Result<(), SpoolError> {
        if self.stopped {
            return Err(SpoolError::Stopped);
        }
        let space = &mut self.space;
        let stale = now.abs_diff(space.asked) >= SPACE_AGE
            || space.drafts >= SPACE_DRAFTS
            || space.octets >= self.tuning.reserve / SPACE_SHARE;
        if !space.enough || stale {
            let enough = storage.free().during("ask", "free space")? >= self.tuning.reserve;
            *space = Space { asked: now, drafts: 0, octets: 0, enough };
        }
        space.drafts += 1;
        if space.enough { Ok(()) } else { Err(SpoolError::NoSpace) }
    }

    pub(super) fn commit(
        &mut self,
        finished: Finished,
        envelope: &Envelope,
        now: u64,
    ) -> Result<Ticket, SpoolError> {
        if self.stopped {
            return Err(SpoolError::Stopped);
        }
        let (large, file) = finished.large.unzip();
        let lines = sheet::print(envelope, &finished.kind, large.as_ref(), &finished.preserved);
        let ticket = Ticket(self.next);
        self.next += 1;
        if self.jobs.is_empty() {
            self.since = now;
        }
        self.octets += octets(lines.len() + finished.content.len());
        self.space.octets += octets(lines.len() + finished.content.len());
        self.tickets.push(ticket);
        self.jobs.push(Job {
            id: finished.id,
            envelope: lines.into_bytes(),
            content: finished.content,
            large: file,
        });
        Ok(ticket)
    }

    pub(super) fn gathering(&self) -> Gathering {
        Gathering {
            commits: self.jobs.len(),
            octets: self.octets,
            since: self.since,
            flushing: self.in_flight > 0,
        }
    }

    /// `here`: the calling thread has nothing else to do.
    pub(super) fn close_batch(&mut self, now: u64, here: bool) {
        self.octets = 0;
        while !self.jobs.is_empty() {
            let count = self.jobs.len().min(RECORDS);
            let jobs = self.jobs.drain(..count).collect();
            let tickets = self.tickets.drain(..count).collect();
            self.hand_over(tickets, jobs, now, here);
        }
    }

    fn hand_over(&mut self, tickets: Vec<Ticket>, jobs: Vec<Job>, now: u64, here: bool) {
        let spare = match self.draw(now) {
            Ok(spare) => spare,
            Err(error) => return self.refuse(tickets, &error),
        };
        let order = Order::Commit { tickets, jobs, spare, now };
        let given = if here { self.flusher.order_here(order) } else { self.flusher.order(order) };
        match given {
            Ok(()) => self.in_flight += 1,
            Err(Order::Commit { tickets, .. }) => {
                self.stopped = true;
                self.refuse(tickets, &SpoolError::Stopped);
            }
            Err(_) => {}
        }
    }

    fn refuse(&mut self, tickets: Vec<Ticket>, error: &SpoolError) {
        let outcomes = tickets.into_iter().map(|ticket| (ticket, Err(error.clone()))).collect();
        self.done.push(Completion { outcomes, announced: None, elapsed: Duration::ZERO });
    }

    pub(super) fn completions(&mut self) -> Vec<Completion> {
        for report in self.flusher.reports() {
            match report {
                Report::Committed(completion) => self.completed(completion),
                Report::Stopped(completion) => {
                    self.stopped = true;
                    self.completed(completion);
                }
            }
        }
        std::mem::take(&mut self.done)
    }

    fn completed(&mut self, completion: Completion) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.done.push(completion);
    }
}
