//! When to try again: a list of intervals, the last of which repeats, with a little jitter.
//!
//! The jitter (up to a tenth, always later) is a function of what is retried and how often it was, so that ten thousand
//! hosts that died in the same minute come back spread out, and a simulation repeats itself exactly.

/// A retry schedule: the n-th failure in a row waits for the n-th interval, later ones for the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    intervals: Box<[u64]>,
}

/// A schedule needs at least one interval, and none of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a retry schedule is a list of one or more durations, none of them zero")]
pub struct ScheduleError;

impl Schedule {
    /// A schedule of intervals in milliseconds.
    ///
    /// # Errors
    /// [`ScheduleError`] if the list is empty or holds a zero, which would retry in a tight loop.
    pub fn new(intervals: Vec<u64>) -> Result<Self, ScheduleError> {
        if intervals.is_empty() || intervals.contains(&0) {
            return Err(ScheduleError);
        }
        Ok(Self { intervals: intervals.into_boxed_slice() })
    }

    /// How long to wait after `attempts` failures in a row, in milliseconds, jitter included.
    pub fn wait(&self, attempts: u16, salt: u64) -> u64 {
        let step = usize::from(attempts.saturating_sub(1)).min(self.intervals.len() - 1);
        let interval = self.intervals.get(step).copied().unwrap_or(MINUTE);
        interval + mix(salt ^ u64::from(attempts)) % (interval / 10 + 1)
    }

    /// The longest wait this schedule can give, in milliseconds; a loaded retry time is clamped to it.
    pub fn longest(&self) -> u64 {
        let longest = self.intervals.iter().copied().max().unwrap_or(MINUTE);
        longest + longest / 10
    }
}

impl Default for Schedule {
    /// 1m, 5m, 15m, 1h, 2h, 4h.
    fn default() -> Self {
        Self { intervals: [1, 5, 15, 60, 120, 240].map(|minutes| minutes * MINUTE).into() }
    }
}

/// Spreads the bits of a number (the finaliser of a 64-bit multiply-and-shift hash).
pub(super) const fn mix(number: u64) -> u64 {
    let a = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 29)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    b ^ (b >> 32)
}

/// A number for a text, the same in every run.
pub(super) fn salt(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, octet| mix(sum ^ u64::from(octet)))
}

const MINUTE: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_interval_repeats() {
        let schedule = Schedule::default();
        for (attempts, interval) in [(1, 1), (2, 5), (6, 240), (7, 240), (60_000, 240)] {
            let wait = schedule.wait(attempts, 7);
            let interval = interval * MINUTE;
            assert!((interval..=interval + interval / 10).contains(&wait), "{attempts}: {wait}");
            assert!(wait <= schedule.longest());
        }
    }

    #[test]
    fn an_empty_schedule_and_a_zero_are_refused() {
        assert_eq!(Schedule::new(vec![]), Err(ScheduleError));
        assert_eq!(Schedule::new(vec![60_000, 0]), Err(ScheduleError));
    }

    #[test]
    fn jitter_depends_on_the_salt_and_repeats() {
        let schedule = Schedule::default();
        let waits: Vec<u64> = (0..20).map(|salt| schedule.wait(1, salt)).collect();
        assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
        assert_eq!(waits, (0..20).map(|salt| schedule.wait(1, salt)).collect::<Vec<_>>());
    }
}
