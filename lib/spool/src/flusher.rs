//! Who writes and flushes: the calling thread, or a thread of its own so that an event loop never waits for the disk.
//!
//! The thread is started explicitly, after everything that may fork. One batch is in the hands of the disk at a time;
//! what is committed meanwhile gathers for the next one. A caller that has nothing else to do may have a batch written in
//! its own thread, which saves two changes of thread; the writing side has a lock for that, which is never waited for.

use crate::SpoolError;
use crate::disk_thread::{Desk, DiskThread};
use crate::lease::Lease;
use crate::segment::{Job, SegmentWriter};
use crate::spool::{Completion, Ticket};
use proto::id::SpoolId;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Reads a monotonic clock, in microseconds; only used to say how long a flush took.
pub type Clock = fn() -> u64;

/// What the writing side is asked to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Use this lease for renewals from now on.
    Hold(Lease),
    /// Push the bound of the lease ahead.
    Renew(u64),
    /// Commit these.
    Commit {
        tickets: Vec<Ticket>,
        jobs: Vec<Job>,
        /// The number for a new segment, should one be needed.
        spare: SpoolId,
        now: u64,
    },
}

/// What the writing side reports.
#[derive(Debug)]
pub(crate) enum Report {
    Committed(Completion),
    /// As `Committed`, and no further commit will succeed.
    Stopped(Completion),
}

/// The writing side itself.
#[derive(Debug)]
pub(crate) struct Committer {
    writer: SegmentWriter,
    lease: Option<Lease>,
}

impl Committer {
    pub(crate) fn new(writer: SegmentWriter) -> Self {
        Self { writer, lease: None }
    }

    fn obey(&mut self, order: Order, clock: Option<Clock>) -> Option<Report> {
        match order {
            Order::Hold(lease) => {
                self.lease = Some(lease);
                None
            }
            Order::Renew(until) => {
                if let Some(lease) = &mut self.lease {
                    lease.renew(until);
                }
                None
            }
            Order::Commit { tickets, jobs, spare, now } => {
                let start = clock.map(|clock| clock());
                let result = self.writer.commit(&jobs, spare, now);
                let end = clock.map(|clock| clock());
                let elapsed = end.zip(start).map_or(0, |(end, start)| end.saturating_sub(start));
                let completion = complete(tickets, result, Duration::from_micros(elapsed));
                let stopped = self.writer.stopped();
                Some(if stopped { Report::Stopped(completion) } else { Report::Committed(completion) })
            }
        }
    }
}

type Outcome = Result<(Vec<crate::Committed>, crate::Announced), SpoolError>;

fn complete(tickets: Vec<Ticket>, result: Outcome, elapsed: Duration) -> Completion {
    match result {
        Ok((committed, announced)) => {
            let outcomes = tickets.into_iter().zip(committed.into_iter().map(Ok)).collect();
            Completion { outcomes, announced: Some(announced), elapsed }
        }
        Err(error) => {
            let outcomes = tickets.into_iter().map(|ticket| (ticket, Err(error.clone()))).collect();
            Completion { outcomes, announced: None, elapsed }
        }
    }
}

/// Where the writing side runs.
#[derive(Debug)]
pub(crate) enum Flusher {
    /// In the calling thread: reports are there when the order returns.
    Inline { committer: Box<Committer>, reports: Vec<Report> },
    /// In a thread of its own.
    Thread(Thread),
    /// Nowhere any more: the thread could not be started.
    Gone,
}

/// The thread, and what is done without it.
#[derive(Debug)]
pub(crate) struct Thread {
    thread: DiskThread<Order, Report>,
    committer: Arc<Mutex<Committer>>,
    clock: Clock,
    /// Commits that the thread has not reported yet.
    ordered: usize,
    /// Reports of what was done without it.
    here: Vec<Report>,
}

impl Flusher {
    pub(crate) fn inline(committer: Committer) -> Self {
        Self::Inline { committer: Box::new(committer), reports: Vec::new() }
    }

    /// Moves the writing side to a thread; it is an error only if that cannot be made.
    pub(crate) fn start(&mut self, clock: Clock) -> io::Result<()> {
        if !matches!(self, Self::Inline { .. }) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let Self::Inline { committer, reports: here } = std::mem::replace(self, Self::Gone) else {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        };
        let committer = Arc::new(Mutex::new(*committer));
        let theirs = Arc::clone(&committer);
        let thread = DiskThread::start("flusher", move |orders, desk| run(&theirs, &orders, desk, clock))?;
        *self = Self::Thread(Thread { thread, committer, clock, ordered: 0, here });
        Ok(())
    }

    /// Gives an order; an error means that the thread is gone.
    pub(crate) fn order(&mut self, order: Order) -> Result<(), Order> {
        match self {
            Self::Inline { committer, reports } => {
                reports.extend(committer.obey(order, None));
                Ok(())
            }
            Self::Thread(thread) => thread.order(order),
            Self::Gone => Err(order),
        }
    }

    /// Gives an order that is carried out before this returns, unless the thread is at work.
    pub(crate) fn order_here(&mut self, order: Order) -> Result<(), Order> {
        if let Self::Thread(Thread { ordered: 0, committer, clock, here, .. }) = self
            && let Ok(mut committer) = committer.try_lock()
        {
            here.extend(committer.obey(order, Some(*clock)));
            return Ok(());
        }
        self.order(order)
    }

    /// The reports that are there.
    pub(crate) fn reports(&mut self) -> Vec<Report> {
        match self {
            Self::Inline { reports, .. } => std::mem::take(reports),
            Self::Thread(thread) => {
                let mut reports = thread.thread.reports();
                thread.ordered = thread.ordered.saturating_sub(reports.len());
                reports.append(&mut thread.here);
                reports
            }
            Self::Gone => Vec::new(),
        }
    }

    pub(crate) fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Thread(thread) => Some(thread.thread.as_fd()),
            Self::Inline { .. } | Self::Gone => None,
        }
    }
}

impl Thread {
    fn order(&mut self, order: Order) -> Result<(), Order> {
        let commits = usize::from(matches!(order, Order::Commit { .. }));
        self.thread.order(order)?;
        self.ordered += commits;
        Ok(())
    }
}

fn run(committer: &Mutex<Committer>, orders: &Receiver<Order>, mut desk: Desk<Report>, clock: Clock) {
    while let Ok(order) = orders.recv() {
        // It is poisoned only if this process panicked while it wrote: nothing more is written then.
        let Ok(mut committer) = committer.lock() else { return };
        let report = committer.obey(order, Some(clock));
        drop(committer);
        if report.is_some_and(|report| !desk.report(report)) {
            return;
        }
    }
}
