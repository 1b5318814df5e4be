//! A segment that was taken over, as another thread may work on it.

use super::removal::{self, References};
use crate::Defect;
use crate::segment::{Found, Header, LINE, RecordLine, Scan};
use crate::spool::Damage;
use crate::storage::{Stored, length, read_full};
use proto::id::SpoolId;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// A segment of which this process holds the lock; clones share it.
#[derive(Debug, Clone)]
pub struct Kept {
    file: Arc<dyn Stored>,
    header: Header,
    /// Nothing is read beyond it.
    end: u64,
    /// Offsets of records in it whose content does not match.
    bad: Arc<BTreeSet<u64>>,
}

/// A record as it lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lying {
    /// The id of its message.
    pub id: SpoolId,
    /// Offset in the segment.
    pub offset: u64,
    /// Octets.
    pub size: u64,
}

/// The octets of a record behind its line.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) envelope: Vec<u8>,
    pub(super) content: Vec<u8>,
}

impl Kept {
    pub(super) fn new(file: Arc<dyn Stored>, header: Header, end: u64, bad: BTreeSet<u64>) -> Self {
        Self { file, header, end, bad: Arc::new(bad) }
    }

    /// Its number.
    pub fn number(&self) -> SpoolId {
        self.header.number
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The record at this offset is not intact.
    pub(super) fn is_bad(&self, offset: u64) -> bool {
        self.bad.contains(&offset)
    }

    /// Octets of the file, those behind the last record included.
    pub(super) fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    /// The records whose line is valid.
    pub(super) fn records(&self) -> io::Result<Vec<Lying>> {
        let header = &self.header;
        let mut scan = Scan::new(&*self.file, header.number, header.separator, 0, self.end);
        let mut records = Vec::new();
        while let Some(found) = scan.next()? {
            if let Found::Record(line) = found {
                records.push(Lying { id: line.id, offset: line.offset, size: line.end() - line.offset });
            }
        }
        Ok(records)
    }

    pub(super) fn references(&self) -> io::Result<References> {
        let mut references = removal::references(&*self.file, &self.header, self.end)?;
        references.whole &= self.bad.is_empty();
        Ok(references)
    }

    /// Envelope and content of the record of this message at an offset; what is damaged if it is not intact.
    pub(super) fn read(&self, id: SpoolId, offset: u64) -> io::Result<Result<Record, Damage>> {
        let segment = self.header.number;
        let damage = |to, defect| Ok(Err(Damage { segment, from: offset, to, defect, torn: false }));
        let Some(line) = self.line(offset)?.filter(|line| line.id == id) else {
            return damage(offset, Defect::Line);
        };
        if line.end() > self.end {
            return damage(line.end(), Defect::Length);
        }
        let mut envelope = vec![0; length(line.end() - line.envelope_offset())];
        let count = read_full(&*self.file, &mut envelope, line.envelope_offset())?;
        if count < envelope.len() {
            return damage(line.end(), Defect::Length);
        }
        let content = envelope.split_off(length(line.envelope));
        let seal = self.header.seal();
        if seal.sum(line.envelope_offset(), &envelope) != line.envelope_sum {
            return damage(line.end(), Defect::Envelope);
        }
        if seal.sum(line.content_offset(), &content) != line.content_sum {
            return damage(line.end(), Defect::Content);
        }
        Ok(Ok(Record { envelope, content }))
    }

    fn line(&self, offset: u64) -> io::Result<Option<RecordLine>> {
        let mut text = vec![0; length(LINE)];
        let count = read_full(&*self.file, &mut text, offset)?;
        let text = text.get(..count).unwrap_or_default();
        Ok(RecordLine::parse(text, offset, &self.header.separator, self.header.seal()))
    }
}
