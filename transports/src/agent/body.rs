//! The content of a job.

use spool::Checksum;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A part of an open file: CRLF line ends, no dot stuffing. Reading moves no offset, so several jobs share the file.
#[derive(Debug, Clone)]
pub struct Body {
    file: Arc<File>,
    offset: u64,
    length: u64,
    checksum: Option<Checksum>,
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
        self.position += u64::try_from(octets).unwrap_or_default();
        let part = buffer.get(..octets).unwrap_or_default();
        self.body.checksum = self.body.checksum.map(|sum| sum.pass(part));
        if self.is_finished() && self.body.checksum.is_some_and(|sum| !sum.holds()) {
            let words = "it is damaged; grange spool check tells more";
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(octets)
    }
}

impl Body {
    /// `length` octets from `offset` of the file.
    pub fn new(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self { file, offset, length, checksum: None }
    }

    /// The same, to be checked when it is read.
    #[must_use]
    pub fn checked(self, checksum: Checksum) -> Self {
        Self { checksum: Some(checksum), ..self }
    }

    /// Begins to read it.
    pub fn passage(&self) -> Passage {
        Passage { body: self.clone(), position: 0 }
    }

    /// The open file.
    pub(crate) fn file(&self) -> &File {
        &self.file
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
        let Some(buffer) = buffer.get_mut(..room).filter(|buffer| !buffer.is_empty()) else { return Ok(0) };
        loop {
            match self.file.read_at(buffer, self.offset.saturating_add(position)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
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
            let mut passage = body(text, 0, 7).checked(whole).passage();
            let mut buffer = [0; 4];
            assert_eq!(passage.read(&mut buffer).unwrap(), 4);
            assert_eq!(passage.read(&mut buffer).is_ok(), fine);
        }
    }
}
