//! Reading entries and contents, by place and by range.

use super::takeover::Adopted;
use crate::Defect;
use crate::body::{Body, Checksum};
use crate::entry::{Content, Entry as SpoolEntry, Kind};
use crate::error::{Context, SpoolError};
use crate::layout::{BLOCK, large_path, segment_path};
use crate::seal::Seal;
use crate::segment::{Found, Header, LINE, RecordLine, Scan};
use crate::sheet::{self, LargeFile};
use crate::spool::{Announced, Damage, Walked};
use crate::storage::{Access, Storage, Stored, length, octets, read_full};
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::sync::Arc;

/// Segments kept open for reading.
const KEPT: usize = 256;

/// Octets read at once for an entry; the envelope of a message to a few recipients fits in.
const FIRST_READ: usize = 1024;

/// A segment open for reading, without a lock.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) file: Arc<dyn Stored>,
    pub(crate) header: Header,
}

/// The segments that are open for reading.
#[derive(Debug)]
pub(super) struct Readers {
    storage: Arc<dyn Storage>,
    open: BTreeMap<SpoolId, Reader>,
}

/// One of them.
#[derive(Debug)]
struct Reader {
    open: Open,
    /// So long it was when that was asked for last.
    length: u64,
}

impl Readers {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, open: BTreeMap::new() }
    }

    /// Closes a segment that is removed.
    pub(super) fn forget(&mut self, segment: SpoolId) {
        self.open.remove(&segment);
    }

    fn segment(&mut self, number: SpoolId) -> Result<&mut Reader, SpoolError> {
        match self.open.entry(number) {
            Entry::Occupied(reader) => Ok(reader.into_mut()),
            Entry::Vacant(vacant) => {
                let open = open_segment(&*self.storage, number)?;
                Ok(vacant.insert(Reader { open, length: 0 }))
            }
        }
    }

    /// Reads the entry at a place.
    pub(super) fn load(&mut self, place: Place) -> Result<SpoolEntry, SpoolError> {
        self.make_room(place.segment);
        self.segment(place.segment)?.load(place)
    }

    /// Opens the content of an entry.
    pub(super) fn body(&mut self, entry: &SpoolEntry) -> Result<Body, SpoolError> {
        let Kind::Expansion(part) = entry.kind else { return self.own_body(entry) };
        let original = self.load(part.of)?;
        if matches!(original.kind, Kind::Expansion(_)) || original.id != entry.id {
            return Err(damaged(entry.place, Defect::Reference));
        }
        self.own_body(&original)
    }

    fn own_body(&mut self, entry: &SpoolEntry) -> Result<Body, SpoolError> {
        let (id, place) = (entry.id, entry.place);
        match entry.content {
            Content::Record { offset, length, sum } => {
                self.make_room(place.segment);
                let Open { file, header } = &self.segment(place.segment)?.open;
                let checksum = Some(Checksum { start: header.seal().start(offset), sum });
                let (record, file) = (Some(place), Arc::clone(file));
                Ok(Body { id, record, checksum, file, offset, length })
            }
            Content::File { id: name, .. } if name != id => Err(damaged(place, Defect::Large)),
            Content::File { length, sum, .. } => {
                let path = large_path(id);
                let file = match self.storage.open(&path, Access::Read) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Err(damaged(place, Defect::Large));
                    }
                    other => other.during("open", &path)?,
                };
                if file.length().during("measure", &path)? != length {
                    return Err(damaged(place, Defect::Large));
                }
                let checksum = Some(Checksum { start: Seal::of_id(id).start(0), sum });
                Ok(Body { id, record: None, checksum, file, offset: 0, length })
            }
        }
    }

    /// Closes the oldest segments, so that one more may be opened.
    fn make_room(&mut self, number: SpoolId) {
        while self.open.len() >= KEPT && !self.open.contains_key(&number) {
            self.open.pop_first();
        }
    }

    pub(super) fn walk(
        &mut self,
        range: Announced,
        limit: usize,
        adopted: Option<&Adopted>,
    ) -> Result<Walked, SpoolError> {
        self.make_room(range.segment);
        let reader = self.segment(range.segment)?;
        let to = match adopted {
            Some(adopted) => range.to.min(adopted.kept.end()),
            None => range.to,
        };
        if range.from < BLOCK || range.from > to || (adopted.is_none() && !reader.reaches(to)?) {
            let place = Place { segment: range.segment, offset: range.from };
            return Err(damaged(place, Defect::Length));
        }
        let (open, path) = (&reader.open, segment_path(range.segment));
        let scan = Scan::new(&*open.file, range.segment, open.header.separator, range.from, to);
        let mut walk = Walk { open, scan, adopted, path, walked: Walked::default() };
        while walk.walked.entries.len() < limit && walk.step()? {}
        walk.walked.next = walk.scan.position();
        Ok(walk.walked)
    }
}

/// A walk over a range under way.
struct Walk<'a> {
    open: &'a Open,
    scan: Scan<'a>,
    adopted: Option<&'a Adopted>,
    path: String,
    walked: Walked,
}

impl Walk<'_> {
    /// Reads one record or gap; false at the end.
    fn step(&mut self) -> Result<bool, SpoolError> {
        let segment = self.open.header.number;
        match self.scan.next().during("read", &self.path)? {
            None => Ok(false),
            Some(Found::Gap { from, to }) => {
                self.damage(from, to, Defect::Line)?;
                Ok(true)
            }
            Some(Found::Record(line))
                if self.adopted.is_some_and(|adopted| adopted.kept.is_bad(line.offset)) =>
            {
                self.damage(line.offset, line.end(), Defect::Content)?;
                Ok(true)
            }
            Some(Found::Record(line)) => {
                let envelope = self.scan.envelope(&line).during("read", &self.path)?;
                if self.open.header.seal().sum(line.envelope_offset(), envelope) == line.envelope_sum {
                    self.walked.entries.push(entry(segment, &line, envelope));
                } else {
                    self.damage(line.offset, line.end(), Defect::Envelope)?;
                }
                Ok(true)
            }
        }
    }

    /// Damage is reported in a segment that was taken over; where the writer lives the range was wrong.
    fn damage(&mut self, from: u64, to: u64, defect: Defect) -> Result<(), SpoolError> {
        let segment = self.open.header.number;
        let adopted = self.adopted.ok_or(SpoolError::Damaged { segment, offset: from, defect })?;
        let torn = from >= adopted.last_batch;
        self.walked.damage.push(Damage { segment, from, to, defect, torn });
        Ok(())
    }
}

/// Opens a segment for reading and checks its header.
pub(crate) fn open_segment(storage: &dyn Storage, number: SpoolId) -> Result<Open, SpoolError> {
    let path = segment_path(number);
    let file = match storage.open(&path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SpoolError::Absent(number)),
        other => other.during("open", &path)?,
    };
    let header = Header::read(&*file, number)?;
    Ok(Open { file, header })
}

impl Reader {
    /// Whether the file reaches so far. It only grows while its writer lives, and what was taken over has an end of its own.
    fn reaches(&mut self, end: u64) -> Result<bool, SpoolError> {
        if end > self.length {
            let path = segment_path(self.open.header.number);
            self.length = self.open.file.length().during("measure", &path)?;
        }
        Ok(end <= self.length)
    }

    /// Reads a record without its content, as a rule with one call.
    fn load(&mut self, place: Place) -> Result<SpoolEntry, SpoolError> {
        let path = segment_path(place.segment);
        let seal = self.open.header.seal();
        let mut text = vec![0; FIRST_READ];
        let count = read_full(&*self.open.file, &mut text, place.offset).during("read", &path)?;
        text.truncate(count);
        let line = RecordLine::parse(&text, place.offset, &self.open.header.separator, seal)
            .ok_or(damaged(place, Defect::Line))?;
        if !self.reaches(line.end())? {
            return Err(damaged(place, Defect::Length));
        }
        let end = length(LINE + line.envelope);
        let there = text.len();
        if there < end {
            text.resize(end, 0);
            let rest = text.get_mut(there..).unwrap_or_default();
            let at = place.offset + octets(there);
            read_full(&*self.open.file, rest, at).during("read", &path)?;
        }
        let envelope = text.get(length(LINE)..end).unwrap_or_default();
        if seal.sum(line.envelope_offset(), envelope) != line.envelope_sum {
            return Err(damaged(place, Defect::Envelope));
        }
        Ok(entry(place.segment, &line, envelope))
    }
}

/// The entry of a record whose envelope matched its checksum.
fn entry(segment: SpoolId, line: &RecordLine, envelope: &[u8]) -> SpoolEntry {
    let sheet = sheet::parse(envelope);
    let content = match sheet.large {
        Some(LargeFile { id, length, sum }) => Content::File { id, length, sum },
        None => {
            Content::Record { offset: line.content_offset(), length: line.content, sum: line.content_sum }
        }
    };
    SpoolEntry {
        id: line.id,
        place: Place { segment, offset: line.offset },
        end: line.end(),
        kind: sheet.kind,
        envelope: sheet.envelope,
        held: sheet.held,
        preserved: sheet.preserved,
        content,
        copied: sheet.copied,
    }
}

fn damaged(place: Place, defect: Defect) -> SpoolError {
    SpoolError::Damaged { segment: place.segment, offset: place.offset, defect }
}
