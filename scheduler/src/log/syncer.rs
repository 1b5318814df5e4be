//! The thread that waits for the disk, so that the loop does not.
//!
//! Orders are flushes, each with the number of the last write before it; a report says up to which write everything is
//! durable. While one flush is under way the next orders gather.
//!
//! A checkpoint under way is flushed ahead, piece by piece, so that little is left when it takes its place.

use spool::log::LogSync;
use spool::{Desk, DiskThread, SpoolError};
use std::io;
use std::sync::mpsc::Receiver;

/// What is durable now, or why it is not.
pub(super) type Report = Result<Done, SpoolError>;

/// What a flush has made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Everything up to this write to the log in use.
    Log(u64),
    /// So many octets of a log that is to take its place.
    Ahead(u64),
}

/// What is to be flushed.
#[derive(Debug)]
pub(super) enum Order {
    /// The log in use, of which so many writes were made.
    Log(LogSync, u64),
    /// A log that is to take its place, of which so many octets are written.
    Ahead(LogSync, u64),
}

/// The handle of the thread.
pub(super) type Syncer = DiskThread<Order, Report>;

/// Starts the thread.
pub(super) fn start() -> io::Result<Syncer> {
    DiskThread::start("log-sync", |orders, desk| run(&orders, desk))
}

fn run(orders: &Receiver<Order>, mut desk: Desk<Report>) {
    while let Ok(first) = orders.recv() {
        // One flush of a file is enough for all that were ordered meanwhile.
        let (mut log, mut ahead) = (None, None);
        for order in std::iter::once(first).chain(orders.try_iter()) {
            match order {
                Order::Log(sync, write) => log = Some((sync, Done::Log(write))),
                Order::Ahead(sync, octets) => ahead = Some((sync, Done::Ahead(octets))),
            }
        }
        for (sync, done) in log.into_iter().chain(ahead) {
            if !desk.report(sync.sync().map(|()| done)) {
                return;
            }
        }
    }
}
