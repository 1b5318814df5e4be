//! How a host keeps up, and what follows from it.
//!
//! A quick host answers before another connection would stand: what waits for it is carried by few connections, one job
//! behind the other, which costs one round trip, one write and one read for each. For a host that takes its time, jobs
//! spread over all connections that are allowed. Every transaction tells anew what a host is.

/// How a host keeps up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// What the last transaction took, in milliseconds; before the first one nobody knows.
    last: Option<u64>,
    /// Since then something has waited too long.
    late: bool,
    /// For so many transactions nothing strides, because a job in the stride of another was returned.
    caution: u32,
}

impl Pace {
    /// A transaction took so many milliseconds.
    pub(super) fn took(&mut self, milliseconds: u64) {
        (self.last, self.late) = (Some(milliseconds), false);
        self.caution = self.caution.saturating_sub(1);
    }

    /// What waits has waited too long.
    pub(super) fn slows(&mut self) {
        self.late = true;
    }

    /// A job in the stride of another came back.
    pub(super) fn stumbles(&mut self) {
        self.caution = CAUTION;
    }

    /// Another connection would take longer than to wait for one.
    pub(super) fn is_quick(self) -> bool {
        self.caution == 0 && !self.late && self.last.is_none_or(|last| last <= QUICK)
    }

    /// A job may go out in the stride of another, with a host that takes so long at most.
    pub(super) fn strides(self, most: u64) -> bool {
        self.caution == 0 && self.last.is_some_and(|last| last <= most)
    }
}

/// A transaction with a quick host takes so many milliseconds at most; after so long, what waits gets a connection.
pub(super) const QUICK: u64 = 50;

/// Jobs wait behind others where a transaction takes so many milliseconds at most.
pub(super) const FAIR: u64 = 500;

/// A server that closes after each message costs one job in so many that is begun twice.
const CAUTION: u32 = 500;

/// How many jobs may wait for each connection to a quick host.
pub(super) const QUEUE: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_strides_before_the_first_transaction_has_shown_the_pace() {
        let mut pace = Pace::default();
        assert!(pace.is_quick() && !pace.strides(FAIR));
        pace.took(QUICK);
        assert!(pace.is_quick() && pace.strides(QUICK));
        pace.took(QUICK + 1);
        assert!(!pace.is_quick() && !pace.strides(QUICK) && pace.strides(FAIR));
    }

    #[test]
    fn a_delay_counts_until_the_next_transaction_and_a_stumble_for_hundreds() {
        let mut pace = Pace::default();
        pace.took(1);
        pace.slows();
        assert!(!pace.is_quick());
        pace.took(1);
        assert!(pace.is_quick());
        pace.stumbles();
        (1..CAUTION).for_each(|_| pace.took(1));
        assert!(!pace.is_quick() && !pace.strides(FAIR));
        pace.took(1);
        assert!(pace.is_quick() && pace.strides(QUICK));
    }
}
