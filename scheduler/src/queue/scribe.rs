//! What waits behind a dead host is written into the log, although it was never tried: a restart reads the log much faster
//! than the segments.
//!
//! A message that comes while a thread is not open is written at once. Those that were there when it was shut follow some at
//! a time, and so do those of them that have become too old: a tick touches at most [`PIECE`] of either.

use super::message::Message;
use super::state::Queue;
use super::store::Key;
use super::thread::{Tap, Thread};
use super::vertex::{Step, Vertex};
use std::collections::VecDeque;

/// Messages written, or failed for their age, in one tick.
const PIECE: usize = 200;

/// What is still to be looked through.
#[derive(Debug, Default)]
pub(super) struct Scribe {
    /// Threads that were shut and are still to be written.
    shut: VecDeque<Key<Thread>>,
    /// The next vertex of the ready list that is being written.
    at: Option<Key<Vertex>>,
    /// Threads in which messages may be too old.
    aged: VecDeque<Key<Thread>>,
}

impl Scribe {
    /// There is something to do.
    pub(super) fn is_busy(&self) -> bool {
        self.at.is_some() || !self.shut.is_empty() || !self.aged.is_empty()
    }

    /// A thread that was open has been shut.
    pub(super) fn shut(&mut self, thread: Key<Thread>) {
        self.shut.push_back(thread);
    }

    /// A round of a thread has failed for all in it.
    pub(super) fn aged(&mut self, thread: Key<Thread>) {
        self.aged.push_back(thread);
    }

    /// A vertex leaves the ready list, in which `next` follows it.
    pub(super) fn pass(&mut self, vertex: Key<Vertex>, next: Option<Key<Vertex>>) {
        if self.at == Some(vertex) {
            self.at = next;
        }
    }
}

impl Queue {
    /// Goes on with what the scribe has to do.
    pub(super) fn write_on(&mut self) {
        for _ in 0..PIECE {
            match self.scribe.at {
                Some(vertex) => {
                    let Vertex { thread, message, next, .. } = self.vertices[vertex];
                    self.scribe.at = next.filter(|_| self.threads[thread].tap != Tap::Open);
                    if !self.messages[message].written {
                        self.record_waiting(vertex, false);
                    }
                }
                None => {
                    let Some(thread) = self.scribe.shut.pop_front() else { break };
                    let thread = self.threads.find(thread).filter(|thread| thread.tap != Tap::Open);
                    self.scribe.at = thread.and_then(|thread| thread.ready.head);
                }
            }
        }
        let mut left = PIECE;
        while let Some(&thread) = self.scribe.aged.front() {
            if self.threads.find(thread).is_some() {
                left -= self.expire_ready(thread, left);
                if left == 0 {
                    return;
                }
            }
            self.scribe.aged.pop_front();
        }
    }

    /// A message that has just come is written if it has to wait for a host that is dead.
    pub(super) fn write_if_shut(&mut self, message: Key<Message>) {
        self.write_vertices(message, |queue, vertex| queue.threads[vertex.thread].tap != Tap::Open);
    }

    /// A message that is held now is written if it was not before.
    pub(super) fn write_held(&mut self, message: Key<Message>) {
        self.write_vertices(message, |_, vertex| vertex.step == Step::Held);
    }

    fn write_vertices(&mut self, message: Key<Message>, which: impl Fn(&Self, &Vertex) -> bool) {
        if self.messages[message].written {
            return;
        }
        let chosen = self.vertices_of(message).into_iter().filter(|&key| which(self, &self.vertices[key]));
        for vertex in chosen.collect::<Vec<_>>() {
            self.record_waiting(vertex, false);
        }
    }
}
