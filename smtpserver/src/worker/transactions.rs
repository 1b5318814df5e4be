//! The open transactions of a worker, and how many of them may soon come to their end. Pure.
//!
//! A batch waits a little for those that may join it. A client that takes its time will not, and thousands of such must
//! not make every batch wait: so a transaction counts for that only while it is young.

/// Length of a slice of time, in milliseconds.
const SLICE: u64 = 16;

/// A transaction is young in the slice in which it began and in the three after it.
const SLICES: usize = 4;

/// How many there are.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    open: usize,
    /// Those that began in each of the last slices and are open still.
    young: [usize; SLICES],
    /// The slice of the last look.
    slice: u64,
}

/// The slice in which a transaction began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begun(u64);

impl Transactions {
    /// One more, at this monotonic time in milliseconds.
    pub(super) fn begin(&mut self, now: u64) -> Begun {
        self.look(now);
        self.open += 1;
        if let Some(count) = self.young.get_mut(place(self.slice)) {
            *count += 1;
        }
        Begun(self.slice)
    }

    /// One less.
    pub(super) fn end(&mut self, begun: Begun, now: u64) {
        self.look(now);
        self.open = self.open.saturating_sub(1);
        let young = self.slice - begun.0 < SLICES as u64;
        if let Some(count) = self.young.get_mut(place(begun.0)).filter(|_| young) {
            *count = count.saturating_sub(1);
        }
    }

    /// All of them.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Those for which a batch may wait.
    pub(super) fn young(&mut self, now: u64) -> usize {
        self.look(now);
        self.young.iter().sum()
    }

    /// Forgets what has become old.
    fn look(&mut self, now: u64) {
        let slice = (now / SLICE).max(self.slice);
        let passed = (slice - self.slice).min(SLICES as u64);
        for old in (1..=passed).map(|step| place(self.slice + step)) {
            if let Some(count) = self.young.get_mut(old) {
                *count = 0;
            }
        }
        self.slice = slice;
    }
}

fn place(slice: u64) -> usize {
    usize::try_from(slice % SLICES as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_takes_its_time_is_waited_for_no_longer() {
        let mut transactions = Transactions::default();
        let slow = transactions.begin(100);
        assert_eq!((transactions.open(), transactions.young(140)), (1, 1));
        assert_eq!((transactions.open(), transactions.young(180)), (1, 0));
        let quick = transactions.begin(181);
        assert_eq!(transactions.young(181), 1);
        transactions.end(slow, 182);
        assert_eq!((transactions.open(), transactions.young(182)), (1, 1), "the other one is still young");
        transactions.end(quick, 183);
        assert_eq!((transactions.open(), transactions.young(183)), (0, 0));
    }

    #[test]
    fn after_a_long_silence_nothing_is_young() {
        let mut transactions = Transactions::default();
        for now in [0, 10, 20, 30, 40, 50] {
            transactions.begin(now);
        }
        assert_eq!(transactions.young(50), 6);
        assert_eq!((transactions.open(), transactions.young(1_000_000)), (6, 0));
    }
}
