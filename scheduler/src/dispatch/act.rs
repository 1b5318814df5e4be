//! Carries out what the queue decides.

use crate::log::{clock_line, word_of};
use crate::queue::{Action, Hold, Record};
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use proto::id::SpoolId;
use proto::place::Place;
use spool::SpoolError;
use spool::log::LogRecord;

/// Agents that die with a message before it is held; the queue counts them.
const DEATHS: u32 = 3;

impl Scheduler {
    /// Carries out all that the queue has decided.
    ///
    /// # Errors
    /// As [`Scheduler::notify`].
    pub(crate) fn act(&mut self) -> Result<(), SpoolError> {
        while let Some(action) = self.queue.poll_action() {
            match action {
                Action::Feed(feed) => self.feed(&feed),
                Action::Record(record) => self.record(record),
                Action::Attempted(attempt) => self.attempted(&attempt),
                Action::Notify(notice) => self.notify(notice)?,
                Action::Finished { place, .. } => {
                    self.expanded.remove(&place);
                    self.book.finished(place);
                }
                Action::NeedAgent { channel, count } => {
                    self.wants.insert(channel, count);
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, record: Record) {
        match record {
            Record::Waiting { message, place, .. } => self.book.waits(place, message),
            Record::Thread(clock) => self.log(&clock_line(&clock)),
            Record::Done { place, recipients, .. } | Record::Removed { place, recipients, .. } => {
                self.book.done(place, &recipients);
            }
            Record::Held { message, place, hold } => self.held(message, place, hold),
            Record::Released { message, by: Hold::Until, .. } => {
                self.note(message, MessageEvent::Released { by: "time" });
            }
            Record::Released { place, .. } => self.log(&LogRecord::Released { place }),
            Record::Warned { after, up_to } => self.log(&LogRecord::Warned { after, up_to }),
        }
    }

    fn held(&mut self, message: SpoolId, place: Place, hold: Hold) {
        if hold == Hold::Until {
            let why = self.queue.lines(message).first().map(|line| line.why.to_string());
            let why = why.unwrap_or_else(|| hold.to_string());
            return self.note(message, MessageEvent::Held { by: "sender", why: &why });
        }
        self.log(&LogRecord::Held { place, why: word_of(hold).to_owned() });
        if hold == Hold::Poisoned {
            let channel = self.queue.lines(message).first().map(|line| line.channel.clone());
            let program = channel.as_deref().unwrap_or("agent");
            self.note(message, MessageEvent::Quarantined { program, deaths: DEATHS });
        }
    }
}
