//! What goes out on a connection: commands, and content in blocks.

use super::conversion::{self, Attempt, Conversion};
use crate::agent::{Body, Passage};
use proto::client::{Features, Stuffing};
use proto::disposition::{Disposition, Outcome};
use proto::envelope::Shape;
use proto::status::Status;
use std::io;
use std::ops::Range;

/// Octets of content that are read at a time.
const BLOCK: usize = 128 << 10;

/// Octets of content that are read before the server wants it: all of it, as a rule.
const FIRST: usize = 64 << 10;

/// A buffer of octets to be written; bounded by a block of content and its dots, or by one burst of commands. Its room is
/// kept, so that it is neither allocated nor cleared anew for every message.
#[derive(Debug, Default)]
pub(super) struct Output {
    octets: Vec<u8>,
    waiting: Range<usize>,
}

impl Output {
    pub(super) fn push(&mut self, octets: &[u8]) {
        let (place, end) = (self.waiting.end, self.waiting.end + octets.len());
        self.room(octets.len());
        if let Some(room) = self.octets.get_mut(place..end) {
            room.copy_from_slice(octets);
            self.waiting.end = end;
        }
    }

    /// So much room behind what waits.
    fn room(&mut self, octets: usize) -> &mut [u8] {
        let end = self.waiting.end + octets;
        if self.octets.len() < end {
            self.octets.resize(end.next_power_of_two(), 0);
        }
        self.octets.get_mut(self.waiting.end..end).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.octets.get(self.waiting.clone()).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// So many octets have been written.
    pub(super) fn advance(&mut self, octets: usize) {
        self.waiting.start += octets;
        if self.is_empty() {
            self.waiting = 0..0;
        }
    }

    /// Gives memory back that only content needs.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.octets.len() > SMALL {
            *self = Self::default();
        }
    }
}

/// The content of one message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    source: Source,
    /// What it looks like when it goes out.
    shape: Shape,
    /// It goes out with BDAT: without stuffed dots and without an end of data.
    chunked: bool,
    stuffing: Option<Stuffing>,
    leading_dot: bool,
    /// The beginning, until it is wanted.
    first: Option<Output>,
}

/// Where the octets come from.
#[derive(Debug)]
enum Source {
    AsItIs(Passage),
    Converted(Box<Conversion>),
}

impl Outgoing {
    /// Reads the beginning of a content of this shape, into `buffer`, for a server with these features; `utf8` says that it
    /// came with SMTPUTF8, `scratch` is room for it.
    ///
    /// # Errors
    /// What becomes of the message: the content cannot be read, or is not what it should be; or the server cannot have it.
    pub(super) fn open(
        body: &Body,
        (shape, utf8): (&Shape, bool),
        features: &Features,
        buffer: Output,
        scratch: &mut Vec<u8>,
    ) -> Result<Self, Disposition> {
        if let Some(target) = features.conversion(shape, utf8) {
            let attempt =
                Conversion::prepare(body, shape, target, scratch).map_err(|error| unread(&error))?;
            match attempt {
                Attempt::Converted(conversion) => return Ok(Self::converted(conversion)),
                Attempt::AsItIs => {}
                Attempt::Unfit(obstacle) => return Err(conversion::unfit(shape, target, obstacle)),
            }
        }
        let chunked = features.chunks(shape);
        // Were BDAT to announce less than goes out, the rest would be taken for commands.
        let shape = Shape { size: body.length(), ..*shape };
        Self::as_it_is(body, shape, chunked, buffer, scratch).map_err(|error| unread(&error))
    }

    fn converted(conversion: Box<Conversion>) -> Self {
        Self {
            shape: conversion.shape(),
            source: Source::Converted(conversion),
            chunked: false,
            stuffing: Some(Stuffing::new(true)),
            leading_dot: true,
            first: None,
        }
    }

    fn as_it_is(
        body: &Body,
        shape: Shape,
        chunked: bool,
        mut buffer: Output,
        scratch: &mut Vec<u8>,
    ) -> io::Result<Self> {
        let leading_dot = shape.leading_dot && !chunked;
        let into = if leading_dot { &mut *scratch } else { &mut buffer.octets };
        let (content, range) = body.begin(into, FIRST)?;
        let mut stuffing = Stuffing::new(leading_dot);
        if leading_dot {
            let part = scratch.get(range).unwrap_or_default();
            stuffing.pieces(part).for_each(|piece| buffer.push(piece));
        } else {
            buffer.waiting = range;
            stuffing.pieces(buffer.rest()).for_each(drop);
        }
        let source = Source::AsItIs(content);
        let mut outgoing =
            Self { source, shape, chunked, stuffing: Some(stuffing), leading_dot, first: None };
        outgoing.finish(&mut buffer);
        outgoing.first = Some(buffer);
        Ok(outgoing)
    }

    /// What it looks like when it goes out.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// It has another form than in the spool.
    pub(super) fn is_converted(&self) -> bool {
        matches!(self.source, Source::Converted(_))
    }

    /// The end of data is in the output.
    pub(super) fn is_finished(&self) -> bool {
        self.stuffing.is_none() && self.first.is_none()
    }

    /// Appends the next block, and behind the last one the end of data. `scratch` is room for a block; `spare` gets a
    /// buffer that is not needed any more.
    ///
    /// # Errors
    /// The content cannot be read; what was appended must not go out.
    pub(super) fn fill(
        &mut self,
        output: &mut Output,
        spare: &mut Output,
        scratch: &mut Vec<u8>,
    ) -> io::Result<()> {
        if let Some(first) = self.first.take() {
            if output.is_empty() {
                *spare = std::mem::replace(output, first);
            } else {
                output.push(first.rest());
                *spare = Output { waiting: 0..0, ..first };
            }
            return Ok(());
        }
        let Some(stuffing) = &mut self.stuffing else { return Ok(()) };
        match &mut self.source {
            Source::Converted(conversion) => {
                stuffing.pieces(conversion.next(BLOCK, scratch)?).for_each(|piece| output.push(piece));
            }
            Source::AsItIs(content) if self.leading_dot => {
                let room = room_for(content);
                scratch.resize(room.max(scratch.len()), 0);
                let octets = content.read(scratch.get_mut(..room).unwrap_or_default())?;
                let part = scratch.get(..octets).unwrap_or_default();
                stuffing.pieces(part).for_each(|piece| output.push(piece));
            }
            Source::AsItIs(content) => {
                // Nothing is to be stuffed, so the content is read to where it goes out from.
                let part = output.room(room_for(content));
                let octets = content.read(part)?;
                stuffing.pieces(part.get(..octets).unwrap_or_default()).for_each(drop);
                output.waiting.end += octets;
            }
        }
        self.finish(output);
        Ok(())
    }

    fn finish(&mut self, output: &mut Output) {
        let finished = match &self.source {
            Source::AsItIs(content) => content.is_finished(),
            Source::Converted(conversion) => conversion.is_finished(),
        };
        if finished
            && let Some(stuffing) = self.stuffing.take()
            && !self.chunked
        {
            output.push(stuffing.end());
        }
    }
}

/// Octets that are read next.
fn room_for(content: &Passage) -> usize {
    usize::try_from(content.rest()).unwrap_or(usize::MAX).min(BLOCK)
}

/// The fate of a message whose content the spool does not give.
fn unread(error: &io::Error) -> Disposition {
    log::error!("content: {error}");
    let words = format!("the content cannot be read from the spool ({error})");
    Disposition::local(Outcome::Deferred, Status::transient(3, 0), words)
}

/// What an idle connection keeps, in octets.
const SMALL: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;

    fn sent(content: &[u8], leading_dot: bool, before: &[u8]) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let body = Body::new(Arc::new(file), 0, content.len() as u64);
        let (mut output, mut spare, mut all, mut scratch) =
            (Output::default(), Output::default(), Vec::new(), Vec::new());
        let shape = Shape { leading_dot, ..Shape::default() };
        let features = Features::default();
        let mut outgoing =
            Outgoing::open(&body, (&shape, false), &features, Output::default(), &mut scratch).unwrap();
        output.push(before);
        while !outgoing.is_finished() {
            outgoing.fill(&mut output, &mut spare, &mut scratch).unwrap();
            assert!(output.rest().len() <= 2 * BLOCK + 5 + before.len());
            all.extend_from_slice(output.rest());
            output.advance(output.rest().len());
        }
        assert!(spare.is_empty());
        all
    }

    #[test]
    fn dots_are_stuffed_and_the_end_is_sent() {
        assert_eq!(sent(b".a\r\n..b\r\n", true, b""), b"..a\r\n...b\r\n.\r\n");
        assert_eq!(sent(b"a", false, b""), b"a\r\n.\r\n");
        assert_eq!(sent(b"", false, b""), b".\r\n");
        assert_eq!(sent(b"a\r\n", false, b"DATA\r\n"), b"DATA\r\na\r\n.\r\n");
    }

    #[test]
    fn long_content_goes_out_in_blocks() {
        let line = [b"x".repeat(70), b"\r\n".to_vec()].concat();
        let content = line.repeat(6000);
        let expected = [content.as_slice(), b".\r\n"].concat();
        assert_eq!(sent(&content, false, b""), expected);
        assert_eq!(sent(&content, true, b""), expected);
    }

    #[test]
    fn content_that_ends_too_early_is_an_error() {
        let body = Body::new(Arc::new(tempfile::tempfile().unwrap()), 0, 5);
        let (shape, features) = (Shape::default(), Features::default());
        let opened = Outgoing::open(&body, (&shape, false), &features, Output::default(), &mut Vec::new());
        assert_eq!(opened.unwrap_err().outcome, Outcome::Deferred);
    }
}
