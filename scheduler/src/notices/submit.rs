//! From the decision to a message in our own segment.

use super::compose::{compose, is_utf8};
use super::wishes::wanted;
use super::{Notices, PAUSE, Pending, Stage};
use crate::log::Decided;
use crate::queue::{Notice, Telling};
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use ipc::hint::Hint;
use proto::address::{Mailbox, ReversePath};
use proto::disposition::Outcome;
use proto::envelope::{Envelope, Origin, Recipient};
use proto::id::SpoolId;
use proto::terms::{BodyKind, Notify, RecipientTerms, Terms};
use spool::log::{LogRecord, Reason, Reported};
use spool::{Completion, Entry, Kind, Spool, SpoolError, Ticket};

impl Scheduler {
    /// The queue has decided that the sender is to be told: writes the line that makes it so.
    ///
    /// # Errors
    /// No id can be drawn: the writer lease is lost. The record cannot be read for now.
    pub(crate) fn notify(&mut self, notice: Notice) -> Result<(), SpoolError> {
        let ends = notice.telling == Telling::Ends;
        let entry = match self.records.get(&mut self.spool, notice.place) {
            Ok(entry) => entry,
            // Another time it may be read: they are still open on disk, and the process starts again from there.
            Err(error) if !matches!(error, SpoolError::Damaged { .. } | SpoolError::Absent(_)) => {
                return Err(error);
            }
            Err(error) => {
                let file = format!("segments/{}", notice.place.segment);
                self.note_failure("read", &file, &error, "the sender is not told");
                if ends {
                    let indexes: Vec<u32> = notice.reported.iter().map(|&(index, _)| index).collect();
                    self.book.done(notice.place, &indexes);
                }
                return Ok(());
            }
        };
        let (place, message) = (notice.place, notice.message);
        let (recipients, silent) = self.sorted_out(&entry, notice);
        if ends && !silent.is_empty() {
            self.book.done(place, &silent);
        }
        if recipients.is_empty() {
            return Ok(());
        }
        let failed = recipients.iter().any(|reported| reported.disposition.outcome == Outcome::Failed);
        let reason = match (ends, failed) {
            (false, _) => Reason::Delayed,
            (true, true) => Reason::Failed,
            (true, false) => Reason::Delivered,
        };
        self.decide(message, Decided { cause: place, reason, to: entry.envelope.from.clone(), recipients })
    }

    /// Those of whom the sender wants to hear, and the others.
    fn sorted_out(&self, entry: &Entry, notice: Notice) -> (Vec<Reported>, Vec<u32>) {
        let (mut told, mut silent) = (Vec::new(), Vec::new());
        for (index, disposition) in notice.reported {
            let recipient = self.recipient(entry, index);
            let wanted = |recipient: &Recipient| {
                wanted(&entry.envelope.terms, &recipient.terms, notice.telling, &disposition)
            };
            match recipient.filter(wanted) {
                Some(Recipient { address, terms, .. }) => told.push(Reported {
                    index,
                    address,
                    disposition,
                    orcpt: terms.orcpt,
                    until: notice.until,
                }),
                None => silent.push(index),
            }
        }
        (told, silent)
    }

    /// Writes the line that decides on a notice.
    fn decide(&mut self, message: SpoolId, decided: Decided) -> Result<(), SpoolError> {
        let id = self.spool.draw(self.now.utc)?;
        let Decided { cause, reason, to, recipients } = decided.clone();
        let rcpts = u64::try_from(recipients.len()).unwrap_or(u64::MAX);
        self.note(message, MessageEvent::Notified { notice: id, to: &to, rcpts });
        self.log(&LogRecord::Notice { id, cause, reason, to, recipients });
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
        let cause = self.cause(decided);
        let (about, terms) = (cause.id, terms_of(&cause.terms, &to));
        let composed = compose(id, decided, &to, cause, &self.hostname);
        let body = if composed.shape.eight_bit { BodyKind::EightBitMime } else { BodyKind::SevenBit };
        let mut draft = self.spool.create_as(id, self.now.utc)?;
        draft.set_kind(Kind::Notice { of: about });
        draft.append(&composed.content)?;
        // A notice about a notice there is none, whatever the next hop does.
        let never = RecipientTerms { notify: Some(Notify::NEVER), orcpt: None };
        let envelope = Envelope {
            from: ReversePath::Null,
            recipients: vec![Recipient { address: to, route: None, terms: never }],
            received: id.milliseconds(),
            origin: Origin::default(),
            shape: composed.shape,
            terms: Terms { body, ..terms },
        };
        self.spool.commit(draft, &envelope, self.now.utc)
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

/// What holds for a notice about a message with these terms: it is in UTF-8 if that was, is protected like it (RFC 8689
/// section 5), and is as urgent (RFC 6710 section 4.4).
fn terms_of(terms: &Terms, to: &Mailbox) -> Terms {
    let &Terms { utf8, require_tls, priority, .. } = terms;
    Terms { utf8: is_utf8(utf8, to), require_tls, priority, ..Terms::default() }
}
