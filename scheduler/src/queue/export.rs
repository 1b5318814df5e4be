//! The whole state as arrivals and clocks, for a checkpoint of the log; giving them to a new queue restores it.

use super::action::ThreadClock;
use super::admission::Channel;
use super::arrival::{Arrival, Hold, Leg};
use super::intake::STALE;
use super::message::{Message, PackedId};
use super::names::Name;
use super::notices::End;
use super::state::Queue;
use super::store::Key;
use super::thread::{Tap, Thread};
use super::vertex::{Step, Vertex};
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::HashMap;
use std::ops::Bound;

/// How far the threads have been gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark((Key<Channel>, Name));

impl Queue {
    /// Every message, oldest first. Failures that no notice has reported yet are open, as they are on disk; an attempt
    /// that is under way does not count.
    pub fn export(&self) -> impl Iterator<Item = Arrival> {
        self.ids.values().map(|&key| self.export_message(key))
    }

    /// One message, as [`export`](Self::export) gives it.
    pub fn arrival_of(&self, message: SpoolId) -> Option<Arrival> {
        self.ids.get(&message.into()).map(|&key| self.export_message(key))
    }

    /// The first message after that one, oldest first: its id, where it lies, and why it is held, if not by its sender.
    pub fn message_after(&self, after: Option<SpoolId>) -> Option<(SpoolId, Place, Option<Hold>)> {
        let begin = after.map_or(Bound::Unbounded, |id| Bound::Excluded(PackedId::from(id)));
        let (_, &key) = self.ids.range((begin, Bound::Unbounded)).next()?;
        let (id, place) = self.name_of(key);
        Some((id, place, self.messages[key].hold.filter(|hold| *hold != Hold::Until)))
    }

    /// The clocks of up to `limit` threads after a mark; with the mark after which to go on, `None` at the end.
    pub fn clocks_after(&self, after: Option<Mark>, limit: usize) -> (Vec<ThreadClock>, Option<Mark>) {
        let begin = after.map_or(Bound::Unbounded, |Mark(key)| Bound::Excluded(key));
        let part = self.thread_index.range((begin, Bound::Unbounded)).take(limit);
        let (mut clocks, mut looked, mut last) = (Vec::new(), 0, None);
        for (&mark, &key) in part {
            (looked, last) = (looked + 1, Some(Mark(mark)));
            let thread = &self.threads[key];
            if thread.tap != Tap::Open {
                clocks.push(self.export_clock(key, thread));
            }
        }
        (clocks, last.filter(|_| looked == limit))
    }

    /// The clocks that are kept for threads which are not there.
    pub fn kept_clocks(&self) -> impl Iterator<Item = &ThreadClock> {
        self.clocks.values().filter(|clock| clock.retry_at.saturating_add(STALE) > self.now)
    }

    /// The clocks of all threads that have failed.
    pub fn clocks(&self) -> impl Iterator<Item = ThreadClock> {
        let failing = self.threads.iter().filter(|(_, thread)| thread.tap != Tap::Open);
        let failing = failing.map(|(key, thread)| self.export_clock(key, thread));
        failing.chain(self.kept_clocks().cloned())
    }

    fn export_clock(&self, key: Key<Thread>, thread: &Thread) -> ThreadClock {
        let (channel, host) = self.names_of(key);
        let last = thread.reason.map(|reason| self.reasons.value(reason).disposition(Outcome::HostDeferred));
        ThreadClock { channel, host, attempts: thread.attempts, retry_at: thread.retry_at, last }
    }

    fn export_message(&self, key: Key<Message>) -> Arrival {
        let (id, place) = self.name_of(key);
        let mut legs: Vec<Leg> =
            self.vertices_of(key).into_iter().map(|key| self.export_vertex(key)).collect();
        if let Some(pending) = self.pending.get(&key) {
            reopen(&mut legs, &pending.ends);
        }
        for leg in &mut legs {
            leg.recipients.sort_unstable();
        }
        let message = &self.messages[key];
        Arrival {
            message: id,
            place,
            received: message.received,
            notify: message.notify,
            hold: message.hold.filter(|hold| *hold != Hold::Until),
            special: self.specials.of(key),
            legs,
        }
    }

    fn export_vertex(&self, key: Key<Vertex>) -> Leg {
        let vertex = &self.vertices[key];
        let (channel, host) = self.names_of(vertex.thread);
        let under_way = u16::from(vertex.step == Step::InFlight);
        let said = |reason| -> Disposition { self.reasons.value(reason).disposition(Outcome::Deferred) };
        Leg {
            channel: (&*channel).into(),
            host: (&*host).into(),
            recipients: self.recipients.list(vertex.recipients),
            attempts: vertex.attempts.saturating_sub(under_way),
            due: (vertex.step == Step::Own).then_some(vertex.due),
            last: vertex.reason.map(said),
        }
    }
}

/// Adds recipients whose end no notice has reported yet to the legs that they belong to.
fn reopen(legs: &mut Vec<Leg>, ends: &[End]) {
    let name = |leg: &Leg| (leg.channel.clone(), leg.host.clone());
    let mut known: HashMap<_, _> = legs.iter().map(name).zip(0..).collect();
    for end in ends {
        let at = *known.entry(((*end.channel).into(), (*end.host).into())).or_insert(legs.len());
        match legs.get_mut(at) {
            Some(leg) => leg.recipients.push(end.index),
            None => legs.push(Leg {
                last: Some(end.disposition.clone()),
                attempts: 1,
                ..Leg::fresh(&end.channel, &end.host, vec![end.index])
            }),
        }
    }
}
