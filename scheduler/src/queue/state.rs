//! The queue itself: its structures, and how messages come in and go out.

use super::action::{Action, Record, ThreadClock};
use super::admission::{Channel, Channels};
use super::agenda::{Agenda, Item};
use super::agents::{Agents, Job};
use super::alarms::Alarms;
use super::message::{Message, PackedId, Segments};
use super::names::{Name, Names, Words};
use super::notices::Pending;
use super::policy::Policy;
use super::retry;
use super::scribe::Scribe;
use super::settle::PROBES;
use super::special::Specials;
use super::store::{Key, Store};
use super::thread::{Queued, Tap, Thread};
use super::vertex::{RecipientLists, Recipients, Step, Vertex};
use super::warnings::Warnings;
use super::{JobId, Schedule};
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// All that waits and all that is in flight.
///
/// Every input takes `now`, UTC milliseconds; after each, [`poll_action`](Self::poll_action) gives what is to be done.
#[derive(Debug)]
pub struct Queue {
    pub(super) policy: Policy,
    pub(super) now: u64,
    pub(super) start: u64,
    pub(super) ids: BTreeMap<PackedId, Key<Message>>,
    pub(super) messages: Store<Message>,
    pub(super) segments: Segments,
    pub(super) vertices: Store<Vertex>,
    pub(super) recipients: RecipientLists,
    pub(super) threads: Store<Thread>,
    pub(super) thread_index: BTreeMap<(Key<Channel>, Name), Key<Thread>>,
    pub(super) hosts: Names<str>,
    pub(super) reasons: Names<Words>,
    pub(super) channels: Channels,
    /// The channel that was served last, in the order of their keys.
    pub(super) turn: usize,
    pub(super) agents: Agents,
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) next_job: u64,
    pub(super) agenda: Agenda,
    pub(super) alarms: Alarms,
    pub(super) scribe: Scribe,
    pub(super) specials: Specials,
    pub(super) warnings: Warnings,
    pub(super) pending: HashMap<Key<Message>, Pending>,
    pub(super) frozen: BTreeSet<Box<str>>,
    /// Messages of which more parts are to come.
    pub(super) growing: BTreeSet<Key<Message>>,
    /// Restored clocks of threads that no message has come for yet, by channel and host.
    pub(super) clocks: HashMap<(Arc<str>, Arc<str>), ThreadClock>,
    pub(super) counters: Counters,
    pub(super) actions: VecDeque<Action>,
}

/// Recipients since the queue was made. At every instant, accepted = delivered + failed + removed + waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Came in.
    pub accepted: u64,
    /// Delivered.
    pub delivered: u64,
    /// Failed for good.
    pub failed: u64,
    /// Discarded by an operator.
    pub removed: u64,
    /// Wait or are in flight.
    pub waiting: u64,
}

impl Queue {
    /// An empty queue that hands out nothing before `start`, UTC milliseconds, so that agents which outlived the last
    /// scheduler can report first.
    pub fn new(policy: Policy, start: u64) -> Self {
        let mut agenda = Agenda::default();
        agenda.add(start, Item::Start);
        Self {
            channels: Channels::new(&policy.channels),
            turn: 0,
            policy,
            now: 0,
            start,
            ids: BTreeMap::new(),
            messages: Store::new(),
            segments: Segments::new(),
            vertices: Store::new(),
            recipients: RecipientLists::new(),
            threads: Store::new(),
            thread_index: BTreeMap::new(),
            hosts: Names::new(),
            reasons: Names::new(),
            agents: Agents::default(),
            jobs: BTreeMap::new(),
            next_job: 1,
            agenda,
            alarms: Alarms::default(),
            scribe: Scribe::default(),
            specials: Specials::default(),
            warnings: Warnings::default(),
            pending: HashMap::new(),
            frozen: BTreeSet::new(),
            growing: BTreeSet::new(),
            clocks: HashMap::new(),
            counters: Counters::default(),
            actions: VecDeque::new(),
        }
    }

    /// The next thing to do, in order.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            // A list that was settled at once leaves room for a hundred thousand.
            self.actions.shrink_to(ACTIONS);
        }
        action
    }

    /// There is nothing to do.
    pub fn is_quiet(&self) -> bool {
        self.actions.is_empty()
    }

    /// When [`tick`](Self::tick) must be called next, UTC milliseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let more = self.scribe.is_busy().then_some(self.now);
        let fixed = [self.agenda.first(), self.alarms.first(), self.next_warning()];
        fixed.into_iter().flatten().chain(more).min()
    }

    /// How many more messages may be loaded; above the high-water mark the shell leaves them in their segments.
    pub fn room(&self) -> usize {
        self.policy.high_water.saturating_sub(self.messages.len())
    }

    /// How many messages of the queue lie in a segment: at 0 every record of it that was loaded is finished.
    pub fn live_in(&self, segment: SpoolId) -> u32 {
        self.segments.live(segment)
    }

    /// A small number that no other message in the queue has at the time.
    pub fn number(&self, message: SpoolId) -> Option<usize> {
        self.ids.get(&message.into()).map(|key| key.index())
    }

    /// Whether the message is in the queue.
    pub fn contains(&self, message: SpoolId) -> bool {
        self.ids.contains_key(&message.into())
    }

    /// How many recipients of a message wait or are in flight.
    pub fn open(&self, message: SpoolId) -> u32 {
        self.ids.get(&message.into()).map_or(0, |&key| self.messages[key].open)
    }

    pub(super) fn find_thread(&self, channel: &str, host: &str) -> Option<Key<Thread>> {
        let key = (self.channels.find(channel)?, self.hosts.find(host)?);
        self.thread_index.get(&key).copied()
    }

    pub(super) fn schedule(&self, thread: Key<Thread>) -> &Schedule {
        &self.channels.groups[self.threads[thread].group].policy.retry
    }

    /// Puts a vertex that is in no list in the ready list of its thread.
    pub(super) fn place_ready(&mut self, key: Key<Vertex>, end: End) {
        self.vertices[key].step = Step::Ready;
        let priority = self.priority(key);
        let key_of_thread = self.vertices[key].thread;
        let thread = &mut self.threads[key_of_thread];
        thread.ranks.push(&mut thread.ready, &mut self.vertices, key, (priority, end));
        self.offer(key_of_thread);
    }

    /// The priority of a vertex: that of its message. One that has failed often has none any more, so that it does not stand
    /// in front of a host that chokes on it alone.
    pub(super) fn priority(&self, key: Key<Vertex>) -> i8 {
        if self.specials.is_empty() {
            return 0;
        }
        let Vertex { message, attempts, .. } = self.vertices[key];
        let priority = self.specials.of(message).priority;
        if attempts < PROBES { priority } else { priority.min(0) }
    }

    /// Lets a vertex that is in no list wait for its own time.
    pub(super) fn place_own(&mut self, key: Key<Vertex>) {
        self.vertices[key].step = Step::Own;
        self.alarms.set(self.vertices[key].due, key);
        let thread = self.vertices[key].thread;
        self.threads[thread].own.push_back(&mut self.vertices, key);
    }

    /// Sets a vertex that is in no list aside until it is released.
    pub(super) fn place_held(&mut self, key: Key<Vertex>) {
        self.vertices[key].step = Step::Held;
        let thread = self.vertices[key].thread;
        self.threads[thread].held += 1;
    }

    /// Takes a vertex that is not in flight out of the list it stands in.
    pub(super) fn lift(&mut self, key: Key<Vertex>) {
        let Vertex { step, thread, next, .. } = self.vertices[key];
        let priority = self.priority(key);
        let thread = &mut self.threads[thread];
        match step {
            Step::Ready => {
                self.scribe.pass(key, next);
                thread.ranks.unlink(&mut thread.ready, &mut self.vertices, key, priority);
            }
            Step::Own => thread.own.unlink(&mut self.vertices, key),
            Step::Held => thread.held -= 1,
            Step::InFlight => {}
        }
    }

    /// Forgets a vertex that is in no list; its recipients have been accounted for.
    pub(super) fn drop_vertex(&mut self, key: Key<Vertex>) {
        let Some(vertex) = self.vertices.remove(key) else { return };
        self.recipients.drop(vertex.recipients);
        if let Some(reason) = vertex.reason {
            self.reasons.release(reason);
        }
        match vertex.elder {
            Some(elder) => self.vertices[elder].younger = vertex.younger,
            None => self.messages[vertex.message].first = vertex.younger,
        }
        if let Some(younger) = vertex.younger {
            self.vertices[younger].elder = vertex.elder;
        }
        self.reap(vertex.thread);
    }

    /// Forgets a thread without vertices, with its clock.
    pub(super) fn reap(&mut self, key: Key<Thread>) {
        let Some(thread) = self.threads.find(key) else { return };
        if !thread.empty() || matches!(thread.queued, Queued::Ring | Queued::Blocked) {
            return;
        }
        let Some(thread) = self.threads.remove(key) else { return };
        if thread.tap == Tap::Shut {
            self.agenda.remove(thread.retry_at, Item::Thread(key));
        }
        if thread.attempts > 0 {
            let (channel, host) =
                (self.channels.at(thread.channel).name.clone(), self.hosts.value(thread.host));
            let clock = ThreadClock { channel, host: host.clone(), attempts: 0, retry_at: 0, last: None };
            self.actions.push_back(Action::Record(Record::Thread(clock)));
        }
        if let Some(reason) = thread.reason {
            self.reasons.release(reason);
        }
        self.thread_index.remove(&(thread.channel, thread.host));
        self.hosts.release(thread.host);
    }

    /// Finishes a message all of whose vertices are gone.
    pub(super) fn finish_if_done(&mut self, key: Key<Message>) {
        let removed = self.messages[key].removed;
        if self.messages[key].first.is_some() || self.growing.contains(&key) && !removed {
            return;
        }
        self.growing.remove(&key);
        self.notify(key);
        self.forget_special(key);
        let Some(message) = self.messages.remove(key) else { return };
        let place = self.segments.place(&message);
        self.segments.leave(message.segment);
        self.ids.remove(&message.id);
        self.actions.push_back(Action::Finished { message: message.id.into(), place });
    }

    /// The vertices of a message, oldest first.
    pub(super) fn vertices_of(&self, message: Key<Message>) -> Vec<Key<Vertex>> {
        std::iter::successors(self.messages[message].first, |&key| self.vertices[key].younger).collect()
    }

    /// Channel and host of a thread.
    pub(super) fn names_of(&self, thread: Key<Thread>) -> (Arc<str>, Arc<str>) {
        let thread = &self.threads[thread];
        (self.channels.at(thread.channel).name.clone(), self.hosts.value(thread.host).clone())
    }

    /// Id and place of a message.
    pub(super) fn name_of(&self, message: Key<Message>) -> (SpoolId, Place) {
        let message = &self.messages[message];
        (message.id.into(), self.segments.place(message))
    }

    /// A number for a message, for jitter.
    pub(super) fn message_salt(&self, message: Key<Message>) -> u64 {
        let id = u128::from(SpoolId::from(self.messages[message].id));
        let (high, low) = (id >> 64, id & u128::from(u64::MAX));
        let [high, low] = [high, low].map(|half| u64::try_from(half).unwrap_or_default());
        retry::mix(self.policy.seed ^ high) ^ low
    }

    /// Takes recipients out of the books of a vertex that keeps none.
    pub(super) fn take_recipients(&mut self, key: Key<Vertex>) -> Vec<u32> {
        let recipients = std::mem::replace(&mut self.vertices[key].recipients, Recipients::None);
        let list = self.recipients.list(recipients);
        self.recipients.drop(recipients);
        let count = u32::try_from(list.len()).unwrap_or(u32::MAX);
        self.messages[self.vertices[key].message].open -= count;
        self.counters.waiting -= u64::from(count);
        list
    }
}

/// Room for actions that is kept.
const ACTIONS: usize = 4_096;

/// An end of a list or of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Goes next.
    Front,
    /// Goes last.
    Back,
}
