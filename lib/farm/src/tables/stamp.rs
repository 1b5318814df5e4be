//! Whether a file has changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells one state of a file from another: device, inode, size, times of change of content and of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp([u64; 7]);

impl Stamp {
    /// The figures that it is made of.
    pub fn numbers(self) -> [u64; 7] {
        self.0
    }
}

/// The stamp of a file; `None` if it cannot be looked at.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let facts = fs::metadata(path).ok()?;
    let times = [facts.mtime(), facts.mtime_nsec(), facts.ctime(), facts.ctime_nsec()];
    let [a, b, c, d] = times.map(i64::cast_unsigned);
    Some(Stamp([facts.dev(), facts.ino(), facts.len(), a, b, c, d]))
}
