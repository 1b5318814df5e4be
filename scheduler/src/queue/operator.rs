//! What the operator can order. Each order says how much it changed.

use super::action::{Action, Record};
use super::agenda::Item;
use super::arrival::Hold;
use super::policy::Policy;
use super::state::{End, Queue};
use super::store::Key;
use super::thread::{Queued, Tap, Thread};
use super::vertex::{Step, Vertex};
use proto::id::SpoolId;
use std::collections::BTreeSet;

/// How much an order changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// Messages.
    pub messages: usize,
    /// Recipients of them.
    pub recipients: usize,
}

impl Queue {
    /// Makes everything that waits for this host, on whichever channel, ready now. A host that was dead is probed first.
    pub fn retry_host(&mut self, host: &str, now: u64) -> Changed {
        self.advance(now);
        let threads = self.threads_for(host);
        self.retry_threads(&threads)
    }

    /// Makes everything that waits ready now.
    pub fn retry_all(&mut self, now: u64) -> Changed {
        self.advance(now);
        let threads = self.threads.keys();
        self.retry_threads(&threads)
    }

    fn retry_threads(&mut self, threads: &[Key<Thread>]) -> Changed {
        let mut messages = BTreeSet::new();
        let mut changed = Changed::default();
        for &key in threads {
            let mut waiting = Vec::new();
            if self.threads[key].tap == Tap::Shut {
                waiting.extend(self.chain(self.threads[key].ready.head));
                self.unshut(key);
            }
            let own: Vec<_> = self.chain(self.threads[key].own.head).collect();
            for &vertex in own.iter().rev() {
                self.lift(vertex);
                self.place_ready(vertex, End::Front);
            }
            waiting.extend(own);
            for vertex in waiting {
                messages.insert(self.vertices[vertex].message);
                changed.recipients += self.recipients.count(self.vertices[vertex].recipients) as usize;
            }
        }
        changed.messages = messages.len();
        self.pump();
        changed
    }

    /// Makes one message ready now, in front of the others; where the host was dead, it is the probe.
    pub fn retry_message(&mut self, message: SpoolId, now: u64) -> Changed {
        self.advance(now);
        let Some(&message) = self.ids.get(&message.into()) else { return Changed::default() };
        let mut changed = Changed::default();
        for key in self.vertices_of(message) {
            let Vertex { step, thread, recipients, .. } = self.vertices[key];
            let shut = self.threads[thread].tap == Tap::Shut;
            if step == Step::Own || step == Step::Ready && shut {
                self.lift(key);
                if shut {
                    self.unshut(thread);
                }
                self.place_ready(key, End::Front);
                changed.messages = 1;
                changed.recipients += self.recipients.count(recipients) as usize;
            }
        }
        self.pump();
        changed
    }

    /// Lets a shut thread probe now; its count of failures stays.
    fn unshut(&mut self, key: Key<Thread>) {
        let retry_at = self.threads[key].retry_at;
        self.agenda.remove(retry_at, Item::Thread(key));
        self.threads[key].tap = Tap::Due;
        self.offer(key);
    }

    /// Keeps a message from being delivered until it is released. What is in flight comes to its end first.
    pub fn hold(&mut self, message: SpoolId, now: u64) -> Changed {
        self.hold_for(message, Hold::Operator, now)
    }

    /// As [`hold`](Self::hold), for another reason.
    pub fn hold_for(&mut self, message: SpoolId, why: Hold, now: u64) -> Changed {
        self.advance(now);
        let Some(&key) = self.ids.get(&message.into()) else { return Changed::default() };
        if self.messages[key].hold.is_some_and(|hold| hold != Hold::Until) {
            return Changed::default();
        }
        self.messages[key].hold = Some(why);
        for vertex in self.vertices_of(key) {
            self.set_aside(vertex);
        }
        let (message, place) = self.name_of(key);
        self.actions.push_back(Action::Record(Record::Held { message, place, hold: why }));
        self.write_held(key);
        self.pump();
        Changed { messages: 1, recipients: self.messages[key].open as usize }
    }

    /// Holds a vertex unless it is in flight.
    pub(super) fn set_aside(&mut self, key: Key<Vertex>) {
        if matches!(self.vertices[key].step, Step::Ready | Step::Own) {
            self.lift(key);
            self.place_held(key);
        }
    }

    /// Releases a held message: it is ready again, with a clean record of agents that died.
    pub fn release(&mut self, message: SpoolId, now: u64) -> Changed {
        self.advance(now);
        let Some(&key) = self.ids.get(&message.into()) else { return Changed::default() };
        let Some(by) = self.messages[key].hold.take() else { return Changed::default() };
        self.cut_short(key);
        for vertex in self.vertices_of(key) {
            self.vertices[vertex].kills = 0;
            if self.vertices[vertex].step == Step::Held {
                self.lift(vertex);
                self.place_ready(vertex, End::Back);
            }
        }
        let (message, place) = self.name_of(key);
        self.actions.push_back(Action::Record(Record::Released { message, place, by }));
        let changed = Changed { messages: 1, recipients: self.messages[key].open as usize };
        if self.is_late(key) {
            self.return_late(key);
        }
        self.pump();
        changed
    }

    /// Discards a message without a notice. What is in flight may still be delivered; if it is not, it is discarded then.
    pub fn remove(&mut self, message: SpoolId, now: u64) -> Changed {
        self.advance(now);
        let Some(&key) = self.ids.get(&message.into()) else { return Changed::default() };
        if self.messages[key].removed {
            return Changed::default();
        }
        let recipients = self.messages[key].open as usize;
        self.messages[key].removed = true;
        for vertex in self.vertices_of(key) {
            if self.vertices[vertex].step != Step::InFlight {
                self.lift(vertex);
                self.messages[key].busy -= u32::from(self.vertices[vertex].attempts == 0);
                self.discard(vertex);
            }
        }
        self.finish_if_done(key);
        self.pump();
        Changed { messages: 1, recipients }
    }

    /// Discards the recipients of a vertex that is in no list.
    pub(super) fn discard(&mut self, key: Key<Vertex>) {
        let (message, place) = self.name_of(self.vertices[key].message);
        let recipients = self.take_recipients(key);
        self.counters.removed += u64::try_from(recipients.len()).unwrap_or_default();
        self.actions.push_back(Action::Record(Record::Removed { message, place, recipients }));
        self.drop_vertex(key);
    }

    /// Stops or resumes all delivery to a host, on every channel, whether anything waits for it now or comes later.
    pub fn freeze(&mut self, host: &str, frozen: bool, now: u64) -> Changed {
        self.advance(now);
        if frozen {
            self.frozen.insert(host.into());
        } else {
            self.frozen.remove(host);
        }
        let mut changed = Changed::default();
        for key in self.threads_for(host) {
            if self.threads[key].frozen != frozen {
                self.threads[key].frozen = frozen;
                self.offer(key);
                let lists = [self.threads[key].ready.head, self.threads[key].own.head];
                for vertex in lists.into_iter().flat_map(|head| self.chain(head)) {
                    changed.messages += 1;
                    changed.recipients += self.recipients.count(self.vertices[vertex].recipients) as usize;
                }
            }
        }
        self.pump();
        changed
    }

    fn threads_for(&self, host: &str) -> Vec<Key<Thread>> {
        let Some(name) = self.hosts.find(host) else { return Vec::new() };
        let channels = self.channels.keys().into_iter();
        channels.filter_map(|channel| self.thread_index.get(&(channel, name)).copied()).collect()
    }

    /// The vertices of a list from its head on.
    pub(super) fn chain(&self, head: Option<Key<Vertex>>) -> impl Iterator<Item = Key<Vertex>> {
        std::iter::successors(head, |&key| self.vertices[key].next)
    }

    /// Takes over a new configuration. What is in flight stays so, even above a new limit; clocks that run are not
    /// rewound.
    pub fn reconfigure(&mut self, policy: Policy, now: u64) {
        self.advance(now);
        self.channels.reconfigure(&policy.channels);
        self.policy = policy;
        for key in self.threads.keys() {
            let host = self.hosts.value(self.threads[key].host).clone();
            let thread = &mut self.threads[key];
            thread.group = self.channels.at(thread.channel).group(&host);
            self.channels.groups[thread.group].in_flight += thread.in_flight;
            if thread.queued == Queued::Blocked {
                thread.queued = Queued::No;
            }
            self.offer(key);
        }
        self.pump();
    }
}
