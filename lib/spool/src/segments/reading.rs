//! Reading entries and contents, by place and by range.

use super::takeover::Adopted;
use crate::Defect;
use crate::body::{Body, Checksum};
use crate::entry::{Entry, Kind};
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
use std::io;
use std::sync::Arc;

/// Segments kept open for reading.
const KEPT: usize = 256;

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
    open: BTreeMap<SpoolId, Open>,
}

impl Readers {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, open: BTreeMap::new() }
    }

    /// Closes a segment that is removed.
    pub(super) fn forget(&mut self, segment: SpoolId) {
        self.open.remove(&segment);
    }

    fn segment(&mut self, number: SpoolId) -> Result<Open, SpoolError> {
        if let Some(open) = self.open.get(&number) {
            return Ok(open.clone());
        }
        let open = open_segment(&*self.storage, number)?;
        while self.open.len() >= KEPT {
            self.open.pop_first();
        }
        self.open.insert(number, open.clone());
        Ok(open)
    }

    /// Reads the entry at a place, and the name of its large file.
    pub(super) fn load(&mut self, place: Place) -> Result<(Entry, Loaded), SpoolError> {
        let open = self.segment(place.segment)?;
        load(&open, place)
    }

    pub(super) fn open(&mut self, place: Place) -> Result<Body, SpoolError> {
        let (entry, loaded) = self.load(place)?;
        match entry.kind {
            Kind::Message | Kind::Notice { .. } => self.body(&entry, &loaded),
            Kind::Expansion(part) => {
                let (original, loaded) = self.load(part.of)?;
                if matches!(original.kind, Kind::Expansion(_)) || original.id != entry.id {
                    return Err(damaged(place, Defect::Reference));
                }
                self.body(&original, &loaded)
            }
        }
    }

    fn body(&self, entry: &Entry, loaded: &Loaded) -> Result<Body, SpoolError> {
        let Some(large) = loaded.large else {
            let (offset, length) = (loaded.line.content_offset(), loaded.line.content);
            let (record, file) = (Some(entry.place), Arc::clone(&loaded.file));
            let checksum = Some(loaded.checksum());
            return Ok(Body { id: entry.id, record, checksum, file, offset, length });
        };
        if large.id != entry.id {
            return Err(damaged(entry.place, Defect::Large));
        }
        let path = large_path(large.id);
        let file = match self.storage.open(&path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damaged(entry.place, Defect::Large));
            }
            other => other.during("open", &path)?,
        };
        if file.length().during("measure", &path)? != large.length {
            return Err(damaged(entry.place, Defect::Large));
        }
        let checksum = Some(Checksum { start: Seal::of_id(large.id).start(0), sum: large.sum });
        Ok(Body { id: entry.id, record: None, checksum, file, offset: 0, length: large.length })
    }

    pub(super) fn walk(
        &mut self,
        range: Announced,
        limit: usize,
        adopted: Option<&Adopted>,
    ) -> Result<Walked, SpoolError> {
        let open = self.segment(range.segment)?;
        let path = segment_path(range.segment);
        let end = match adopted {
            Some(adopted) => adopted.end,
            None => open.file.length().during("measure", &path)?,
        };
        let to = range.to.min(end);
        if range.from < BLOCK || range.from > to || (adopted.is_none() && range.to > end) {
            let place = Place { segment: range.segment, offset: range.from };
            return Err(damaged(place, Defect::Length));
        }
        let scan = Scan::new(&*open.file, range.segment, open.header.separator, range.from, to);
        let mut walk = Walk { open: &open, scan, adopted, path, walked: Walked::default() };
        while walk.walked.entries.len() < limit && walk.step()? {}
        walk.walked.next = walk.scan.position();
        Ok(walk.walked)
    }
}

/// What is needed beside the entry to open its content.
#[derive(Debug)]
pub(super) struct Loaded {
    file: Arc<dyn Stored>,
    line: RecordLine,
    seal: Seal,
    large: Option<LargeFile>,
}

impl Loaded {
    /// Of the content in the record itself.
    fn checksum(&self) -> Checksum {
        Checksum { start: self.seal.start(self.line.content_offset()), sum: self.line.content_sum }
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
            Some(Found::Record(line)) if self.adopted.is_some_and(|adopted| adopted.is_bad(line.offset)) => {
                self.damage(line.offset, line.end(), Defect::Content)?;
                Ok(true)
            }
            Some(Found::Record(line)) => {
                let envelope = self.scan.envelope(&line).during("read", &self.path)?;
                if self.open.header.seal().sum(line.envelope_offset(), envelope) == line.envelope_sum {
                    self.walked.entries.push(entry(segment, &line, envelope).0);
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

fn load(open: &Open, place: Place) -> Result<(Entry, Loaded), SpoolError> {
    let path = segment_path(place.segment);
    let seal = open.header.seal();
    let mut octets_of_line = vec![0; length(LINE)];
    let count = read_full(&*open.file, &mut octets_of_line, place.offset).during("read", &path)?;
    let line = octets_of_line
        .get(..count)
        .and_then(|text| RecordLine::parse(text, place.offset, &open.header.separator, seal))
        .ok_or(damaged(place, Defect::Line))?;
    if line.end() > open.file.length().during("measure", &path)? {
        return Err(damaged(place, Defect::Length));
    }
    let mut envelope = vec![0; length(line.envelope)];
    let count = read_full(&*open.file, &mut envelope, line.envelope_offset()).during("read", &path)?;
    if octets(count) != line.envelope || seal.sum(line.envelope_offset(), &envelope) != line.envelope_sum {
        return Err(damaged(place, Defect::Envelope));
    }
    let (entry, large) = entry(place.segment, &line, &envelope);
    Ok((entry, Loaded { file: Arc::clone(&open.file), line, seal, large }))
}

/// The entry of a record whose envelope matched its checksum.
pub(super) fn entry(segment: SpoolId, line: &RecordLine, envelope: &[u8]) -> (Entry, Option<LargeFile>) {
    let sheet = sheet::parse(envelope);
    let entry = Entry {
        id: line.id,
        place: Place { segment, offset: line.offset },
        end: line.end(),
        kind: sheet.kind,
        envelope: sheet.envelope,
        held: sheet.held,
        preserved: sheet.preserved,
        large: sheet.large.is_some(),
    };
    (entry, sheet.large)
}

fn damaged(place: Place, defect: Defect) -> SpoolError {
    SpoolError::Damaged { segment: place.segment, offset: place.offset, defect }
}
