//! The thread that waits for the disk while segments are looked into, copied from and removed.
//!
//! It does one order after the other. It decides nothing: what is wanted and what is finished the scheduler knows.

use proto::id::SpoolId;
use spool::{Copied, Keeper, Kept, SpoolError, Survey};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Look what lies in a segment.
    Survey(Kept),
    /// Copy the first of these records.
    Copy {
        from: Kept,
        /// Message and offset of each.
        records: Vec<(SpoolId, u64)>,
        /// The number for a new segment.
        spare: SpoolId,
        /// UTC milliseconds.
        now: u64,
    },
    /// Leave the segment of copies.
    Rest,
    /// Remove a segment.
    Remove(Kept),
    /// Remove the file of a large content.
    Discard(SpoolId),
}

/// What became of an order.
#[derive(Debug)]
pub(super) enum Report {
    /// What lies in a segment.
    Surveyed(SpoolId, Result<Survey, SpoolError>),
    /// What was copied from it, and the segment that copies go to.
    Copied(SpoolId, Result<Copied, SpoolError>, Option<SpoolId>),
    /// It is removed.
    Removed(SpoolId, Result<(), SpoolError>),
}

/// The handle of the thread.
#[derive(Debug)]
pub(super) struct Thread {
    /// `None` once the thread has been told to end.
    orders: Option<Sender<Order>>,
    reports: Receiver<Report>,
    wake: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts the thread.
    pub(super) fn start(keeper: Keeper) -> io::Result<Self> {
        let (wake, bell) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let (orders, order_receiver) = channel();
        let (report_sender, reports) = channel();
        let run = move || run(keeper, &order_receiver, &report_sender, bell);
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(run)?;
        Ok(Self { orders: Some(orders), reports, wake, thread: Some(thread) })
    }

    /// Gives an order; `false` if the thread is gone.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok())
    }

    /// The reports that are there.
    pub(super) fn reports(&self) -> Vec<Report> {
        let mut reports: Vec<Report> = self.reports.try_iter().collect();
        if !reports.is_empty() {
            // What comes after this rings again; what came before it is there by now.
            let mut octets = [0; 64];
            while matches!((&self.wake).read(&mut octets), Ok(count) if count == octets.len()) {}
            reports.extend(self.reports.try_iter());
        }
        reports
    }
}

impl AsRawFd for Thread {
    fn as_raw_fd(&self) -> RawFd {
        self.wake.as_raw_fd()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the keeper thread died");
        }
    }
}

fn run(mut keeper: Keeper, orders: &Receiver<Order>, reports: &Sender<Report>, mut bell: UnixStream) {
    while let Ok(order) = orders.recv() {
        let Some(report) = obey(&mut keeper, order) else { continue };
        if reports.send(report).is_err() {
            return;
        }
        // A full socket is as good as one more octet in it.
        let _full = bell.write(&[1]);
    }
}

fn obey(keeper: &mut Keeper, order: Order) -> Option<Report> {
    match order {
        Order::Survey(kept) => Some(Report::Surveyed(kept.number(), keeper.survey(&kept))),
        Order::Copy { from, records, spare, now } => {
            let copied = keeper.copy(&from, &records, spare, now);
            Some(Report::Copied(from.number(), copied, keeper.segment()))
        }
        Order::Rest => {
            keeper.rest();
            None
        }
        Order::Remove(kept) => Some(Report::Removed(kept.number(), keeper.remove(&kept))),
        Order::Discard(id) => {
            if let Err(error) = keeper.discard(id) {
                log::error!("the content of {id}: {error}");
            }
            None
        }
    }
}
