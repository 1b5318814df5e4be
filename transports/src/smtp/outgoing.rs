//! What goes out on a connection: commands, and content in blocks.

use crate::agent::{Body, Passage};
use proto::client::Stuffing;
use std::io;

/// Octets of content that are read at a time.
const BLOCK: usize = 64 << 10;

/// A buffer of octets to be written; bounded by a block of content and its dots, or by one burst of commands.
#[derive(Debug, Default)]
pub(super) struct Output {
    octets: Vec<u8>,
    sent: usize,
}

impl Output {
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.octets.get(self.sent..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent >= self.octets.len()
    }

    /// So many octets have been written. When all have, room that was needed for content is given back.
    pub(super) fn advance(&mut self, octets: usize) {
        self.sent += octets;
        if self.is_empty() {
            self.octets.clear();
            self.sent = 0;
        }
    }

    /// Gives memory back that only content needs.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            self.octets.shrink_to(SMALL);
        }
    }
}

/// The content of one message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    content: Passage,
    stuffing: Option<Stuffing>,
    leading_dot: bool,
}

impl Outgoing {
    pub(super) fn new(body: &Body, leading_dot: bool) -> Self {
        Self { content: body.passage(), stuffing: Some(Stuffing::new(leading_dot)), leading_dot }
    }

    /// The end of data is in the output.
    pub(super) fn is_finished(&self) -> bool {
        self.stuffing.is_none()
    }

    /// Appends the next block, and behind the last one the end of data. `scratch` is room for a block.
    ///
    /// # Errors
    /// The content cannot be read; what was appended must not go out.
    pub(super) fn fill(&mut self, output: &mut Output, scratch: &mut Vec<u8>) -> io::Result<()> {
        let Some(stuffing) = &mut self.stuffing else { return Ok(()) };
        let room = usize::try_from(self.content.rest()).unwrap_or(usize::MAX).min(BLOCK);
        if self.leading_dot {
            scratch.resize(room, 0);
            let octets = self.content.read(scratch)?;
            for piece in stuffing.pieces(scratch.get(..octets).unwrap_or_default()) {
                output.push(piece);
            }
        } else {
            // Nothing is to be stuffed, so the content is read to where it goes out from.
            let before = output.octets.len();
            output.octets.resize(before + room, 0);
            let octets = match output.octets.get_mut(before..) {
                Some(part) => self.content.read(part)?,
                None => 0,
            };
            output.octets.truncate(before + octets);
            stuffing.pieces(output.octets.get(before..).unwrap_or_default()).for_each(drop);
        }
        if self.content.is_finished()
            && let Some(stuffing) = self.stuffing.take()
        {
            output.push(stuffing.end());
        }
        Ok(())
    }
}

/// What an idle connection keeps, in octets.
const SMALL: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;

    fn sent(content: &[u8], leading_dot: bool) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let body = Body::new(Arc::new(file), 0, content.len() as u64);
        let (mut outgoing, mut output, mut all) =
            (Outgoing::new(&body, leading_dot), Output::default(), Vec::new());
        while !outgoing.is_finished() {
            outgoing.fill(&mut output, &mut Vec::new()).unwrap();
            assert!(output.rest().len() <= 2 * BLOCK + 5);
            all.extend_from_slice(output.rest());
            output.advance(output.rest().len());
        }
        all
    }

    #[test]
    fn dots_are_stuffed_and_the_end_is_sent() {
        assert_eq!(sent(b".a\r\n..b\r\n", true), b"..a\r\n...b\r\n.\r\n");
        assert_eq!(sent(b"a", false), b"a\r\n.\r\n");
        assert_eq!(sent(b"", false), b".\r\n");
    }

    #[test]
    fn long_content_goes_out_in_blocks() {
        let line = [b"x".repeat(70), b"\r\n".to_vec()].concat();
        let content = line.repeat(4000);
        let expected = [content.as_slice(), b".\r\n"].concat();
        assert_eq!(sent(&content, false), expected);
        assert_eq!(sent(&content, true), expected);
    }

    #[test]
    fn content_that_ends_too_early_is_an_error() {
        let body = Body::new(Arc::new(tempfile::tempfile().unwrap()), 0, 5);
        let mut outgoing = Outgoing::new(&body, false);
        assert!(outgoing.fill(&mut Output::default(), &mut Vec::new()).is_err());
        assert!(!outgoing.is_finished());
    }
}
