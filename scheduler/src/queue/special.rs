//! The few messages that are not plain: a side table, so that the many cost nothing.
//!
//! What the sender set for the message has a time: it is released then (FUTURERELEASE), returned then, or told of then
//! (DELIVERBY). One item of the agenda stands for the soonest of these.
//!
//! Sources: RFC 2852 section 4.1 (by-time and by-mode), RFC 4865 section 4, RFC 6710 section 5.

use super::action::{Action, Record};
use super::agenda::Item;
use super::arrival::Hold;
use super::message::Message;
use super::settle::lapsed;
use super::state::{End, Queue};
use super::store::Key;
use super::vertex::{Step, Vertex};
use proto::terms::{ByMode, DeliverBy, Special};
use std::collections::HashMap;

/// What is special about some messages.
#[derive(Debug, Default)]
pub(super) struct Specials {
    entries: HashMap<Key<Message>, Entry>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Entry {
    special: Special,
    /// Its item on the agenda, UTC milliseconds.
    due: Option<u64>,
}

impl Specials {
    /// What is special about a message; a plain one has the default.
    pub(super) fn of(&self, message: Key<Message>) -> Special {
        self.entries.get(&message).map(|entry| entry.special).unwrap_or_default()
    }

    /// Every message is plain.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Each with what is special about it and when something falls due, UTC milliseconds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key<Message>, Special, Option<u64>)> {
        self.entries.iter().map(|(&key, entry)| (key, entry.special, entry.due))
    }
}

impl Queue {
    /// Notes what is special about a message that has come.
    pub(super) fn note_special(&mut self, message: Key<Message>, special: Special) {
        if !special.is_plain() {
            self.specials.entries.insert(message, Entry { special, due: None });
            self.watch(message);
        }
    }

    /// The message is gone.
    pub(super) fn forget_special(&mut self, message: Key<Message>) {
        if let Some(Entry { due: Some(due), .. }) = self.specials.entries.remove(&message) {
            self.agenda.remove(due, Item::Special(message));
        }
    }

    /// Since when a message waits, UTC milliseconds.
    pub(super) fn since(&self, message: Key<Message>) -> u64 {
        self.messages[message].received.max(self.specials.of(message).hold_until.unwrap_or(0))
    }

    /// The message must not be sent any more: it is to be returned (RFC 2852 section 4.1, mode R). What the spool cannot read
    /// waits for the administrator all the same: nobody could be told.
    pub(super) fn is_late(&self, message: Key<Message>) -> bool {
        let by = self.specials.of(message).deliver_by.filter(|_| !self.is_unreadable(message));
        by.is_some_and(|by| by.mode == ByMode::Return && by.until <= self.now)
    }

    fn is_unreadable(&self, message: Key<Message>) -> bool {
        self.messages[message].hold == Some(Hold::Spool)
    }

    /// What the sender set has come for this message.
    pub(super) fn special_due(&mut self, message: Key<Message>) {
        if let Some(entry) = self.specials.entries.get_mut(&message) {
            entry.due = None;
        }
        if self.messages[message].hold == Some(Hold::Until) {
            let until = self.specials.of(message).hold_until;
            if until.is_none_or(|until| until <= self.now) {
                self.set_free(message);
            }
        }
        if self.is_late(message) {
            return self.return_late(message);
        }
        let Special { deliver_by, told, .. } = self.specials.of(message);
        if deliver_by.is_some_and(|by| by.mode == ByMode::Notify && by.until <= self.now) && !told {
            if let Some(entry) = self.specials.entries.get_mut(&message) {
                entry.special.told = true;
            }
            self.tell_delay(message, true);
        }
        self.watch(message);
    }

    /// A message that waits for its time has come; the log knows it from now on.
    pub(super) fn note_until(&mut self, key: Key<Message>) {
        if self.messages[key].written {
            return;
        }
        let (message, place) = self.name_of(key);
        self.actions.push_back(Action::Record(Record::Held { message, place, hold: Hold::Until }));
        self.write_held(key);
    }

    /// The operator releases a message before its time: its wait is over for good.
    pub(super) fn cut_short(&mut self, message: Key<Message>) {
        let now = self.now;
        if let Some(entry) = self.specials.entries.get_mut(&message)
            && let Some(until) = &mut entry.special.hold_until
        {
            *until = now.min(*until);
            self.write_anew(message);
        }
    }

    /// The time has come for which a message was held.
    fn set_free(&mut self, key: Key<Message>) {
        self.messages[key].hold = None;
        for vertex in self.vertices_of(key) {
            if self.vertices[vertex].step == Step::Held {
                self.lift(vertex);
                self.place_ready(vertex, End::Back);
            }
        }
        let (message, place) = self.name_of(key);
        self.actions.push_back(Action::Record(Record::Released { message, place, by: Hold::Until }));
    }

    /// Returns all of a message that is not in flight.
    pub(super) fn return_late(&mut self, message: Key<Message>) {
        for vertex in self.vertices_of(message) {
            if self.vertices[vertex].step != Step::InFlight {
                self.return_vertex(vertex);
            }
        }
    }

    /// Returns a vertex that is not in flight.
    pub(super) fn return_vertex(&mut self, key: Key<Vertex>) {
        let last = self.last_words(key);
        self.fail_vertex(key, &lapsed(&last));
    }

    /// Has the log say anew what is open and special.
    pub(super) fn write_anew(&mut self, message: Key<Message>) {
        if let Some(&vertex) = self.vertices_of(message).first() {
            let own = self.vertices[vertex].step == Step::Own;
            self.record_waiting(vertex, own);
        }
    }

    /// Puts the next thing that falls due for a message on the agenda.
    fn watch(&mut self, message: Key<Message>) {
        let Some(entry) = self.specials.entries.get(&message) else { return };
        let Special { deliver_by, hold_until, told, .. } = entry.special;
        let held = self.messages[message].hold == Some(Hold::Until);
        let over = |by: &DeliverBy| by.until <= self.now && self.is_unreadable(message);
        let by = deliver_by.filter(|by| (by.mode == ByMode::Return || !told) && !over(by)).map(|by| by.until);
        let due = hold_until.filter(|_| held).into_iter().chain(by).min();
        if let (Some(due), Some(entry)) = (due, self.specials.entries.get_mut(&message)) {
            entry.due = Some(due);
            self.agenda.add(due, Item::Special(message));
        }
    }
}
