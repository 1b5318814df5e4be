//! Dot stuffing, without copying.
//!
//! A line that begins with a dot gets another in front. Instead of inserting one, the content is cut behind the first
//! dot of such a line and the next piece begins with the same dot again, so pieces are slices of the content and can be
//! written as they are. The end is `CRLF . CRLF`, whose first CRLF is the last one of the content.
//!
//! Source: RFC 5321 section 4.5.2.

use memchr::memmem;

/// The stuffing of one message, whose content comes in chunks of any size.
#[derive(Debug, Clone)]
pub struct Stuffing {
    leading_dots: bool,
    tail: Tail,
}

/// Which octets were the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// CRLF, or nothing yet: a dot would begin a line.
    LineEnd,
    /// CR.
    Cr,
    /// Anything else.
    Text,
}

/// The pieces of one chunk, to be written in their order; made by [`Stuffing::pieces`].
#[derive(Debug)]
pub struct Pieces<'a, 's> {
    rest: &'a [u8],
    stuffing: &'s mut Stuffing,
}

impl Stuffing {
    /// Begins a message. Where [`Shape::leading_dot`](crate::envelope::Shape) is false, every chunk is one piece.
    pub fn new(leading_dot: bool) -> Self {
        Self { leading_dots: leading_dot, tail: Tail::LineEnd }
    }

    /// The pieces to write for the next chunk of content. The iterator must be run to its end.
    pub fn pieces<'a>(&mut self, chunk: &'a [u8]) -> Pieces<'a, '_> {
        Pieces { rest: chunk, stuffing: self }
    }

    /// What to write behind the last chunk: the end of data, with whatever the last line of the content lacks.
    pub fn end(self) -> &'static [u8] {
        match self.tail {
            Tail::LineEnd => b".\r\n",
            Tail::Cr => b"\n.\r\n",
            Tail::Text => b"\r\n.\r\n",
        }
    }

    /// Notes how `piece` ends.
    fn pass(&mut self, piece: &[u8]) {
        self.tail = match piece {
            [] => self.tail,
            [.., b'\r', b'\n'] => Tail::LineEnd,
            [b'\n'] if self.tail == Tail::Cr => Tail::LineEnd,
            [.., b'\r'] => Tail::Cr,
            _ => Tail::Text,
        };
    }

    /// Where the piece ends: behind the first dot that begins a line, or at the end of the text.
    fn cut(&self, text: &[u8]) -> usize {
        let at_start = match (self.tail, text) {
            (Tail::LineEnd, [b'.', ..]) => Some(1),
            (Tail::Cr, [b'\n', b'.', ..]) => Some(2),
            _ => None,
        };
        at_start.or_else(|| memmem::find(text, b"\r\n.").map(|at| at + 3)).unwrap_or(text.len())
    }
}

impl<'a> Iterator for Pieces<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let cut = if self.stuffing.leading_dots { self.stuffing.cut(self.rest) } else { self.rest.len() };
        let (piece, after) = self.rest.split_at(cut);
        let doubled = self.stuffing.leading_dots && self.stuffing.ends_in_leading_dot(piece);
        self.stuffing.pass(piece);
        self.rest = if doubled { self.rest.get(cut - 1..).unwrap_or(after) } else { after };
        Some(piece)
    }
}

impl Stuffing {
    /// Whether `piece`, made by `cut`, ends with the dot that begins a line; that dot is due once more.
    fn ends_in_leading_dot(&self, piece: &[u8]) -> bool {
        match piece {
            [b'.'] => self.tail == Tail::LineEnd,
            [b'\n', b'.'] => self.tail == Tail::Cr,
            [.., b'\r', b'\n', b'.'] => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stuffed(chunks: &[&[u8]], leading_dot: bool) -> Vec<u8> {
        let mut stuffing = Stuffing::new(leading_dot);
        let mut sent = Vec::new();
        for chunk in chunks {
            stuffing.pieces(chunk).for_each(|piece| sent.extend_from_slice(piece));
        }
        sent.extend_from_slice(stuffing.end());
        sent
    }

    #[test]
    fn dots_that_begin_a_line_are_doubled() {
        assert_eq!(stuffed(&[b".a\r\n..\r\nb.\r\n.\r\n"], true), b"..a\r\n...\r\nb.\r\n..\r\n.\r\n");
    }

    #[test]
    fn the_end_comes_exactly_once() {
        assert_eq!(stuffed(&[b""], true), b".\r\n");
        assert_eq!(stuffed(&[b"a\r\n"], false), b"a\r\n.\r\n");
        assert_eq!(stuffed(&[b"a"], false), b"a\r\n.\r\n");
        assert_eq!(stuffed(&[b"a\r"], true), b"a\r\n.\r\n");
    }

    #[test]
    fn content_without_leading_dots_is_passed_whole() {
        let content = b"a\r\nb.\r\nc\r\n";
        let mut stuffing = Stuffing::new(false);
        assert_eq!(stuffing.pieces(content).collect::<Vec<_>>(), [content]);
        let mut stuffing = Stuffing::new(true);
        assert_eq!(stuffing.pieces(content).collect::<Vec<_>>(), [content]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_naive_result(content in "(\\.|\r\n|a){0,40}", cuts in prop::collection::vec(0_usize..80, 0..6)) {
            let content = content.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(content.len())).collect();
            cuts.extend([0, content.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &content[pair[0]..pair[1]]).collect();

            let text = std::str::from_utf8(content).unwrap();
            let whole = if text.is_empty() || text.ends_with("\r\n") { text.to_owned() } else { format!("{text}\r\n") };
            let naive: String = whole
                .split_inclusive("\r\n")
                .map(|line| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() })
                .collect();
            prop_assert_eq!(String::from_utf8(stuffed(&chunks, true)).unwrap(), naive + ".\r\n");
        }
    }
}
