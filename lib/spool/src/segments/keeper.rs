//! The work on segments taken over that waits for the disk, for a thread of its own: looking into them, copying what is
//! still wanted out of them, removing them.
//!
//! Copies go to a segment that the keeper owns, by the rules of every writer. A copy is the record byte for byte, with the
//! id of its message and one more line, which says where it was copied from; it counts only once the log says `Moved`. Until
//! then, and for ever if nobody writes that line, the record where it lay is the message. So a crash at any point leaves at
//! least one of the two, and never makes two messages of one.

use super::kept::{Kept, Lying, Record};
use super::removal;
use crate::error::{Context, SpoolError};
use crate::layout::{Tuning, large_path, segment_path};
use crate::segment::{Job, SegmentWriter, size};
use crate::sheet;
use crate::spool::{Announced, Damage};
use crate::storage::Storage;
use proto::id::SpoolId;
use proto::place::Place;
use std::sync::Arc;

/// A batch of copies ends at so many octets,
const OCTETS: u64 = 1 << 20;
/// or so many records.
const RECORDS: usize = 1000;

/// Does the work; belongs to one thread.
#[derive(Debug)]
pub struct Keeper {
    storage: Arc<dyn Storage>,
    tuning: Tuning,
    writer: SegmentWriter,
}

/// What lies in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Its records, in order.
    pub records: Vec<Lying>,
    /// Octets of the file.
    pub length: u64,
}

/// What became of a batch of copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// The message, where it lay, where its copy lies durably.
    pub moved: Vec<(SpoolId, Place, Place)>,
    /// Records that are not intact; they stay where they are.
    pub damage: Vec<Damage>,
    /// How many of the records that were asked for are dealt with; for the others ask again.
    pub dealt_with: usize,
    /// The copies; `None` if there are none.
    pub announced: Option<Announced>,
}

impl Keeper {
    pub(super) fn new(storage: Arc<dyn Storage>, tuning: Tuning) -> Self {
        let writer = SegmentWriter::of_copies(Arc::clone(&storage), tuning.clone());
        Self { storage, tuning, writer }
    }

    /// Reads what lies in a segment.
    ///
    /// # Errors
    /// [`SpoolError::Broken`].
    pub fn survey(&self, kept: &Kept) -> Result<Survey, SpoolError> {
        let path = segment_path(kept.number());
        let records = kept.records().during("read", &path)?;
        Ok(Survey { records, length: kept.length().during("measure", &path)? })
    }

    /// Copies records, each named by its message and its offset, as many as go into one batch; durable on return. `spare`
    /// is the number for a new segment, should one be needed. None of them may be a part of an expansion.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Broken`]; nothing was moved then.
    pub fn copy(
        &mut self,
        kept: &Kept,
        records: &[(SpoolId, u64)],
        spare: SpoolId,
        now: u64,
    ) -> Result<Copied, SpoolError> {
        let path = segment_path(kept.number());
        let mut copied = Copied::default();
        let (mut jobs, mut from, mut octets) = (Vec::new(), Vec::new(), 0);
        for &(id, offset) in records.iter().take(RECORDS) {
            if octets >= OCTETS {
                break;
            }
            copied.dealt_with += 1;
            let place = Place { segment: kept.number(), offset };
            match kept.read(id, offset).during("read", &path)? {
                Ok(Record { envelope, content }) => {
                    let envelope = sheet::print_copy(&envelope, place);
                    octets += size(&envelope, &content);
                    jobs.push(Job { id, envelope, content, large: None });
                    from.push(place);
                }
                Err(damage) => copied.damage.push(damage),
            }
        }
        if !jobs.is_empty() {
            self.make_room(octets)?;
            let (committed, announced) = self.writer.commit(&jobs, spare, now)?;
            copied.announced = Some(announced);
            let places = from.into_iter().zip(committed);
            copied.moved = places.map(|(from, copy)| (copy.id, from, copy.place)).collect();
        }
        Ok(copied)
    }

    /// Copying frees space in the end, therefore it may use what drafts must leave, but not all of it.
    fn make_room(&mut self, octets: u64) -> Result<(), SpoolError> {
        if self.writer.stopped() {
            self.writer = SegmentWriter::of_copies(Arc::clone(&self.storage), self.tuning.clone());
        }
        let needed = (self.tuning.reserve / 2).saturating_add(octets);
        let enough = self.storage.free().during("ask", "free space")? >= needed;
        if enough { Ok(()) } else { Err(SpoolError::NoSpace) }
    }

    /// The segment that copies go to, if one is open.
    pub fn segment(&self) -> Option<SpoolId> {
        self.writer.segment()
    }

    /// Leaves that segment, so that the next take-over finds it.
    pub fn rest(&mut self) {
        self.writer.rest();
    }

    /// Removes a segment, with the large contents that no other one refers to; durable on return. The caller has made
    /// durable before that every message in it is finished or moved.
    ///
    /// # Errors
    /// [`SpoolError::Broken`]; it can be tried again.
    pub fn remove(&self, kept: &Kept) -> Result<(), SpoolError> {
        removal::remove(&*self.storage, kept)
    }

    /// Removes the file of a large content that nobody needs any more. The caller has made durable before that its message
    /// is finished; it is no error if the file is gone.
    ///
    /// # Errors
    /// [`SpoolError::Broken`].
    pub fn discard(&self, id: SpoolId) -> Result<(), SpoolError> {
        removal::remove_if_there(&*self.storage, &large_path(id))
    }
}
