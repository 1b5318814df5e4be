//! Warnings: a sender is told that a message still waits, once for each age at which the administrator wants that.
//!
//! Ids are in the order of time, so each age has a cursor in the index of all messages, and a plain message costs nothing:
//! what the cursor passes is just old enough. Messages that wait from a later time on, or that come when the cursor
//! has passed them, stand in a list of their own.
//!
//! Source: RFC 3461 section 5.2.5 (delayed).

use super::action::{Action, Notice, Record, Telling};
use super::arrival::Hold;
use super::message::{Message, PackedId};
use super::state::Queue;
use super::store::Key;
use super::vertex::Vertex;
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use proto::status::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Messages looked at in one tick.
const PIECE: usize = 200;

/// Who has been told.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    /// By age in milliseconds: the newest message whose time has come.
    cursors: BTreeMap<u64, PackedId>,
    /// Time (UTC milliseconds), age and message of those that no cursor speaks for.
    others: BTreeSet<(u64, u64, PackedId)>,
}

impl Queue {
    /// All messages up to this one have had their warning of this age; for a restart, before any message.
    pub fn warned(&mut self, after: u64, up_to: SpoolId) {
        self.warnings.cursors.insert(after, up_to.into());
    }

    /// How far the warnings are: each age in milliseconds, with the newest message whose time has come.
    pub fn warnings(&self) -> impl Iterator<Item = (u64, SpoolId)> {
        self.warnings.cursors.iter().map(|(&after, &up_to)| (after, up_to.into()))
    }

    /// When the next message gets a warning, UTC milliseconds.
    pub(super) fn next_warning(&self) -> Option<u64> {
        let ages = self.policy.delay_warnings.iter();
        let soonest = ages.filter_map(|&after| {
            let (&id, _) = self.ids.range(self.unwarned(after)).next()?;
            Some(SpoolId::from(id).milliseconds().saturating_add(after))
        });
        soonest.chain(self.warnings.others.first().map(|&(due, ..)| due)).min()
    }

    fn unwarned(&self, after: u64) -> (Bound<PackedId>, Bound<PackedId>) {
        let passed = self.warnings.cursors.get(&after);
        (passed.map_or(Bound::Unbounded, |&id| Bound::Excluded(id)), Bound::Unbounded)
    }

    /// A message has come. `known` says that the log knew it: what the cursors have passed has been told then.
    pub(super) fn await_warnings(&mut self, message: Key<Message>, known: bool) {
        if self.policy.delay_warnings.is_empty() || !self.messages[message].notify {
            return;
        }
        let id = self.messages[message].id;
        let later = self.specials.of(message).hold_until.is_some();
        let since = self.since(message);
        let due: Vec<(u64, u64, PackedId)> = self
            .policy
            .delay_warnings
            .iter()
            .map(|&after| (since.saturating_add(after), after, id))
            .filter(|&(due, after, _)| {
                let passed = self.warnings.cursors.get(&after).is_some_and(|&cursor| id <= cursor);
                if known { later && due > self.now } else { later || passed }
            })
            .collect();
        self.warnings.others.extend(due);
    }

    /// Tells those whose time has come, some at a time.
    pub(super) fn warn_on(&mut self) {
        let ages = std::mem::take(&mut self.policy.delay_warnings);
        let mut left = self.warn_others(&ages, PIECE);
        for &after in &ages {
            left = self.warn_those_of(&ages, after, left);
        }
        self.policy.delay_warnings = ages;
    }

    /// Tells those that no cursor speaks for, `left` at most; gives how many are left then.
    fn warn_others(&mut self, ages: &[u64], mut left: usize) -> usize {
        while left > 0
            && let Some(&(due, after, id)) = self.warnings.others.first()
            && due <= self.now
        {
            left -= 1;
            self.warnings.others.remove(&(due, after, id));
            if let Some(&message) = self.ids.get(&id)
                && !is_older(ages, after, self.now.saturating_sub(due - after))
                && self.tell_delay(message, false)
            {
                // Otherwise a restart might begin with a cursor that has not passed it.
                self.record_warned(after);
            }
        }
        left
    }

    /// Goes on with one age, for `left` messages at most; gives how many are left then.
    fn warn_those_of(&mut self, ages: &[u64], after: u64, left: usize) -> usize {
        let now = self.now;
        let age = |id: PackedId| now.saturating_sub(SpoolId::from(id).milliseconds());
        let part = self.ids.range(self.unwarned(after)).take(left).take_while(|&(&id, _)| age(id) >= after);
        let part: Vec<(PackedId, Key<Message>)> = part.map(|(&id, &key)| (id, key)).collect();
        let Some(&(last, _)) = part.last() else { return left };
        let mut told = false;
        for &(id, message) in &part {
            if self.specials.of(message).hold_until.is_none() && !is_older(ages, after, age(id)) {
                told |= self.tell_delay(message, false);
            }
        }
        self.warnings.cursors.insert(after, last);
        if told {
            self.record_warned(after);
        }
        left - part.len()
    }

    /// Has the log say how far the warnings of an age are.
    fn record_warned(&mut self, after: u64) {
        if let Some(&cursor) = self.warnings.cursors.get(&after) {
            let up_to = cursor.into();
            self.actions.push_back(Action::Record(Record::Warned { after, up_to }));
        }
    }

    /// Tells the sender whom a message has not reached yet; false if there is nobody to tell, or nothing.
    pub(super) fn tell_delay(&mut self, key: Key<Message>, late: bool) -> bool {
        let Message { notify, hold, removed, .. } = self.messages[key];
        if !notify || removed || hold.is_some_and(|hold| hold != Hold::Until || !late) {
            return false;
        }
        let lasting = |vertex: &Key<Vertex>| {
            let group = self.threads[self.vertices[*vertex].thread].group;
            self.channels.groups[group].policy.expire != u64::MAX
        };
        let vertices: Vec<_> = self.vertices_of(key).into_iter().filter(lasting).collect();
        let until = vertices.iter().map(|&vertex| self.expires(vertex)).min();
        let mut reported = Vec::new();
        for vertex in vertices {
            let last = self.last_words(vertex);
            let indexes = self.recipients.list(self.vertices[vertex].recipients).into_iter();
            reported.extend(indexes.map(|index| (index, last.clone())));
        }
        if reported.is_empty() {
            return false;
        }
        let (message, place) = self.name_of(key);
        let telling = if late { Telling::Late } else { Telling::Delayed };
        self.actions.push_back(Action::Notify(Notice { message, place, telling, reported, until }));
        if late || !self.messages[key].written {
            self.write_anew(key);
        }
        true
    }

    /// What was said last about a vertex or its host.
    pub(super) fn last_words(&self, key: Key<Vertex>) -> Disposition {
        let vertex = &self.vertices[key];
        let said = vertex.reason.or(self.threads[vertex.thread].reason);
        match said {
            Some(reason) => self.reasons.value(reason).disposition(Outcome::Deferred),
            None => Disposition::local(Outcome::Deferred, Status::transient(4, 7), "it waits in the queue"),
        }
    }
}

/// The warning of a later age than `after` is due as well, so that this one is left out.
fn is_older(ages: &[u64], after: u64, age: u64) -> bool {
    ages.iter().any(|&other| other > after && other <= age)
}
