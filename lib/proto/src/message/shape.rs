//! The shape of a message that is held in memory.

use super::section_length;
use crate::envelope::Shape;

/// Counts what an envelope says about `content`, which has CRLF line ends and no dot stuffing.
pub fn shape_of(content: &[u8]) -> Shape {
    let lines =
        || content.split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let longest = lines().map(<[u8]>::len).max().unwrap_or_default();
    let header = section_length(content);
    Shape {
        size: u64::try_from(content.len()).unwrap_or(u64::MAX),
        header: u64::try_from(header).unwrap_or(u64::MAX),
        longest_line: u32::try_from(longest).unwrap_or(u32::MAX),
        eight_bit: !content.is_ascii(),
        leading_dot: lines().any(|line| line.first() == Some(&b'.')),
        utf8_header: !content.get(..header).unwrap_or(content).is_ascii(),
        binary: is_binary(content),
    }
}

/// Whether only BDAT can carry `content`.
fn is_binary(content: &[u8]) -> bool {
    let unfinished = !content.is_empty() && !content.ends_with(b"\r\n");
    let pairs = memchr::memmem::find_iter(content, b"\r\n").count();
    unfinished
        || memchr::memchr_iter(b'\r', content).count() != pairs
        || memchr::memchr_iter(b'\n', content).count() != pairs
        || memchr::memchr(0, content).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_counted() {
        let shape = shape_of("A: b\r\n\r\n.dot\r\nlonger\u{e9}\r\n".as_bytes());
        let expected = Shape { size: 24, header: 8, longest_line: 8, eight_bit: true, ..Shape::default() };
        assert_eq!(shape, Shape { leading_dot: true, ..expected });
    }

    #[test]
    fn what_lines_cannot_hold_is_binary() {
        for content in [&b"a\rb\r\n"[..], b"a\nb\r\n", b"a\0\r\n", b"a", b"a\r\r\n"] {
            assert!(shape_of(content).binary, "{content:?}");
        }
        assert!(!shape_of(b"a\r\n\r\nb\r\n").binary);
    }

    #[test]
    fn nothing_has_the_empty_shape() {
        assert_eq!(shape_of(b""), Shape::default());
    }
}
