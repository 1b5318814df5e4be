//! What is remembered for a while, and never more than so much of it.
//!
//! Invariants: nothing is told after its time; there are at most as many entries as the capacity, and the oldest is
//! forgotten first. Every operation costs O(1) on average.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Values by key, each until its time, in milliseconds.
#[derive(Debug)]
pub(crate) struct Remembered<K, V> {
    capacity: usize,
    entries: HashMap<K, Entry<V>>,
    /// Keys in the order in which they were put in, with the number of that act; stale if the entry has another.
    order: VecDeque<(u64, K)>,
    last: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    until: u64,
    number: u64,
}

impl<K: Clone + Eq + Hash, V> Remembered<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new(), order: VecDeque::new(), last: 0 }
    }

    /// Remembers until then, in place of what was there.
    pub(crate) fn put(&mut self, key: K, value: V, until: u64, now: u64) {
        self.last += 1;
        self.order.push_back((self.last, key.clone()));
        self.entries.insert(key, Entry { value, until, number: self.last });
        self.forget(now);
    }

    /// What is remembered, if its time is not over.
    pub(crate) fn get(&self, key: &K, now: u64) -> Option<&V> {
        self.entries.get(key).filter(|entry| now < entry.until).map(|entry| &entry.value)
    }

    /// As [`Remembered::get`], to change it; its time stays.
    pub(crate) fn get_mut(&mut self, key: &K, now: u64) -> Option<&mut V> {
        self.entries.get_mut(key).filter(|entry| now < entry.until).map(|entry| &mut entry.value)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    /// Takes out what is stale, over, or too much, oldest first; stops at the first that may stay.
    fn forget(&mut self, now: u64) {
        while let Some((number, key)) = self.order.front() {
            let current = self.entries.get(key).filter(|entry| entry.number == *number);
            let full = self.entries.len() > self.capacity;
            match current {
                Some(entry) if entry.until > now && !full => break,
                Some(_) => drop(self.entries.remove(key)),
                None => {}
            }
            self.order.pop_front();
        }
        if self.order.len() > 2 * self.capacity.max(MOST_STALE) {
            let entries = &self.entries;
            self.order.retain(|(number, key)| entries.get(key).is_some_and(|entry| entry.number == *number));
        }
    }
}

/// Stale keys that are kept without a sweep.
const MOST_STALE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_told_after_its_time() {
        let mut known = Remembered::new(9);
        known.put("a", 1, 10, 0);
        assert_eq!(known.get(&"a", 9), Some(&1));
        assert_eq!(known.get(&"a", 10), None);
        known.put("b", 2, 30, 20);
        assert_eq!(known.entries.len(), 1, "a is forgotten");
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut known = Remembered::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            known.put(key, value, 99, 0);
        }
        assert_eq!([known.get(&"a", 0), known.get(&"b", 0), known.get(&"c", 0)], [Some(&3), None, Some(&4)]);
    }

    proptest! {
        #[test]
        fn its_size_is_bounded(keys in prop::collection::vec((0u8..20, 1u64..50), 0..600)) {
            let mut known = Remembered::new(8);
            for (now, (key, life)) in (0u64..).zip(keys) {
                known.put(key, now, now + life, now);
                prop_assert!(known.entries.len() <= 8 && known.order.len() <= 2 * MOST_STALE);
                prop_assert_eq!(known.get(&key, now), Some(&now));
            }
        }
    }
}
