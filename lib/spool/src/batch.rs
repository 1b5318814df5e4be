//! When to close a batch: the one rule behind group commit.

/// Limits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batcher {
    /// A commit waits this long for others at most. Milliseconds, default 2.
    pub delay: u64,
    /// A batch is closed at this size. Octets, default 1 MiB.
    pub limit: u64,
}

impl Default for Batcher {
    fn default() -> Self {
        Self { delay: 2, limit: 1 << 20 }
    }
}

/// The open batch as it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gathering {
    /// Commits in it.
    pub commits: usize,
    /// Octets in it.
    pub octets: u64,
    /// When the first of them came, in the milliseconds of the caller's clock.
    pub since: u64,
    /// A batch before it is being flushed.
    pub flushing: bool,
}

/// What to do about the open batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// It is empty.
    Nothing,
    /// Close it now.
    Now,
    /// Ask again when something happens, or at this time.
    At(u64),
    /// Ask again when the flush in progress is over; until then more may gather.
    AfterFlush,
}

impl Batcher {
    /// Decides. `open` is the number of transactions that may still join the batch (a session between MAIL and its end
    /// of data); with none there is nothing to wait for, so a lone session never waits.
    pub fn decide(&self, batch: &Gathering, open: usize, now: u64) -> Closing {
        let due = batch.since.saturating_add(self.delay);
        if batch.commits == 0 {
            Closing::Nothing
        } else if batch.flushing {
            Closing::AfterFlush
        } else if open == 0 || batch.octets >= self.limit || now >= due {
            Closing::Now
        } else {
            Closing::At(due)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_close_or_to_wait() {
        let batcher = Batcher::default();
        let batch = Gathering { commits: 1, octets: 10, since: 100, flushing: false };
        let full = Gathering { octets: 1 << 20, ..batch };
        let flushing = Gathering { flushing: true, ..full };
        assert_eq!(batcher.decide(&Gathering::default(), 0, 100), Closing::Nothing);
        assert_eq!(batcher.decide(&batch, 0, 100), Closing::Now, "a lone session");
        assert_eq!(batcher.decide(&batch, 3, 101), Closing::At(102));
        assert_eq!(batcher.decide(&batch, 3, 102), Closing::Now);
        assert_eq!(batcher.decide(&full, 3, 100), Closing::Now);
        assert_eq!(batcher.decide(&flushing, 0, 900), Closing::AfterFlush);
    }
}
