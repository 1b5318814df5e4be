//! What the octets of a body demand of a hop.

use memchr::{memchr, memchr2};

/// The facts of one body, or of what has passed of it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Octets in all.
    pub(super) octets: u64,
    /// Octets that quoted-printable would encode.
    pub(super) specials: u64,
    /// Some octet has its high bit set.
    pub(super) eight_bit: bool,
    /// There is a NUL, a CR without LF, or an LF without CR.
    pub(super) binary: bool,
    /// Some line is longer than a text line may be.
    pub(super) long_line: bool,
    /// Octets of the line under way.
    column: usize,
}

impl Facts {
    /// Text without CRLF passes.
    pub(super) fn text(&mut self, text: &[u8]) {
        let high = text.iter().filter(|&&octet| octet >= 0x80).count();
        let other = text.iter().filter(|&&octet| octet < b'\t' || octet == b'=').count();
        self.octets += count(text.len());
        self.specials += count(high + other);
        self.eight_bit |= high > 0;
        self.binary |= is_binary(text);
        self.column += text.len();
        self.long_line |= self.column > LONGEST;
    }

    /// A line ends.
    pub(super) fn line_end(&mut self) {
        self.octets += 2;
        self.column = 0;
    }
}

/// Whether text without CRLF holds what only BDAT can carry.
pub(super) fn is_binary(text: &[u8]) -> bool {
    memchr2(b'\r', b'\n', text).is_some() || memchr(0, text).is_some()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Octets of a text line, without its CRLF (RFC 5321 section 4.5.3.1.6).
const LONGEST: usize = 998;
