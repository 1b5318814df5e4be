//! Who writes and flushes: the calling thread, or a thread of its own so that an event loop never waits for the disk.
//!
//! The thread is started explicitly, after everything that may fork. One batch is in the hands of the disk at a time;
//! what is committed meanwhile gathers for the next one.

use crate::SpoolError;
use crate::lease::Lease;
use crate::segment::{Job, SegmentWriter};
use crate::spool::{Completion, Ticket};
use proto::id::SpoolId;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
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

/// The channels to the thread.
#[derive(Debug)]
pub(crate) struct Thread {
    /// `None` once the thread has been told to end.
    orders: Option<Sender<Order>>,
    reports: Receiver<Report>,
    wake: UnixStream,
    handle: Option<JoinHandle<()>>,
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
        let (wake, bell) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let Self::Inline { committer, reports: earlier } = std::mem::replace(self, Self::Gone) else {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        };
        let (orders, order_receiver) = channel();
        let (report_sender, reports) = channel();
        for report in earlier {
            // The receiver is alive in this function.
            let _ = report_sender.send(report);
        }
        let run = move || run(*committer, &order_receiver, &report_sender, bell, clock);
        let handle = std::thread::Builder::new().name("flusher".to_owned()).spawn(run)?;
        *self = Self::Thread(Thread { orders: Some(orders), reports, wake, handle: Some(handle) });
        Ok(())
    }

    /// Gives an order; an error means that the thread is gone.
    pub(crate) fn order(&mut self, order: Order) -> Result<(), Order> {
        match self {
            Self::Inline { committer, reports } => {
                reports.extend(committer.obey(order, None));
                Ok(())
            }
            Self::Thread(Thread { orders: Some(orders), .. }) => orders.send(order).map_err(|error| error.0),
            Self::Thread(_) | Self::Gone => Err(order),
        }
    }

    /// The reports that are there.
    pub(crate) fn reports(&mut self) -> Vec<Report> {
        match self {
            Self::Inline { reports, .. } => std::mem::take(reports),
            Self::Thread(thread) => {
                let mut reports: Vec<Report> = thread.reports.try_iter().collect();
                if !reports.is_empty() {
                    // What comes after this rings again; what came before it is there by now.
                    let mut octets = [0; 64];
                    while matches!((&thread.wake).read(&mut octets), Ok(count) if count == octets.len()) {}
                    reports.extend(thread.reports.try_iter());
                }
                reports
            }
            Self::Gone => Vec::new(),
        }
    }

    pub(crate) fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Thread(thread) => Some(thread.wake.as_fd()),
            Self::Inline { .. } | Self::Gone => None,
        }
    }
}

impl Drop for Thread {
    /// Waits until everything that was ordered is done.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(handle) = self.handle.take()
            && handle.join().is_err()
        {
            log::error!("the flusher died");
        }
    }
}

fn run(
    mut committer: Committer,
    orders: &Receiver<Order>,
    reports: &Sender<Report>,
    mut bell: UnixStream,
    clock: Clock,
) {
    while let Ok(order) = orders.recv() {
        if let Some(report) = committer.obey(order, Some(clock)) {
            if reports.send(report).is_err() {
                return;
            }
            // A full socket is as good as one more octet in it.
            let _ = bell.write(&[1]);
        }
    }
}
