//! The spool as the sessions see it: drafts, the open batch, what is being flushed, hints to the next stages.
//!
//! Decides when a batch closes (by [`spool::Batcher`]) and who is told when it is durable. A message is answered for
//! only after its [`Done`] has come.

use farm::hints::Hints;
use farm::profile::{self, Operation};
use ipc::hint::Hint;
use proto::envelope::Envelope;
use proto::id::SpoolId;
use spool::{Batcher, Closing, Completion, Draft, Gathering, Spool, SpoolError, Ticket};
use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// The rough size of an envelope in a batch, in octets.
const ENVELOPE: u64 = 512;

/// So many batches in a row that failed, and the spool takes nothing more from this process.
const FAILURES: u32 = 2;

/// A batch that all sessions wait for and that is smaller, in octets,
const SMALL: u64 = 256 << 10;

/// is flushed without the flusher's thread while the disk needs no longer than this.
const QUICK: Duration = Duration::from_millis(1);

/// A commit that is not durable yet.
#[derive(Debug)]
struct Waiting {
    seat: usize,
    unrouted: bool,
}

/// What became of a session's commit.
#[derive(Debug)]
pub(super) struct Done {
    /// The session's seat.
    pub(super) seat: usize,
    /// The id under which the message is durable.
    pub(super) result: Result<SpoolId, SpoolError>,
    /// Messages in the batch.
    pub(super) batch: u64,
}

/// The spool and what this worker has in it.
#[derive(Debug)]
pub(super) struct Commits {
    spool: Box<dyn Spool>,
    batcher: Batcher,
    gathering: Gathering,
    /// Commits in closed batches.
    in_flight: usize,
    waiting: HashMap<Ticket, Waiting>,
    scheduler: Hints,
    router: Hints,
    flushes: u64,
    failures: u32,
    stopped: bool,
    /// The disk took the last batch so fast that the next may be waited for in this thread, if nobody does anything else.
    quick: bool,
    due: Option<u64>,
}

impl Commits {
    /// Nothing in the spool yet; `delay` is how long a batch may wait for other sessions, in milliseconds.
    pub(super) fn new(spool: Box<dyn Spool>, delay: u64, scheduler: Hints, router: Hints) -> Self {
        Self {
            spool,
            batcher: Batcher { delay, ..Batcher::default() },
            gathering: Gathering::default(),
            in_flight: 0,
            waiting: HashMap::new(),
            scheduler,
            router,
            flushes: 0,
            failures: 0,
            stopped: false,
            quick: false,
            due: None,
        }
    }

    /// Becomes readable when [`Commits::done`] has news.
    pub(super) fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        self.spool.wait_fd()
    }

    /// Flushes so far.
    pub(super) fn flushes(&self) -> u64 {
        self.flushes
    }

    /// The spool takes nothing more from this process; another one may have better luck.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Some session waits for a commit.
    pub(super) fn is_busy(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Opens a draft; `now` is UTC.
    ///
    /// # Errors
    /// As [`Spool::create`].
    pub(super) fn create(&mut self, now: u64) -> Result<Draft, SpoolError> {
        self.spool.create(now).inspect_err(|error| self.stopped |= *error == SpoolError::Stopped)
    }

    /// Puts a draft into the open batch.
    ///
    /// # Errors
    /// As [`Spool::commit`].
    pub(super) fn commit(
        &mut self,
        seat: usize,
        draft: Draft,
        envelope: &Envelope,
        now: farm::clock::Moment,
    ) -> Result<(), SpoolError> {
        let committed = self.spool.commit(draft, envelope, now.utc);
        let ticket = committed.inspect_err(|error| self.stopped |= *error == SpoolError::Stopped)?;
        let unrouted = envelope.recipients.iter().any(|recipient| recipient.route.is_none());
        self.waiting.insert(ticket, Waiting { seat, unrouted });
        if self.gathering.commits == 0 {
            self.gathering.since = now.mono;
        }
        self.gathering.commits += 1;
        self.gathering.octets += envelope.shape.size + ENVELOPE;
        Ok(())
    }

    /// Closes the open batch if it is time to; `open` is the number of transactions that may still join it, `sessions` that
    /// of all sessions. True if [`Commits::done`] is to be asked at once.
    pub(super) fn tend(&mut self, open: usize, sessions: usize, now: farm::clock::Moment) -> bool {
        self.scheduler.tick(now.mono);
        self.router.tick(now.mono);
        self.gathering.flushing = self.in_flight > 0;
        self.due = None;
        match self.batcher.decide(&self.gathering, open, now.mono) {
            Closing::Nothing | Closing::AfterFlush => false,
            Closing::At(at) => {
                self.due = Some(at);
                false
            }
            Closing::Now => {
                // Every session waits for this batch: there is nothing that the loop could do meanwhile.
                let idle = self.gathering.commits == sessions && self.gathering.octets < SMALL;
                self.in_flight += self.gathering.commits;
                self.gathering = Gathering::default();
                self.flushes += 1;
                if idle && self.quick {
                    self.spool.close_batch_here(now.utc);
                } else {
                    self.spool.close_batch(now.utc);
                }
                true
            }
        }
    }

    /// When [`Commits::tend`] wants to be called, by monotonic time.
    pub(super) fn next_deadline(&self) -> u64 {
        let hints = self.scheduler.next_deadline().min(self.router.next_deadline());
        self.due.map_or(hints, |due| due.min(hints))
    }

    /// Keeps the right to draw ids.
    ///
    /// # Errors
    /// As [`Spool::renew`].
    pub(super) fn renew(&mut self, now: u64) -> Result<(), SpoolError> {
        self.spool.renew(now)
    }

    /// What has become durable, or failed to; the next stages have been hinted.
    pub(super) fn done(&mut self, now: u64) -> Vec<Done> {
        let mut all = Vec::new();
        for completion in self.spool.completions() {
            self.complete(completion, now, &mut all);
        }
        all
    }

    /// A receiver of hints has restarted.
    pub(super) fn reannounce(&mut self, now: u64) {
        self.scheduler.reannounce(now);
        self.router.reannounce(now);
    }

    fn complete(&mut self, completion: Completion, now: u64, all: &mut Vec<Done>) {
        let batch = u64::try_from(completion.outcomes.len()).unwrap_or(u64::MAX);
        self.in_flight = self.in_flight.saturating_sub(completion.outcomes.len());
        let kept = completion.committed().next().is_some();
        self.quick = kept && completion.elapsed < QUICK;
        self.failures = if kept { 0 } else { self.failures + 1 };
        self.stopped |= self.failures >= FAILURES;
        let mut unrouted = false;
        for (ticket, outcome) in completion.outcomes {
            let Some(waiting) = self.waiting.remove(&ticket) else { continue };
            unrouted |= waiting.unrouted;
            all.push(Done { seat: waiting.seat, result: outcome.map(|committed| committed.id), batch });
        }
        if let Some(new) = completion.announced {
            profile::took(Operation::Flush, completion.elapsed);
            let hint = Hint { segment: new.segment, from: new.from, to: new.to };
            self.scheduler.announce(hint, now);
            if unrouted {
                self.router.announce(hint, now);
            }
        }
    }
}
