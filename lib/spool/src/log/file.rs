//! How the lines of a log get to the disk and back.
//!
//! The file `logs/<owner>.<id>` begins with `GRANGE-LOG 1 <id> generation=<n>` and a checksum; then every line is a
//! checksum of eight hexadecimal digits, a space and the record. The checksum covers the id of the log, the offset of the
//! line (8 octets, most significant first) and the record. Reading stops at the first line that does not match: it was
//! torn, or never written; what stands behind is cut off before anything is appended.
//!
//! A checkpoint is a new log, written in full under a name ending in `.new`, flushed, and then named; the old one is removed
//! afterwards. Where two are found the higher generation counts.

use super::lines::{Lines, LogLine, check};
use super::record::LogRecord;
use super::successor::Successor;
use crate::error::{Context, SpoolError};
use crate::layout::{LOGS, NEW};
use crate::seal::Seal;
use crate::storage::{Access, Storage, Stored, octets, read_full, write_whole};
use proto::id::SpoolId;
use std::io::{self, Write as _};
use std::sync::Arc;

/// A log smaller than this many octets is never checkpointed.
const SMALL: u64 = 1 << 20;

/// Octets of the buffer that are kept for what is appended next.
const KEPT: usize = 1 << 20;

/// Octets of a line that are not its record: checksum, space, line feed.
const LINE: usize = 10;

/// The log of an owner, open for appending. Holds its lock until dropped.
///
/// After any error the log is of no use: its owner starts again from disk.
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    owner: String,
    id: SpoolId,
    seal: Seal,
    generation: u64,
    file: Arc<dyn Stored>,
    /// Octets written.
    size: u64,
    /// Octets right after the last checkpoint.
    base: u64,
    buffer: Vec<u8>,
    failed: bool,
}

/// Makes durable what has been written, from any thread.
#[derive(Debug, Clone)]
pub struct LogSync {
    file: Arc<dyn Stored>,
    path: String,
}

impl LogSync {
    /// Waits for the disk. Everything that [`Log::write`] wrote before is durable on return.
    ///
    /// # Errors
    /// [`SpoolError::Broken`]; the owner must start again from disk.
    pub fn sync(&self) -> Result<(), SpoolError> {
        self.file.flush().during("flush", &self.path)
    }
}

impl Log {
    /// Opens the log of an owner and reads it; makes an empty one named `fresh` if there is none.
    ///
    /// # Errors
    /// [`SpoolError::LogBusy`], [`SpoolError::UnknownLogRecord`], [`SpoolError::Broken`].
    pub fn open(
        storage: &Arc<dyn Storage>,
        owner: &str,
        fresh: SpoolId,
    ) -> Result<(Self, Vec<LogRecord>), SpoolError> {
        let mut records = Vec::new();
        let log = Self::open_with(storage, owner, fresh, &mut |line| {
            records.extend(line.record()?);
            Ok(())
        })?;
        Ok((log, records))
    }

    /// As [`Log::open`], for a log that may be long: gives each line to `hear`, whose error ends it.
    ///
    /// # Errors
    /// [`SpoolError::LogBusy`], [`SpoolError::Broken`], and what `hear` returns.
    pub fn open_with(
        storage: &Arc<dyn Storage>,
        owner: &str,
        fresh: SpoolId,
        hear: &mut dyn FnMut(&LogLine<'_>) -> Result<(), SpoolError>,
    ) -> Result<Self, SpoolError> {
        let mut best: Option<(u64, SpoolId, Arc<dyn Stored>)> = None;
        let mut others = Vec::new();
        for name in storage.list(LOGS).during("list", LOGS)? {
            let Some(rest) = name.strip_prefix(owner).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let path = format!("{LOGS}/{name}");
            let file = storage.open(&path, Access::Write).during("open", &path)?;
            if !file.try_lock().during("lock", &path)? {
                return Err(SpoolError::LogBusy(path));
            }
            let found = rest.parse().ok().zip(generation(&*file, rest).during("read", &path)?);
            match (found, &best) {
                (Some((id, generation)), Some((highest, old, _))) if generation > *highest => {
                    others.push(log_path(owner, *old));
                    best = Some((generation, id, file));
                }
                (Some((id, generation)), None) => best = Some((generation, id, file)),
                _ => others.push(path),
            }
        }
        let opened = match best {
            Some((generation, id, file)) => {
                let mut log = Self::over(Arc::clone(storage), owner, id, generation, file, 0);
                log.recover(hear)?;
                log
            }
            None => {
                let mut successor = Successor::create(Arc::clone(storage), owner, fresh, 1)?;
                successor.flush()?;
                successor.log.publish()?;
                successor.log
            }
        };
        for path in others {
            storage.remove(&path).during("remove", &path)?;
        }
        // None of those names may come back once something has been appended.
        storage.sync_directory(LOGS).during("sync", LOGS)?;
        Ok(opened)
    }

    /// A log in a file of which so many octets count.
    pub(super) fn over(
        storage: Arc<dyn Storage>,
        owner: &str,
        id: SpoolId,
        generation: u64,
        file: Arc<dyn Stored>,
        size: u64,
    ) -> Self {
        let (owner, seal) = (owner.to_owned(), Seal::of_id(id));
        Self {
            storage,
            owner,
            id,
            seal,
            generation,
            file,
            size,
            base: size,
            buffer: Vec::new(),
            failed: false,
        }
    }

    /// The error of an owner that writes to a log that it never opened.
    pub(crate) fn not_open() -> SpoolError {
        SpoolError::from_io("write", LOGS, &io::Error::from(io::ErrorKind::NotFound))
    }

    /// Adds a line; nothing is written yet.
    pub fn append(&mut self, record: &LogRecord) {
        self.append_text(&record.to_string());
    }

    /// Adds a line in print: what a record's `to_string`, [`LogLine::text`] or [`super::WaitingHead::print`] gave.
    pub fn append_text(&mut self, record: &str) {
        let offset = self.size + octets(self.buffer.len());
        let sum = self.seal.sum(offset, record.as_bytes());
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.buffer, "{sum:08x} {record}");
    }

    /// The lines that are in the file now, the first one left out.
    pub fn lines(&self) -> Lines {
        let first = octets(first_line(self.id, self.generation).len() + LINE);
        Lines::new(Arc::clone(&self.file), log_path(&self.owner, self.id), self.id, first, self.size)
    }

    /// Octets that were appended and not written yet.
    pub(super) fn gathered(&self) -> usize {
        self.buffer.len()
    }

    /// Lines were appended that are not written yet.
    pub fn is_dirty(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Writes what was appended, with one call; it is durable after the next sync.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Broken`]; the owner must start again from disk.
    pub fn write(&mut self) -> Result<(), SpoolError> {
        if self.failed {
            return Err(Self::not_open());
        }
        if !self.buffer.is_empty() {
            let written = write_whole(&*self.file, &self.buffer, self.size);
            self.failed = written.is_err();
            written.during("write", &log_path(&self.owner, self.id))?;
            self.size += octets(self.buffer.len());
            self.buffer.clear();
            // A list with very many recipients is one line; the next one as long is far.
            self.buffer.shrink_to(KEPT);
        }
        Ok(())
    }

    /// Waits until everything written is durable.
    ///
    /// # Errors
    /// [`SpoolError::Broken`]; the owner must start again from disk.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        let flushed = if self.failed { Err(Self::not_open()) } else { self.syncer().sync() };
        self.failed = flushed.is_err();
        flushed
    }

    /// A handle that makes durable what was written so far and later, until the next checkpoint.
    pub fn syncer(&self) -> LogSync {
        LogSync { file: Arc::clone(&self.file), path: log_path(&self.owner, self.id) }
    }

    /// Octets in the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// It is time for a checkpoint: the file is twice as large as the last checkpoint left it.
    pub fn is_due(&self) -> bool {
        self.size > SMALL && self.size > 2 * self.base
    }

    /// Begins a new log named `id` that is to take the place of this one; see [`Successor`].
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Broken`]. This log goes on.
    pub fn successor(&self, id: SpoolId) -> Result<Successor, SpoolError> {
        Successor::create(Arc::clone(&self.storage), &self.owner, id, self.generation + 1)
    }

    /// Goes on in a new log, which is durable on return; everything that this one said and still counts must stand in
    /// it. Lines appended here and not yet written are dropped. Waits for the disk.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Broken`]. The old log goes on if the new one could not be written; if it
    /// could not be named for certain, [`Log::write`] fails too and the owner must start again from disk.
    pub fn succeed(&mut self, mut successor: Successor) -> Result<(), SpoolError> {
        if let Err(error) = successor.flush() {
            successor.abandon();
            return Err(error);
        }
        if let Err(error) = successor.log.publish() {
            // Which of the two will be found is open, so nothing may be added to either.
            self.failed = true;
            return Err(error);
        }
        successor.log.base = successor.log.size;
        let old = std::mem::replace(self, successor.log);
        let path = log_path(&old.owner, old.id);
        if let Err(error) = self.storage.remove(&path) {
            // Its generation is lower, so it does no harm; the next open removes it.
            log::warn!("removing {path}: {error}");
        }
        Ok(())
    }

    /// Replaces the log at once by a new one named `id` that says just `records`.
    ///
    /// # Errors
    /// As [`Log::succeed`].
    pub fn checkpoint(
        &mut self,
        id: SpoolId,
        records: impl IntoIterator<Item = LogRecord>,
    ) -> Result<(), SpoolError> {
        let mut successor = self.successor(id)?;
        let appended = records.into_iter().try_for_each(|record| successor.append(&record).map(drop));
        if let Err(error) = appended {
            successor.abandon();
            return Err(error);
        }
        self.succeed(successor)
    }

    /// Gives a new log its name, durably.
    pub(super) fn publish(&self) -> Result<(), SpoolError> {
        let path = log_path(&self.owner, self.id);
        self.storage.rename(&format!("{path}{NEW}"), &path).during("rename", &path)?;
        self.storage.sync_directory(LOGS).during("sync", LOGS)
    }

    /// Removes a log that has no name yet.
    pub(super) fn remove_unnamed(&self) {
        let path = format!("{}{NEW}", log_path(&self.owner, self.id));
        if let Err(error) = self.storage.remove(&path) {
            // It has no name that counts; the next open removes it.
            log::warn!("removing {path}: {error}");
        }
    }

    /// Reads a log up to its first bad line and cuts it there.
    fn recover(
        &mut self,
        hear: &mut dyn FnMut(&LogLine<'_>) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let path = log_path(&self.owner, self.id);
        let total = self.file.length().during("measure", &path)?;
        let mut lines = Lines::new(Arc::clone(&self.file), path.clone(), self.id, 0, total);
        let mut first = true;
        while let Some(line) = lines.next_line()? {
            if !std::mem::take(&mut first) {
                hear(&line)?;
            }
        }
        let end = lines.offset();
        if end < total {
            log::warn!("{path}: {} octets at the end are not whole lines, cut off", total - end);
            self.file.truncate(end).during("cut", &path)?;
        }
        // What was read may never have been flushed; it is believed from now on.
        self.file.flush().during("flush", &path)?;
        (self.size, self.base) = (end, end);
        Ok(())
    }
}

/// `logs/<owner>.<id>`
pub(super) fn log_path(owner: &str, id: SpoolId) -> String {
    format!("{LOGS}/{owner}.{id}")
}

pub(super) fn first_line(id: SpoolId, generation: u64) -> String {
    format!("GRANGE-LOG 1 {id} generation={generation}")
}

/// The generation of a log whose first line is valid.
fn generation(file: &dyn Stored, name: &str) -> io::Result<Option<u64>> {
    let mut buffer = [0; 128];
    let count = read_full(file, &mut buffer, 0)?;
    let line = buffer.get(..count).and_then(|text| text.split_inclusive(|octet| *octet == b'\n').next());
    Ok(line.zip(name.parse().ok()).and_then(|(line, id)| {
        check(line, Seal::of_id(id), 0)?.strip_prefix(&format!("GRANGE-LOG 1 {id} generation="))?.parse().ok()
    }))
}
