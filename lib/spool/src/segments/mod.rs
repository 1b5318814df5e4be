//! The default backend: append-only segments in a directory.

mod commit;
mod keeper;
mod kept;
mod reading;
mod removal;
mod takeover;

pub use keeper::{Copied, Keeper, Survey};
pub use kept::{Kept, Lying};
pub(crate) use reading::{Open, open_segment};

use crate::body::Body;
use crate::draft::Draft;
use crate::entry::Entry;
use crate::error::{Context, SpoolError};
use crate::flusher::Clock;
use crate::layout::{self, SEGMENTS, Tuning};
use crate::log::{Log, LogLine, LogRecord};
use crate::spool::{Announced, Completion, Spool, Takeover, Ticket, Walked};
use crate::storage::Storage;
use commit::Committing;
use proto::envelope::Envelope;
use proto::id::SpoolId;
use proto::place::Place;
use reading::Readers;
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use takeover::Adopted;

/// The spool of segments, as one process sees it.
///
/// A process that only reads holds no lease and no lock. Ids and the lease come with the first [`Spool::renew`] or
/// [`Spool::create`], a segment with the first commit. Dropping it waits for the flush in progress.
#[derive(Debug)]
pub struct Segments {
    storage: Arc<dyn Storage>,
    tuning: Tuning,
    host: u32,
    committing: Committing,
    readers: Readers,
    adopted: BTreeMap<SpoolId, Adopted>,
    log: Option<Log>,
}

impl Segments {
    /// Opens a spool that [`crate::prepare`] made ready. Until [`Segments::start_flusher`] everything runs in the calling
    /// thread.
    ///
    /// # Errors
    /// [`SpoolError::NotPrepared`], [`SpoolError::Broken`].
    pub fn open(storage: Arc<dyn Storage>, tuning: Tuning) -> Result<Self, SpoolError> {
        let host = layout::host(&*storage)?;
        Ok(Self {
            committing: Committing::new(Arc::clone(&storage), tuning.clone()),
            readers: Readers::new(Arc::clone(&storage)),
            storage,
            tuning,
            host,
            adopted: BTreeMap::new(),
            log: None,
        })
    }

    /// Moves writing and flushing to a thread, once, when nothing will be forked any more.
    ///
    /// # Errors
    /// No thread or no socket could be made; nothing can be committed then.
    pub fn start_flusher(&mut self, clock: Clock) -> Result<(), SpoolError> {
        self.committing.flusher.start(clock).during("start", "flusher")
    }

    /// The keeper of segments, for a thread of its own; there may be one.
    pub fn keeper(&self) -> Keeper {
        Keeper::new(Arc::clone(&self.storage), self.tuning.clone())
    }

    /// A segment that was taken over, for the keeper.
    ///
    /// # Errors
    /// [`SpoolError::NotOurs`].
    pub fn kept(&self, segment: SpoolId) -> Result<Kept, SpoolError> {
        let adopted = self.adopted.get(&segment).ok_or(SpoolError::NotOurs(segment))?;
        Ok(adopted.kept.clone())
    }

    /// The keeper has removed a segment.
    pub fn forget(&mut self, segment: SpoolId) {
        self.readers.forget(segment);
        self.adopted.remove(&segment);
    }

    /// Opens the content of an entry that was read before, which saves reading it again; for an expansion that of the
    /// message expanded.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub fn body(&mut self, entry: &Entry) -> Result<Body, SpoolError> {
        self.readers.body(entry)
    }

    /// Draws an id that no message has; for a notice that is put into the log before it is committed.
    ///
    /// # Errors
    /// As [`Spool::renew`], [`SpoolError::LeaseSpent`].
    pub fn draw(&mut self, now: u64) -> Result<SpoolId, SpoolError> {
        self.renew(now)?;
        self.committing.draw(now)
    }

    /// The open batch, for [`crate::Batcher`].
    pub fn gathering(&self) -> crate::Gathering {
        self.committing.gathering()
    }

    /// Opens the log of an owner for direct use, with what it says. Waits for the disk.
    ///
    /// # Errors
    /// As [`Spool::replay`].
    pub fn open_log(&mut self, owner: &str, now: u64) -> Result<(Log, Vec<LogRecord>), SpoolError> {
        let id = self.draw(now)?;
        Log::open(&self.storage, owner, id)
    }

    /// As [`Segments::open_log`], for a log that may be long: each line is given to `hear`. Waits for the disk.
    ///
    /// # Errors
    /// As [`Log::open_with`].
    pub fn open_log_with(
        &mut self,
        owner: &str,
        now: u64,
        hear: &mut dyn FnMut(&LogLine<'_>) -> Result<(), SpoolError>,
    ) -> Result<Log, SpoolError> {
        let id = self.draw(now)?;
        Log::open_with(&self.storage, owner, id, hear)
    }

    /// The segments taken over and not removed yet, with their ends.
    pub fn adopted(&self) -> impl Iterator<Item = (SpoolId, u64)> + '_ {
        self.adopted.iter().map(|(segment, adopted)| (*segment, adopted.kept.end()))
    }

    fn take_lease(&mut self, now: u64) -> Result<(), SpoolError> {
        self.committing.take_lease(&*self.storage, self.host, now)
    }
}

impl Spool for Segments {
    fn create(&mut self, now: u64) -> Result<Draft, SpoolError> {
        let id = self.draw(now)?;
        self.create_as(id, now)
    }

    fn create_as(&mut self, id: SpoolId, now: u64) -> Result<Draft, SpoolError> {
        self.committing.admit(&*self.storage, now)?;
        Ok(Draft::new(id, self.tuning.memory_limit, self.tuning.reserve, Some(Arc::clone(&self.storage))))
    }

    fn commit(&mut self, draft: Draft, envelope: &Envelope, now: u64) -> Result<Ticket, SpoolError> {
        // An expansion may be the first thing that this process writes.
        self.take_lease(now)?;
        self.committing.commit(draft.finish()?, envelope, now)
    }

    fn close_batch(&mut self, now: u64) {
        self.committing.close_batch(now, false);
    }

    fn close_batch_here(&mut self, now: u64) {
        self.committing.close_batch(now, true);
    }

    fn completions(&mut self) -> Vec<Completion> {
        self.committing.completions()
    }

    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        self.committing.flusher.wait_fd()
    }

    fn load(&mut self, place: Place) -> Result<Entry, SpoolError> {
        self.readers.load(place)
    }

    fn open(&mut self, place: Place) -> Result<Body, SpoolError> {
        let entry = self.readers.load(place)?;
        self.readers.body(&entry)
    }

    fn walk(&mut self, range: Announced, limit: usize) -> Result<Walked, SpoolError> {
        let adopted = self.adopted.get(&range.segment);
        self.readers.walk(range, limit, adopted)
    }

    fn segments(&mut self) -> Result<Vec<SpoolId>, SpoolError> {
        layout::ids_in(&*self.storage, SEGMENTS)
    }

    fn renew(&mut self, now: u64) -> Result<(), SpoolError> {
        self.take_lease(now)?;
        self.committing.renew(now);
        Ok(())
    }

    fn takeover(&mut self, cursors: &BTreeMap<SpoolId, u64>) -> Result<Takeover, SpoolError> {
        takeover::takeover(&*self.storage, &mut self.adopted, cursors)
    }

    fn remove(&mut self, segment: SpoolId) -> Result<(), SpoolError> {
        removal::remove(&*self.storage, &self.kept(segment)?)?;
        self.forget(segment);
        Ok(())
    }

    fn replay(&mut self, owner: &str, now: u64) -> Result<Vec<LogRecord>, SpoolError> {
        // An earlier one of this process would hold the lock.
        self.log = None;
        let (log, records) = self.open_log(owner, now)?;
        self.log = Some(log);
        Ok(records)
    }

    fn apply(&mut self, records: &[LogRecord]) -> Result<(), SpoolError> {
        let log = self.log.as_mut().ok_or_else(Log::not_open)?;
        records.iter().for_each(|record| log.append(record));
        log.write()?;
        log.sync()
    }
}
