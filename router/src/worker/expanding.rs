//! Messages on their way from the multiplexer's word to a durable, announced expansion.

use super::expansion::{expanded, is_needed};
use super::parts::{Parts, Standing};
use super::run::{FLUSHER, Worker};
use farm::journal::{Failure, ProgramEvent};
use farm::profile::{self, Operation};
use ipc::hint::Hint;
use ipc::router_worker::FromRouterWorker;
use proto::place::Place;
use spool::{Completion, Entry, Spool, SpoolError, Ticket};
use std::collections::{BTreeMap, VecDeque};

/// What the worker was asked to expand and has not finished.
#[derive(Debug, Default)]
pub(super) struct Expanding {
    waiting: VecDeque<Wanted>,
    committing: BTreeMap<u64, Committing>,
    commits: BTreeMap<Ticket, u64>,
    close_at: Option<u64>,
}

#[derive(Debug)]
struct Wanted {
    ticket: u64,
    place: Place,
    attempt: u32,
}

/// An expansion of which parts are being committed.
#[derive(Debug)]
struct Committing {
    entry: Entry,
    recipients: u64,
    parts: Parts,
}

/// Why an expansion cannot be made now.
#[derive(Debug, thiserror::Error)]
enum Obstacle {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Tables(#[from] crate::routing::NotNow),
    #[error("its segment cannot be watched: {0}")]
    Watch(#[from] std::io::Error),
}

impl Expanding {
    /// The multiplexer wants this one.
    pub(super) fn take(&mut self, ticket: u64, place: Place, attempt: u32) {
        self.waiting.push_back(Wanted { ticket, place, attempt });
    }

    /// Some have not been begun.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// All is done.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.committing.is_empty()
    }

    /// Begin no further one.
    pub(super) fn abandon(&mut self) {
        self.waiting.clear();
    }

    /// When the open batch is to be closed, UTC.
    pub(super) fn close_at(&self) -> Option<u64> {
        self.close_at
    }
}

impl Worker {
    /// Expands the next message, if one waits.
    pub(super) fn expand_next(&mut self) {
        let Some(wanted) = self.expanding.waiting.pop_front() else { return };
        self.refresh();
        let ticket = wanted.ticket;
        match self.expand(&wanted) {
            Ok(Some(committing)) => {
                self.expanding.committing.insert(ticket, committing);
                self.commit_parts(ticket);
            }
            Ok(None) => self.settle(&FromRouterWorker::Expanded { ticket, recipients: 0 }),
            Err(obstacle) => {
                self.settle(&FromRouterWorker::ExpandFailed { ticket, why: obstacle.to_string() });
            }
        }
    }

    /// Reads and expands; `None` if there is nothing to expand there.
    fn expand(&mut self, wanted: &Wanted) -> Result<Option<Committing>, Obstacle> {
        let now = self.event_loop.now();
        let Wanted { place, attempt, .. } = *wanted;
        let entry = match self.reader.spool(now.mono)?.load(place) {
            Ok(entry) if is_needed(&entry) => entry,
            Ok(_) => return Ok(None),
            // It is finished and gone, or the place was never one: nothing to try again.
            Err(error @ (SpoolError::Absent(_) | SpoolError::Damaged { .. })) => {
                log::warn!("not expanded: {error}");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let recipients = expanded(&entry.envelope.recipients, &self.tables)?;
        if let Some(waiting) = self.writer.open(now.mono, now.utc)?
            && let Err(error) = self.event_loop.watch_readable(&waiting, FLUSHER)
        {
            self.writer.give_up();
            return Err(error.into());
        }
        let count = u64::try_from(recipients.len()).unwrap_or(u64::MAX);
        let parts = Parts::new(place, attempt, recipients);
        Ok(Some(Committing { entry, recipients: count, parts }))
    }

    /// Commits what may be committed now.
    fn commit_parts(&mut self, ticket: u64) {
        let utc = self.event_loop.now().utc;
        let (mut standing, mut why, mut stopped) = (Standing::Open, String::new(), false);
        if let Some(Committing { entry, parts, .. }) = self.expanding.committing.get_mut(&ticket) {
            while let Some(part) = parts.next() {
                match self.writer.commit(entry, part, utc) {
                    Ok(commit) => drop(self.expanding.commits.insert(commit, ticket)),
                    Err(error) => {
                        why = error.to_string();
                        stopped |= error == SpoolError::Stopped;
                        standing = parts.settled(false);
                    }
                }
            }
        }
        self.stand(ticket, standing, &why);
        if stopped {
            self.start_anew();
        }
    }

    /// Closes the batch when its time has come.
    pub(super) fn close_batch(&mut self) {
        let utc = self.event_loop.now().utc;
        self.expanding.close_at = self.writer.close_batch(self.expanding.waiting.len(), utc);
    }

    /// Batches came to their end.
    pub(super) fn hear_flusher(&mut self) {
        for completion in self.writer.completions() {
            self.complete(completion);
        }
    }

    /// Tells what became of a batch.
    fn complete(&mut self, completion: Completion) {
        let now = self.event_loop.now().mono;
        if let Some(new) = completion.announced {
            profile::took(Operation::Flush, completion.elapsed);
            self.hints.announce(Hint { segment: new.segment, from: new.from, to: new.to }, now);
        }
        let mut failure: Option<SpoolError> = None;
        for (commit, outcome) in completion.outcomes {
            let Some(ticket) = self.expanding.commits.remove(&commit) else { continue };
            let Some(committing) = self.expanding.committing.get_mut(&ticket) else { continue };
            let standing = committing.parts.settled(outcome.is_ok());
            let why = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
            failure = failure.or(outcome.err());
            match standing {
                Standing::Open => self.commit_parts(ticket),
                Standing::Closed | Standing::Failed => self.stand(ticket, standing, &why),
            }
        }
        if let Some(failure) = failure {
            self.note_failure(&failure);
        }
    }

    fn stand(&mut self, ticket: u64, standing: Standing, why: &str) {
        if standing == Standing::Open {
            return;
        }
        let Some(done) = self.expanding.committing.remove(&ticket) else { return };
        if standing == Standing::Failed {
            return self.settle(&FromRouterWorker::ExpandFailed { ticket, why: why.to_owned() });
        }
        let recipients = done.recipients;
        self.settle(&FromRouterWorker::Expanded { ticket, recipients });
    }

    fn note_failure(&mut self, error: &SpoolError) {
        let (operation, file, text) = match error {
            SpoolError::Broken { call, path, kind } => (*call, path.as_str(), kind.to_string()),
            other => ("commit", "", other.to_string()),
        };
        let then = "the expansion is tried again";
        self.note(ProgramEvent::SpoolError(Failure { operation, file, error: &text, then }));
    }

    /// The writer has stopped for good: the next expansion gets a new lease and a new segment.
    fn start_anew(&mut self) {
        if let Some(waiting) = self.writer.waiting() {
            self.event_loop.forget(&waiting);
        }
        self.writer.give_up();
        self.expanding.commits.clear();
        let failed: Vec<u64> = self.expanding.committing.keys().copied().collect();
        for ticket in failed {
            self.stand(ticket, Standing::Failed, "the spool stopped accepting");
        }
    }
}
