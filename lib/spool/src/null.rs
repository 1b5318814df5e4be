//! A backend that keeps nothing: it takes mail as any other and forgets it, so that only accepting is measured.
//!
//! It keeps no promise, it announces nothing, and what is asked of it is absent. A commit is complete as soon as its
//! batch is closed.

use crate::draft::Draft;
use crate::entry::Entry;
use crate::error::SpoolError;
use crate::lease::IdSource;
use crate::log::LogRecord;
use crate::spool::{Announced, Committed, Completion, Spool, Takeover, Ticket, Walked};
use crate::{Body, Tuning};
use proto::envelope::Envelope;
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// The spool that keeps nothing.
#[derive(Debug)]
pub struct Null {
    ids: IdSource,
    /// Octets of a content that are held until they are forgotten.
    limit: usize,
    next: u64,
    open: Vec<(Ticket, SpoolId)>,
    done: Vec<Completion>,
}

impl Null {
    /// An empty one, as it stays; of `tuning` only the memory limit counts.
    ///
    /// # Errors
    /// [`SpoolError::Broken`]: the system gives no random number, with which the ids of one process differ from those of
    /// another.
    pub fn new(tuning: &Tuning) -> Result<Self, SpoolError> {
        let ids = IdSource::unbounded()?;
        Ok(Self { ids, limit: tuning.memory_limit, next: 0, open: Vec::new(), done: Vec::new() })
    }
}

impl Spool for Null {
    fn create(&mut self, now: u64) -> Result<Draft, SpoolError> {
        let id = self.ids.draw(now)?;
        self.create_as(id, now)
    }

    fn create_as(&mut self, id: SpoolId, _now: u64) -> Result<Draft, SpoolError> {
        Ok(Draft::new(id, self.limit, 0, None))
    }

    fn commit(&mut self, draft: Draft, _envelope: &Envelope, _now: u64) -> Result<Ticket, SpoolError> {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.open.push((ticket, draft.id()));
        Ok(ticket)
    }

    fn close_batch(&mut self, _now: u64) {
        let nowhere = |id| Committed { id, place: Place { segment: id, offset: 0 }, end: 0 };
        let outcomes: Vec<_> = self.open.drain(..).map(|(ticket, id)| (ticket, Ok(nowhere(id)))).collect();
        if !outcomes.is_empty() {
            self.done.push(Completion { outcomes, announced: None, elapsed: Duration::ZERO });
        }
    }

    fn completions(&mut self) -> Vec<Completion> {
        std::mem::take(&mut self.done)
    }

    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn load(&mut self, place: Place) -> Result<Entry, SpoolError> {
        Err(SpoolError::Absent(place.segment))
    }

    fn open(&mut self, place: Place) -> Result<Body, SpoolError> {
        Err(SpoolError::Absent(place.segment))
    }

    fn walk(&mut self, range: Announced, _limit: usize) -> Result<Walked, SpoolError> {
        Err(SpoolError::Absent(range.segment))
    }

    fn segments(&mut self) -> Result<Vec<SpoolId>, SpoolError> {
        Ok(Vec::new())
    }

    fn renew(&mut self, _now: u64) -> Result<(), SpoolError> {
        Ok(())
    }

    fn takeover(&mut self, _cursors: &BTreeMap<SpoolId, u64>) -> Result<Takeover, SpoolError> {
        Ok(Takeover::default())
    }

    fn remove(&mut self, segment: SpoolId) -> Result<(), SpoolError> {
        Err(SpoolError::NotOurs(segment))
    }

    fn replay(&mut self, _owner: &str, _now: u64) -> Result<Vec<LogRecord>, SpoolError> {
        Ok(Vec::new())
    }

    fn apply(&mut self, _records: &[LogRecord]) -> Result<(), SpoolError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{complete, draft, envelope};

    fn null() -> Null {
        Null::new(&Tuning { memory_limit: 4096, ..Tuning::default() }).unwrap()
    }

    #[test]
    fn a_commit_is_answered_when_its_batch_is_closed_and_leaves_nothing() {
        let mut null = null();
        let small = draft(&mut null, b"x", 5);
        let large = draft(&mut null, &[b'x'; 100_000], 5);
        let ids = [small.id(), large.id()];
        assert_eq!([small.len(), large.len()], [1, 100_000]);
        let tickets = [small, large].map(|draft| null.commit(draft, &envelope(1), 5).unwrap());
        assert!(null.completions().is_empty(), "nothing is promised before");
        let completion = complete(&mut null, 5).remove(0);
        assert_eq!(completion.outcomes.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), tickets);
        let committed: Vec<_> = completion.committed().copied().collect();
        assert_eq!(committed.iter().map(|committed| committed.id).collect::<Vec<_>>(), ids);
        assert_eq!(completion.announced, None);
        assert!(complete(&mut null, 6).is_empty());
        let place = committed[0].place;
        assert_eq!(null.load(place).unwrap_err(), SpoolError::Absent(place.segment));
        assert_eq!(null.open(place).unwrap_err(), SpoolError::Absent(place.segment));
        assert_eq!(null.segments().unwrap(), []);
    }

    #[test]
    fn two_processes_draw_different_ids() {
        let ids: Vec<_> = (0..4).map(|_| null().create(5).unwrap().id()).collect();
        assert!(ids.iter().any(|id| *id != ids[0]));
    }

    #[test]
    fn its_log_forgets() {
        let mut null = null();
        assert_eq!(null.replay("scheduler", 5).unwrap(), []);
        null.apply(&[LogRecord::Cursor { segment: SpoolId::new(1, 2, 3, 4), offset: 1 }]).unwrap();
        assert_eq!(null.replay("scheduler", 6).unwrap(), []);
    }
}
