//! One worker in the eyes of its farm.

use super::{Policy, Why};

/// What the farm knows of one worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) born: u64,
    pub(super) uses: u64,
    pub(super) credits: u32,
    pub(super) load: u64,
    pub(super) memory: u64,
    pub(super) stage: Stage,
}

/// Where a worker stands between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Serves.
    Fresh,
    /// Serves until it is replaced.
    Retiring,
    /// Was told to finish; is killed at this time.
    Draining { kill_at: u64 },
    /// Its death was asked for.
    Killed,
}

impl Worker {
    pub(super) fn new(born: u64) -> Self {
        Self { born, uses: 0, credits: 0, load: 0, memory: 0, stage: Stage::Fresh }
    }

    /// It may be given work.
    pub(super) fn serves(&self) -> bool {
        matches!(self.stage, Stage::Fresh | Stage::Retiring)
    }

    pub(super) fn retiring(&self) -> bool {
        self.stage == Stage::Retiring
    }

    /// Its age, in milliseconds.
    pub(super) fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.born)
    }

    /// When it will be too old; `None` for one that is not fresh, or if age does not matter.
    pub(super) fn old_at(&self, policy: &Policy) -> Option<u64> {
        policy.recycle_age.filter(|_| self.stage == Stage::Fresh).map(|age| self.born.saturating_add(age))
    }

    /// Why it shall be replaced, if it is fresh and shall.
    pub(super) fn worn(&self, policy: &Policy, now: u64) -> Option<Why> {
        let reached = |limit: Option<u64>, value: u64| limit.is_some_and(|limit| value >= limit);
        if self.stage != Stage::Fresh {
            None
        } else if reached(policy.recycle_uses, self.uses) {
            Some(Why::Uses)
        } else if reached(policy.recycle_memory, self.memory) {
            Some(Why::Memory)
        } else if reached(policy.recycle_age, self.age(now)) {
            Some(Why::Age)
        } else {
            None
        }
    }
}
