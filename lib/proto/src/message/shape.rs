//! The shape of a message that is held in memory.

use super::section_length;
use crate::envelope::Shape;

/// Counts what an envelope says about `content`, which has CRLF line ends and no dot stuffing.
pub fn shape_of(content: &[u8]) -> Shape {
    let lines =
        || content.split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let longest = lines().map(<[u8]>::len).max().unwrap_or_default();
    Shape {
        size: u64::try_from(content.len()).unwrap_or(u64::MAX),
        header: u64::try_from(section_length(content)).unwrap_or(u64::MAX),
        longest_line: u32::try_from(longest).unwrap_or(u32::MAX),
        eight_bit: !content.is_ascii(),
        leading_dot: lines().any(|line| line.first() == Some(&b'.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_counted() {
        let shape = shape_of("A: b\r\n\r\n.dot\r\nlonger\u{e9}\r\n".as_bytes());
        assert_eq!(shape, Shape { size: 24, header: 8, longest_line: 8, eight_bit: true, leading_dot: true });
    }

    #[test]
    fn nothing_has_the_empty_shape() {
        assert_eq!(shape_of(b""), Shape::default());
    }
}
