//! The threads of a channel that may go: higher priorities first, within one each in turn. Each [`TURN`]th job goes to
//! whoever has stood longest at the front of a lane, so that nobody waits for ever behind what is urgent.
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
    /// Jobs since the last one that did not look at the priority.
    jobs: u8,
}

/// So many jobs go by priority, the last of them excepted.
pub(super) const TURN: u8 = 8;

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

    /// Gives a thread that was the next one its place back.
    pub(super) fn put_back(&mut self, lane: i8, stand: Stand) {
        let lane = if lane == 0 { &mut self.plain } else { self.others.entry(lane).or_default() };
        lane.push_front(stand);
    }

    /// A job has been handed out.
    pub(super) fn fed(&mut self) {
        self.jobs = (self.jobs + 1) % TURN;
    }

    /// The next one of the highest lane, or of all, with the stamp of its place; it may be stale.
    pub(super) fn pop(&mut self) -> Option<Stand> {
        let highest = self.others.last_key_value().map(|(&lane, _)| lane);
        let highest = highest.filter(|&lane| lane > 0 || self.plain.is_empty());
        let lane = if self.jobs + 1 < TURN || self.others.is_empty() { highest } else { self.longest() };
        let Some(lane) = lane.filter(|&lane| lane != 0) else { return self.plain.pop_front() };
        let threads = self.others.get_mut(&lane)?;
        let stand = threads.pop_front();
        if threads.is_empty() {
            self.others.remove(&lane);
        }
        stand
    }

    /// The lane whose first place is the oldest.
    fn longest(&self) -> Option<i8> {
        let others = self.others.iter().map(|(&lane, threads)| (lane, threads));
        let fronts =
            others.chain([(0, &self.plain)]).filter_map(|(lane, threads)| Some((lane, threads.front()?.1)));
        fronts.max_by_key(|&(_, stamp)| self.last.wrapping_sub(stamp)).map(|(lane, _)| lane)
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

    #[test]
    fn each_eighth_job_goes_to_who_has_stood_longest() {
        let mut ring = Ring::default();
        for (number, lane) in [0, -3, 5, 5].into_iter().enumerate() {
            ring.push(lane, Key::new(number), End::Back);
        }
        (1..TURN).for_each(|_| ring.fed());
        let order: Vec<_> = std::iter::from_fn(|| ring.pop()).take(2).map(|(key, _)| key.index()).collect();
        assert_eq!(order, [0, 1]);
        ring.push(0, Key::new(4), End::Back);
        ring.fed();
        assert_eq!(ring.pop().map(|(key, _)| key.index()), Some(2));
    }
}
