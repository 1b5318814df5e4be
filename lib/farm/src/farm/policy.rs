//! The numbers a farm goes by.

/// What a farm's owner asks of it. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Workers kept when nobody asks for more; may be 0.
    pub min: usize,
    /// Workers at most; at least `min` and at least 1.
    pub max: usize,
    /// A worker is replaced after so many pieces of work.
    pub recycle_uses: Option<u64>,
    /// A worker is replaced when it is so old.
    pub recycle_age: Option<u64>,
    /// A worker is replaced when it says that it has grown to so many octets.
    pub recycle_memory: Option<u64>,
    /// The wait before the next start after one that went wrong; each further one doubles it.
    pub backoff_first: u64,
    /// The longest wait between starts.
    pub backoff_longest: u64,
    /// A start has gone wrong if the worker dies before it is so old.
    pub short_life: u64,
    /// How long a drained worker may take to exit before it is killed.
    pub drain_grace: u64,
}

impl Policy {
    /// Between `min` and `max` workers, never recycled; back-off from 100 ms to 30 s for those that die within 5 s; 30 s
    /// to drain. A `max` below `min`, or 0, is raised.
    pub fn new(min: u32, max: u32) -> Self {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            min: size(min),
            max: size(max.max(min).max(1)),
            recycle_uses: None,
            recycle_age: None,
            recycle_memory: None,
            backoff_first: 100,
            backoff_longest: 30_000,
            short_life: 5_000,
            drain_grace: 30_000,
        }
    }
}
