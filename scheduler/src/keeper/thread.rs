//! The thread that waits for the disk while segments are looked into, copied from and removed.
//!
//! It does one order after the other. It decides nothing: what is wanted and what is finished the scheduler knows.

use proto::id::SpoolId;
use spool::{Copied, Desk, DiskThread, Keeper, Kept, SpoolError, Survey};
use std::io;
use std::sync::mpsc::Receiver;

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
pub(super) type Thread = DiskThread<Order, Report>;

/// Starts the thread.
pub(super) fn start(keeper: Keeper) -> io::Result<Thread> {
    DiskThread::start("keeper", |orders, desk| run(keeper, &orders, desk))
}

fn run(mut keeper: Keeper, orders: &Receiver<Order>, mut desk: Desk<Report>) {
    while let Ok(order) = orders.recv() {
        let report = obey(&mut keeper, order);
        if report.is_some_and(|report| !desk.report(report)) {
            return;
        }
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
