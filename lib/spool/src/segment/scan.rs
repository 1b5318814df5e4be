//! Going through the records of a segment, and over what is damaged.
//!
//! The scan reads record lines only. Where no valid line stands though one should, it looks for the next separator that
//! begins one, and reports the range between as a gap. It knows from `index` and `count` when records of a batch are
//! missing even where zeros look like padding.

use super::record::{LINE, RecordLine};
use super::window::Window;
use crate::layout::{BLOCK, align};
use crate::seal::{Seal, Separator};
use crate::storage::{Stored, octets};
use proto::id::SpoolId;
use std::io;

/// Octets searched at once for the next separator.
const STEP: u64 = 64 << 10;

/// What the scan came upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record whose line is valid; envelope and content are not checked.
    Record(RecordLine),
    /// Octets that belong to no record, or in which records are missing.
    Gap { from: u64, to: u64 },
}

/// A walk over the record lines of a segment.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    window: Window<'a>,
    separator: Separator,
    seal: Seal,
    position: u64,
    limit: u64,
    /// The record before, unless a gap was reported after it.
    before: Option<RecordLine>,
    /// A record that waits for the gap in front of it to be reported.
    ahead: Option<RecordLine>,
}

impl<'a> Scan<'a> {
    /// A walk from an offset, a record or the start of a batch, to a limit.
    pub(crate) fn new(
        file: &'a dyn Stored,
        number: SpoolId,
        separator: Separator,
        from: u64,
        limit: u64,
    ) -> Self {
        Self {
            window: Window::new(file, limit),
            separator,
            seal: Seal::of_segment(number, &separator),
            position: from.max(BLOCK),
            limit,
            before: None,
            ahead: None,
        }
    }

    /// Where the walk stands: behind the last thing found.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next record or gap; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Found>> {
        if let Some(line) = self.ahead.take() {
            return Ok(Some(self.pass(line)));
        }
        let start = self.position;
        if start >= self.limit {
            return Ok(self.missing_at_end());
        }
        if let Some(line) = self.line_behind_padding(start)? {
            let complete = self.before.is_none_or(|before| line.follows(&before));
            return Ok(Some(if complete { self.pass(line) } else { self.gap(start, line) }));
        }
        let start = self.behind_padding(start)?;
        match self.search(start)? {
            Search::Line(line) => Ok(Some(self.gap(start, line))),
            Search::Zeros => {
                self.position = self.limit;
                Ok(self.missing_at_end().map(|_| Found::Gap { from: start, to: self.limit }))
            }
            Search::Garbage => {
                (self.position, self.before) = (self.limit, None);
                Ok(Some(Found::Gap { from: start, to: self.limit }))
            }
        }
    }

    /// The envelope of a record, unchecked; shorter at the end of the file.
    pub(crate) fn envelope(&mut self, line: &RecordLine) -> io::Result<&[u8]> {
        self.window.view(line.envelope_offset(), line.envelope)
    }

    fn pass(&mut self, line: RecordLine) -> Found {
        self.position = line.end();
        self.before = Some(line);
        Found::Record(line)
    }

    fn gap(&mut self, from: u64, line: RecordLine) -> Found {
        (self.before, self.ahead) = (None, Some(line));
        self.position = line.offset;
        Found::Gap { from, to: line.offset }
    }

    /// The last batch should have gone on.
    fn missing_at_end(&mut self) -> Option<Found> {
        let before = self.before.take()?;
        (!before.is_last_of_batch()).then_some(Found::Gap { from: before.end(), to: self.limit })
    }

    /// The next block, if the batch before is whole and there are only zeros up to it; else the offset itself.
    fn behind_padding(&mut self, start: u64) -> io::Result<u64> {
        let whole = self.before.is_none_or(|before| before.is_last_of_batch());
        Ok(if whole && self.is_padding(start)? { align(start).min(self.limit) } else { start })
    }

    fn is_padding(&mut self, start: u64) -> io::Result<bool> {
        Ok(self.window.view(start, align(start) - start)?.iter().all(|octet| *octet == 0))
    }

    /// The line at an offset, or at the next block if there are only zeros up to it.
    fn line_behind_padding(&mut self, start: u64) -> io::Result<Option<RecordLine>> {
        if let Some(line) = self.line_at(start)? {
            return Ok(Some(line));
        }
        let block = align(start);
        if block == start || !self.is_padding(start)? {
            return Ok(None);
        }
        self.line_at(block)
    }

    fn line_at(&mut self, offset: u64) -> io::Result<Option<RecordLine>> {
        let (limit, separator, seal) = (self.limit, self.separator, self.seal);
        let octets = self.window.view(offset, LINE)?;
        Ok(RecordLine::parse(octets, offset, &separator, seal).filter(|line| line.end() <= limit))
    }

    /// Looks for the next valid line behind `start`.
    fn search(&mut self, start: u64) -> io::Result<Search> {
        let overlap = octets(self.separator.as_bytes().len()) - 1;
        let separator = self.separator;
        let mut zeros = true;
        let mut base = start;
        while base < self.limit {
            let view = self.window.view(base, STEP + overlap)?;
            let seen = octets(view.len());
            zeros &= view.iter().all(|octet| *octet == 0);
            let hits: Vec<u64> =
                memchr::memmem::find_iter(view, separator.as_bytes()).map(|at| base + octets(at)).collect();
            for hit in hits {
                if let Some(line) = self.line_at(hit)? {
                    return Ok(Search::Line(line));
                }
            }
            if seen <= overlap {
                break;
            }
            base += (seen - overlap).min(STEP);
        }
        Ok(if zeros { Search::Zeros } else { Search::Garbage })
    }
}

enum Search {
    Line(RecordLine),
    Zeros,
    Garbage,
}

/// Whether the content of a record matches its checksum.
pub(crate) fn verify_content(file: &dyn Stored, line: &RecordLine, seal: Seal) -> io::Result<bool> {
    let mut sum = seal.start(line.content_offset());
    let mut window = Window::new(file, line.end());
    let mut at = line.content_offset();
    while at < line.end() {
        let part = window.view(at, STEP)?;
        if part.is_empty() {
            return Ok(false);
        }
        sum = crc32c::crc32c_append(sum, part);
        at += octets(part.len());
    }
    Ok(sum == line.content_sum)
}
