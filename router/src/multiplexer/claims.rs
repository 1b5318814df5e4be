//! What hints say, before it is verified.
//!
//! A hint claims that a range of a segment is new and durable. Each claim is read by itself, so that a forged one spoils
//! no other; what has been read before is not read again. What lies in a gap between claims is not read: its writer says
//! that nothing in it needs the router, and what a lost hint hides there the scheduler asks about after a while.

use ipc::hint::Hint;
use proto::id::SpoolId;
use spool::Announced;
use std::collections::{BTreeMap, VecDeque};

/// Claims that wait to be read; further ones are dropped.
const WAITING: usize = 1_024;

/// Segments whose read ranges are remembered.
const SEGMENTS: usize = 1_024;

/// Claims in order, and what has been read of each segment.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    waiting: VecDeque<Hint>,
    read: BTreeMap<SpoolId, Covered>,
}

/// The claims between `from` and `to` were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Covered {
    from: u64,
    to: u64,
}

impl Claims {
    /// Takes a claim; `false` if too many wait.
    pub(crate) fn add(&mut self, hint: Hint) -> bool {
        let room = self.waiting.len() < WAITING;
        if room && self.news(hint).is_some() {
            self.waiting.push_back(hint);
        }
        room
    }

    /// The next range to read; then say [`Claims::went`] or [`Claims::failed`].
    pub(crate) fn next(&mut self) -> Option<Announced> {
        loop {
            let hint = self.waiting.front().copied()?;
            match self.news(hint) {
                Some(range) => return Some(range),
                None => self.waiting.pop_front(),
            };
        }
    }

    /// The range was read up to `to`; what is left of the claim stays.
    pub(crate) fn went(&mut self, range: Announced, to: u64) {
        let new = Covered { from: range.from, to };
        let covered = self.read.entry(range.segment).or_insert(new);
        // A claim that begins before what is known was read anew from its beginning.
        covered.to = if range.from < covered.from { to } else { covered.to.max(to) };
        covered.from = covered.from.min(range.from);
        while self.read.len() > SEGMENTS {
            self.read.pop_first();
        }
        match self.waiting.front_mut() {
            Some(claim) if range.from < to && to < range.to => claim.from = to,
            _ => drop(self.waiting.pop_front()),
        }
    }

    /// The claim does not hold.
    pub(crate) fn failed(&mut self) {
        self.waiting.pop_front();
    }

    /// Some claims wait.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What of a claim has not been read.
    fn news(&self, hint: Hint) -> Option<Announced> {
        let from = match self.read.get(&hint.segment) {
            Some(covered) if hint.from >= covered.from => hint.from.max(covered.to),
            _ => hint.from,
        };
        (from < hint.to).then_some(Announced { segment: hint.segment, from, to: hint.to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(from: u64, to: u64) -> Hint {
        Hint { segment: SpoolId::new(1, 2, 3, 4), from, to }
    }

    fn range(from: u64, to: u64) -> Option<Announced> {
        Some(Announced { segment: hint(from, to).segment, from, to })
    }

    fn read(claims: &mut Claims, from: u64, to: u64) {
        assert_eq!(claims.next(), range(from, to));
        claims.went(range(from, to).unwrap(), to);
    }

    #[test]
    fn what_was_read_is_not_read_again() {
        let mut claims = Claims::default();
        assert!(claims.add(hint(10, 20)) && claims.add(hint(10, 30)));
        read(&mut claims, 10, 20);
        read(&mut claims, 20, 30);
        assert!(claims.add(hint(10, 30)));
        assert_eq!(claims.next(), None);
    }

    #[test]
    fn a_gap_is_left_out_and_what_lies_before_is_read() {
        let mut claims = Claims::default();
        claims.add(hint(10, 20));
        read(&mut claims, 10, 20);
        claims.add(hint(40, 50));
        read(&mut claims, 40, 50);
        claims.add(hint(5, 50));
        read(&mut claims, 5, 50);
        claims.add(hint(5, 50));
        assert_eq!(claims.next(), None);
    }

    #[test]
    fn a_long_claim_is_read_in_pieces() {
        let mut claims = Claims::default();
        claims.add(hint(10, 90));
        claims.went(claims.news(hint(10, 90)).unwrap(), 40);
        read(&mut claims, 40, 90);
        assert!(!claims.is_waiting());
    }

    #[test]
    fn a_long_claim_goes_on_although_its_segment_is_older_than_all_that_are_remembered() {
        let mut claims = Claims::default();
        for n in 0..u64::try_from(SEGMENTS).unwrap() {
            let segment = SpoolId::new(2 + n, 2, 3, 4);
            claims.add(Hint { segment, ..hint(10, 20) });
            let whole = claims.next().unwrap();
            claims.went(whole, 20);
        }
        claims.add(hint(10, 90));
        let whole = claims.next().unwrap();
        claims.went(whole, 40);
        assert_eq!(claims.next(), range(40, 90));
    }

    #[test]
    fn a_claim_that_does_not_hold_spoils_no_other() {
        let mut claims = Claims::default();
        claims.add(hint(10, 1 << 50));
        claims.add(hint(10, 20));
        assert_eq!(claims.next(), range(10, 1 << 50));
        claims.failed();
        read(&mut claims, 10, 20);
    }

    #[test]
    fn a_flood_is_cut() {
        let mut claims = Claims::default();
        assert!((0..1_024).all(|n| claims.add(hint(n, n + 1))));
        assert!(!claims.add(hint(0, 9)));
    }
}
