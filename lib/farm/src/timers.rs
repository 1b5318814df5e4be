//! Deadlines by key, cheap to move.
//!
//! It decides which key is due. It reads no clock: every time is a `u64` of milliseconds on one scale of the caller's.
//!
//! Data shape: a map from key to deadline, and a heap of *alarms*. A session moves its deadline at every command, almost
//! always to a later time; then only the map changes, and the old alarm stays where it is. When it rings early it is set
//! again for the true deadline, so ten thousand busy sessions cost a map access per command and a heap operation per
//! time-out. An alarm whose key was cancelled or moved forward is stale, and is dropped when it comes up or when stale
//! alarms outnumber the live ones.
//!
//! Invariant: each key in the map has exactly one alarm that bears its number, at its deadline or earlier.

use std::cmp::{Ordering, Reverse};
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

/// Stale alarms that are tolerated before the heap is swept, besides as many as there are live ones.
const TOLERATED: usize = 64;

/// A deadline for each key; setting, moving, cancelling and taking the next one cost O(log n) or less.
#[derive(Debug)]
pub struct Timers<K> {
    deadlines: HashMap<K, Deadline>,
    alarms: BinaryHeap<Reverse<Alarm<K>>>,
    last_number: u64,
}

#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: u64,
    alarm_at: u64,
    alarm: u64,
}

#[derive(Debug)]
struct Alarm<K> {
    at: u64,
    number: u64,
    key: K,
}

impl<K: Copy + Eq + Hash> Timers<K> {
    /// No deadlines.
    pub fn new() -> Self {
        Self { deadlines: HashMap::new(), alarms: BinaryHeap::new(), last_number: 0 }
    }

    /// Gives `key` the deadline `at`, in place of the one it had.
    pub fn set(&mut self, key: K, at: u64) {
        let number = self.last_number + 1;
        match self.deadlines.entry(key) {
            Entry::Occupied(mut held) if held.get().alarm_at <= at => {
                held.get_mut().at = at;
                return;
            }
            held => held.insert_entry(Deadline { at, alarm_at: at, alarm: number }),
        };
        self.last_number = number;
        self.alarms.push(Reverse(Alarm { at, number, key }));
        self.sweep();
    }

    /// Takes the deadline of `key` away; `true` if it had one.
    pub fn cancel(&mut self, key: K) -> bool {
        let had = self.deadlines.remove(&key).is_some();
        self.sweep();
        had
    }

    /// The deadline of `key`.
    pub fn deadline(&self, key: K) -> Option<u64> {
        self.deadlines.get(&key).map(|deadline| deadline.at)
    }

    /// Takes out one key whose deadline is `now` or earlier; the earliest first. Call it until it gives `None`.
    pub fn due(&mut self, now: u64) -> Option<K> {
        while self.alarms.peek().is_some_and(|Reverse(alarm)| alarm.at <= now) {
            let Some(Reverse(alarm)) = self.alarms.pop() else { break };
            let Entry::Occupied(mut held) = self.deadlines.entry(alarm.key) else { continue };
            let deadline = *held.get();
            if deadline.alarm != alarm.number {
                continue;
            }
            if deadline.at <= alarm.at {
                held.remove();
                return Some(alarm.key);
            }
            held.get_mut().alarm_at = deadline.at;
            self.alarms.push(Reverse(Alarm { at: deadline.at, ..alarm }));
        }
        None
    }

    /// When to call [`Timers::due`] next: never after the earliest deadline, sometimes before it (an alarm that rings
    /// early). `None` if there is no deadline.
    pub fn next_at(&mut self) -> Option<u64> {
        while let Some(Reverse(alarm)) = self.alarms.peek() {
            if self.deadlines.get(&alarm.key).is_some_and(|held| held.alarm == alarm.number) {
                return Some(alarm.at);
            }
            self.alarms.pop();
        }
        None
    }

    /// How many keys have a deadline.
    pub fn len(&self) -> usize {
        self.deadlines.len()
    }

    /// No key has a deadline.
    pub fn is_empty(&self) -> bool {
        self.deadlines.is_empty()
    }

    /// Drops the stale alarms when they are the majority, so that setting and cancelling in turn cannot grow the heap.
    fn sweep(&mut self) {
        if self.alarms.len() <= 2 * self.deadlines.len() + TOLERATED {
            return;
        }
        let deadlines = &self.deadlines;
        self.alarms.retain(|Reverse(alarm)| {
            deadlines.get(&alarm.key).is_some_and(|held| held.alarm == alarm.number)
        });
    }
}

impl<K: Copy + Eq + Hash> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Ord for Alarm<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<K> PartialOrd for Alarm<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> PartialEq for Alarm<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<K> Eq for Alarm<K> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_come_out_in_order_of_their_deadlines() {
        let mut timers = Timers::new();
        timers.set('b', 20);
        timers.set('a', 10);
        assert_eq!((timers.next_at(), timers.due(9)), (Some(10), None));
        assert_eq!((timers.due(25), timers.due(25), timers.due(25)), (Some('a'), Some('b'), None));
        assert_eq!(timers.next_at(), None);
    }

    #[test]
    fn a_deadline_moves_both_ways() {
        let mut timers = Timers::new();
        timers.set('a', 10);
        timers.set('a', 30);
        assert_eq!(timers.due(29), None);
        assert_eq!(timers.next_at(), Some(30), "the early alarm was set again");
        timers.set('a', 5);
        assert_eq!((timers.due(5), timers.due(100)), (Some('a'), None));
    }

    #[test]
    fn a_cancelled_key_stays_silent_and_may_return() {
        let mut timers = Timers::new();
        timers.set('a', 10);
        assert!(timers.cancel('a'));
        assert!(!timers.cancel('a'));
        assert_eq!((timers.next_at(), timers.is_empty()), (None, true));
        timers.set('a', 20);
        assert_eq!((timers.due(19), timers.due(20)), (None, Some('a')));
    }

    #[test]
    fn moving_ten_thousand_deadlines_leaves_one_alarm_each() {
        let mut timers = Timers::new();
        for now in 0..50 {
            (0..10_000_u32).for_each(|key| timers.set(key, now + 300_000));
        }
        assert_eq!((timers.len(), timers.alarms.len()), (10_000, 10_000));
    }

    #[test]
    fn setting_and_cancelling_in_turn_does_not_grow_the_heap() {
        let mut timers = Timers::new();
        for round in 0..10_000 {
            timers.set(1, round);
            timers.cancel(1);
        }
        assert!(timers.alarms.len() <= TOLERATED + 2);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_map(steps in proptest::collection::vec((0_u8..4, 0_u8..8, 0_u64..50), 0..200)) {
            let (mut timers, mut model, mut now) = (Timers::new(), HashMap::new(), 0);
            for (verb, key, time) in steps {
                match verb {
                    0 | 1 => {
                        timers.set(key, now + time);
                        model.insert(key, now + time);
                    }
                    2 => prop_assert_eq!(timers.cancel(key), model.remove(&key).is_some()),
                    _ => {
                        now += time;
                        let mut rung: Vec<_> = std::iter::from_fn(|| timers.due(now)).collect();
                        let mut expected: Vec<_> =
                            model.iter().filter(|(_, at)| **at <= now).map(|(key, _)| *key).collect();
                        model.retain(|_, at| *at > now);
                        rung.sort_unstable();
                        expected.sort_unstable();
                        prop_assert_eq!(rung, expected);
                    }
                }
                let earliest = model.values().min().copied();
                prop_assert_eq!(timers.next_at().is_some(), earliest.is_some());
                prop_assert!(timers.next_at() <= earliest.or(Some(u64::MAX)));
            }
        }
    }
}
