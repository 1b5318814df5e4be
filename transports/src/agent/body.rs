//! The content of a job.

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
}

impl Body {
    /// `length` octets from `offset` of the file.
    pub fn new(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self { file, offset, length }
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
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
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
}
