//! Asks the router again about messages that its hint should have brought it.

use super::run::{Process, ROUTER};
use farm::channel::Channel;
use farm::skeleton::Rendezvous;
use ipc::Role;
use ipc::routing::{FromRouter, Question};
use ipc::supervisor::ChildNumber;

/// Questions per turn.
const QUESTIONS: usize = 100;

/// Octets of questions that may wait for a router that does not read.
const BACKLOG: usize = 64 << 10;

/// Milliseconds until a router that is gone is called again, and between two looks at what is due.
const PAUSE: u64 = 1_000;

/// The way to the router.
#[derive(Debug)]
pub(super) struct Router {
    rendezvous: Rendezvous,
    number: ChildNumber,
    link: Option<Channel<Question, FromRouter>>,
    not_before: u64,
}

impl Router {
    /// Nothing is said before there is something to ask.
    pub(super) fn new(rendezvous: Rendezvous, number: ChildNumber) -> Self {
        Self { rendezvous, number, link: None, not_before: 0 }
    }

    /// When something may be due, monotonic milliseconds.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        Some(self.not_before)
    }
}

impl Process {
    /// Asks what is due, once a second.
    pub(super) fn ask_router(&mut self) {
        let mono = self.scheduler.now.mono;
        if mono < self.router.not_before {
            return;
        }
        self.router.not_before = mono + PAUSE;
        if self.router.link.as_ref().is_some_and(|link| link.backlog() > BACKLOG) {
            return;
        }
        let due = self.scheduler.unrouted.due(mono, QUESTIONS);
        if due.is_empty() || !self.call_router() {
            return;
        }
        let Some(link) = &mut self.router.link else { return };
        let sent =
            due.into_iter().try_for_each(|(place, again)| link.send(&Question::Expand { place, again }));
        if let Err(error) = sent.and_then(|()| link.flush()) {
            log::warn!("router: {error}");
            self.hang_up();
        }
    }

    fn call_router(&mut self) -> bool {
        if self.router.link.is_some() {
            return true;
        }
        let link = match self.router.rendezvous.call(Role::Scheduler, self.router.number) {
            Ok(link) => link,
            Err(error) => {
                log::warn!("router: {error}");
                return false;
            }
        };
        if let Err(error) = self.event_loop.watch(&link, ROUTER) {
            log::warn!("router: {error}");
            return false;
        }
        self.router.link = Some(link);
        true
    }

    /// The router says which messages it does not try again; an expansion comes through the spool.
    pub(super) fn hear_router(&mut self) {
        let Some(link) = &mut self.router.link else { return };
        let flushed = link.flush();
        let (messages, ended) =
            link.receive().map_or((Vec::new(), true), |batch| (batch.messages, batch.ended));
        for received in messages {
            if let FromRouter::Quarantined { place } = received.message {
                self.scheduler.unrouted.quarantine(place);
            }
        }
        if ended || flushed.is_err() {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        if let Some(link) = self.router.link.take() {
            self.event_loop.forget(&link);
            self.scheduler.unrouted.end_quarantine();
        }
    }
}
