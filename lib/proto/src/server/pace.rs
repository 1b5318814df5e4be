//! How fast octets must come: neither silent too long, nor too slow on average.

use super::Config;

/// What has come since we began to wait for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    came: u64,
    since: u64,
}

impl Pace {
    /// The wait begins.
    pub(super) fn new(now: u64) -> Self {
        Self { came: 0, since: now }
    }

    /// So many octets have come.
    pub(super) fn note(&mut self, octets: usize) {
        self.came = self.came.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
    }

    /// Milliseconds from `now` to the time by which more must come.
    pub(super) fn wait(&self, config: &Config, now: u64) -> u64 {
        let limits = config.limits();
        if self.came == 0 {
            return limits.data_wait;
        }
        let earned = self.came.saturating_mul(1000).checked_div(limits.data_rate).unwrap_or(u64::MAX);
        let by = self.since.saturating_add(limits.block_wait).saturating_add(earned);
        limits.block_wait.min(by.saturating_sub(now))
    }
}
