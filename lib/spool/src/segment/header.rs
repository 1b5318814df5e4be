//! The header of a segment: 4,096 octets of text, written once.

use crate::layout::{BLOCK, segment_path};
use crate::seal::{Seal, Separator};
use crate::storage::{Stored, length, read_full};
use crate::{Defect, SpoolError};
use proto::id::SpoolId;
use std::fmt::Write as _;

/// The line of a segment that holds copies.
const COPIES: &str = "holds copies";

const FIRST_LINE: &str = "GRANGE-SEGMENT 1";

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The number of the segment, which is its name.
    pub(crate) number: SpoolId,
    /// Begins every record.
    pub(crate) separator: Separator,
    /// When it was made, in milliseconds since 1970 (UTC).
    pub(crate) created: u64,
    /// The segment that the same writer left before, and where that ended: nothing beyond was ever acknowledged.
    pub(crate) previous: Option<(SpoolId, u64)>,
    /// It holds copies of what other writers wrote.
    pub(crate) copies: bool,
}

impl Header {
    /// The seed of the checksums in this segment.
    pub(crate) fn seal(&self) -> Seal {
        Seal::of_segment(self.number, &self.separator)
    }

    /// The 4,096 octets, empty lines at the end.
    pub(crate) fn print(&self) -> Vec<u8> {
        let mut text = format!(
            "{FIRST_LINE}\nNumber {}\nSeparator {}\nlease {}\ncreated {}\n",
            self.number,
            self.separator,
            self.number.lease(),
            self.created
        );
        if let Some((previous, end)) = self.previous {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "previous {previous} end={end}");
        }
        if self.copies {
            text.push_str(COPIES);
            text.push('\n');
        }
        let sum = self.seal().sum(0, text.as_bytes());
        let _ = writeln!(text, "Crc {sum:08x}");
        let mut octets = text.into_bytes();
        octets.resize(length(BLOCK), b'\n');
        octets
    }

    /// Reads a header; `None` if it is not whole or a line in it must be understood and is not.
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?;
        let (signed, rest) = text.split_once("Crc ")?;
        let sum = u32::from_str_radix(rest.trim_end_matches('\n'), 16).ok()?;
        let mut lines = signed.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let (mut number, mut separator, mut created, mut previous) = (None, None, 0, None);
        let mut copies = false;
        for line in lines {
            copies |= line == COPIES;
            let (keyword, value) = line.split_once(' ')?;
            match keyword {
                "Number" => number = Some(value.parse().ok()?),
                "Separator" => separator = Some(Separator::parse(value.as_bytes())?),
                "created" => created = value.parse().ok()?,
                "previous" => {
                    let (id, end) = value.split_once(" end=")?;
                    previous = Some((id.parse().ok()?, end.parse().ok()?));
                }
                _ if keyword.starts_with(|c: char| c.is_ascii_lowercase()) => {}
                _ => return None,
            }
        }
        let header = Self { number: number?, separator: separator?, created, previous, copies };
        (header.seal().sum(0, signed.as_bytes()) == sum).then_some(header)
    }

    /// Reads the header of an open segment, which must be that of `number`.
    pub(crate) fn read(file: &dyn Stored, number: SpoolId) -> Result<Self, SpoolError> {
        let mut buffer = vec![0; length(BLOCK)];
        let count = read_full(file, &mut buffer, 0)
            .map_err(|error| SpoolError::from_io("read", &segment_path(number), &error))?;
        buffer
            .get(..count)
            .and_then(Self::parse)
            .filter(|header| header.number == number)
            .ok_or(SpoolError::Damaged { segment: number, offset: 0, defect: Defect::Header })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(previous: Option<(SpoolId, u64)>) -> Header {
        let number = SpoolId::new(1_764_000_000_123, 9, 17, 0);
        let copies = previous.is_some();
        Header { number, separator: Separator::draw().unwrap(), created: 1_764_000_000_124, previous, copies }
    }

    #[test]
    fn a_header_is_a_block_of_text_that_parses_again() {
        for previous in [None, Some((SpoolId::new(5, 6, 7, 8), 8192))] {
            let header = header(previous);
            let octets = header.print();
            assert_eq!(octets.len(), 4096);
            assert_eq!(Header::parse(&octets), Some(header));
        }
    }

    #[test]
    fn a_changed_octet_is_noticed() {
        let octets = header(Some((SpoolId::new(5, 6, 7, 8), 8192))).print();
        let end = octets.windows(4).position(|four| four == b"Crc ").unwrap() + 12;
        for at in 0..end {
            let mut changed = octets.clone();
            changed[at] ^= 1;
            assert_eq!(Header::parse(&changed), None, "octet {at}");
        }
        assert_eq!(Header::parse(&[]), None);
        assert_eq!(Header::parse(&[0; 4096]), None);
    }
}
