//! The threads of a channel that may go: higher priorities first, within one each in turn.
//!
//! A thread stands in the lane of the message that goes next. When a message of higher priority comes to it, it is put into
//! the higher lane; the place that it leaves behind in the lower one is stale, which its stamp shows.

use super::state::End;
use super::store::Key;
use super::thread::Thread;
use std::collections::{BTreeMap, VecDeque};

/// A thread and the stamp of its place.
type Stand = (Key<Thread>, u32);

/// The lanes of a channel.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Priority 0.
    plain: VecDeque<Stand>,
    /// The others; none is empty.
    others: BTreeMap<i8, VecDeque<Stand>>,
    last: u32,
}

impl Ring {
    /// Puts a thread into a lane; gives the stamp of its place.
    pub(super) fn push(&mut self, lane: i8, thread: Key<Thread>, end: End) -> u32 {
        self.last = self.last.wrapping_add(1);
        let lane = if lane == 0 { &mut self.plain } else { self.others.entry(lane).or_default() };
        match end {
            End::Front => lane.push_front((thread, self.last)),
            End::Back => lane.push_back((thread, self.last)),
        }
        self.last
    }

    /// The next one of the highest lane, with the stamp of its place; it may be stale.
    pub(super) fn pop(&mut self) -> Option<Stand> {
        let highest = self.others.last_key_value().map(|(&lane, _)| lane);
        match highest {
            Some(lane) if lane > 0 || self.plain.is_empty() => {
                let threads = self.others.get_mut(&lane)?;
                let stand = threads.pop_front();
                if threads.is_empty() {
                    self.others.remove(&lane);
                }
                stand
            }
            _ => self.plain.pop_front(),
        }
    }

    /// All places, stale ones included.
    pub(super) fn iter(&self) -> impl Iterator<Item = Stand> {
        self.plain.iter().chain(self.others.values().flatten()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_lanes_go_first_and_each_lane_in_turn() {
        let mut ring = Ring::default();
        for (number, lane) in [0, -3, 5, 0, 5, -9].into_iter().enumerate() {
            ring.push(lane, Key::new(number), End::Back);
        }
        let stamp = ring.push(0, Key::new(9), End::Front);
        assert!(ring.iter().any(|stand| stand == (Key::new(9), stamp)));
        let order: Vec<_> = std::iter::from_fn(|| ring.pop()).map(|(key, _)| key.index()).collect();
        assert_eq!(order, [2, 4, 9, 0, 3, 1, 5]);
        assert_eq!(ring.iter().count(), 0);
    }
}
