//! How the lines of a log get to the disk and back.
//!
//! The file `logs/<owner>.<id>` begins with `GRANGE-LOG 1 <id> generation=<n>` and a checksum; then every line is a
//! checksum of eight hexadecimal digits, a space and the record. The checksum covers the id of the log, the offset of the
//! line (8 octets, most significant first) and the record. Reading stops at the first line that does not match: it was
//! torn, or never written; what stands behind is cut off before anything is appended.
//!
//! A checkpoint is a new log, written in full under a name ending in `.new`, flushed, and then named; the old one is removed
//! afterwards. Where two are found the higher generation counts.

use super::record::LogRecord;
use super::text::parse;
use crate::error::{Context, SpoolError};
use crate::layout::{LOGS, NEW};
use crate::seal::Seal;
use crate::storage::{Access, Storage, Stored, length, octets, read_full, write_whole};
use proto::id::SpoolId;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

/// A log smaller than this many octets is never checkpointed.
const SMALL: u64 = 1 << 20;

/// Octets that a new log gathers before they are written.
const PIECE: usize = 256 << 10;

/// The log of an owner, open for appending. Holds its lock until dropped.
///
/// After any error the log is of no use: its owner starts again from disk.
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    owner: String,
    id: SpoolId,
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
            Some((generation, id, file)) => Self::recover(Arc::clone(storage), owner, id, generation, file)?,
            None => {
                let mut successor = Successor::create(Arc::clone(storage), owner, fresh, 1)?;
                successor.flush()?;
                successor.log.publish()?;
                (successor.log, Vec::new())
            }
        };
        for path in others {
            storage.remove(&path).during("remove", &path)?;
        }
        // None of those names may come back once something has been appended.
        storage.sync_directory(LOGS).during("sync", LOGS)?;
        Ok(opened)
    }

    /// The error of an owner that writes to a log that it never opened.
    pub(crate) fn not_open() -> SpoolError {
        SpoolError::from_io("write", LOGS, &io::Error::from(io::ErrorKind::NotFound))
    }

    /// Adds a line; nothing is written yet.
    pub fn append(&mut self, record: &LogRecord) {
        let offset = self.size + octets(self.buffer.len());
        print_line(&mut self.buffer, self.id, offset, &record.to_string());
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
    fn publish(&self) -> Result<(), SpoolError> {
        let path = log_path(&self.owner, self.id);
        self.storage.rename(&format!("{path}{NEW}"), &path).during("rename", &path)?;
        self.storage.sync_directory(LOGS).during("sync", LOGS)
    }

    /// Reads a log up to its first bad line and cuts it there.
    fn recover(
        storage: Arc<dyn Storage>,
        owner: &str,
        id: SpoolId,
        generation: u64,
        file: Arc<dyn Stored>,
    ) -> Result<(Self, Vec<LogRecord>), SpoolError> {
        let path = log_path(owner, id);
        let total = file.length().during("measure", &path)?;
        let mut text = vec![0; length(total)];
        read_full(&*file, &mut text, 0).during("read", &path)?;
        let (records, end) = read_lines(&text, id)?;
        if end < total {
            log::warn!("{path}: {} octets at the end are not whole lines, cut off", total - end);
            file.truncate(end).during("cut", &path)?;
        }
        // What was read may never have been flushed; it is believed from now on.
        file.flush().during("flush", &path)?;
        let owner = owner.to_owned();
        let log = Self {
            storage,
            owner,
            id,
            generation,
            file,
            size: end,
            base: end,
            buffer: Vec::new(),
            failed: false,
        };
        Ok((log, records))
    }
}

/// A log that is being written to take the place of another one: a checkpoint under way. It has no name yet, so that a
/// crash leaves the old log; lines are written in pieces.
///
/// While it grows the old log goes on, and what is said there in the meantime must be said here, too.
#[derive(Debug)]
pub struct Successor {
    log: Log,
}

impl Successor {
    fn create(
        storage: Arc<dyn Storage>,
        owner: &str,
        id: SpoolId,
        generation: u64,
    ) -> Result<Self, SpoolError> {
        let path = format!("{}{NEW}", log_path(owner, id));
        let file = storage.create(&path).during("create", &path)?;
        file.try_lock().during("lock", &path)?;
        let mut buffer = Vec::new();
        print_line(&mut buffer, id, 0, &first_line(id, generation));
        let owner = owner.to_owned();
        Ok(Self {
            log: Log { storage, owner, id, generation, file, size: 0, base: 0, buffer, failed: false },
        })
    }

    /// Adds a line, and writes when a piece is full. `true` if it was written.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Broken`]; give it up with [`Successor::abandon`].
    pub fn append(&mut self, record: &LogRecord) -> Result<bool, SpoolError> {
        self.log.append(record);
        let full = self.log.buffer.len() >= PIECE;
        if full {
            self.log.write()?;
        }
        Ok(full)
    }

    /// A handle that makes durable what was written so far.
    pub fn syncer(&self) -> LogSync {
        self.log.syncer()
    }

    /// Gives it up; the old log goes on.
    pub fn abandon(self) {
        let path = format!("{}{NEW}", log_path(&self.log.owner, self.log.id));
        if let Err(error) = self.log.storage.remove(&path) {
            // It has no name that counts; the next open removes it.
            log::warn!("removing {path}: {error}");
        }
    }

    /// Makes all of it durable but for its name.
    fn flush(&mut self) -> Result<(), SpoolError> {
        self.log.write()?;
        self.log.sync()
    }
}

/// The records of the whole lines after the first, and where they end.
pub(crate) fn read_lines(text: &[u8], id: SpoolId) -> Result<(Vec<LogRecord>, u64), SpoolError> {
    let mut records = Vec::new();
    let mut end = 0;
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        let offset = octets(end);
        let Some(payload) = check_line(line, id, offset) else {
            break;
        };
        if end > 0 {
            match parse(payload) {
                Some(record) => records.push(record),
                None if payload.starts_with(|c: char| c.is_ascii_lowercase()) => {}
                None => {
                    let keyword = payload.split(' ').next().unwrap_or_default().to_owned();
                    return Err(SpoolError::UnknownLogRecord { log: id, offset, keyword });
                }
            }
        }
        end += line.len();
    }
    Ok((records, octets(end)))
}

/// `logs/<owner>.<id>`
fn log_path(owner: &str, id: SpoolId) -> String {
    format!("{LOGS}/{owner}.{id}")
}

fn first_line(id: SpoolId, generation: u64) -> String {
    format!("GRANGE-LOG 1 {id} generation={generation}")
}

/// The generation of a log whose first line is valid.
fn generation(file: &dyn Stored, name: &str) -> io::Result<Option<u64>> {
    let mut buffer = [0; 128];
    let count = read_full(file, &mut buffer, 0)?;
    let line = buffer.get(..count).and_then(|text| text.split_inclusive(|octet| *octet == b'\n').next());
    Ok(line.zip(name.parse().ok()).and_then(|(line, id)| {
        check_line(line, id, 0)?.strip_prefix(&format!("GRANGE-LOG 1 {id} generation="))?.parse().ok()
    }))
}

fn print_line(out: &mut Vec<u8>, id: SpoolId, offset: u64, payload: &str) {
    let mut line = String::with_capacity(payload.len() + 10);
    let sum = Seal::of_id(id).sum(offset, payload.as_bytes());
    // Writing to a String cannot fail.
    let _ = writeln!(line, "{sum:08x} {payload}");
    out.extend_from_slice(line.as_bytes());
}

/// The payload of a line, if its checksum matches.
fn check_line(line: &[u8], id: SpoolId, offset: u64) -> Option<&str> {
    let (sum, payload) = std::str::from_utf8(line).ok()?.strip_suffix('\n')?.split_once(' ')?;
    let matches =
        sum.len() == 8 && u32::from_str_radix(sum, 16) == Ok(Seal::of_id(id).sum(offset, payload.as_bytes()));
    matches.then_some(payload)
}
