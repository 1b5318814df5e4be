//! When vertices that were deferred alone are due, in whole seconds.
//!
//! An alarm costs four octets and is not taken back: when it goes off, the vertex says whether it still waits for it.
//! There is no more than one bucket per second of the longest retry interval.

use super::store::Key;
use super::vertex::Vertex;
use std::collections::BTreeMap;

/// The alarms of all vertices.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    buckets: BTreeMap<u64, Vec<Key<Vertex>>>,
}

impl Alarms {
    /// Sets an alarm for the second in which `due` (UTC milliseconds) has come.
    pub(super) fn set(&mut self, due: u64, vertex: Key<Vertex>) {
        self.buckets.entry(due.div_ceil(SECOND)).or_default().push(vertex);
    }

    /// The next vertex whose alarm goes off, perhaps for nothing.
    pub(super) fn pop(&mut self, now: u64) -> Option<Key<Vertex>> {
        loop {
            let mut first = self.buckets.first_entry()?;
            if first.key() * SECOND > now {
                return None;
            }
            if let Some(vertex) = first.get_mut().pop() {
                return Some(vertex);
            }
            first.remove();
        }
    }

    /// When the first alarm goes off, UTC milliseconds.
    pub(super) fn first(&self) -> Option<u64> {
        self.buckets.first_key_value().map(|(second, _)| second * SECOND)
    }

    /// Takes out all alarms for later than `limit`.
    pub(super) fn take_later_than(&mut self, limit: u64) -> Vec<Key<Vertex>> {
        let later = self.buckets.split_off(&(limit.div_ceil(SECOND) + 1));
        later.into_values().flatten().collect()
    }

    /// Whether an alarm is set.
    pub(super) fn holds(&self, due: u64, vertex: Key<Vertex>) -> bool {
        self.buckets.get(&due.div_ceil(SECOND)).is_some_and(|bucket| bucket.contains(&vertex))
    }
}

const SECOND: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_goes_off_in_its_second_and_not_before() {
        let (early, late) = (Key::new(0), Key::new(1));
        let mut alarms = Alarms::default();
        alarms.set(7_001, late);
        alarms.set(7_000, early);
        assert_eq!((alarms.first(), alarms.pop(6_999)), (Some(7_000), None));
        assert_eq!((alarms.pop(7_500), alarms.pop(7_500)), (Some(early), None));
        assert_eq!(alarms.take_later_than(7_000), [late]);
        assert_eq!(alarms.first(), None);
    }
}
