//! How messages and clocks come in: new ones, those of before the restart, those that the spool moves.

use super::action::ThreadClock;
use super::agenda::Item;
use super::arrival::{Arrival, Hold, Leg};
use super::message::{Message, PackedId};
use super::ranks::Ranks;
use super::state::{End, Queue};
use super::store::Key;
use super::thread::{Tap, Thread};
use super::vertex::{List, Step, Vertex};
use proto::envelope::Route;
use proto::id::SpoolId;
use proto::place::Place;
use std::cmp::Reverse;

impl Queue {
    /// Where a message of the queue lies.
    pub fn place_of(&self, message: SpoolId) -> Option<Place> {
        self.ids.get(&message.into()).map(|&key| self.name_of(key).1)
    }

    /// The spool has moved a message.
    pub fn moved(&mut self, message: SpoolId, to: Place) -> bool {
        let Some(&key) = self.ids.get(&message.into()) else { return false };
        let entered = self.segments.enter(to.segment);
        let message = &mut self.messages[key];
        message.offset = to.offset;
        let left = std::mem::replace(&mut message.segment, entered);
        self.segments.leave(left);
        true
    }

    /// A message became durable. An id that is already here is the same message, and nothing happens; a message without an
    /// open recipient is finished at once.
    pub fn arrived(&mut self, arrival: Arrival, now: u64) -> bool {
        self.enter(arrival, false, now)
    }

    /// A message of before the restart, of which the log says that it waits; otherwise as [`arrived`](Self::arrived).
    ///
    /// A restored time is clamped to `now` plus the longest interval of the retry schedule.
    pub fn restored(&mut self, arrival: Arrival, now: u64) -> bool {
        self.enter(arrival, true, now)
    }

    fn enter(&mut self, arrival: Arrival, written: bool, now: u64) -> bool {
        let message = arrival.message;
        if !self.begin(arrival, written, now) {
            return false;
        }
        self.complete(message, now);
        true
    }

    /// A message comes in parts, because it goes to very many hosts: these are its first legs. More are added with
    /// [`add`](Self::add), and until [`complete`](Self::complete) it is not finished even if all so far are. `written` says
    /// that the log has all of it already.
    pub fn begin(&mut self, arrival: Arrival, written: bool, now: u64) -> bool {
        self.advance(now);
        let id = PackedId::from(arrival.message);
        if self.ids.contains_key(&id) {
            return false;
        }
        let segment = self.segments.enter(arrival.place.segment);
        let until = arrival.special.hold_until.filter(|until| *until > now);
        let message = self.messages.insert(Message {
            id,
            segment,
            offset: arrival.place.offset,
            received: arrival.received,
            first: None,
            open: 0,
            busy: 0,
            hold: arrival.hold.or(until.map(|_| Hold::Until)),
            notify: arrival.notify,
            removed: false,
            written,
        });
        self.ids.insert(id, message);
        self.growing.insert(message);
        self.note_special(message, arrival.special);
        self.await_warnings(message, written);
        self.add_vertices(message, arrival.legs);
        true
    }

    /// More legs of a message that was begun; false if it is not there.
    pub fn add(&mut self, message: SpoolId, legs: Vec<Leg>, now: u64) -> bool {
        self.advance(now);
        let Some(&key) = self.ids.get(&message.into()) else { return false };
        if self.messages[key].removed {
            return false;
        }
        self.add_vertices(key, legs);
        self.pump();
        true
    }

    /// All legs of a message are there.
    pub fn complete(&mut self, message: SpoolId, now: u64) {
        self.advance(now);
        let Some(&key) = self.ids.get(&message.into()) else { return };
        self.growing.remove(&key);
        if self.is_late(key) {
            self.return_late(key);
            if self.messages.find(key).is_none() {
                return self.pump();
            }
        }
        self.write_if_shut(key);
        if self.messages[key].hold == Some(Hold::Until) {
            self.note_until(key);
        }
        self.notify_if_quiet(key);
        self.finish_if_done(key);
        self.pump();
    }

    fn add_vertices(&mut self, message: Key<Message>, legs: Vec<Leg>) {
        let mut elder = None;
        for leg in legs {
            if leg.channel == Route::EXPANDED {
                self.expanded(message, &leg);
                continue;
            }
            elder = self.add_vertex(message, elder, leg).or(elder);
        }
    }

    /// Everything of before the restart is there: puts the messages of each thread in the order of priority and age.
    pub fn all_restored(&mut self) {
        for key in self.threads.keys() {
            let age = |&vertex: &Key<Vertex>| {
                (Reverse(self.priority(vertex)), self.messages[self.vertices[vertex].message].id)
            };
            let mut ready: Vec<_> = self.chain(self.threads[key].ready.head).collect();
            if ready.is_sorted_by_key(age) {
                continue;
            }
            ready.sort_by_key(age);
            let (mut list, mut ranks) = (List::default(), Ranks::default());
            for vertex in ready {
                let rank = (self.priority(vertex), End::Back);
                ranks.push(&mut list, &mut self.vertices, vertex, rank);
            }
            (self.threads[key].ready, self.threads[key].ranks) = (list, ranks);
        }
    }

    /// Nothing is handed out yet.
    pub fn is_starting(&self, now: u64) -> bool {
        now < self.start
    }

    /// Nothing is handed out before this time (UTC milliseconds) after all.
    pub fn start_at(&mut self, start: u64) {
        self.agenda.remove(self.start, Item::Start);
        self.start = start;
        self.agenda.add(start, Item::Start);
    }

    fn add_vertex(
        &mut self,
        message: Key<Message>,
        elder: Option<Key<Vertex>>,
        leg: Leg,
    ) -> Option<Key<Vertex>> {
        let recipients = self.recipients.pack(leg.recipients);
        let count = self.recipients.count(recipients);
        if count == 0 {
            return None;
        }
        let thread = self.obtain_thread(&leg.channel, &leg.host);
        let reason = leg.last.map(|last| self.reasons.remember(&last));
        let key = self.vertices.insert(Vertex {
            message,
            thread,
            elder,
            younger: None,
            previous: None,
            next: None,
            recipients,
            reason,
            due: leg.due.unwrap_or(0).min(self.now + self.schedule(thread).longest()),
            attempts: leg.attempts,
            kills: 0,
            step: Step::Held,
        });
        // Later parts of a message stand in front of earlier ones: the end of its chain is far.
        let younger = match elder {
            Some(elder) => self.vertices[elder].younger.replace(key),
            None => self.messages[message].first.replace(key),
        };
        self.vertices[key].younger = younger;
        if let Some(younger) = younger {
            self.vertices[younger].elder = Some(key);
        }
        let message = &mut self.messages[message];
        message.open += count;
        message.busy += u32::from(leg.attempts == 0);
        self.counters.accepted += u64::from(count);
        self.counters.waiting += u64::from(count);
        if message.hold.is_some() {
            self.place_held(key);
        } else if leg.due.is_some_and(|due| due > self.now) {
            self.place_own(key);
        } else {
            self.place_ready(key, End::Back);
        }
        Some(key)
    }

    fn obtain_thread(&mut self, channel: &str, host: &str) -> Key<Thread> {
        let channel = self.channels.obtain(channel);
        if let Some(name) = self.hosts.find(host)
            && let Some(&thread) = self.thread_index.get(&(channel, name))
        {
            return thread;
        }
        let name = self.hosts.intern(host);
        let group = self.channels.at(channel).group(host);
        let frozen = self.frozen.contains(host);
        let thread = self.threads.insert(Thread::new(channel, name, group, frozen));
        self.thread_index.insert((channel, name), thread);
        if !self.clocks.is_empty() {
            let names = self.names_of(thread);
            if let Some(clock) = self.clocks.remove(&names) {
                self.set_clock(thread, &clock);
            }
        }
        thread
    }

    /// Restores the clock of a thread; to be called after the messages. If no message waits in it, the clock is kept for
    /// one that comes later: it may lie in a segment that is still to be read.
    pub fn restore_clock(&mut self, clock: &ThreadClock, now: u64) {
        self.advance(now);
        if clock.attempts == 0 {
            return;
        }
        if let Some(key) = self.find_thread(&clock.channel, &clock.host) {
            self.set_clock(key, clock);
        } else if self.clocks.len() < CLOCKS && clock.retry_at.saturating_add(STALE) > now {
            self.clocks.insert((clock.channel.clone(), clock.host.clone()), clock.clone());
        }
    }

    fn set_clock(&mut self, key: Key<Thread>, clock: &ThreadClock) {
        if self.threads[key].tap != Tap::Open {
            return;
        }
        let reason = clock.last.as_ref().map(|last| self.reasons.remember(last));
        let retry_at = clock.retry_at.min(self.now + self.schedule(key).longest());
        let thread = &mut self.threads[key];
        thread.attempts = clock.attempts;
        thread.reason = reason;
        thread.tap = Tap::Shut;
        thread.retry_at = retry_at;
        thread.round = thread.round.wrapping_add(1);
        self.agenda.add(retry_at, Item::Thread(key));
    }
}

/// So many clocks are kept for threads that are not there.
const CLOCKS: usize = 65_536;

/// So long after its time a clock says nothing any more, in milliseconds.
pub(super) const STALE: u64 = 3_600_000;
