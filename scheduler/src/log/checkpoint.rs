//! A checkpoint: all that counts, written afresh.
//!
//! It is made in passing. A new log is begun; from then on every line goes into both, and in each turn of the loop some
//! messages of the queue are written into the new one as waiting. What is said about a message later stands behind that
//! line and wins. When all have been written, the rest of the state follows at once, the cursors last, and the new log
//! takes the place of the old one.

use super::book::clock_line;
use super::replay::{Finished, word_of};
use crate::queue::{Arrival, Hold};
use crate::state::{Known, Scheduler};
use proto::id::SpoolId;
use proto::place::Place;
use spool::SpoolError;
use spool::log::{LogRecord, Reason};

/// Recipients written per turn.
const PART: usize = 500;

/// How far a checkpoint is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Checkpoint {
    /// None is under way.
    #[default]
    None,
    /// The messages after this one are still to be written.
    After(Option<SpoolId>),
}

impl Scheduler {
    /// Begins a checkpoint when one is due, and takes it some messages on. `true` if there is more to do at once.
    ///
    /// # Errors
    /// The log cannot be written. If a message cannot be read, the old log goes on.
    pub(crate) fn tend_checkpoint(&mut self) -> Result<bool, SpoolError> {
        if self.checkpoint == Checkpoint::None && self.ledger.is_due(self.now) {
            self.begin_checkpoint()?;
        }
        let Checkpoint::After(after) = self.checkpoint else { return Ok(false) };
        if !self.ledger.is_copying() {
            self.give_up_checkpoint(&SpoolError::NoSpace);
            return Ok(false);
        }
        match self.copy_messages(after) {
            Ok(Some(last)) => self.checkpoint = Checkpoint::After(Some(last)),
            Ok(None) => self.end_checkpoint()?,
            Err(error) => self.give_up_checkpoint(&error),
        }
        Ok(self.checkpoint != Checkpoint::None)
    }

    /// Begins a checkpoint.
    ///
    /// # Errors
    /// No id can be drawn: the writer lease is lost.
    pub(crate) fn begin_checkpoint(&mut self) -> Result<(), SpoolError> {
        let id = self.spool.draw(self.now.utc)?;
        self.checkpoint = Checkpoint::After(None);
        if let Err(error) = self.ledger.begin_checkpoint(id) {
            self.give_up_checkpoint(&error);
        }
        Ok(())
    }

    fn give_up_checkpoint(&mut self, error: &SpoolError) {
        self.note_failure("checkpoint", "logs/scheduler", error, "the old log goes on");
        self.checkpoint = Checkpoint::None;
        self.ledger.abandon();
        self.ledger.postpone(self.now);
    }

    /// Writes some messages; gives the last one, `None` when there are no more.
    fn copy_messages(&mut self, mut after: Option<SpoolId>) -> Result<Option<SpoolId>, SpoolError> {
        let mut left = PART;
        while let Some(arrival) = self.queue.arrival_after(after) {
            after = Some(arrival.message);
            self.copy_message(&arrival)?;
            let recipients: usize = arrival.legs.iter().map(|leg| leg.recipients.len()).sum();
            left = left.saturating_sub(recipients.max(1));
            if left == 0 {
                return Ok(after);
            }
        }
        Ok(None)
    }

    fn copy_message(&mut self, arrival: &Arrival) -> Result<(), SpoolError> {
        let place = arrival.place;
        let record = LogRecord::Waiting(Box::new(self.waiting(arrival)?));
        if self.tracks.is_loose(place) {
            // The old log speaks for it from now on, too, so that its cursor may move before the new one is in use.
            self.log(&record);
            self.tracks.logged(place);
        } else {
            self.ledger.copy(&record);
        }
        if let Some(hold) = arrival.hold {
            self.ledger.copy(&LogRecord::Held { place, why: word_of(hold).to_owned() });
        }
        Ok(())
    }

    fn end_checkpoint(&mut self) -> Result<(), SpoolError> {
        self.copy_rest();
        self.checkpoint = Checkpoint::None;
        if !self.ledger.is_copying() {
            self.give_up_checkpoint(&SpoolError::NoSpace);
            return Ok(());
        }
        match self.ledger.succeed() {
            Err(error @ SpoolError::NoSpace) => {
                self.give_up_checkpoint(&error);
                Ok(())
            }
            other => other,
        }
    }

    /// Writes everything but the messages of the queue.
    fn copy_rest(&mut self) {
        let Self { ledger, queue, notices, unrouted, holds, known, tracks, .. } = self;
        queue.clocks().for_each(|clock| ledger.copy(&clock_line(&clock)));
        for (id, decided) in notices.decided() {
            ledger.copy(&LogRecord::Notice {
                id,
                cause: decided.cause,
                reason: Reason::Failed,
                to: decided.to.clone(),
                recipients: decided.recipients.clone(),
            });
        }
        let operator = unrouted.iter().filter(|(_, message)| message.held.is_some());
        let operator = operator.map(|(place, _)| (place, Hold::Operator));
        for (place, hold) in operator.chain(holds.iter().map(|(&place, &hold)| (place, hold))) {
            ledger.copy(&LogRecord::Held { place, why: word_of(hold).to_owned() });
        }
        for (&place, known) in known.iter() {
            let recipients = match known {
                Known::Waiting => continue,
                Known::Finished(Finished::All) => Vec::new(),
                Known::Finished(Finished::Some(some)) => some.iter().copied().collect(),
            };
            ledger.copy(&LogRecord::Done { place, recipients });
        }
        for (segment, track) in tracks.iter() {
            for offset in track.finished() {
                ledger.copy(&LogRecord::Done { place: Place { segment, offset }, recipients: Vec::new() });
            }
            ledger.copy(&LogRecord::Cursor { segment, offset: track.cursor() });
        }
    }
}
