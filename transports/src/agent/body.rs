//! The content of a job.
//!
//! What is read is checked twice: that the record in front of the content is the one of the job's message, before the
//! first octet is given out, and that the content adds up, before the last one is.

use proto::id::SpoolId;
use proto::place::Place;
use spool::Checksum;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Up to so many octets in front of the content are read with it, so that its record costs no system call of its own.
const NEAR: u64 = 16 << 10;

/// A part of an open file: CRLF line ends, no dot stuffing. Reading moves no offset, so several jobs share the file.
#[derive(Debug, Clone)]
pub struct Body {
    file: Arc<File>,
    offset: u64,
    length: u64,
    checksum: Option<Checksum>,
    record: Option<(Place, SpoolId)>,
}

/// A content on its way, from its beginning to its end, checked as it passes.
#[derive(Debug)]
pub struct Passage {
    body: Body,
    position: u64,
}

impl Passage {
    /// All of it has been read.
    pub fn is_finished(&self) -> bool {
        self.position >= self.body.length
    }

    /// Octets that are left.
    pub fn rest(&self) -> u64 {
        self.body.length.saturating_sub(self.position)
    }

    /// Reads on, as much as fits; 0 only at the end of the content or for an empty buffer.
    ///
    /// # Errors
    /// As `pread(2)`; `UnexpectedEof` if the file is shorter than the content should be; `InvalidData` with the last
    /// octets of a content that does not match its checksum. What was read before must not be passed off as a message.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.body.read_at(buffer, self.position)?;
        self.pass(buffer.get(..octets).unwrap_or_default())?;
        Ok(octets)
    }

    /// Adds the next part of the content up.
    fn pass(&mut self, part: &[u8]) -> io::Result<()> {
        self.position += octets_of(part.len());
        self.body.checksum = self.body.checksum.map(|sum| sum.pass(part));
        if self.is_finished() && self.body.checksum.is_some_and(|sum| !sum.holds()) {
            return Err(damaged("it is damaged; grange spool check tells more"));
        }
        Ok(())
    }
}

impl Body {
    /// `length` octets from `offset` of the file.
    pub fn new(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self { file, offset, length, checksum: None, record: None }
    }

    /// The same, to be checked when it is read.
    #[must_use]
    pub fn checked(self, checksum: Checksum) -> Self {
        Self { checksum: Some(checksum), ..self }
    }

    /// The same, the content of the record that begins at `place` and is that of the message `id`. A file is recycled
    /// some day, and nothing of another message may ever be sent in its place.
    #[must_use]
    pub fn of_record(self, place: Place, id: SpoolId) -> Self {
        Self { record: Some((place, id)), ..self }
    }

    /// Begins to read it.
    ///
    /// # Errors
    /// As `pread(2)`; `InvalidData` if another message stands there.
    pub fn passage(&self) -> io::Result<Passage> {
        if let Some((place, id)) = self.record
            && spool::identity(&self.file, place.segment, place.offset)? != Some(id)
        {
            return Err(another());
        }
        Ok(self.unchecked())
    }

    /// Begins to read it, with `most` octets at most, which lie in the range of `buffer` that is given; the buffer grows
    /// if it has to.
    ///
    /// # Errors
    /// As [`Body::passage`] and [`Passage::read`].
    pub fn begin(&self, buffer: &mut Vec<u8>, most: usize) -> io::Result<(Passage, Range<usize>)> {
        let room = usize::try_from(self.length).unwrap_or(usize::MAX).min(most);
        let Some((place, id, front)) = self.near() else {
            let mut passage = self.passage()?;
            let octets = passage.read(grown(buffer, room))?;
            return Ok((passage, 0..octets));
        };
        let whole = grown(buffer, front + room);
        read_whole(&self.file, whole, place.offset)?;
        let (line, content) = whole.split_at(front);
        if spool::identity_in(line, place.segment, place.offset) != Some(id) {
            return Err(another());
        }
        let mut passage = self.unchecked();
        passage.pass(content)?;
        Ok((passage, front..front + room))
    }

    /// The record in front of the content, and how many octets in front it begins, if that is near.
    fn near(&self) -> Option<(Place, SpoolId, usize)> {
        let (place, id) = self.record?;
        let front = self.offset.checked_sub(place.offset).filter(|&front| front <= NEAR)?;
        Some((place, id, usize::try_from(front).ok()?))
    }

    fn unchecked(&self) -> Passage {
        Passage { body: self.clone(), position: 0 }
    }

    /// Octets in all.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads at `position` of the content, as much as fits; 0 only at the end of the content or for an empty buffer.
    ///
    /// # Errors
    /// As `pread(2)`; `UnexpectedEof` if the file is shorter than the content should be.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let rest = self.length.saturating_sub(position);
        let room = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        match buffer.get_mut(..room).filter(|buffer| !buffer.is_empty()) {
            Some(buffer) => read(&self.file, buffer, self.offset.saturating_add(position)),
            None => Ok(0),
        }
    }
}

/// The first `length` octets of a buffer that is as long at least.
fn grown(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    buffer.get_mut(..length).unwrap_or_default()
}

/// Reads something into a buffer that is not empty.
fn read(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn read_whole(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        done += read(file, rest, offset.saturating_add(octets_of(done)))?;
    }
    Ok(())
}

fn octets_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn damaged(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

fn another() -> io::Error {
    damaged("the spool holds another message there; see grange spool check")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn body(text: &[u8], offset: u64, length: u64) -> Body {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        Body::new(Arc::new(file), offset, length)
    }

    #[test]
    fn it_reads_its_part_and_no_more() {
        let body = body(b"xxxcontentyyy", 3, 7);
        let mut buffer = [0; 64];
        assert_eq!(body.read_at(&mut buffer, 0).unwrap(), 7);
        assert_eq!(&buffer[..7], b"content");
        assert_eq!(body.read_at(&mut buffer, 5).unwrap(), 2);
        assert_eq!(body.read_at(&mut buffer, 7).unwrap(), 0);
        assert_eq!(body.read_at(&mut buffer, 99).unwrap(), 0);
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        let error = body(b"abc", 0, 5).read_at(&mut [0; 8], 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_damaged_content_is_an_error_before_its_end() {
        let whole = Checksum { start: 7, sum: Checksum { start: 7, sum: 0 }.pass(b"content").start };
        for (text, fine) in [(b"content", true), (b"c0ntent", false)] {
            let mut passage = body(text, 0, 7).checked(whole).passage().unwrap();
            let mut buffer = [0; 4];
            assert_eq!(passage.read(&mut buffer).unwrap(), 4);
            assert_eq!(passage.read(&mut buffer).is_ok(), fine);
            assert_eq!(body(text, 0, 7).checked(whole).begin(&mut Vec::new(), 64).is_ok(), fine);
        }
    }

    #[test]
    fn nothing_is_read_behind_the_record_of_another_message() {
        let place = Place { segment: SpoolId::new(1, 1, 1, 1), offset: 0 };
        let front = usize::try_from(NEAR).unwrap();
        for front in [1, 200, front, front + 1] {
            let text = [vec![b'x'; front], b"content".to_vec()].concat();
            let body = body(&text, front as u64, 7);
            let (passage, range) = body.begin(&mut Vec::new(), 4).unwrap();
            assert_eq!((passage.rest(), range), (3, 0..4));
            let other = body.of_record(place, SpoolId::new(2, 2, 2, 2));
            for error in [other.passage().unwrap_err(), other.begin(&mut Vec::new(), 4).unwrap_err()] {
                assert!(error.to_string().contains("another message"), "{error}");
            }
        }
    }
}
