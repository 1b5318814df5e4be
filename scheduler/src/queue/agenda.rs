//! What falls due when, soonest first, whatever the order in which it was noted.

use super::message::Message;
use super::store::Key;
use super::thread::Thread;
use std::collections::BTreeSet;

/// Something that falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    /// Handing out begins after a restart.
    Start,
    /// A shut thread may send a probe.
    Thread(Key<Thread>),
    /// The failures of a message have been collected long enough.
    Notice(Key<Message>),
    /// A time that the sender set has come.
    Special(Key<Message>),
}

/// The agenda: insertion and removal in O(log n).
#[derive(Debug, Default)]
pub(super) struct Agenda {
    items: BTreeSet<(u64, Item)>,
}

impl Agenda {
    pub(super) fn add(&mut self, due: u64, item: Item) {
        self.items.insert((due, item));
    }

    pub(super) fn remove(&mut self, due: u64, item: Item) {
        self.items.remove(&(due, item));
    }

    /// The next item due at `now`.
    pub(super) fn pop(&mut self, now: u64) -> Option<Item> {
        let &(due, item) = self.items.first()?;
        if due > now {
            return None;
        }
        self.items.pop_first();
        Some(item)
    }

    /// When the first item falls due.
    pub(super) fn first(&self) -> Option<u64> {
        self.items.first().map(|&(due, _)| due)
    }

    /// Everything due later than `limit`.
    pub(super) fn later_than(&self, limit: u64) -> Vec<(u64, Item)> {
        self.items.range((limit + 1, Item::Start)..).copied().collect()
    }

    pub(super) fn contains(&self, due: u64, item: Item) -> bool {
        self.items.contains(&(due, item))
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_noted_first_does_not_delay_a_short_one() {
        let mut agenda = Agenda::default();
        agenda.add(14_400_000, Item::Start);
        agenda.add(1, Item::Start);
        assert_eq!(agenda.first(), Some(1));
        assert_eq!((agenda.pop(1), agenda.pop(1)), (Some(Item::Start), None));
    }
}
