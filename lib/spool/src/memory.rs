//! A backend in memory: tells the cost of the disk from all other costs, and stands in for the disk in tests. It keeps no
//! promise.

use crate::body::Body;
use crate::draft::Draft;
use crate::entry::{Entry, Kind};
use crate::error::{Defect, SpoolError};
use crate::lease::IdSource;
use crate::log::LogRecord;
use crate::spool::{Announced, Committed, Completion, Spool, Takeover, Ticket, Walked};
use crate::storage::{Stored, octets};
use proto::envelope::Envelope;
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

/// A spool that forgets everything when it is dropped.
#[derive(Debug)]
pub struct Memory {
    ids: IdSource,
    segment: SpoolId,
    next: u64,
    end: u64,
    open: Vec<(Ticket, Entry, Vec<u8>)>,
    records: BTreeMap<u64, (Entry, Arc<Octets>)>,
    done: Vec<Completion>,
    log: Vec<LogRecord>,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        let mut ids = IdSource::unbounded();
        let segment = ids.draw(0).unwrap_or_else(|_| SpoolId::new(0, 0, 0, 0));
        Self {
            ids,
            segment,
            next: 0,
            end: 4096,
            open: Vec::new(),
            records: BTreeMap::new(),
            done: Vec::new(),
            log: Vec::new(),
        }
    }

    fn record(&self, place: Place) -> Result<&(Entry, Arc<Octets>), SpoolError> {
        self.own(place.segment)?;
        let Place { segment, offset } = place;
        self.records.get(&offset).ok_or(SpoolError::Damaged { segment, offset, defect: Defect::Line })
    }

    fn own(&self, segment: SpoolId) -> Result<(), SpoolError> {
        if segment == self.segment { Ok(()) } else { Err(SpoolError::Absent(segment)) }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Spool for Memory {
    fn create(&mut self, now: u64) -> Result<Draft, SpoolError> {
        let id = self.ids.draw(now)?;
        self.create_as(id, now)
    }

    fn create_as(&mut self, id: SpoolId, _now: u64) -> Result<Draft, SpoolError> {
        Ok(Draft::new(id, usize::MAX, 0, None))
    }

    fn commit(&mut self, draft: Draft, envelope: &Envelope, _now: u64) -> Result<Ticket, SpoolError> {
        let finished = draft.finish()?;
        let ticket = Ticket(self.next);
        self.next += 1;
        let place = Place { segment: self.segment, offset: 0 };
        let entry = Entry {
            id: finished.id,
            place,
            end: 0,
            kind: finished.kind,
            envelope: envelope.clone(),
            held: None,
            preserved: finished.preserved,
            large: false,
        };
        self.open.push((ticket, entry, finished.content));
        Ok(ticket)
    }

    fn close_batch(&mut self, _now: u64) {
        let from = self.end;
        let mut outcomes = Vec::new();
        for (ticket, mut entry, content) in std::mem::take(&mut self.open) {
            entry.place.offset = self.end;
            self.end += octets(content.len()).max(1);
            entry.end = self.end;
            outcomes.push((ticket, Ok(Committed { id: entry.id, place: entry.place, end: entry.end })));
            self.records.insert(entry.place.offset, (entry, Arc::new(Octets(content))));
        }
        if !outcomes.is_empty() {
            let announced = Some(Announced { segment: self.segment, from, to: self.end });
            self.done.push(Completion { outcomes, announced, elapsed: Duration::ZERO });
        }
    }

    fn completions(&mut self) -> Vec<Completion> {
        std::mem::take(&mut self.done)
    }

    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn load(&mut self, place: Place) -> Result<Entry, SpoolError> {
        self.record(place).map(|(entry, _)| entry.clone())
    }

    fn open(&mut self, place: Place) -> Result<Body, SpoolError> {
        let (entry, content) = match self.record(place)? {
            (Entry { kind: Kind::Expansion(part), .. }, _) => self.record(part.of)?,
            found => found,
        };
        let file: Arc<dyn Stored> = Arc::<Octets>::clone(content);
        Ok(Body {
            id: entry.id,
            record: None,
            checksum: None,
            length: octets(content.0.len()),
            file,
            offset: 0,
        })
    }

    fn walk(&mut self, range: Announced, limit: usize) -> Result<Walked, SpoolError> {
        self.own(range.segment)?;
        if range.to > self.end || range.from > range.to {
            let (segment, offset) = (range.segment, range.from);
            return Err(SpoolError::Damaged { segment, offset, defect: Defect::Length });
        }
        let found = self.records.range(range.from..range.to).take(limit);
        let entries: Vec<Entry> = found.map(|(_, (entry, _))| entry.clone()).collect();
        let full = entries.len() == limit;
        let next = entries.last().filter(|_| full).map_or(range.to, |entry| entry.end);
        Ok(Walked { entries, damage: Vec::new(), next })
    }

    fn segments(&mut self) -> Result<Vec<SpoolId>, SpoolError> {
        Ok(if self.records.is_empty() { Vec::new() } else { vec![self.segment] })
    }

    fn renew(&mut self, _now: u64) -> Result<(), SpoolError> {
        Ok(())
    }

    fn takeover(&mut self, _cursors: &BTreeMap<SpoolId, u64>) -> Result<Takeover, SpoolError> {
        Ok(Takeover::default())
    }

    fn remove(&mut self, segment: SpoolId) -> Result<(), SpoolError> {
        // Its only writer is alive: this is it.
        Err(SpoolError::NotOurs(segment))
    }

    fn replay(&mut self, _owner: &str, _now: u64) -> Result<Vec<LogRecord>, SpoolError> {
        Ok(self.log.clone())
    }

    fn apply(&mut self, records: &[LogRecord]) -> Result<(), SpoolError> {
        self.log.extend_from_slice(records);
        Ok(())
    }
}

/// A content in memory.
#[derive(Debug)]
struct Octets(Vec<u8>);

impl Stored for Octets {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut rest = self.0.get(crate::storage::length(offset)..).unwrap_or_default();
        io::Read::read(&mut rest, buffer)
    }

    fn write_at(&self, _octets: &[u8], _offset: u64) -> io::Result<usize> {
        Err(io::Error::from(io::ErrorKind::PermissionDenied))
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(octets(self.0.len()))
    }

    fn truncate(&self, _length: u64) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::PermissionDenied))
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
