//! A checkpoint: all that counts, written afresh.
//!
//! Every message of the queue stands in it as waiting, so that all cursors move up to what waits for the router.

use super::book::clock_line;
use super::replay::{Finished, word_of};
use crate::queue::Hold;
use crate::state::{Known, Scheduler};
use proto::id::SpoolId;
use proto::place::Place;
use spool::SpoolError;
use spool::log::{LogRecord, Reason};

impl Scheduler {
    /// Replaces the log by a new one. Waits for the disk, and reads the envelope of every message.
    ///
    /// # Errors
    /// The log cannot be written. If a message cannot be read, the old log goes on.
    pub(crate) fn checkpoint(&mut self) -> Result<(), SpoolError> {
        let records = match self.everything() {
            Ok(records) => records,
            Err(error) => {
                self.note_failure("checkpoint", "logs/scheduler", &error, "the old log goes on");
                self.ledger.postpone(self.now);
                return Ok(());
            }
        };
        let id = self.spool.draw(self.now.utc)?;
        match self.ledger.checkpoint(id, &records) {
            Err(error @ SpoolError::NoSpace) => {
                self.note_failure("checkpoint", "logs/scheduler", &error, "the old log goes on");
                self.ledger.postpone(self.now);
                Ok(())
            }
            other => other,
        }
    }

    fn everything(&mut self) -> Result<Vec<LogRecord>, SpoolError> {
        let messages: Vec<SpoolId> = self.queue.export().map(|arrival| arrival.message).collect();
        let mut records = Vec::with_capacity(messages.len());
        for &message in &messages {
            let Some(arrival) = self.queue.arrival_of(message) else { continue };
            records.push(LogRecord::Waiting(Box::new(self.waiting(&arrival)?)));
            if let Some(hold) = arrival.hold {
                records.push(LogRecord::Held { place: arrival.place, why: word_of(hold).to_owned() });
            }
        }
        records.extend(self.queue.clocks().map(|clock| clock_line(&clock)));
        records.extend(self.notices.decided().map(|(id, decided)| LogRecord::Notice {
            id,
            cause: decided.cause,
            reason: Reason::Failed,
            to: decided.to.clone(),
            recipients: decided.recipients.clone(),
        }));
        for record in &records {
            if let LogRecord::Waiting(waiting) = record {
                self.tracks.logged(waiting.place);
            }
        }
        for (place, _) in self.unrouted.iter().filter(|(_, message)| message.held.is_some()) {
            records.push(LogRecord::Held { place, why: word_of(Hold::Operator).to_owned() });
        }
        for (&place, &hold) in &self.holds {
            records.push(LogRecord::Held { place, why: word_of(hold).to_owned() });
        }
        records.extend(self.known.iter().filter_map(|(&place, known)| match known {
            Known::Waiting => None,
            Known::Finished(Finished::All) => Some(LogRecord::Done { place, recipients: Vec::new() }),
            Known::Finished(Finished::Some(some)) => {
                Some(LogRecord::Done { place, recipients: some.iter().copied().collect() })
            }
        }));
        for (segment, track) in self.tracks.iter() {
            let finished = track.finished().map(|offset| Place { segment, offset });
            records.extend(finished.map(|place| LogRecord::Done { place, recipients: Vec::new() }));
            records.push(LogRecord::Cursor { segment, offset: track.cursor() });
        }
        Ok(records)
    }
}
