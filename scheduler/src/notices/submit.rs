//! From the decision to a message in our own segment.

use super::compose::{Cause, compose};
use super::{Notices, PAUSE, Pending, Stage};
use crate::log::Decided;
use crate::queue::Notice;
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use ipc::hint::Hint;
use proto::address::{Mailbox, ReversePath};
use proto::envelope::{Envelope, Origin, Recipient};
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::{LogRecord, Reason, Reported};
use spool::{Completion, Kind, Spool, SpoolError, Ticket};

/// Octets of a header section that are read; a notice copies no more.
const HEADERS: u64 = 64 << 10;

impl Scheduler {
    /// The queue has decided that the sender is to be told: writes the line that makes it so.
    ///
    /// # Errors
    /// No id can be drawn: the writer lease is lost. The record cannot be read for now.
    pub(crate) fn notify(&mut self, notice: Notice) -> Result<(), SpoolError> {
        let entry = match self.records.get(&mut self.spool, notice.place) {
            Ok(entry) => entry,
            // Another time it may be read: they are still open on disk, and the process starts again from there.
            Err(error) if !matches!(error, SpoolError::Damaged { .. } | SpoolError::Absent(_)) => {
                return Err(error);
            }
            Err(error) => {
                let file = format!("segments/{}", notice.place.segment);
                self.note_failure("read", &file, &error, "the sender is not told");
                let indexes: Vec<u32> = notice.failed.iter().map(|&(index, _)| index).collect();
                self.book.done(notice.place, &indexes);
                return Ok(());
            }
        };
        let recipients: Vec<Reported> = notice
            .failed
            .into_iter()
            .filter_map(|(index, disposition)| {
                let address = self.recipient(&entry, index)?.address;
                Some(Reported { index, address, disposition })
            })
            .collect();
        let id = self.spool.draw(self.now.utc)?;
        let to = entry.envelope.from.clone();
        self.log(&LogRecord::Notice {
            id,
            cause: notice.place,
            reason: Reason::Failed,
            to: to.clone(),
            recipients: recipients.clone(),
        });
        let rcpts = u64::try_from(recipients.len()).unwrap_or(u64::MAX);
        self.note(notice.message, MessageEvent::Notified { notice: id, to: &to, rcpts });
        let decided = Decided { cause: notice.place, to, recipients };
        let stage = Stage::Decided(self.ledger.mark());
        self.notices.pending.insert(id, Pending { decided, stage });
        Ok(())
    }

    /// Takes every notice one step on. `true` if there is more to do at once.
    ///
    /// # Errors
    /// None but those of the log.
    pub(crate) fn tend_notices(&mut self) -> Result<bool, SpoolError> {
        for id in std::mem::take(&mut self.notices.seen) {
            self.log(&LogRecord::Noticed { id });
        }
        let completions = self.spool.completions();
        let more = !completions.is_empty();
        for completion in completions {
            self.completed(completion);
        }
        for id in self.submittable() {
            self.submit(id);
        }
        let gathering = self.spool.gathering();
        if gathering.commits > 0 && !gathering.flushing {
            self.spool.close_batch(self.now.utc);
        }
        Ok(more)
    }

    fn submittable(&self) -> Vec<SpoolId> {
        let Notices { pending, .. } = &self.notices;
        if pending.is_empty() {
            return Vec::new();
        }
        let all_read = self.is_all_read();
        let ready = pending.iter().filter(|(_, pending)| match pending.stage {
            Stage::Decided(mark) => self.ledger.is_durable(mark),
            Stage::Restored => all_read,
            Stage::Failed(at) => at <= self.now.mono,
            Stage::Submitted => false,
        });
        ready.map(|(&id, _)| id).collect()
    }

    fn submit(&mut self, id: SpoolId) {
        let Some(decided) = self.notices.pending.get(&id).map(|pending| pending.decided.clone()) else {
            return;
        };
        let ReversePath::Mailbox(to) = decided.to.clone() else {
            // No notice is about a notice; a log that says otherwise is not ours.
            self.notices.pending.remove(&id);
            return;
        };
        let stage = match self.commit_notice(id, &decided, to) {
            Ok(ticket) => {
                self.notices.tickets.insert(ticket, id);
                Stage::Submitted
            }
            Err(error) => {
                self.note_failure("append", "notice", &error, "tried again in 5s");
                Stage::Failed(self.now.mono + PAUSE)
            }
        };
        if let Some(pending) = self.notices.pending.get_mut(&id) {
            pending.stage = stage;
        }
    }

    fn commit_notice(&mut self, id: SpoolId, decided: &Decided, to: Mailbox) -> Result<Ticket, SpoolError> {
        let cause = self.cause(decided.cause);
        let about = cause.id;
        let composed = compose(id, decided, &to, cause, &self.hostname);
        let mut draft = self.spool.create_as(id, self.now.utc)?;
        draft.set_kind(Kind::Notice { of: about });
        draft.append(&composed.content)?;
        let envelope = Envelope {
            from: ReversePath::Null,
            recipients: vec![Recipient::new(to, None)],
            received: id.milliseconds(),
            origin: Origin::default(),
            shape: composed.shape,
            terms: proto::terms::Terms::default(),
        };
        self.spool.commit(draft, &envelope, self.now.utc)
    }

    /// What the spool has about the message; if it cannot be read, the sender is told without its headers.
    fn cause(&mut self, place: Place) -> Cause {
        let entry = match self.records.get(&mut self.spool, place) {
            Ok(entry) => entry,
            Err(error) => {
                log::error!("a notice without headers: {error}");
                return Cause {
                    id: place.segment,
                    received: place.segment.milliseconds(),
                    headers: Vec::new(),
                };
            }
        };
        let (id, received) = (entry.id, entry.envelope.received);
        let length = entry.envelope.shape.header.min(HEADERS);
        let headers = match self.spool.open(place).map(|body| body.read(length)) {
            Ok(Ok(headers)) => headers,
            Ok(Err(error)) => {
                log::error!("a notice without headers: {error}");
                Vec::new()
            }
            Err(error) => {
                log::error!("a notice without headers: {error}");
                Vec::new()
            }
        };
        Cause { id, received, headers }
    }

    fn completed(&mut self, completion: Completion) {
        for (ticket, outcome) in completion.outcomes {
            let Some(id) = self.notices.tickets.remove(&ticket) else { continue };
            match outcome {
                Ok(_) => {
                    self.notices.pending.remove(&id);
                    self.log(&LogRecord::Noticed { id });
                }
                Err(error) => {
                    self.note_failure("flush", "notice", &error, "tried again in 5s");
                    if let Some(pending) = self.notices.pending.get_mut(&id) {
                        pending.stage = Stage::Failed(self.now.mono + PAUSE);
                    }
                }
            }
        }
        if let Some(new) = completion.announced {
            self.announce(new.segment, new.to);
            let hint = Hint { segment: new.segment, from: new.from, to: new.to };
            self.router_hints.announce(hint, self.now.mono);
        }
    }
}
