//! A thread that waits for the disk in place of a loop: orders go in, reports come out, and a descriptor tells when there
//! are some.
//!
//! What the orders mean is its owner's business. Dropping it waits until everything that was ordered is done.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// The handle of the thread.
#[derive(Debug)]
pub struct DiskThread<Order, Report> {
    name: &'static str,
    /// `None` once the thread has been told to end.
    orders: Option<Sender<Order>>,
    reports: Receiver<Report>,
    wake: UnixStream,
    handle: Option<JoinHandle<()>>,
}

/// The thread's own end: where its reports go.
#[derive(Debug)]
pub struct Desk<Report> {
    reports: Sender<Report>,
    bell: UnixStream,
}

impl<Order: Send + 'static, Report: Send + 'static> DiskThread<Order, Report> {
    /// Starts a thread of this name. It serves until there are no more orders, or nobody takes its reports.
    ///
    /// # Errors
    /// No thread or no socket can be made.
    pub fn start(
        name: &'static str,
        serve: impl FnOnce(Receiver<Order>, Desk<Report>) + Send + 'static,
    ) -> io::Result<Self> {
        let (wake, bell) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let (orders, order_receiver) = channel();
        let (report_sender, reports) = channel();
        let desk = Desk { reports: report_sender, bell };
        let handle =
            std::thread::Builder::new().name(name.to_owned()).spawn(move || serve(order_receiver, desk))?;
        Ok(Self { name, orders: Some(orders), reports, wake, handle: Some(handle) })
    }

    /// Gives an order.
    ///
    /// # Errors
    /// The order comes back if the thread is gone.
    pub fn order(&self, order: Order) -> Result<(), Order> {
        let Some(orders) = &self.orders else { return Err(order) };
        orders.send(order).map_err(|error| error.0)
    }

    /// The reports that are there.
    pub fn reports(&self) -> Vec<Report> {
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

impl<Report> Desk<Report> {
    /// Tells the owner; `false` if there is none any more.
    pub fn report(&mut self, report: Report) -> bool {
        if self.reports.send(report).is_err() {
            return false;
        }
        // A full socket is as good as one more octet in it.
        let _full = self.bell.write(&[1]);
        true
    }
}

impl<Order, Report> AsFd for DiskThread<Order, Report> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl<Order, Report> AsRawFd for DiskThread<Order, Report> {
    fn as_raw_fd(&self) -> RawFd {
        self.wake.as_raw_fd()
    }
}

impl<Order, Report> Drop for DiskThread<Order, Report> {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(handle) = self.handle.take()
            && handle.join().is_err()
        {
            log::error!("the {} thread died", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_done_in_turn_and_the_reports_ring() {
        let thread = DiskThread::start("double", |orders: Receiver<u32>, mut desk: Desk<u32>| {
            while let Ok(order) = orders.recv() {
                if !desk.report(order * 2) {
                    return;
                }
            }
        })
        .unwrap();
        (0..100).for_each(|order| thread.order(order).unwrap());
        thread.wake.set_nonblocking(false).unwrap();
        (&thread.wake).read_exact(&mut [0]).unwrap();
        thread.wake.set_nonblocking(true).unwrap();
        let mut reports = Vec::new();
        while reports.len() < 100 {
            reports.extend(thread.reports());
            std::thread::yield_now();
        }
        assert_eq!(reports, (0..100).map(|order| order * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_thread_that_has_ended_gives_the_order_back() {
        let thread = DiskThread::start("brief", |orders: Receiver<u32>, _: Desk<u32>| drop(orders)).unwrap();
        while thread.order(7).is_ok() {
            std::thread::yield_now();
        }
        assert_eq!(thread.order(8), Err(8));
    }
}
