//! A window of a file in memory, so that a walk over small records costs a read per 64 KiB and not per record.

use crate::storage::{Stored, length, octets, read_full};
use std::io;

/// Octets read at once.
const STEP: usize = 64 << 10;

/// A buffered view of a file, up to a limit.
#[derive(Debug)]
pub(super) struct Window<'a> {
    file: &'a dyn Stored,
    limit: u64,
    start: u64,
    buffer: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a dyn Stored, limit: u64) -> Self {
        Self { file, limit, start: 0, buffer: Vec::new() }
    }

    /// The octets at an offset; fewer than asked for at the limit or the end of the file.
    pub(super) fn view(&mut self, offset: u64, count: u64) -> io::Result<&[u8]> {
        let count = count.min(self.limit.saturating_sub(offset));
        let buffered = self.start..=self.start + octets(self.buffer.len());
        if !(buffered.contains(&offset) && buffered.contains(&(offset + count))) {
            self.fill(offset, count)?;
        }
        let from = length(offset - self.start).min(self.buffer.len());
        let to = from.saturating_add(length(count)).min(self.buffer.len());
        Ok(self.buffer.get(from..to).unwrap_or_default())
    }

    fn fill(&mut self, offset: u64, count: u64) -> io::Result<()> {
        let most = self.limit.saturating_sub(offset);
        self.buffer.clear();
        self.buffer.resize(length(most.min(count.max(octets(STEP)))), 0);
        self.start = offset;
        let done = read_full(self.file, &mut self.buffer, offset)?;
        self.buffer.truncate(done);
        Ok(())
    }
}
