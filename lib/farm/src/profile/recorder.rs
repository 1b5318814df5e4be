//! The counters of a process: atomics, so that any thread may count and none waits for another.

use super::histogram::{BUCKETS, bucket_of};
use super::operation::Operation;
use crate::clock;
use ipc::profile::Times;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A histogram per operation, and whether anything is counted. About 60 KiB, of which untouched pages cost nothing.
#[derive(Debug)]
pub struct Recorder {
    on: AtomicBool,
    tables: [Table; Operation::ALL.len()],
}

/// The times of one operation.
#[derive(Debug)]
struct Table {
    counts: [AtomicU64; BUCKETS],
    total: AtomicU64,
    longest: AtomicU64,
}

/// When an operation began; empty if nothing was counted then. Monotonic nanoseconds of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "an operation that does not end is not counted"]
pub struct Begun(u64);

impl Recorder {
    /// Counts nothing yet.
    pub const fn new() -> Self {
        Self { on: AtomicBool::new(false), tables: [const { Table::new() }; Operation::ALL.len()] }
    }

    /// Forgets what was counted and begins to count.
    pub fn start(&self) {
        self.on.store(false, Relaxed);
        for table in &self.tables {
            table.counts.iter().chain([&table.total, &table.longest]).for_each(|one| one.store(0, Relaxed));
        }
        self.on.store(true, Relaxed);
    }

    /// Counts no more.
    pub fn stop(&self) {
        self.on.store(false, Relaxed);
    }

    /// An operation begins.
    #[inline]
    pub fn begin(&self) -> Begun {
        if self.on.load(Relaxed) { Begun(clock::nanoseconds()) } else { Begun(0) }
    }

    /// Counts a time that was measured anyway.
    #[inline]
    pub fn took(&self, operation: Operation, time: Duration) {
        if self.on.load(Relaxed) {
            self.add(operation, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    fn add(&self, operation: Operation, time: u64) {
        let Some(table) = self.tables.get(operation as usize) else { return };
        if let Some(count) = table.counts.get(bucket_of(time)) {
            count.fetch_add(1, Relaxed);
            table.total.fetch_add(time, Relaxed);
            table.longest.fetch_max(time, Relaxed);
        }
    }

    /// What was counted, of the operations that were.
    pub fn times(&self) -> Vec<Times> {
        Operation::ALL
            .into_iter()
            .zip(&self.tables)
            .map(|(operation, table)| Times {
                operation: operation.name().to_owned(),
                buckets: table.buckets(),
                total: table.total.load(Relaxed),
                longest: table.longest.load(Relaxed),
            })
            .filter(|times| !times.buckets.is_empty())
            .collect()
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    const fn new() -> Self {
        let counts = [const { AtomicU64::new(0) }; BUCKETS];
        Self { counts, total: AtomicU64::new(0), longest: AtomicU64::new(0) }
    }

    fn buckets(&self) -> Vec<(u16, u64)> {
        let counts = (0..).zip(&self.counts).map(|(bucket, count)| (bucket, count.load(Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

impl Begun {
    /// The profile was on when the operation began.
    pub fn is_counted(self) -> bool {
        self.0 != 0
    }

    /// The operation ends.
    #[inline]
    pub fn end_in(self, recorder: &Recorder, operation: Operation) {
        if self.0 != 0 && recorder.on.load(Relaxed) {
            recorder.add(operation, clock::nanoseconds().saturating_sub(self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(recorder: &Recorder, operation: Operation) -> u64 {
        let times = recorder.times();
        let of = times.iter().find(|times| times.operation == operation.name());
        of.map_or(0, |times| times.buckets.iter().map(|(_, count)| count).sum())
    }

    #[test]
    fn nothing_is_counted_before_it_is_asked_for() {
        let recorder = Recorder::new();
        let begun = recorder.begin();
        assert_eq!(begun, Begun(0), "the clock is not read");
        begun.end_in(&recorder, Operation::Flush);
        recorder.took(Operation::Flush, Duration::from_secs(1));
        assert!(recorder.times().is_empty());
    }

    #[test]
    fn what_began_before_it_was_on_is_not_counted() {
        let recorder = Recorder::new();
        let begun = recorder.begin();
        recorder.start();
        begun.end_in(&recorder, Operation::Ask);
        recorder.begin().end_in(&recorder, Operation::Job);
        assert_eq!((count(&recorder, Operation::Ask), count(&recorder, Operation::Job)), (0, 1));
    }

    #[test]
    fn off_keeps_the_counts_and_on_begins_anew() {
        let recorder = Recorder::new();
        recorder.start();
        recorder.took(Operation::Flush, Duration::from_millis(3));
        recorder.took(Operation::Flush, Duration::from_millis(9));
        let begun = recorder.begin();
        recorder.stop();
        begun.end_in(&recorder, Operation::Flush);
        recorder.took(Operation::Flush, Duration::from_millis(3));
        let times = recorder.times();
        assert_eq!((times.len(), times[0].total, times[0].longest), (1, 12_000_000, 9_000_000));
        assert_eq!(count(&recorder, Operation::Flush), 2);
        recorder.start();
        assert!(recorder.times().is_empty());
    }

    #[test]
    fn threads_lose_no_count() {
        let recorder = Recorder::new();
        recorder.start();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| recorder.begin().end_in(&recorder, Operation::Parse)));
            }
        });
        assert_eq!(count(&recorder, Operation::Parse), 4_000);
    }
}
