//! Writing batches: one write and one flush per batch, a new segment when one is full or has failed.
//!
//! After a failed or short write or a failed flush the file is never written again, for the kernel may call pages clean
//! that never reached the disk; the next segment records where it ended. Two failures in a row stop the writer.

use super::header::Header;
use super::record::{RecordLine, size};
use crate::error::{Context, SpoolError};
use crate::layout::{BLOCK, LARGE, NEW, SEGMENTS, Tuning, align, segment_path};
use crate::seal::{Seal, Separator};
use crate::spool::{Announced, Committed};
use crate::storage::{Storage, Stored, octets, write_whole};
use proto::id::SpoolId;
use proto::place::Place;
use std::io;
use std::sync::Arc;

/// A record that is to be written.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: SpoolId,
    pub(crate) envelope: Vec<u8>,
    pub(crate) content: Vec<u8>,
    /// The file of a large message, complete but not flushed.
    pub(crate) large: Option<Arc<dyn Stored>>,
}

/// The writing end of a segment after another.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    storage: Arc<dyn Storage>,
    tuning: Tuning,
    open: Option<Open>,
    /// The segment that was left last, and where it ended.
    left: Option<(SpoolId, u64)>,
    /// The file of that segment, held for its lock until the successor is durable; it is never written again.
    retired: Option<Arc<dyn Stored>>,
    failures: u32,
    /// What it writes are copies.
    copies: bool,
}

#[derive(Debug)]
struct Open {
    file: Arc<dyn Stored>,
    header: Header,
    /// Where the next batch begins.
    end: u64,
    /// Up to here the file is allocated.
    filled: u64,
}

impl SegmentWriter {
    pub(crate) fn new(storage: Arc<dyn Storage>, tuning: Tuning) -> Self {
        Self { storage, tuning, open: None, left: None, retired: None, failures: 0, copies: false }
    }

    /// One that writes copies of what others wrote.
    pub(crate) fn of_copies(storage: Arc<dyn Storage>, tuning: Tuning) -> Self {
        Self { copies: true, ..Self::new(storage, tuning) }
    }

    /// The segment that is open.
    pub(crate) fn segment(&self) -> Option<SpoolId> {
        self.open.as_ref().map(|open| open.header.number)
    }

    /// Leaves the open segment, so that it can be taken over; the next batch begins another one.
    pub(crate) fn rest(&mut self) {
        if let Some(open) = self.open.take() {
            self.left = Some((open.header.number, open.end));
        }
    }

    /// It accepts nothing more.
    pub(crate) fn stopped(&self) -> bool {
        self.failures >= 2
    }

    /// Commits a batch: on return all of it is durable, or none of it is promised.
    ///
    /// `spare` is the number for a new segment, should one be needed.
    pub(crate) fn commit(
        &mut self,
        jobs: &[Job],
        spare: SpoolId,
        now: u64,
    ) -> Result<(Vec<Committed>, Announced), SpoolError> {
        if self.stopped() {
            return Err(SpoolError::Stopped);
        }
        let result = self.try_commit(jobs, spare, now);
        if result.is_ok() {
            self.failures = 0;
        }
        result
    }

    fn try_commit(
        &mut self,
        jobs: &[Job],
        spare: SpoolId,
        now: u64,
    ) -> Result<(Vec<Committed>, Announced), SpoolError> {
        self.flush_large(jobs).inspect_err(|error| self.count_failure(error))?;
        let total = jobs.iter().map(|job| size(&job.envelope, &job.content)).sum();
        let mut open = match self.room(total) {
            Some(open) => open,
            None => self.successor(spare, now).inspect_err(|error| self.count_failure(error))?,
        };
        let (batch, committed) = assemble(jobs, &open.header, open.end);
        match open.append(&batch, &self.tuning) {
            Ok(()) => {
                let segment = open.header.number;
                let announced = Announced { segment, from: open.end, to: open.end + octets(batch.len()) };
                open.end = announced.to;
                self.open = Some(open);
                Ok((committed, announced))
            }
            Err(error) => {
                log::error!("segment {} failed at {}: {error}", open.header.number, open.end);
                self.failures += 1;
                self.retire(&open);
                Err(SpoolError::from_io("commit", &segment_path(open.header.number), &error))
            }
        }
    }

    /// A full disk is no reason to distrust anything: it may have room again for the next batch.
    fn count_failure(&mut self, error: &SpoolError) {
        if *error != SpoolError::NoSpace {
            self.failures += 1;
        }
    }

    fn flush_large(&self, jobs: &[Job]) -> Result<(), SpoolError> {
        let mut any = false;
        for file in jobs.iter().filter_map(|job| job.large.as_ref()) {
            file.flush().during("flush", LARGE)?;
            any = true;
        }
        if any { self.storage.sync_directory(LARGE).during("sync", LARGE) } else { Ok(()) }
    }

    /// Takes the open segment out if the batch has room in it; else leaves it for its successor.
    fn room(&mut self, total: u64) -> Option<Open> {
        let open = self.open.take()?;
        if open.end == BLOCK || open.end + align(total) <= self.tuning.segment_size {
            return Some(open);
        }
        self.retire(&open);
        None
    }

    /// Leaves a segment for good. A successor may exist from now on that records this end, so nothing may be written
    /// beyond it, even if making the successor fails.
    fn retire(&mut self, open: &Open) {
        self.left = Some((open.header.number, open.end));
        // Copies behind that end mean nothing anyway.
        self.retired = (!self.copies).then(|| Arc::clone(&open.file));
    }

    /// Makes the next segment; header and name are durable on return. The file gets its name last, so a segment that
    /// has its name has its header, and the lock is held before anyone else can see it.
    fn successor(&mut self, number: SpoolId, now: u64) -> Result<Open, SpoolError> {
        let path = segment_path(number);
        let path_new = format!("{path}{NEW}");
        let separator = Separator::draw()
            .map_err(|_| SpoolError::from_io("draw", &path, &io::Error::from(io::ErrorKind::Other)))?;
        let header = Header { number, separator, created: now, previous: self.left, copies: self.copies };
        let file = self.storage.create(&path_new).during("create", &path_new)?;
        let made = self.fill_new(&*file, &header, &path_new).and_then(|()| {
            self.storage.rename(&path_new, &path).during("rename", &path)?;
            self.storage.sync_directory(SEGMENTS).during("sync", SEGMENTS)
        });
        if let Err(error) = made {
            // Whichever name it has; a file that stays is removed at the next take-over.
            let _ = self.storage.remove(&path_new).or_else(|_| self.storage.remove(&path));
            return Err(error);
        }
        self.retired = None;
        Ok(Open { file, header, end: BLOCK, filled: self.tuning.fill_step.max(BLOCK) })
    }

    fn fill_new(&self, file: &dyn Stored, header: &Header, path: &str) -> Result<(), SpoolError> {
        if !file.try_lock().during("lock", path)? {
            return Err(SpoolError::from_io("lock", path, &io::Error::from(io::ErrorKind::WouldBlock)));
        }
        write_whole(file, &header.print(), 0).during("write", path)?;
        write_zeros(file, BLOCK, self.tuning.fill_step).during("write", path)?;
        file.flush().during("flush", path)
    }
}

impl Open {
    fn append(&mut self, batch: &[u8], tuning: &Tuning) -> io::Result<()> {
        write_whole(&*self.file, batch, self.end)?;
        let end = self.end + octets(batch.len());
        if end > self.filled {
            let fill = end.next_multiple_of(tuning.fill_step).min(tuning.segment_size).max(end);
            write_zeros(&*self.file, end, fill)?;
            self.filled = fill;
        }
        self.file.flush()
    }
}

fn write_zeros(file: &dyn Stored, from: u64, to: u64) -> io::Result<()> {
    static ZEROS: [u8; 1 << 18] = [0; 1 << 18];
    let mut at = from;
    while at < to {
        let count = crate::storage::length(to - at).min(ZEROS.len());
        write_whole(file, ZEROS.get(..count).unwrap_or_default(), at)?;
        at += octets(count);
    }
    Ok(())
}

/// Puts a batch together as it stands on disk at `start`, padded to a whole block.
fn assemble(jobs: &[Job], header: &Header, start: u64) -> (Vec<u8>, Vec<Committed>) {
    let seal: Seal = header.seal();
    let total: u64 = jobs.iter().map(|job| size(&job.envelope, &job.content)).sum();
    let mut batch = Vec::with_capacity(crate::storage::length(align(total)));
    let mut committed = Vec::with_capacity(jobs.len());
    let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    for (job, index) in jobs.iter().zip(0..) {
        let offset = start + octets(batch.len());
        let mut line = RecordLine {
            offset,
            id: job.id,
            batch: start,
            index,
            count,
            envelope: octets(job.envelope.len()),
            content: octets(job.content.len()),
            envelope_sum: 0,
            content_sum: 0,
        };
        line.envelope_sum = seal.sum(line.envelope_offset(), &job.envelope);
        line.content_sum = seal.sum(line.content_offset(), &job.content);
        line.print(&header.separator, seal, &mut batch);
        batch.extend_from_slice(&job.envelope);
        batch.extend_from_slice(&job.content);
        let place = Place { segment: header.number, offset };
        committed.push(Committed { id: job.id, place, end: line.end() });
    }
    batch.resize(crate::storage::length(align(octets(batch.len()))), 0);
    (batch, committed)
}
