//! Removing a segment that was taken over, and which large contents go with it.
//!
//! A large content is removed with the last segment that refers to it. Where a record was copied, two segments refer to
//! the same file: that of the copy says in its header that it holds copies, so a removal has to look at few others. What
//! cannot be read may refer to anything, and keeps it: a file too many is found later, a file too few is a lost message.

use super::kept::Kept;
use super::reading::{Open, open_segment};
use crate::error::{Context, SpoolError};
use crate::layout::{BLOCK, LARGE, SEGMENTS, ids_in, large_path, segment_path};
use crate::segment::{Found, Header, Scan};
use crate::sheet;
use crate::storage::{Storage, Stored};
use proto::id::SpoolId;
use std::collections::BTreeSet;
use std::io;

/// The large contents that a segment refers to.
#[derive(Debug)]
pub(super) struct References {
    pub(super) large: BTreeSet<SpoolId>,
    /// All of the segment could be read.
    pub(super) whole: bool,
}

/// Removes a segment, durably: first the large contents that no other one refers to, then the file.
pub(super) fn remove(storage: &dyn Storage, kept: &Kept) -> Result<(), SpoolError> {
    for id in expendable(storage, kept)? {
        remove_if_there(storage, &large_path(id))?;
    }
    remove_if_there(storage, &segment_path(kept.number()))?;
    storage.sync_directory(SEGMENTS).during("sync", SEGMENTS)
}

/// The large contents that go with a segment.
fn expendable(storage: &dyn Storage, kept: &Kept) -> Result<BTreeSet<SpoolId>, SpoolError> {
    let there: BTreeSet<SpoolId> = ids_in(storage, LARGE)?.into_iter().collect();
    if there.is_empty() {
        return Ok(there);
    }
    let path = segment_path(kept.number());
    let mut large = kept.references().during("read", &path)?.large;
    large.retain(|id| there.contains(id));
    if large.is_empty() {
        return Ok(large);
    }
    for number in ids_in(storage, SEGMENTS)? {
        if number == kept.number() {
            continue;
        }
        match open_segment(storage, number) {
            // Of two segments that refer to the same content one holds copies.
            Ok(open) if open.header.copies || kept.header().copies => retain(&open, &mut large)?,
            Ok(_) | Err(SpoolError::Absent(_)) => {}
            Err(SpoolError::Damaged { .. }) => large.clear(),
            Err(error) => return Err(error),
        }
    }
    Ok(large)
}

/// Takes out what another segment refers to.
fn retain(open: &Open, large: &mut BTreeSet<SpoolId>) -> Result<(), SpoolError> {
    let path = segment_path(open.header.number);
    let references = references_in(open).during("read", &path)?;
    large.retain(|id| !references.may_refer_to(*id, &open.header));
    Ok(())
}

/// What the records of a file refer to, whoever owns it.
pub(super) fn references_in(open: &Open) -> io::Result<References> {
    references(&*open.file, &open.header, open.file.length()?)
}

impl References {
    /// A record of that segment refers to this content, or one that cannot be read may.
    pub(super) fn may_refer_to(&self, id: SpoolId, header: &Header) -> bool {
        self.large.contains(&id) || (!self.whole && (header.copies || id.lease() == header.number.lease()))
    }
}

/// What the records of a segment refer to.
pub(super) fn references(file: &dyn Stored, header: &Header, end: u64) -> io::Result<References> {
    let mut scan = Scan::new(file, header.number, header.separator, BLOCK, end);
    let mut references = References { large: BTreeSet::new(), whole: true };
    while let Some(found) = scan.next()? {
        match found {
            Found::Gap { .. } => references.whole = false,
            Found::Record(line) => {
                let envelope = scan.envelope(&line)?;
                references.whole &= header.seal().sum(line.envelope_offset(), envelope) == line.envelope_sum;
                // The file bears the name of its message; a damaged line must not name that of another.
                let large = sheet::parse(envelope).large.map(|file| file.id).filter(|id| *id == line.id);
                references.large.extend(large);
            }
        }
    }
    Ok(references)
}

/// Removes a file; it is no error if there is none.
pub(super) fn remove_if_there(storage: &dyn Storage, path: &str) -> Result<(), SpoolError> {
    match storage.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.during("remove", path),
    }
}
