//! The line in front of every record.
//!
//! ```text
//! separator R1 id batch index count envelope content crc crc crc\n
//! 32        2  18 12    5     5     10       12      8   8   8
//! ```
//!
//! Words of fixed width, numbers decimal with leading zeros, checksums hexadecimal: `batch` is the offset at which the
//! record's batch starts, `index` and `count` say which of how many records of the batch it is, `envelope` and `content`
//! are lengths in octets, the checksums are those of the envelope, the content and the line up to there.

use crate::seal::{SEPARATOR, Seal, Separator};
use crate::storage::{length, octets};
use proto::id::SpoolId;
use std::fmt::Write as _;

/// Octets of a record line with its line end.
pub(crate) const LINE: u64 = 131;
/// Octets of the line before its own checksum.
const SIGNED: usize = 122;

/// What a record line says, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordLine {
    /// Offset of the line in the segment.
    pub(crate) offset: u64,
    pub(crate) id: SpoolId,
    /// Offset of the batch.
    pub(crate) batch: u64,
    /// Which record of the batch, from 0.
    pub(crate) index: u32,
    /// How many records the batch has.
    pub(crate) count: u32,
    /// Octets of the envelope.
    pub(crate) envelope: u64,
    /// Octets of the content.
    pub(crate) content: u64,
    pub(crate) envelope_sum: u32,
    pub(crate) content_sum: u32,
}

impl RecordLine {
    /// Where the envelope begins.
    pub(crate) const fn envelope_offset(&self) -> u64 {
        self.offset + LINE
    }

    /// Where the content begins.
    pub(crate) const fn content_offset(&self) -> u64 {
        self.offset + LINE + self.envelope
    }

    /// Where the record ends.
    pub(crate) const fn end(&self) -> u64 {
        self.offset + LINE + self.envelope + self.content
    }

    /// Appends the line.
    pub(crate) fn print(&self, separator: &Separator, seal: Seal, out: &mut Vec<u8>) {
        let mut line = String::with_capacity(length(LINE));
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "{separator} R1 {} {:012} {:05} {:05} {:010} {:012} {:08x} {:08x} ",
            self.id,
            self.batch,
            self.index,
            self.count,
            self.envelope,
            self.content,
            self.envelope_sum,
            self.content_sum
        );
        let sum = seal.sum(self.offset, line.as_bytes());
        let _ = writeln!(line, "{sum:08x}");
        out.extend_from_slice(line.as_bytes());
    }

    /// Reads the line that stands at `offset`; the seal is that of the segment.
    pub(crate) fn parse(octets: &[u8], offset: u64, separator: &Separator, seal: Seal) -> Option<Self> {
        if !octets.starts_with(separator.as_bytes()) {
            return None;
        }
        let (signed, last) = octets.get(..length(LINE))?.split_at_checked(SIGNED)?;
        let sum = std::str::from_utf8(last).ok()?.strip_suffix('\n')?;
        if u32::from_str_radix(sum, 16).ok()? != seal.sum(offset, signed) {
            return None;
        }
        let mut words = std::str::from_utf8(signed).ok()?.trim_end_matches(' ').split(' ').skip(1);
        if words.next()? != "R1" {
            return None;
        }
        let line = Self {
            offset,
            id: words.next()?.parse().ok()?,
            batch: words.next()?.parse().ok()?,
            index: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
            envelope: words.next()?.parse().ok()?,
            content: words.next()?.parse().ok()?,
            envelope_sum: u32::from_str_radix(words.next()?, 16).ok()?,
            content_sum: u32::from_str_radix(words.next()?, 16).ok()?,
        };
        (line.batch <= offset && line.index < line.count).then_some(line)
    }

    /// Reads a line without the header of its segment, with the separator that stands in the line itself.
    pub(crate) fn parse_alone(octets: &[u8], segment: SpoolId, offset: u64) -> Option<Self> {
        let separator = Separator::parse(octets.get(..SEPARATOR)?)?;
        Self::parse(octets, offset, &separator, Seal::of_segment(segment, &separator))
    }

    /// Whether this record is the one that follows `before` if none is missing between them.
    pub(crate) const fn follows(&self, before: &Self) -> bool {
        if self.batch == before.batch {
            self.index == before.index + 1
        } else {
            self.index == 0 && before.is_last_of_batch()
        }
    }

    /// No record of the batch comes after this one.
    pub(crate) const fn is_last_of_batch(&self) -> bool {
        self.index + 1 == self.count
    }
}

/// Octets that a record with these parts takes.
pub(crate) fn size(envelope: &[u8], content: &[u8]) -> u64 {
    LINE + octets(envelope.len()) + octets(content.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_fixed_width_and_parses_again() {
        let separator = Separator::draw().unwrap();
        let number = SpoolId::new(77, 1, 2, 3);
        let seal = Seal::of_segment(number, &separator);
        let line = RecordLine {
            offset: 5000,
            id: number,
            batch: 4096,
            index: 3,
            count: 99_999,
            envelope: 4_000_000_000,
            content: 999_999_999_999,
            envelope_sum: 1,
            content_sum: u32::MAX,
        };
        let mut out = Vec::new();
        line.print(&separator, seal, &mut out);
        assert_eq!(octets(out.len()), LINE);
        assert_eq!(RecordLine::parse(&out, 5000, &separator, seal), Some(line));
        assert_eq!(RecordLine::parse(&out, 5001, &separator, seal), None, "moved");
        for at in 0..out.len() {
            let mut changed = out.clone();
            changed[at] ^= 1;
            assert_eq!(RecordLine::parse(&changed, 5000, &separator, seal), None, "octet {at}");
            assert_eq!(RecordLine::parse(&out[..at], 5000, &separator, seal), None, "cut at {at}");
        }
    }
}
