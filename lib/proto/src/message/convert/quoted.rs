//! Writes quoted-printable, so that decoding gives the same octets.
//!
//! Source: RFC 2045 section 6.7.

/// The writer of one body.
#[derive(Debug, Default)]
pub(super) struct Quoted {
    /// Octets of the line under way.
    column: usize,
    /// A blank or tab that must be encoded if the line ends behind it.
    blank: Option<u8>,
    /// The line under way is the continuation of one that was broken softly.
    continued: bool,
}

impl Quoted {
    /// Writes text without CRLF.
    pub(super) fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &octet in text {
            if let Some(blank) = self.blank.take() {
                self.literal(blank, out);
            }
            match octet {
                b' ' | b'\t' => self.blank = Some(octet),
                // What continues a line must not look like a boundary.
                b'-' if self.continued && self.column == 0 => self.encoded(octet, out),
                b'-' if self.column + 1 > WIDTH => self.encoded(octet, out),
                b'!'..=b'<' | b'>'..=b'~' => self.literal(octet, out),
                _ => self.encoded(octet, out),
            }
        }
    }

    /// Ends a line.
    pub(super) fn line_end(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
        out.extend_from_slice(b"\r\n");
        *self = Self::default();
    }

    /// Ends the body behind a line that does not end.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
        *self = Self::default();
    }

    fn settle(&mut self, out: &mut Vec<u8>) {
        if let Some(blank) = self.blank.take() {
            self.encoded(blank, out);
        }
    }

    fn literal(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.room(1, out);
        out.push(octet);
    }

    fn encoded(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.room(3, out);
        out.extend_from_slice(&[b'=', digit(octet >> 4), digit(octet & 15)]);
    }

    /// Breaks the line softly if so many octets do not fit.
    fn room(&mut self, octets: usize, out: &mut Vec<u8>) {
        if self.column + octets > WIDTH {
            out.extend_from_slice(b"=\r\n");
            (self.column, self.continued) = (0, true);
        }
        self.column += octets;
    }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + value - 10 }
}

/// Octets of a line at most, without the `=` of a soft break.
const WIDTH: usize = 75;

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(lines: &[&[u8]], last: &[u8]) -> String {
        let (mut quoted, mut out) = (Quoted::default(), Vec::new());
        for line in lines {
            quoted.push(line, &mut out);
            quoted.line_end(&mut out);
        }
        quoted.push(last, &mut out);
        quoted.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_what_must_be_is_encoded() {
        assert_eq!(quoted(&["1 = \u{e9}\t".as_bytes(), b"a b"], b"c "), "1 =3D =C3=A9=09\r\na b\r\nc=20");
    }

    #[test]
    fn lines_are_broken_at_76_octets() {
        let text = quoted(&[&[b'x'; 200], &[0xe9; 60], &[b' '; 160]], b"");
        assert!(text.split("\r\n").all(|line| line.len() <= 76), "{text}");
        assert_eq!(text.matches("=\r\n").count(), 2 + 2 + 2);
    }

    #[test]
    fn no_line_that_continues_begins_with_a_hyphen() {
        for length in 70..80 {
            let text = quoted(&[&[vec![b'x'; length], b"--boundary".to_vec()].concat()], b"");
            assert!(!text.contains("\r\n-"), "{text}");
        }
    }
}
