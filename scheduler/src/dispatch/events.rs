//! What the journal says about an attempt.

use crate::queue::Attempt;
use crate::state::Scheduler;
use farm::journal::{self, MessageEvent};
use proto::disposition::Outcome;
use proto::status::Status;

/// The status with which the queue fails what has waited too long.
const EXPIRED: Status = Status::permanent(4, 7);

impl Scheduler {
    /// Notes what became of a recipient in an attempt.
    pub(super) fn attempted(&mut self, attempt: &Attempt) {
        let recipient = match self.records.get(&mut self.spool, attempt.place) {
            Ok(entry) => self.recipient(&entry, attempt.recipient),
            Err(error) => {
                log::error!("message {}: {error}", attempt.message);
                None
            }
        };
        let Some(recipient) = recipient else { return };
        let disposition = &attempt.disposition;
        let words = journal::Attempt {
            to: &recipient.address,
            channel: &attempt.channel,
            host: &attempt.host,
            delay: attempt.delay,
            disposition,
        };
        let expired = disposition.status == EXPIRED && disposition.reply.starts_with("not delivered within ");
        let event = match disposition.outcome {
            Outcome::Delivered => MessageEvent::Delivered(words),
            Outcome::Failed if expired => {
                MessageEvent::Expired { attempt: words, attempts: attempt.attempts.into() }
            }
            Outcome::Failed => MessageEvent::Failed(words),
            Outcome::Deferred | Outcome::HostDeferred => {
                let next = attempt.next.unwrap_or(self.now.utc).saturating_sub(self.now.utc);
                MessageEvent::Deferred { attempt: words, next }
            }
        };
        self.note(attempt.message, event);
    }
}
