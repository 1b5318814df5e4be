//! Writes base64 in lines.
//!
//! Source: RFC 2045 section 6.8.

/// The writer of one body.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    /// Octets that do not make a group of three yet.
    group: Vec<u8>,
    /// Octets of the line under way.
    column: usize,
}

impl Base64 {
    /// Writes octets.
    pub(super) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let mut rest = octets;
        while let Some((&octet, after)) = rest.split_first().filter(|_| !self.group.is_empty()) {
            self.group.push(octet);
            rest = after;
            if let [a, b, c] = *self.group {
                self.group.clear();
                self.write(&quad([a, b, c]), out);
            }
        }
        let groups = rest.chunks_exact(3);
        self.group.extend_from_slice(groups.remainder());
        for group in groups {
            if let [a, b, c] = *group {
                self.write(&quad([a, b, c]), out);
            }
        }
    }

    /// Ends the body, and its last line.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        match *self.group {
            [a] => {
                let [first, second, ..] = quad([a, 0, 0]);
                self.write(&[first, second, b'=', b'='], out);
            }
            [a, b] => {
                let [first, second, third, _] = quad([a, b, 0]);
                self.write(&[first, second, third, b'='], out);
            }
            _ => {}
        }
        *self = Self::default();
    }

    fn write(&mut self, quad: &[u8; 4], out: &mut Vec<u8>) {
        if self.column == WIDTH {
            out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        out.extend_from_slice(quad);
        self.column += 4;
    }
}

fn quad([a, b, c]: [u8; 3]) -> [u8; 4] {
    [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63].map(letter)
}

fn letter(value: u8) -> u8 {
    match value {
        0..26 => b'A' + value,
        26..52 => b'a' + (value - 26),
        52..62 => b'0' + (value - 52),
        62 => b'+',
        _ => b'/',
    }
}

/// Octets of a line.
const WIDTH: usize = 76;

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(octets: &[u8], size: usize) -> String {
        let (mut writer, mut out) = (Base64::default(), Vec::new());
        octets.chunks(size).for_each(|chunk| writer.push(chunk, &mut out));
        writer.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn groups_are_filled_up() {
        for size in 1..4 {
            assert_eq!(encoded(b"foobar", size), "Zm9vYmFy");
            assert_eq!(encoded(b"fooba", size), "Zm9vYmE=");
            assert_eq!(encoded(b"foob", size), "Zm9vYg==");
        }
        assert_eq!(encoded(&[0xfb, 0xff, 0xbf], 9), "+/+/");
    }

    #[test]
    fn lines_have_76_octets_and_the_last_one_no_end() {
        let text = encoded(&[0; 57 * 2], 10);
        assert_eq!(text.len(), 76 * 2 + 2);
        assert!(!text.ends_with('\n'));
    }
}
