//! Time passes: what falls due, and what happens when the wall clock is set back.

use super::agenda::Item;
use super::state::{End, Queue};
use super::thread::Tap;
use super::vertex::{Step, Vertex};

impl Queue {
    /// Does what has fallen due. To be called at [`next_deadline`](Self::next_deadline) or any time.
    pub fn tick(&mut self, now: u64) {
        self.advance(now);
        while let Some(item) = self.agenda.pop(now) {
            match item {
                Item::Start => {}
                Item::Thread(key) => {
                    self.threads[key].tap = Tap::Due;
                    self.offer(key);
                }
                Item::Notice(key) => self.notify(key),
                Item::Special(key) => self.special_due(key),
            }
        }
        while let Some(key) = self.alarms.pop(now) {
            let waits = |vertex: &Vertex| vertex.step == Step::Own && vertex.due <= now;
            if self.vertices.find(key).is_some_and(waits) {
                self.lift(key);
                self.place_ready(key, End::Front);
            }
        }
        self.warn_on();
        self.write_on();
        self.pump();
    }

    /// Notes the time. A clock that was set back by more than [`STEP`] would leave everything waiting for hours that come
    /// twice: then no wait is left longer than its schedule allows.
    pub(super) fn advance(&mut self, now: u64) {
        let back = now.saturating_add(STEP) < self.now;
        self.now = now;
        if !back {
            return;
        }
        self.start = self.start.min(now);
        for (due, item) in self.agenda.later_than(now) {
            let limit = match item {
                Item::Start => now,
                Item::Notice(_) => now.saturating_add(self.policy.notice_window),
                Item::Thread(key) => now + self.schedule(key).longest(),
                // What the sender set is a time and not a wait.
                Item::Special(_) => due,
            };
            if due > limit {
                self.agenda.remove(due, item);
                self.agenda.add(limit, item);
                self.note_due(item, limit);
            }
        }
        for key in self.alarms.take_later_than(now) {
            if self.vertices.find(key).is_some_and(|vertex| vertex.step == Step::Own) {
                let limit = now + self.schedule(self.vertices[key].thread).longest();
                let vertex = &mut self.vertices[key];
                vertex.due = vertex.due.min(limit);
                self.alarms.set(vertex.due, key);
            }
        }
    }

    fn note_due(&mut self, item: Item, due: u64) {
        match item {
            Item::Start => self.start = due,
            Item::Special(_) => {}
            Item::Thread(key) => self.threads[key].retry_at = due,
            Item::Notice(key) => {
                if let Some(pending) = self.pending.get_mut(&key) {
                    pending.due = due;
                }
            }
        }
    }
}

/// So far back the clock may go without notice, in milliseconds.
const STEP: u64 = 60_000;
