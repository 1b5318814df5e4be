//! Checksums that know where they stand.
//!
//! Every checksum in a segment is CRC-32C over the segment's number (18 characters), its separator (32 hexadecimal
//! digits), the offset of the part (8 octets, most significant first) and the part itself. So octets that a reused disk
//! block still holds from another file, or from another place of the same file, never pass for valid.

use proto::id::SpoolId;
use std::fmt;

/// The secret that begins every record of a segment: 128 random bits as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Separator([u8; SEPARATOR]);

/// Characters of a separator.
pub(crate) const SEPARATOR: usize = 32;

impl Separator {
    /// Draws a new one.
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)?;
        let text = format!("{:032x}", u128::from_be_bytes(octets));
        Ok(Self::parse(text.as_bytes()).unwrap_or(Self([b'0'; SEPARATOR])))
    }

    /// Reads 32 lower-case hexadecimal digits.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let digits: [u8; SEPARATOR] = text.try_into().ok()?;
        digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(digits))
    }

    /// The 32 digits.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Separator {
    /// Hides it: it is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Separator(..)")
    }
}

/// The seed of the checksums of one file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal(u32);

impl Seal {
    /// The seed of a segment.
    pub(crate) fn of_segment(number: SpoolId, separator: &Separator) -> Self {
        Self(crc32c::crc32c_append(crc32c::crc32c(number.to_string().as_bytes()), separator.as_bytes()))
    }

    /// The seed of a log or of a large message: its id alone.
    pub(crate) fn of_id(id: SpoolId) -> Self {
        Self(crc32c::crc32c(id.to_string().as_bytes()))
    }

    /// The checksum of nothing yet at an offset; continue with [`crc32c::crc32c_append`].
    pub(crate) fn start(self, offset: u64) -> u32 {
        crc32c::crc32c_append(self.0, &offset.to_be_bytes())
    }

    /// The checksum of a part that stands at an offset.
    pub(crate) fn sum(self, offset: u64, part: &[u8]) -> u32 {
        crc32c::crc32c_append(self.start(offset), part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_depends_on_number_separator_and_offset() {
        let (a, b) = (Separator([b'a'; 32]), Separator([b'b'; 32]));
        let number = SpoolId::new(1, 2, 3, 4);
        let sum = Seal::of_segment(number, &a).sum(4096, b"x");
        assert_eq!(sum, Seal::of_segment(number, &a).sum(4096, b"x"));
        assert_ne!(sum, Seal::of_segment(number, &b).sum(4096, b"x"));
        assert_ne!(sum, Seal::of_segment(SpoolId::new(1, 2, 3, 5), &a).sum(4096, b"x"));
        assert_ne!(sum, Seal::of_segment(number, &a).sum(8192, b"x"));
    }

    #[test]
    fn separators_differ_and_print_as_they_parse() {
        let (a, b) = (Separator::draw().unwrap(), Separator::draw().unwrap());
        assert_ne!(a, b);
        assert_eq!(Separator::parse(a.to_string().as_bytes()), Some(a));
        assert_eq!(Separator::parse(b"ABCD"), None);
        assert!(!format!("{a:?}").contains(&a.to_string()));
    }
}
