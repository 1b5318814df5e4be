//! The order within a thread: higher priorities first, within one in order of arrival (RFC 6710 section 5).
//!
//! There is one chain, the ready list. As long as every message in it has priority 0 nothing else is kept; otherwise the
//! first and the last vertex of each priority are known, so that one is put in its place in O(log n) of the 19
//! priorities. Each [`TURN`]th time the oldest goes, whatever its priority, so that none waits for ever.

use super::ring::TURN;
use super::state::End;
use super::store::{Key, Store};
use super::vertex::{List, Vertex};
use std::collections::BTreeMap;

/// The first and the last vertex of a priority.
type Span = (Key<Vertex>, Key<Vertex>);

/// Where the priorities begin and end in a ready list; empty as long as there is only priority 0.
#[derive(Debug, Default)]
pub(super) struct Ranks(BTreeMap<i8, Span>, u8);

impl Ranks {
    /// Puts a vertex that is in no list into the list, at this end of its priority.
    pub(super) fn push(
        &mut self,
        list: &mut List,
        vertices: &mut Store<Vertex>,
        key: Key<Vertex>,
        (priority, end): (i8, End),
    ) {
        if self.0.is_empty() && priority == 0 {
            return match end {
                End::Front => list.push_front(vertices, key),
                End::Back => list.push_back(vertices, key),
            };
        }
        if self.0.is_empty() {
            self.0.extend(list.head.zip(list.tail).map(|span| (0, span)));
        }
        let spans = &mut self.0;
        match end {
            End::Front => match spans.range(..=priority).next_back() {
                Some((_, &(first, _))) => list.insert_before(vertices, key, first),
                None => list.push_back(vertices, key),
            },
            End::Back => match spans.range(priority..).next() {
                Some((_, &(_, last))) => list.insert_after(vertices, key, last),
                None => list.push_front(vertices, key),
            },
        }
        let span = spans.entry(priority).or_insert((key, key));
        match end {
            End::Front => span.0 = key,
            End::Back => span.1 = key,
        }
    }

    /// Takes a vertex out of the list.
    pub(super) fn unlink(
        &mut self,
        list: &mut List,
        vertices: &mut Store<Vertex>,
        key: Key<Vertex>,
        priority: i8,
    ) {
        if !self.0.is_empty() {
            let Vertex { previous, next, .. } = vertices[key];
            match self.0.get_mut(&priority) {
                Some(&mut (first, last)) if first == last => drop(self.0.remove(&priority)),
                Some((first, _)) if *first == key => *first = next.unwrap_or(key),
                Some((_, last)) if *last == key => *last = previous.unwrap_or(key),
                _ => {}
            }
            if self.0.keys().all(|&priority| priority == 0) {
                self.0.clear();
            }
        }
        list.unlink(vertices, key);
    }

    /// Whether it is the turn of the oldest; to be asked once for each that goes.
    pub(super) fn is_turn_of_oldest(&mut self) -> bool {
        self.1 = if self.0.is_empty() { 0 } else { (self.1 + 1) % TURN };
        self.1 + 1 == TURN
    }

    /// The first and the last vertex of each priority in the list.
    pub(super) fn ends(&self, list: &List) -> impl Iterator<Item = Key<Vertex>> {
        let all = list.head.zip(list.tail).filter(|_| self.0.is_empty());
        self.0.values().copied().chain(all).flat_map(|(first, last)| [first, last])
    }
}
