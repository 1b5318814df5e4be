//! Reading a log, a piece at a time: however long it is, one piece and one line are in memory.
//!
//! It decides which lines are whole: the checksum covers the id of the log, the offset of the line and the record. What a
//! record says is asked of the [`LogLine`], so that a reader who needs only some of them pays for those alone.

use super::record::LogRecord;
use super::text::parse;
use super::waiting::WaitingLine;
use crate::error::{Context, SpoolError};
use crate::seal::Seal;
use crate::storage::{Stored, length, octets, read_full};
use proto::id::SpoolId;
use std::ops::Range;
use std::sync::Arc;

/// Octets read at once.
const PIECE: usize = 256 << 10;

/// The lines of a log from some offset on, up to where it ended when this was made.
#[derive(Debug)]
pub struct Lines {
    file: Arc<dyn Stored>,
    path: String,
    id: SpoolId,
    seal: Seal,
    /// A part of the file.
    buffer: Vec<u8>,
    /// Where the buffer lies in the file.
    base: u64,
    /// Where the next line begins in the buffer.
    next: usize,
    /// Where the file ends for this reader.
    until: u64,
}

/// Octets of a line before its record: the checksum and a space.
const SUM: usize = 9;

/// One whole line.
#[derive(Debug, Clone, Copy)]
pub struct LogLine<'a> {
    log: SpoolId,
    offset: u64,
    text: &'a str,
}

impl Lines {
    pub(super) fn new(file: Arc<dyn Stored>, path: String, id: SpoolId, from: u64, until: u64) -> Self {
        Self { file, path, id, seal: Seal::of_id(id), buffer: Vec::new(), base: from, next: 0, until }
    }

    /// The next line; `None` at the end, and at a line that is not whole, for good.
    ///
    /// # Errors
    /// [`SpoolError::Broken`].
    pub fn next_line(&mut self) -> Result<Option<LogLine<'_>>, SpoolError> {
        let Some(range) = self.peek()? else { return Ok(None) };
        let offset = self.offset();
        if self.is_whole(&range) {
            self.next = range.end;
            return Ok(self.line(range, offset));
        }
        Ok(None)
    }

    /// The next whole line; those that are not are passed over.
    ///
    /// # Errors
    /// [`SpoolError::Broken`].
    pub fn next_sound(&mut self) -> Result<Option<LogLine<'_>>, SpoolError> {
        while let Some(range) = self.peek()? {
            let (offset, whole) = (self.offset(), self.is_whole(&range));
            self.next = range.end;
            if whole {
                return Ok(self.line(range, offset));
            }
        }
        Ok(None)
    }

    /// Where the next line begins, in octets.
    pub fn offset(&self) -> u64 {
        self.base + octets(self.next)
    }

    /// The line there, which is the next one, is whole.
    fn is_whole(&self, range: &Range<usize>) -> bool {
        check(self.buffer.get(range.clone()).unwrap_or_default(), self.seal, self.offset()).is_some()
    }

    /// The whole line there.
    fn line(&self, range: Range<usize>, offset: u64) -> Option<LogLine<'_>> {
        let record = self.buffer.get(range)?.get(SUM..)?.strip_suffix(b"\n")?;
        let text = std::str::from_utf8(record).ok()?;
        Some(LogLine { log: self.id, offset, text })
    }

    /// Where the next line lies in the buffer, its line feed included; reads on as far as need be.
    fn peek(&mut self) -> Result<Option<Range<usize>>, SpoolError> {
        let mut searched = self.next;
        loop {
            let rest = self.buffer.get(searched..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', rest) {
                return Ok(Some(self.next..searched + end + 1));
            }
            searched = self.buffer.len() - self.next;
            if !self.read_on()? {
                return Ok(None);
            }
        }
    }

    /// Drops what was given out and reads another piece; `false` at the end of the file.
    fn read_on(&mut self) -> Result<bool, SpoolError> {
        self.buffer.drain(..self.next);
        self.base += octets(self.next);
        self.next = 0;
        let held = self.buffer.len();
        let left = length(self.until.saturating_sub(self.base + octets(held)));
        self.buffer.resize(held + left.min(PIECE.max(held)), 0);
        let room = self.buffer.get_mut(held..).unwrap_or_default();
        let count = read_full(&*self.file, room, self.base + octets(held)).during("read", &self.path)?;
        self.buffer.truncate(held + count);
        Ok(count > 0)
    }
}

impl<'a> LogLine<'a> {
    /// Where it begins, in octets.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The record as it stands, to be copied into another log.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What it says; `None` for one that later versions write and this one may ignore.
    ///
    /// # Errors
    /// [`SpoolError::UnknownLogRecord`].
    pub fn record(&self) -> Result<Option<LogRecord>, SpoolError> {
        match parse(self.text) {
            Some(record) => Ok(Some(record)),
            None if self.text.starts_with(|c: char| c.is_ascii_lowercase()) => Ok(None),
            None => Err(self.unknown()),
        }
    }

    /// The beginning of a [`LogRecord::Waiting`]; `None` if it is another record.
    ///
    /// # Errors
    /// [`SpoolError::UnknownLogRecord`].
    pub fn waiting(&self) -> Result<Option<WaitingLine<'a>>, SpoolError> {
        match self.text.strip_prefix("Waiting ") {
            None => Ok(None),
            Some(rest) => WaitingLine::begin(rest).map(Some).ok_or_else(|| self.unknown()),
        }
    }

    /// The error of one who cannot read this line.
    pub fn unknown(&self) -> SpoolError {
        let keyword = self.text.split(' ').next().unwrap_or_default().to_owned();
        SpoolError::UnknownLogRecord { log: self.log, offset: self.offset, keyword }
    }
}

/// The records of the whole lines after the first, and where they end.
pub(crate) fn read_lines(text: &[u8], id: SpoolId) -> Result<(Vec<LogRecord>, u64), SpoolError> {
    let (mut records, mut end, seal) = (Vec::new(), 0, Seal::of_id(id));
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        let offset = octets(end);
        let Some(text) = check(line, seal, offset) else { break };
        if end > 0 {
            records.extend(LogLine { log: id, offset, text }.record()?);
        }
        end += line.len();
    }
    Ok((records, octets(end)))
}

/// The record of a line, if its checksum matches.
pub(super) fn check(line: &[u8], seal: Seal, offset: u64) -> Option<&str> {
    let (sum, record) = line.strip_suffix(b"\n")?.split_at_checked(8)?;
    let record = record.strip_prefix(b" ")?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    if sum != seal.sum(offset, record) {
        return None;
    }
    std::str::from_utf8(record).ok()
}
