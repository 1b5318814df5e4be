//! Connections in the hands of the master: watched, each with the reason why it is held.
//!
//! Invariant: who is in here is watched by the loop under its place, and forgotten by it when it is taken out.

use farm::event_loop::EventLoop;
use farm::timers::Timers;
use ipc::smtp_worker::Connection;
use slab::Slab;
use std::collections::HashMap;
use std::io;
use std::net::TcpStream;

/// Why a connection is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// A balancer must name the client first.
    Header,
    /// Its client is under examination, or in the tarpit.
    Examined,
    /// It is turned away; what was said to it is still on its way.
    Lingering,
}

/// A connection that is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) connection: Connection,
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
}

/// All connections that are held.
#[derive(Debug)]
pub(super) struct HeldSet {
    held: Slab<Held>,
    places: HashMap<u64, usize>,
    timers: Timers<usize>,
    lingering: usize,
    /// The loop's token of place 0.
    first_token: usize,
}

/// Connections that linger at once; beyond, they are closed at once.
const MOST_LINGERING: usize = 256;

impl HeldSet {
    pub(super) fn new(first_token: usize) -> Self {
        let (held, places, timers) = (Slab::new(), HashMap::new(), Timers::new());
        Self { held, places, timers, lingering: 0, first_token }
    }

    /// The place that a token of the loop is for.
    pub(super) fn place(&self, token: usize) -> usize {
        token.wrapping_sub(self.first_token)
    }

    /// Watches a connection, until `by` if it has a deadline of its own.
    ///
    /// # Errors
    /// The loop takes no more; the connection is closed.
    pub(super) fn hold(&mut self, event_loop: &EventLoop, held: Held, by: Option<u64>) -> io::Result<()> {
        held.stream.set_nonblocking(true)?;
        let entry = self.held.vacant_entry();
        let place = entry.key();
        event_loop.watch_readable(&held.stream, self.first_token + place)?;
        if let Some(by) = by {
            self.timers.set(place, by);
        }
        if held.stage == Stage::Lingering {
            self.lingering += 1;
        } else {
            self.places.insert(held.connection.session, place);
        }
        entry.insert(held);
        Ok(())
    }

    /// How many are held.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// One more may linger.
    pub(super) fn may_linger(&self) -> bool {
        self.lingering < MOST_LINGERING
    }

    /// The connection in this place.
    pub(super) fn get(&self, place: usize) -> Option<&Held> {
        self.held.get(place)
    }

    /// Takes out the connection in this place.
    pub(super) fn take(&mut self, event_loop: &EventLoop, place: usize) -> Option<Held> {
        let held = self.held.try_remove(place)?;
        event_loop.forget(&held.stream);
        self.timers.cancel(place);
        if held.stage == Stage::Lingering {
            self.lingering -= 1;
        } else {
            self.places.remove(&held.connection.session);
        }
        Some(held)
    }

    /// Takes out the connection of this session.
    pub(super) fn take_session(&mut self, event_loop: &EventLoop, session: u64) -> Option<Held> {
        let place = self.places.get(&session).copied()?;
        self.take(event_loop, place)
    }

    /// Takes out one connection whose own deadline is over.
    pub(super) fn due(&mut self, event_loop: &EventLoop, now: u64) -> Option<Held> {
        let place = self.timers.due(now)?;
        self.take(event_loop, place)
    }

    /// When the first deadline is.
    pub(super) fn next_deadline(&mut self) -> Option<u64> {
        self.timers.next_at()
    }

    /// Takes out all of them.
    pub(super) fn take_all(&mut self, event_loop: &EventLoop) -> Vec<Held> {
        let places: Vec<usize> = self.held.iter().map(|(place, _)| place).collect();
        places.into_iter().filter_map(|place| self.take(event_loop, place)).collect()
    }
}
