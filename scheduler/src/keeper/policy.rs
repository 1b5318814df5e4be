//! Which segment is worth emptying. Pure.
//!
//! A segment is *sparse* when what still waits in it takes a quarter of its file or less. How many messages wait in it is
//! known; how many octets they take is known after a look into it, which is taken once, when few wait, and again each time
//! that half of those have gone. Emptying sparse segments is worth it when together they give back clearly more than the
//! new segment takes.

use proto::id::SpoolId;

/// A segment is sparse when this part of it waits.
const SHARE: u64 = 4;

/// Octets of a common message: how many are few is told by that before anybody has looked.
const COMMON: u64 = 4 << 10;

/// Octets that a new segment takes on disk at first.
const NEW: u64 = 4 << 20;

/// Octets to be gained beyond that, at least.
const GAIN: u64 = 1 << 20;

/// A segment that was taken over and read, and of which the log or the queue knows every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) segment: SpoolId,
    /// Milliseconds since it was made.
    pub(super) age: u64,
    /// Octets up to its last record.
    pub(super) end: u64,
    /// Messages of the queue that lie in it.
    pub(super) live: u32,
    pub(super) surveyed: Option<Surveyed>,
}

/// What a look into a segment has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Surveyed {
    /// Messages that waited then.
    pub(super) live: u32,
    /// Octets that they took.
    pub(super) octets: u64,
    /// Octets of its file.
    pub(super) length: u64,
    /// What waits in it is damaged, and stays.
    pub(super) damaged: bool,
}

impl Surveyed {
    /// Octets that emptying the segment gives back; 0 if it is not sparse.
    pub(super) fn gain(&self) -> u64 {
        let sparse = !self.damaged && self.octets.saturating_mul(SHARE) <= self.length;
        if sparse { self.length - self.octets } else { 0 }
    }
}

impl Seen {
    /// A look into it may show that it is sparse.
    fn is_unknown(&self) -> bool {
        match self.surveyed {
            None => u64::from(self.live) <= self.end.max(NEW) / (SHARE * COMMON),
            Some(surveyed) => !surveyed.damaged && surveyed.gain() == 0 && self.live <= surveyed.live / 2,
        }
    }
}

/// Emptying the sparse ones is worth it; `open` says that copies have a segment already.
pub(super) fn is_worth_it(gains: impl Iterator<Item = u64>, open: bool) -> bool {
    let cost = if open { 0 } else { NEW };
    gains.fold(0, u64::saturating_add) >= GAIN + cost
}

/// The segment to look into next.
pub(super) fn next(segments: &[Seen], after: u64, open: bool) -> Option<SpoolId> {
    let old = || segments.iter().filter(|seen| seen.age >= after && seen.live > 0);
    let unknown = old().filter(|seen| seen.is_unknown()).min_by_key(|seen| seen.live);
    if let Some(unknown) = unknown {
        return Some(unknown.segment);
    }
    let gain = |seen: &Seen| seen.surveyed.map_or(0, |surveyed| surveyed.gain());
    if !is_worth_it(old().map(gain), open) {
        return None;
    }
    old().filter(|seen| gain(seen) > 0).max_by_key(|seen| gain(seen)).map(|seen| seen.segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn seen(number: u64, live: u32) -> Seen {
        let segment = SpoolId::new(number, 1, 2, 3);
        Seen { segment, age: 1_000, end: 16 * MIB, live, surveyed: None }
    }

    fn surveyed(number: u64, live: u32, octets: u64, length: u64) -> Seen {
        let surveyed = Surveyed { live, octets, length, damaged: false };
        Seen { surveyed: Some(surveyed), ..seen(number, live) }
    }

    fn next_of(segments: &[Seen]) -> Option<u64> {
        next(segments, 1_000, false).map(|segment| segment.milliseconds())
    }

    #[test]
    fn only_an_old_segment_with_few_messages_is_looked_into() {
        let young = Seen { age: 999, ..seen(1, 1) };
        assert_eq!(next_of(&[young, seen(2, 0), seen(3, 1_025)]), None);
        assert_eq!(next_of(&[young, seen(3, 1_024), seen(4, 7)]), Some(4), "the emptiest first");
    }

    #[test]
    fn a_dense_one_is_looked_into_again_when_half_of_it_has_gone() {
        let dense = surveyed(1, 10, 5 * MIB, 16 * MIB);
        assert_eq!(next_of(&[dense, Seen { live: 6, ..dense }]), None);
        assert_eq!(next_of(&[Seen { live: 5, ..dense }]), Some(1));
    }

    #[test]
    fn a_quarter_is_sparse_and_more_is_not() {
        assert_eq!(next_of(&[surveyed(1, 10, 4 * MIB, 16 * MIB)]), Some(1));
        assert_eq!(next_of(&[surveyed(1, 10, 4 * MIB + 1, 16 * MIB)]), None);
    }

    #[test]
    fn one_small_segment_is_not_worth_a_new_one_but_two_are() {
        let small = |number| surveyed(number, 1, 5_000, 4 * MIB);
        assert_eq!(next_of(&[small(1)]), None);
        assert!(next_of(&[small(1), small(2)]).is_some());
        assert!(next(&[small(1)], 0, true).is_some(), "copies have a segment already");
    }

    #[test]
    fn a_damaged_one_is_left_alone() {
        let mut damaged = surveyed(1, 10, 10, 16 * MIB);
        damaged.surveyed = damaged.surveyed.map(|surveyed| Surveyed { damaged: true, ..surveyed });
        assert_eq!(next_of(&[damaged, Seen { live: 1, ..damaged }]), None);
    }

    #[test]
    fn the_one_that_gives_most_goes_first() {
        let all = [surveyed(1, 1, 10, 4 * MIB), surveyed(2, 1, 10, 16 * MIB), surveyed(3, 1, 10, 8 * MIB)];
        assert_eq!(next_of(&all), Some(2));
    }
}
