//! When a farm whose workers die may start the next one.
//!
//! A *streak* is a row of starts that went wrong: the start failed, or the worker died before [`Policy::short_life`].
//! Each doubles the wait. Workers that die together count once: only the death of a worker started after the last
//! death says that the restart went wrong too. While a streak lasts, starts are spaced by the wait, one at a time.
//!
//! [`Policy::short_life`]: super::Policy::short_life

use super::Policy;

/// The state of the back-off of one farm.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    streak: u32,
    deaths: u32,
    began: u64,
    last_death: Option<u64>,
    not_before: u64,
}

impl Backoff {
    /// A worker born at `born` died of something else than its own wish or ours, or a start failed (`born` = `now`).
    pub(super) fn died(&mut self, policy: &Policy, born: u64, now: u64) {
        if now.saturating_sub(born) >= policy.short_life && self.streak == 0 {
            return;
        }
        if self.streak == 0 {
            (self.began, self.deaths) = (now, 0);
        }
        self.deaths = self.deaths.saturating_add(1);
        if self.last_death.is_none_or(|last| born >= last) {
            self.streak = self.streak.saturating_add(1);
            self.not_before = now.saturating_add(self.wait(policy));
        }
        self.last_death = Some(now);
    }

    /// A worker born at `born` ended by its own decision and without an error. One that does so at once is still not
    /// started again in a tight loop.
    pub(super) fn left(&mut self, policy: &Policy, born: u64, now: u64) {
        if self.last_death.is_none_or(|last| born >= last) {
            self.reset();
        }
        if now.saturating_sub(born) < policy.short_life {
            self.not_before = self.not_before.max(now.saturating_add(policy.backoff_first));
        }
    }

    /// A start is under way: in a streak the next one waits its turn.
    pub(super) fn started(&mut self, policy: &Policy, now: u64) {
        if self.streak > 0 {
            self.not_before = now.saturating_add(self.wait(policy));
        }
    }

    /// A living worker was born at `born`: if it came after the last death and has lived long enough, the streak is over.
    pub(super) fn alive(&mut self, policy: &Policy, born: u64, now: u64) {
        if self.over_at(policy, born).is_some_and(|over_at| over_at <= now) {
            self.reset();
        }
    }

    /// The earliest time of the next start.
    pub(super) fn not_before(&self) -> u64 {
        self.not_before
    }

    /// When a living worker born at `born` will have ended the streak, if it can.
    pub(super) fn over_at(&self, policy: &Policy, born: u64) -> Option<u64> {
        let restarted = self.streak > 0 && self.last_death.is_some_and(|last| born >= last);
        restarted.then(|| born.saturating_add(policy.short_life))
    }

    /// Deaths in this streak, and the milliseconds since its first; zeros outside a streak.
    pub(super) fn deaths(&self, now: u64) -> (u32, u64) {
        if self.streak == 0 { (0, 0) } else { (self.deaths, now.saturating_sub(self.began)) }
    }

    fn wait(&self, policy: &Policy) -> u64 {
        let doublings = self.streak.saturating_sub(1).min(32);
        policy.backoff_first.saturating_mul(1 << doublings).min(policy.backoff_longest)
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy { backoff_longest: 1_000, ..Policy::new(1, 4) }
    }

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let (policy, mut backoff, mut now) = (policy(), Backoff::default(), 0);
        let waits: Vec<u64> = (0..6)
            .map(|_| {
                backoff.died(&policy, now, now);
                let wait = backoff.not_before() - now;
                now = backoff.not_before();
                wait
            })
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
    }

    #[test]
    fn a_death_after_a_long_life_costs_no_wait() {
        let (policy, mut backoff) = (policy(), Backoff::default());
        backoff.died(&policy, 0, 5_000);
        assert_eq!((backoff.streak, backoff.not_before()), (0, 0));
    }

    #[test]
    fn workers_that_die_together_count_once() {
        let (policy, mut backoff) = (policy(), Backoff::default());
        (0..8).for_each(|_| backoff.died(&policy, 1_000, 1_500));
        assert_eq!((backoff.not_before(), backoff.deaths(1_600)), (1_600, (8, 100)));
    }

    #[test]
    fn a_restarted_worker_that_lives_long_ends_the_streak() {
        let (policy, mut backoff) = (policy(), Backoff::default());
        backoff.died(&policy, 0, 10);
        backoff.alive(&policy, 5, 9_000);
        assert_eq!(backoff.streak, 1, "that one was there before the death");
        backoff.alive(&policy, 110, 5_110);
        assert_eq!(backoff.streak, 0);
    }

    #[test]
    fn a_clean_exit_ends_the_streak_but_never_spins() {
        let (policy, mut backoff) = (policy(), Backoff::default());
        (0..5).for_each(|n| backoff.died(&policy, n * 10, n * 10));
        backoff.left(&policy, 100, 200);
        assert_eq!((backoff.streak, backoff.not_before()), (0, 300));
    }
}
