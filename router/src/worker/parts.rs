//! An expansion as records.
//!
//! Up to [`PART`] recipients are one record, which also closes the attempt. More are several; the closing one is
//! committed when all others are durable, so that an attempt that is closed is whole.

use proto::envelope::Recipient;
use proto::place::Place;
use spool::Expansion;

/// Recipients in one record.
pub(super) const PART: usize = 10_000;

/// What is still to be committed of one expansion, and what is under way.
#[derive(Debug)]
pub(super) struct Parts {
    of: Place,
    attempt: u32,
    rest: Vec<Recipient>,
    first: u32,
    under_way: usize,
    failed: bool,
}

/// One record to commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) what: Expansion,
    pub(super) recipients: Vec<Recipient>,
}

/// How an expansion stands after a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// More commits are under way, or have to be made: see [`Parts::next`].
    Open,
    /// It is durable and closed.
    Closed,
    /// It will not be closed.
    Failed,
}

impl Parts {
    /// Everything is to be committed.
    pub(super) fn new(of: Place, attempt: u32, recipients: Vec<Recipient>) -> Self {
        Self { of, attempt, rest: recipients, first: 0, under_way: 0, failed: false }
    }

    /// The next record that may be committed now.
    pub(super) fn next(&mut self) -> Option<Part> {
        let closed = self.rest.len() <= PART;
        if self.rest.is_empty() || self.failed || (closed && self.under_way > 0) {
            return None;
        }
        let after = self.rest.split_off(self.rest.len().min(PART));
        let recipients = std::mem::replace(&mut self.rest, after);
        let what = Expansion { of: self.of, attempt: self.attempt, first: self.first, closed };
        self.first = self.first.saturating_add(u32::try_from(recipients.len()).unwrap_or(u32::MAX));
        self.under_way += 1;
        Some(Part { what, recipients })
    }

    /// A commit came to its end, or could not be made.
    pub(super) fn settled(&mut self, durable: bool) -> Standing {
        self.under_way = self.under_way.saturating_sub(1);
        self.failed |= !durable;
        match (self.under_way, self.failed) {
            (0, true) => Standing::Failed,
            (0, false) if self.rest.is_empty() => Standing::Closed,
            _ => Standing::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::id::SpoolId;

    fn parts(count: usize) -> Parts {
        let address = "a@example.org".parse().unwrap();
        let of = Place { segment: SpoolId::new(1, 2, 3, 4), offset: 9 };
        Parts::new(of, 7, vec![Recipient::new(address, None); count])
    }

    fn taken(parts: &mut Parts) -> Vec<(u32, usize, bool)> {
        std::iter::from_fn(|| parts.next())
            .map(|part| (part.what.first, part.recipients.len(), part.what.closed))
            .collect()
    }

    #[test]
    fn a_usual_one_is_one_record() {
        for count in [1, PART] {
            let mut parts = parts(count);
            assert_eq!(taken(&mut parts), [(0, count, true)]);
            assert_eq!(parts.settled(true), Standing::Closed);
        }
    }

    #[test]
    fn a_long_one_is_closed_when_all_else_is_durable() {
        let mut parts = parts(2 * PART + 1);
        assert_eq!(taken(&mut parts), [(0, PART, false), (10_000, PART, false)]);
        assert_eq!((parts.settled(true), taken(&mut parts)), (Standing::Open, vec![]));
        assert_eq!(parts.settled(true), Standing::Open);
        assert_eq!(taken(&mut parts), [(20_000, 1, true)]);
        assert_eq!(parts.settled(true), Standing::Closed);
    }

    #[test]
    fn one_that_failed_in_part_is_never_closed() {
        let mut parts = parts(2 * PART + 1);
        taken(&mut parts);
        assert_eq!(parts.settled(false), Standing::Open);
        assert_eq!((taken(&mut parts), parts.settled(true)), (vec![], Standing::Failed));
    }
}
