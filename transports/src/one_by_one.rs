//! A transport that finishes one recipient before it begins the next: for work that the process has to wait for.
//!
//! It works for a bounded time per turn, so that the scheduler and the supervisor are heard and results go out.

use crate::agent::{Settings, Ticket, Transport, Turn, Work};
use farm::clock;
use farm::event_loop::Ready;
use farm::profile::{self, Operation};
use ipc::agent::JobRecipient;
use proto::disposition::Disposition;
use std::collections::VecDeque;

/// What is done for one recipient.
pub trait Deliver {
    /// Does it, and says what came of it.
    fn deliver(&mut self, work: &Work, recipient: &JobRecipient, turn: &mut Turn<'_>) -> Disposition;

    /// The configuration has changed.
    fn reload(&mut self, settings: &Settings);
}

/// Jobs in a queue.
#[derive(Debug)]
pub struct OneByOne<D> {
    deliver: D,
    capacity: u32,
    queue: VecDeque<Work>,
}

impl<D: Deliver> OneByOne<D> {
    /// Nothing to do yet.
    pub fn new(deliver: D, settings: &Settings) -> Self {
        Self { deliver, capacity: settings.share(settings.channel.sessions), queue: VecDeque::new() }
    }
}

impl<D: Deliver> Transport for OneByOne<D> {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    fn take(&mut self, work: Work, _: &mut Turn<'_>) {
        self.queue.push_back(work);
    }

    fn ready(&mut self, _: Ready, _: &mut Turn<'_>) {}

    fn work(&mut self, turn: &mut Turn<'_>) -> bool {
        let begun = clock::microseconds();
        while let Some(work) = self.queue.pop_front() {
            for recipient in &work.job.recipients {
                let deliver = || self.deliver.deliver(&work, recipient, turn);
                let disposition = profile::timed(Operation::Deliver, deliver);
                turn.desk.settle(work.ticket, recipient.index, disposition);
            }
            if clock::microseconds().saturating_sub(begun) >= SLICE {
                break;
            }
        }
        !self.queue.is_empty()
    }

    fn deadline(&mut self) -> Option<u64> {
        None
    }

    fn abandon(&mut self, _: &mut Turn<'_>) -> Vec<Ticket> {
        self.queue.clear();
        Vec::new()
    }

    fn wind_up(&mut self, turn: &mut Turn<'_>) {
        for work in self.queue.drain(..) {
            turn.desk.forget(work.ticket);
        }
    }

    fn is_quiet(&self) -> bool {
        self.queue.is_empty()
    }

    fn reload(&mut self, settings: &Settings) {
        self.deliver.reload(settings);
    }
}

/// How long one turn may work, in microseconds; a job that was begun is finished.
const SLICE: u64 = 20_000;
