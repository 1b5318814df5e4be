//! The content of a message, for those who deliver it.

use crate::segment::RecordLine;
use crate::storage::{Stored, length, read_full};
use proto::id::SpoolId;
use proto::place::Place;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// The content of a message: an open file, where in it the content begins, and how long it is.
///
/// Between processes it travels as descriptor, offset and length. The descriptor is a reader's own and carries no lock.
#[derive(Debug, Clone)]
pub struct Body {
    pub(crate) id: SpoolId,
    pub(crate) record: Option<Place>,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) file: Arc<dyn Stored>,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Body {
    /// The message.
    pub fn id(&self) -> SpoolId {
        self.id
    }

    /// The record in the file that the content belongs to; `None` if the file holds nothing else. See [`identity`].
    pub fn record(&self) -> Option<Place> {
        self.record
    }

    /// What the content must add up to; `None` for a backend that keeps no checksums.
    pub fn checksum(&self) -> Option<Checksum> {
        self.checksum
    }

    /// Offset of the content in the file, in octets.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Length of the content in octets.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The descriptor to pass on; `None` for a backend without files.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.descriptor()
    }

    /// Reads at an offset of the content; fewer octets than asked for only at its end.
    ///
    /// # Errors
    /// What the storage says.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = length(self.length.saturating_sub(offset)).min(buffer.len());
        match buffer.get_mut(..rest) {
            Some(part) => read_full(&*self.file, part, self.offset + offset),
            None => Ok(0),
        }
    }

    /// Reads up to `limit` octets from the beginning.
    ///
    /// # Errors
    /// What the storage says; [`io::ErrorKind::UnexpectedEof`] if the file is shorter than it should be.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; length(self.length.min(limit))];
        if self.read_at(&mut octets, 0)? < octets.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(octets)
    }
}

/// What a content must add up to: CRC-32C, continued from `start` over the content, gives `sum`. Travels with descriptor,
/// offset and length, so that whoever delivers notices damage before it is too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum {
    /// The checksum of nothing yet.
    pub start: u32,
    /// The checksum of the whole.
    pub sum: u32,
}

impl Checksum {
    /// The same after `part` has passed.
    #[must_use]
    pub fn pass(self, part: &[u8]) -> Self {
        Self { start: crc32c::crc32c_append(self.start, part), ..self }
    }

    /// What has passed is the content, undamaged.
    pub const fn holds(self) -> bool {
        self.start == self.sum
    }
}

/// The id of the record that begins at `offset` of a segment, read through a descriptor that was passed on: an agent
/// checks before it sends that it holds what it thinks it holds. `None` if no valid record line stands there.
///
/// # Errors
/// What reading says.
pub fn identity(file: &std::fs::File, segment: SpoolId, offset: u64) -> io::Result<Option<SpoolId>> {
    let mut line = vec![0; length(crate::segment::LINE)];
    let mut done = 0;
    while let Some(rest) = line.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match std::os::unix::fs::FileExt::read_at(file, rest, offset + crate::storage::octets(done))? {
            0 => return Ok(None),
            count => done += count,
        }
    }
    Ok(identity_in(&line, segment, offset))
}

/// The same for octets that were read at `offset` already.
pub fn identity_in(octets: &[u8], segment: SpoolId, offset: u64) -> Option<SpoolId> {
    RecordLine::parse_alone(octets, segment, offset).map(|line| line.id)
}
