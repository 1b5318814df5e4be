//! Command lines.

use memchr::{memchr2, memmem};

/// Cuts command lines from what a client sends.
///
/// A line that is refused is reported as soon as that is certain, once, and then skipped up to its CRLF: what follows a
/// bare LF is not a command of its own.
#[derive(Debug)]
pub struct LineReader {
    limit: usize,
    skipping: Option<Skip>,
}

/// What there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Nothing more without more octets.
    Need,
    /// A line, without its CRLF; it holds neither CR nor LF.
    Whole(&'a [u8]),
    /// A line that is refused.
    Refused(LineError),
}

/// Why a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// An LF without a CR before it.
    #[error("bare LF in a command; lines end with CRLF")]
    BareLf,
    /// A CR without an LF after it.
    #[error("bare CR in a command; lines end with CRLF")]
    BareCr,
    /// It begins with the octet of a TLS handshake record (RFC 8446 section 5.1), and no command does.
    #[error("a TLS handshake where a command should be")]
    Handshake,
    /// Longer than the limit.
    #[error("line longer than {limit} octets")]
    TooLong {
        /// The limit in octets, CRLF included.
        limit: usize,
    },
}

/// The first octet of a TLS record of the type handshake.
const HANDSHAKE: u8 = 22;

/// The rest of a refused line is dropped; the CRLF may be split between two inputs.
#[derive(Debug, Clone, Copy)]
struct Skip {
    after_cr: bool,
}

impl LineReader {
    /// A reader of lines of at most `limit` octets, CRLF included.
    pub fn new(limit: usize) -> Self {
        Self { limit, skipping: None }
    }

    /// Changes the limit. What is held of a line must be shorter than the new one.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Reads at most one line; also says how many octets are used up.
    ///
    /// Octets of an incomplete line are not used up: the caller keeps them, at most as many as the limit says, and
    /// offers them again with what comes next.
    pub fn advance<'a>(&mut self, input: &'a [u8]) -> (usize, Line<'a>) {
        let skipped = self.skip(input);
        let rest = input.get(skipped..).unwrap_or_default();
        if self.skipping.is_some() {
            return (skipped, Line::Need);
        }
        let (used, line) = self.cut(rest);
        (skipped + used, line)
    }

    /// Looks at no more than the first `limit` octets, so that the verdict does not depend on the split.
    fn cut<'a>(&mut self, rest: &'a [u8]) -> (usize, Line<'a>) {
        let window = rest.get(..self.limit).unwrap_or(rest);
        if window.first() == Some(&HANDSHAKE) {
            return self.refuse(1, window, LineError::Handshake);
        }
        let full = window.len() == self.limit;
        let Some(at) = memchr2(b'\r', b'\n', window) else {
            return if full { self.refuse(window.len(), window, self.too_long()) } else { (0, Line::Need) };
        };
        if window.get(at) == Some(&b'\n') {
            return self.refuse(at + 1, window, LineError::BareLf);
        }
        match window.get(at + 1) {
            Some(b'\n') => (at + 2, Line::Whole(window.get(..at).unwrap_or_default())),
            Some(_) => self.refuse(at + 1, window, LineError::BareCr),
            None if full => self.refuse(at + 1, window, self.too_long()),
            None => (0, Line::Need),
        }
    }

    fn too_long(&self) -> LineError {
        LineError::TooLong { limit: self.limit }
    }

    fn refuse<'a>(&mut self, used: usize, window: &[u8], error: LineError) -> (usize, Line<'a>) {
        let after_cr = window.get(..used).is_some_and(|line| line.ends_with(b"\r"));
        self.skipping = Some(Skip { after_cr });
        (used, Line::Refused(error))
    }

    /// The number of octets at the beginning of `input` that belong to a refused line.
    fn skip(&mut self, input: &[u8]) -> usize {
        let Some(skip) = self.skipping else {
            return 0;
        };
        let end = match input.first() {
            Some(b'\n') if skip.after_cr => Some(1),
            _ => memmem::find(input, b"\r\n").map(|at| at + 2),
        };
        let after_cr = if input.is_empty() { skip.after_cr } else { input.ends_with(b"\r") };
        self.skipping = if end.is_some() { None } else { Some(Skip { after_cr }) };
        end.unwrap_or(input.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What becomes of `input` when it arrives in pieces of `size` octets.
    fn read(input: &[u8], limit: usize, size: usize) -> Vec<Result<Vec<u8>, LineError>> {
        let mut reader = LineReader::new(limit);
        let (mut held, mut found) = (Vec::new(), Vec::new());
        for piece in input.chunks(size) {
            held.extend_from_slice(piece);
            loop {
                let (used, line) = reader.advance(&held);
                match line {
                    Line::Need => {}
                    Line::Whole(line) => found.push(Ok(line.to_vec())),
                    Line::Refused(error) => found.push(Err(error)),
                }
                let done = line == Line::Need;
                held.drain(..used);
                if done {
                    break;
                }
            }
            assert!(held.len() < limit, "a line is held beyond its limit");
        }
        found
    }

    #[test]
    fn lines_end_at_crlf() {
        assert_eq!(
            read(b"NOOP\r\n\r\nQUIT\r\nrest", 64, 99),
            [Ok(b"NOOP".to_vec()), Ok(vec![]), Ok(b"QUIT".to_vec())]
        );
    }

    #[test]
    fn what_follows_a_bare_lf_is_no_command() {
        let found = read(b"NOOP\nRCPT TO:<a@b>\r\nQUIT\r\n", 64, 99);
        assert_eq!(found, [Err(LineError::BareLf), Ok(b"QUIT".to_vec())]);
    }

    #[test]
    fn what_follows_a_bare_cr_is_no_command() {
        let found = read(b"NOOP\rRSET\r\r\nQUIT\r\n", 64, 99);
        assert_eq!(found, [Err(LineError::BareCr), Ok(b"QUIT".to_vec())]);
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit() {
        assert_eq!(read(b"12345678\r\n", 10, 99), [Ok(b"12345678".to_vec())]);
        let found = read(b"123456789\r\nQUIT\r\n", 10, 99);
        assert_eq!(found, [Err(LineError::TooLong { limit: 10 }), Ok(b"QUIT".to_vec())]);
    }

    #[test]
    fn a_handshake_is_known_by_its_first_octet_and_only_there() {
        assert_eq!(read(b"\x16", 10, 99), [Err(LineError::Handshake)]);
        assert_eq!(read(b"NOOP \x16\r\n", 10, 99), [Ok(b"NOOP \x16".to_vec())]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(text in "[a\x16\r\n]{0,80}", size in 1_usize..20) {
            prop_assert_eq!(read(text.as_bytes(), 12, size), read(text.as_bytes(), 12, 999));
        }
    }
}
