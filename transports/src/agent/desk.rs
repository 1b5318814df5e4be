//! The books of an agent: open jobs, their files, results on their way to the scheduler, credits.
//!
//! Pure: it keeps descriptors but does nothing with them, and reads no clock. See the head of [`super`] for what holds.

use super::Body;
use ipc::agent::{FromAgent, Job, JobNumber};
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use proto::status::Status;
use spool::Checksum;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The agent's own number for a job; never reused, so that jobs of two schedulers cannot be confused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A job and what is needed to do it.
#[derive(Debug)]
pub struct Work {
    /// Its number here.
    pub ticket: Ticket,
    /// What is to be done.
    pub job: Job,
    /// The content.
    pub body: Body,
}

/// The books. See the head of the file.
#[derive(Debug, Default)]
pub struct Desk {
    files: HashMap<u64, Shelved>,
    open: HashMap<Ticket, Open>,
    last: u64,
    credits: u32,
    outbox: Vec<Report>,
    late: Vec<Report>,
    released: Vec<u64>,
    recent: VecDeque<(u64, Report)>,
}

#[derive(Debug)]
struct Shelved {
    file: Arc<File>,
    jobs: u32,
    released: bool,
}

#[derive(Debug)]
struct Open {
    /// `None` once the scheduler that gave it is gone.
    number: Option<JobNumber>,
    id: SpoolId,
    file: u64,
    waiting: HashSet<u32>,
}

#[derive(Debug, Clone)]
struct Report {
    number: Option<JobNumber>,
    id: SpoolId,
    index: u32,
    disposition: Disposition,
}

impl Desk {
    /// A file that jobs will name.
    pub fn shelve(&mut self, file: u64, descriptor: OwnedFd) {
        let file_itself = Arc::new(File::from(descriptor));
        self.files.insert(file, Shelved { file: file_itself, jobs: 0, released: false });
    }

    /// No further job names this file.
    pub fn release(&mut self, file: u64) {
        match self.files.get_mut(&file) {
            Some(shelved) => shelved.released = true,
            None => self.released.push(file),
        }
        self.close_if_unused(file);
    }

    /// Opens a job. `None` if it cannot be done at all; its recipients are deferred then.
    pub fn accept(&mut self, job: Job) -> Option<Work> {
        self.last += 1;
        let ticket = Ticket(self.last);
        let waiting = job.recipients.iter().map(|recipient| recipient.index).collect();
        self.open.insert(ticket, Open { number: Some(job.job), id: job.id, file: job.file, waiting });
        let Some(shelved) = self.files.get_mut(&job.file) else {
            self.decline(ticket, &job, "the scheduler named a file that it did not give; restart it");
            return None;
        };
        shelved.jobs += 1;
        let mut body = Body::new(Arc::clone(&shelved.file), job.offset, job.length);
        if let Some(sum) = job.checksum {
            body = body.checked(Checksum { start: sum.start, sum: sum.sum });
        }
        if let Some(place) = job.record {
            body = body.of_record(place, job.id);
        }
        if job.recipients.is_empty() {
            self.close(ticket);
            return None;
        }
        Some(Work { ticket, job, body })
    }

    fn decline(&mut self, ticket: Ticket, job: &Job, words: &str) {
        let disposition = Disposition::local(Outcome::Deferred, Status::transient(3, 0), words);
        for recipient in &job.recipients {
            self.settle(ticket, recipient.index, disposition.clone());
        }
    }

    /// What became of a recipient. Ignored if it is settled, or its job is not open (any more).
    pub fn settle(&mut self, ticket: Ticket, index: u32, disposition: Disposition) {
        let Some(open) = self.open.get_mut(&ticket) else { return };
        if !open.waiting.remove(&index) {
            return;
        }
        let report = Report { number: open.number, id: open.id, index, disposition };
        let list = if open.number.is_some() { &mut self.outbox } else { &mut self.late };
        list.push(report);
        if open.waiting.is_empty() {
            self.close(ticket);
        }
    }

    /// Forgets a job that was not begun, or was given up; nothing is reported.
    pub fn forget(&mut self, ticket: Ticket) {
        self.close(ticket);
    }

    fn close(&mut self, ticket: Ticket) {
        let Some(open) = self.open.remove(&ticket) else { return };
        self.credits += 1;
        if open.number.is_some() {
            if let Some(shelved) = self.files.get_mut(&open.file) {
                shelved.jobs = shelved.jobs.saturating_sub(1);
            }
            self.close_if_unused(open.file);
        }
    }

    fn close_if_unused(&mut self, file: u64) {
        if self.files.get(&file).is_some_and(|shelved| shelved.released && shelved.jobs == 0) {
            self.files.remove(&file);
            self.released.push(file);
        }
    }

    /// The scheduler is gone. Jobs that are not in `kept` are forgotten; results that it may not have noted become late.
    pub fn orphan(&mut self, kept: &[Ticket]) {
        self.open.retain(|ticket, _| kept.contains(ticket));
        self.open.values_mut().for_each(|open| open.number = None);
        self.files.clear();
        self.released.clear();
        let unread = self.recent.drain(..).map(|(_, report)| report);
        self.late.splice(..0, unread.chain(self.outbox.drain(..)));
        self.late.iter_mut().for_each(|report| report.number = None);
    }

    /// Credits for a scheduler that knows nothing of us, when we want to have `capacity` jobs.
    pub fn grant_anew(&mut self, capacity: u32) {
        let kept = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.credits = capacity.saturating_sub(kept);
    }

    /// Credits that are due; they are taken to be granted.
    pub fn take_credits(&mut self) -> u32 {
        std::mem::take(&mut self.credits)
    }

    /// What the scheduler is to be told, in order; `now` is monotonic. It is taken to be on a live channel.
    pub fn take_reports(&mut self, now: u64) -> Vec<FromAgent> {
        while self.recent.front().is_some_and(|(at, _)| at.saturating_add(MEMORY) < now) {
            self.recent.pop_front();
        }
        let mut messages = Vec::new();
        for report in self.late.drain(..).chain(self.outbox.drain(..)) {
            messages.push(report.message());
            if matches!(report.disposition.outcome, Outcome::Delivered | Outcome::Failed) {
                self.recent.push_back((now, report));
            }
        }
        let surplus = self.recent.len().saturating_sub(MEMORIES);
        self.recent.drain(..surplus);
        messages.extend(self.released.drain(..).map(|file| FromAgent::Released { file }));
        messages
    }

    /// Jobs of a scheduler that is gone, not yet settled.
    pub fn orphans(&self) -> usize {
        self.open.values().filter(|open| open.number.is_none()).count()
    }

    /// Something waits to be reported.
    pub fn has_reports(&self) -> bool {
        !self.late.is_empty() || !self.outbox.is_empty()
    }

    /// Open jobs.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// No job is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl Report {
    fn message(&self) -> FromAgent {
        let Self { id, index, disposition, .. } = self;
        match self.number {
            Some(job) => FromAgent::Settled { job, index: *index, disposition: disposition.clone() },
            None => FromAgent::Late { id: *id, index: *index, disposition: disposition.clone() },
        }
    }
}

/// How long a result is remembered after it was handed over, in milliseconds.
const MEMORY: u64 = 60_000;

/// How many results are remembered at most.
const MEMORIES: usize = 10_000;

#[cfg(test)]
mod tests;
