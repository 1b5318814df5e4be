//! Cuts octets into lines, and lines that are too long to be anything but text into pieces.

use memchr::memmem;

/// The cutter; it holds less than a piece.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// The last piece did not end its line.
    within: bool,
}

/// A line, or a part of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The octets, without the CRLF.
    pub(super) text: &'a [u8],
    /// A line begins here.
    pub(super) starts: bool,
    /// The line ends here, with CRLF.
    pub(super) ends: bool,
}

impl Lines {
    /// Gives `each` the pieces that are complete.
    pub(super) fn push(&mut self, octets: &[u8], mut each: impl FnMut(Piece<'_>)) {
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(octets);
        let mut rest = held.as_slice();
        loop {
            if let Some(at) = memmem::find(rest, b"\r\n") {
                let (text, after) = rest.split_at(at);
                each(Piece { text, starts: !self.within, ends: true });
                self.within = false;
                rest = after.get(2..).unwrap_or_default();
            } else if rest.len() > LONG {
                // The last octet may be the CR of a line end.
                let (text, last) = rest.split_at(rest.len() - 1);
                each(Piece { text, starts: !self.within, ends: false });
                self.within = true;
                rest = last;
            } else {
                break;
            }
        }
        let passed = held.len() - rest.len();
        held.drain(..passed);
        self.held = held;
    }

    /// The end of the content: gives what is left, if anything is.
    pub(super) fn finish(&mut self, each: impl FnOnce(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            each(Piece { text: &held, starts: !self.within, ends: false });
        }
    }
}

/// A line of more octets is no boundary, and goes on in pieces.
pub(super) const LONG: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(content: &[u8], size: usize) -> Vec<(Vec<u8>, bool, bool)> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut note = |piece: Piece<'_>| found.push((piece.text.to_vec(), piece.starts, piece.ends));
        content.chunks(size).for_each(|chunk| lines.push(chunk, &mut note));
        lines.finish(&mut note);
        found
    }

    #[test]
    fn only_crlf_ends_a_line() {
        let found = pieces(b"a\r\n\nb\rc\r\n\r\nd", 100);
        let texts: Vec<_> = found.iter().map(|(text, _, ends)| (text.as_slice(), *ends)).collect();
        assert_eq!(texts, [(&b"a"[..], true), (b"\nb\rc", true), (b"", true), (b"d", false)]);
    }

    #[test]
    fn a_long_line_comes_in_pieces_and_begins_once() {
        let found = pieces(&[vec![b'x'; 3 * LONG], b"\r\ny\r\n".to_vec()].concat(), 100);
        assert!(found.len() > 3);
        assert_eq!(found.iter().filter(|(_, starts, _)| *starts).count(), 2);
        assert_eq!(found.iter().filter(|(_, _, ends)| *ends).count(), 2);
    }

    proptest! {
        #[test]
        fn no_octet_is_lost(content in "(a|\r|\n|\r\n){0,60}", size in 1_usize..9) {
            let mut whole = Vec::new();
            for (text, _, ends) in pieces(content.as_bytes(), size) {
                whole.extend_from_slice(&text);
                whole.extend_from_slice(if ends { b"\r\n" } else { b"" });
            }
            prop_assert_eq!(whole, content.as_bytes());
        }
    }
}
