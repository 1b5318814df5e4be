//! The thread that waits for the disk, so that the loop does not.
//!
//! Orders are flushes, each with the number of the last write before it; a report says up to which write everything is
//! durable. While one flush is under way the next orders gather.
//!
//! A checkpoint under way is flushed ahead, piece by piece, so that little is left when it takes its place.

use spool::SpoolError;
use spool::log::LogSync;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

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
#[derive(Debug)]
pub(super) struct Syncer {
    /// `None` once the thread has been told to end.
    orders: Option<Sender<Order>>,
    reports: Receiver<Report>,
    wake: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let (wake, bell) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let (orders, order_receiver) = channel();
        let (report_sender, reports) = channel();
        let run = move || run(&order_receiver, &report_sender, bell);
        let thread = std::thread::Builder::new().name("log-sync".to_owned()).spawn(run)?;
        Ok(Self { orders: Some(orders), reports, wake, thread: Some(thread) })
    }

    /// Orders a flush; `false` if the thread is gone.
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

impl AsRawFd for Syncer {
    fn as_raw_fd(&self) -> RawFd {
        self.wake.as_raw_fd()
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the log-sync thread died");
        }
    }
}

fn run(orders: &Receiver<Order>, reports: &Sender<Report>, mut bell: UnixStream) {
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
            if reports.send(sync.sync().map(|()| done)).is_err() {
                return;
            }
            // A full socket is as good as one more octet in it.
            let _full = bell.write(&[1]);
        }
    }
}
