//! Buckets, merging, percentiles. Pure.
//!
//! Buckets are log-linear: a time below 16 ns has a bucket of its own, and each doubling above that is cut into 16 equal
//! parts. So a bucket is never wider than 1/16 of its lower bound, and its middle is within 3.2 % of every time in it.
//! The last bucket takes whatever is longer than an hour; of those the longest is known exactly.

use ipc::profile::Times;
use std::collections::BTreeMap;

/// Parts of a doubling, as a power of two.
const PARTS: u16 = 4;

/// The doubling above which all times are in one bucket: 2^42 ns are 73 minutes.
const DOUBLINGS: u16 = 42;

/// The last bucket.
const LAST: u16 = ((DOUBLINGS - PARTS + 1) << PARTS) - 1;

/// How many buckets there are.
pub(super) const BUCKETS: usize = LAST as usize + 1;

/// The bucket of a time in nanoseconds; always below [`BUCKETS`].
pub(super) fn bucket_of(time: u64) -> usize {
    let time = time.min((1 << DOUBLINGS) - 1);
    let doubling = (u64::BITS - time.leading_zeros()).saturating_sub(u32::from(PARTS) + 1);
    // The top bits of the time, its leading one included, number the part; each doubling goes on behind the last.
    usize::try_from((u64::from(doubling) << PARTS) + (time >> doubling)).unwrap_or(BUCKETS - 1)
}

/// The time in the middle of a bucket, in nanoseconds.
fn middle_of(bucket: u16) -> u64 {
    let (doubling, part) = (bucket >> PARTS, u64::from(bucket) & ((1 << PARTS) - 1));
    match doubling.checked_sub(1) {
        None => part,
        Some(shift) => (((1 << PARTS) + part) << shift) + ((1 << shift) >> 1),
    }
}

/// How often an operation took how long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Counts by bucket; none is 0.
    counts: BTreeMap<u16, u64>,
    total: u64,
    longest: u64,
}

impl Histogram {
    /// Adds what a process has counted.
    pub fn merge(&mut self, times: &Times) {
        for &(bucket, count) in times.buckets.iter().filter(|(_, count)| *count > 0) {
            // A bucket that nobody has comes from another build; it is counted with the longest.
            let bucket = bucket.min(LAST);
            let sum = self.counts.entry(bucket).or_default();
            *sum = sum.saturating_add(count);
        }
        self.total = self.total.saturating_add(times.total);
        self.longest = self.longest.max(times.longest);
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.counts.values().fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// The sum of all times, in nanoseconds.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The longest time, in nanoseconds, exactly.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// The time, in nanoseconds, that `percent` of all times do not exceed, within 3.2 %; 0 if there are none.
    pub fn percentile(&self, percent: u8) -> u64 {
        let rank = (u128::from(self.count()) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        for (&bucket, &count) in &self.counts {
            seen += u128::from(count);
            if seen >= rank {
                return if bucket == LAST { self.longest } else { middle_of(bucket).min(self.longest) };
            }
        }
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(all: &[u64]) -> Times {
        let mut counts = BTreeMap::new();
        for &time in all {
            *counts.entry(u16::try_from(bucket_of(time)).unwrap()).or_insert(0) += 1;
        }
        Times {
            operation: "flush".into(),
            buckets: counts.into_iter().collect(),
            total: all.iter().sum(),
            longest: all.iter().copied().max().unwrap_or(0),
        }
    }

    fn histogram(all: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.merge(&times(all));
        histogram
    }

    #[test]
    fn small_times_are_exact_and_every_bucket_is_used() {
        for time in 0..32_u8 {
            assert_eq!(bucket_of(time.into()), usize::from(time));
            assert_eq!(middle_of(time.into()), u64::from(time));
        }
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(middle_of(u16::try_from(bucket).unwrap())), bucket);
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_of_a_hundred_milliseconds_are_what_one_expects() {
        let all: Vec<u64> = (1..=100).map(|n| n * 1_000_000).collect();
        let near = |value: u64, wanted: u64| value.abs_diff(wanted) * 1000 <= wanted * 32;
        let histogram = histogram(&all);
        assert!(near(histogram.percentile(50), 50_000_000), "{}", histogram.percentile(50));
        assert!(near(histogram.percentile(99), 99_000_000), "{}", histogram.percentile(99));
        assert!(near(histogram.percentile(100), 100_000_000), "{}", histogram.percentile(100));
        assert_eq!((histogram.longest(), histogram.count()), (100_000_000, 100));
        assert_eq!(Histogram::default().percentile(50), 0);
    }

    #[test]
    fn what_takes_longer_than_an_hour_is_known_by_its_longest() {
        let day = 86_400_000_000_000;
        assert_eq!(histogram(&[day, 1]).percentile(99), day);
    }

    proptest! {
        #[test]
        fn a_bucket_is_within_a_thirtieth_of_its_times(time in 0_u64..1 << DOUBLINGS) {
            let middle = middle_of(u16::try_from(bucket_of(time)).unwrap());
            prop_assert!(middle.abs_diff(time) * 1000 <= time * 32, "{time}: {middle}");
        }

        #[test]
        fn longer_times_never_have_earlier_buckets(a: u64, b: u64) {
            prop_assert_eq!(bucket_of(a.min(b)) <= bucket_of(a.max(b)), true);
        }

        #[test]
        fn merging_is_as_good_as_counting_together(a in proptest::collection::vec(0_u64..1 << 45, 0..50),
                                                   b in proptest::collection::vec(0_u64..1 << 45, 1..50)) {
            let mut merged = histogram(&a);
            merged.merge(&times(&b));
            let together = histogram(&[a, b].concat());
            prop_assert_eq!(&merged, &together);
            let [p50, p90, p99] = [50, 90, 99].map(|percent| together.percentile(percent));
            prop_assert!(p50 <= p90 && p90 <= p99 && p99 <= together.longest());
        }
    }
}
