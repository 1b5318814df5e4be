//! The log that is to take the place of another one.

use super::LogRecord;
use super::file::{Log, LogSync, first_line, log_path};
use crate::error::{Context, SpoolError};
use crate::layout::NEW;
use crate::storage::Storage;
use proto::id::SpoolId;
use std::sync::Arc;

/// Octets that a new log gathers before they are written.
const PIECE: usize = 256 << 10;

/// A log that is being written to take the place of another one: a checkpoint under way. It has no name yet, so that a
/// crash leaves the old log; lines are written in pieces.
///
/// While it grows the old log goes on, and what is said there in the meantime must be said here, too.
#[derive(Debug)]
pub struct Successor {
    pub(super) log: Log,
}

impl Successor {
    pub(super) fn create(
        storage: Arc<dyn Storage>,
        owner: &str,
        id: SpoolId,
        generation: u64,
    ) -> Result<Self, SpoolError> {
        let path = format!("{}{NEW}", log_path(owner, id));
        let file = storage.create(&path).during("create", &path)?;
        file.try_lock().during("lock", &path)?;
        let mut log = Log::over(storage, owner, id, generation, file, 0);
        log.append_text(&first_line(id, generation));
        Ok(Self { log })
    }

    /// Adds a line, and writes when a piece is full. `true` if it was written.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Broken`]; give it up with [`Successor::abandon`].
    pub fn append(&mut self, record: &LogRecord) -> Result<bool, SpoolError> {
        self.append_text(&record.to_string())
    }

    /// As [`Successor::append`], for a record in print.
    ///
    /// # Errors
    /// As [`Successor::append`].
    pub fn append_text(&mut self, record: &str) -> Result<bool, SpoolError> {
        self.log.append_text(record);
        let full = self.log.gathered() >= PIECE;
        if full {
            self.log.write()?;
        }
        Ok(full)
    }

    /// Octets written.
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// A handle that makes durable what was written so far.
    pub fn syncer(&self) -> LogSync {
        self.log.syncer()
    }

    /// Gives it up; the old log goes on.
    pub fn abandon(self) {
        self.log.remove_unnamed();
    }

    /// Makes all of it durable but for its name.
    pub(super) fn flush(&mut self) -> Result<(), SpoolError> {
        self.log.write()?;
        self.log.sync()
    }
}
