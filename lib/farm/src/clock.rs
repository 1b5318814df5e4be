//! The one clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time at one turn of a loop. Monotonic time is for time-outs, UTC for what is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since some instant before this process did anything; never goes back.
    pub mono: u64,
    /// Milliseconds since 1970, UTC, as the system believes.
    pub utc: u64,
}

/// Monotonic time since the first call in this process.
fn elapsed() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Monotonic microseconds since the first call in this process.
pub fn microseconds() -> u64 {
    u64::try_from(elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Monotonic nanoseconds since the first call in this process; never 0.
pub fn nanoseconds() -> u64 {
    u64::try_from(elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Milliseconds since 1970, UTC.
pub fn utc_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Both times, read now.
pub fn moment() -> Moment {
    // A second is added so that "an hour ago" on a fresh process is a number and not a special case.
    Moment { mono: microseconds() / 1000 + 1000, utc: utc_milliseconds() }
}
