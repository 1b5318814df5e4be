//! Taking turns between those who bring work.
//!
//! Each key (a caller, a session) has a queue of its own; one item is taken from each in turn. So the item of a key that
//! brings one waits for at most one item of every other key, however many those have brought.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Queues that are served round-robin. All operations but [`FairQueue::remove`] are O(1).
#[derive(Debug)]
pub struct FairQueue<K, T> {
    queues: HashMap<K, VecDeque<T>>,
    turns: VecDeque<K>,
    len: usize,
}

impl<K: Copy + Eq + Hash, T> FairQueue<K, T> {
    /// Nothing waits.
    pub fn new() -> Self {
        Self { queues: HashMap::new(), turns: VecDeque::new(), len: 0 }
    }

    /// Puts an item at the end of the queue of `key`.
    pub fn push(&mut self, key: K, item: T) {
        self.queue(key).push_back(item);
    }

    /// Puts an item back at the head of the queue of `key`: it was taken, but its worker died.
    pub fn push_front(&mut self, key: K, item: T) {
        self.queue(key).push_front(item);
    }

    /// Takes the next item, of the key whose turn it is.
    pub fn pop(&mut self) -> Option<(K, T)> {
        let key = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&key)?;
        let item = queue.pop_front()?;
        if queue.is_empty() {
            self.queues.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        self.len -= 1;
        Some((key, item))
    }

    /// Takes out all that `key` has brought; it is gone. Costs a walk over the keys that wait.
    pub fn remove(&mut self, key: K) -> VecDeque<T> {
        let Some(queue) = self.queues.remove(&key) else { return VecDeque::new() };
        self.turns.retain(|other| *other != key);
        self.len -= queue.len();
        queue
    }

    /// How much waits for `key`: a caller whose queue is full is not read from.
    pub fn waiting(&self, key: K) -> usize {
        self.queues.get(&key).map_or(0, VecDeque::len)
    }

    /// How much waits in all.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The queue of `key`, which is about to get an item. A queue in the map is never empty: its key has a turn.
    fn queue(&mut self, key: K) -> &mut VecDeque<T> {
        self.len += 1;
        let turns = &mut self.turns;
        self.queues.entry(key).or_insert_with(|| {
            turns.push_back(key);
            VecDeque::new()
        })
    }
}

impl<K: Copy + Eq + Hash, T> Default for FairQueue<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_waits_for_one_of_every_other_key() {
        let mut queue = FairQueue::new();
        (0..5_000).for_each(|n| queue.push("big", n));
        queue.push("small", 1);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(key, _)| key).take(3).collect();
        assert_eq!(order, ["big", "small", "big"]);
        assert_eq!((queue.len(), queue.waiting("big"), queue.waiting("small")), (4_998, 4_998, 0));
    }

    #[test]
    fn what_comes_back_is_first_of_its_key() {
        let mut queue = FairQueue::new();
        queue.push('a', 2);
        queue.push_front('a', 1);
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(('a', 1)), Some(('a', 2)), None));
    }

    #[test]
    fn a_key_that_is_gone_leaves_nothing() {
        let mut queue = FairQueue::new();
        (0..3).for_each(|n| queue.push('a', n));
        queue.push('b', 9);
        assert_eq!(queue.remove('a'), [0, 1, 2]);
        assert!(queue.remove('a').is_empty());
        assert_eq!((queue.len(), queue.pop(), queue.is_empty()), (1, Some(('b', 9)), true));
    }
}
