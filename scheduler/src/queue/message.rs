//! A message in memory: 48 octets, whatever it weighs on disk.

use super::arrival::Hold;
use super::store::{Key, Store};
use super::vertex::Vertex;
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeMap;

/// A message with open recipients.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: PackedId,
    pub(super) segment: Key<Segment>,
    pub(super) offset: u64,
    pub(super) received: u64,
    /// The chain of its vertices.
    pub(super) first: Option<Key<Vertex>>,
    /// Recipients that wait or are in flight.
    pub(super) open: u32,
    /// Vertices that are in flight or were never tried: while there are some, more failures may come soon.
    pub(super) busy: u32,
    pub(super) hold: Option<Hold>,
    /// Whether somebody is to be told about failures.
    pub(super) notify: bool,
    /// An operator removed it while a part was in flight.
    pub(super) removed: bool,
    /// A record says that it waits.
    pub(super) written: bool,
}

/// A spool id without padding, in an order that agrees with that of the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PackedId([u32; 3]);

impl From<SpoolId> for PackedId {
    fn from(id: SpoolId) -> Self {
        let number = u128::from(id);
        let word = |shift: u32| u32::try_from(number >> shift & u128::from(u32::MAX)).unwrap_or_default();
        Self([word(64), word(32), word(0)])
    }
}

impl From<PackedId> for SpoolId {
    fn from(PackedId([high, middle, low]): PackedId) -> Self {
        let number = u128::from(high) << 64 | u128::from(middle) << 32 | u128::from(low);
        Self::try_from(number).unwrap_or(Self::new(0, 0, 0, 0))
    }
}

/// A segment of the spool and how many messages of the queue lie in it.
#[derive(Debug)]
pub(super) struct Segment {
    id: SpoolId,
    live: u32,
}

/// The segments that hold messages of the queue.
#[derive(Debug)]
pub(super) struct Segments {
    index: BTreeMap<SpoolId, Key<Segment>>,
    entries: Store<Segment>,
}

impl Segments {
    pub(super) const fn new() -> Self {
        Self { index: BTreeMap::new(), entries: Store::new() }
    }

    /// Counts one message more in a segment.
    pub(super) fn enter(&mut self, id: SpoolId) -> Key<Segment> {
        let key = *self.index.entry(id).or_insert_with(|| self.entries.insert(Segment { id, live: 0 }));
        self.entries[key].live += 1;
        key
    }

    /// Counts one message less.
    pub(super) fn leave(&mut self, key: Key<Segment>) {
        let segment = &mut self.entries[key];
        segment.live -= 1;
        if segment.live == 0
            && let Some(segment) = self.entries.remove(key)
        {
            self.index.remove(&segment.id);
        }
    }

    /// How many messages of the queue lie in a segment.
    pub(super) fn live(&self, id: SpoolId) -> u32 {
        self.index.get(&id).map_or(0, |&key| self.entries[key].live)
    }

    /// Where a message lies.
    pub(super) fn place(&self, message: &Message) -> Place {
        Place { segment: self.entries[message.segment].id, offset: message.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_packed_id_is_the_same_id_in_the_same_order(a in 0_u128..1 << 90, b in 0_u128..1 << 90) {
            let (a, b) = (SpoolId::try_from(a).unwrap(), SpoolId::try_from(b).unwrap());
            let (x, y) = (PackedId::from(a), PackedId::from(b));
            prop_assert_eq!(SpoolId::from(x), a);
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        }
    }
}
