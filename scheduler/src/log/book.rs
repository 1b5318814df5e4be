//! What happened in a turn of the loop, gathered so that each message has one line and not one per recipient.
//!
//! At the end of the turn a message that waits is written with all that is still open in it, one that is finished as
//! finished, and otherwise the recipients that are. A message with very many recipients, of which the log knows already, is
//! written less often: otherwise a list would be written anew with each of its hosts. Should the process end before, some
//! of its recipients are tried again earlier. Cursors follow, a few times a second, behind the lines that speak
//! for what lies before them.

use super::said;
use crate::queue::{Arrival, ThreadClock};
use crate::state::Scheduler;
use proto::id::SpoolId;
use proto::place::Place;
use spool::SpoolError;
use spool::log::{LogRecord, Waiting, WaitingRecipient};
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds between two writings of the cursors.
const CURSORS: u64 = 200;

/// A message with more open recipients waits a millisecond for each before it is written again.
const MANY: u32 = 100;

/// No message waits longer, in milliseconds.
const LONGEST: u64 = 30_000;

/// What the log does not say yet.
#[derive(Debug, Default)]
pub(crate) struct Book {
    waiting: BTreeMap<Place, SpoolId>,
    /// Large ones that wait too, each with the monotonic time at which it is written.
    large: BTreeMap<Place, (SpoolId, u64)>,
    done: BTreeMap<Place, Vec<u32>>,
    finished: BTreeSet<Place>,
    /// Monotonic time at which the cursors are written.
    cursors: Option<u64>,
}

impl Book {
    /// The message waits; what is open in it is looked up at the end of the turn.
    pub(crate) fn waits(&mut self, place: Place, message: SpoolId) {
        self.waiting.insert(place, message);
    }

    /// These recipients are finished.
    pub(crate) fn done(&mut self, place: Place, recipients: &[u32]) {
        self.done.entry(place).or_default().extend(recipients);
    }

    /// All of the record is finished.
    pub(crate) fn finished(&mut self, place: Place) {
        self.finished.insert(place);
    }

    /// Everything is written with the next line.
    pub(crate) fn hurry(&mut self) {
        let large = std::mem::take(&mut self.large);
        self.waiting.extend(large.into_iter().map(|(place, (message, _))| (place, message)));
    }

    /// When something is to be written although nothing happens, monotonic milliseconds.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.large.values().map(|&(_, due)| due).chain(self.cursors).min()
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.done.is_empty() && self.finished.is_empty()
    }
}

impl Scheduler {
    /// Turns what was gathered into lines.
    ///
    /// # Errors
    /// A message that must be written now cannot be read.
    pub(crate) fn close_book(&mut self) -> Result<(), SpoolError> {
        let mono = self.now.mono;
        if !self.book.is_empty() {
            self.book.cursors.get_or_insert(mono + CURSORS);
        }
        self.put_off_large();
        self.write_waiting()?;
        for (place, recipients) in std::mem::take(&mut self.book.done) {
            if !self.book.finished.contains(&place) {
                self.log(&LogRecord::Done { place, recipients });
            }
        }
        for place in std::mem::take(&mut self.book.finished) {
            self.log(&LogRecord::Done { place, recipients: Vec::new() });
            self.tracks.finished(place);
            self.contents.finished(place, self.ledger.mark());
        }
        if self.book.cursors.is_some_and(|at| at <= mono) {
            self.book.cursors = None;
            self.write_cursors();
        }
        Ok(())
    }

    /// Sets large messages aside until they are due.
    fn put_off_large(&mut self) {
        let mono = self.now.mono;
        let Self { book, queue, tracks, .. } = self;
        book.waiting.retain(|&place, &mut message| {
            let open = queue.open(message);
            let large = open > MANY && !tracks.is_loose(place);
            if large {
                book.large.entry(place).or_insert((message, mono + u64::from(open).min(LONGEST)));
            }
            !large
        });
        for (place, (message, _)) in book.large.extract_if(.., |_, (_, due)| *due <= mono) {
            book.waiting.insert(place, message);
        }
    }

    /// Writes the messages that wait.
    ///
    /// # Errors
    /// A message of which nothing but the log remembers the expansion cannot be read.
    pub(crate) fn write_waiting(&mut self) -> Result<(), SpoolError> {
        for (place, message) in std::mem::take(&mut self.book.waiting) {
            let Some(arrival) =
                self.queue.arrival_of(message).filter(|_| !self.book.finished.contains(&place))
            else {
                continue;
            };
            match self.waiting(&arrival) {
                Ok(waiting) => {
                    self.log(&LogRecord::Waiting(Box::new(waiting)));
                    self.book.done.remove(&place);
                    self.tracks.logged(place);
                }
                // Nothing but the log remembers which attempt at its expansion has won.
                Err(error) if self.expanded.contains_key(&place) => return Err(error),
                // It stays loose: a restart reads it from its segment.
                Err(error) => log::error!("message {message} cannot be logged as waiting: {error}"),
            }
        }
        Ok(())
    }

    /// Writes the cursors that have moved.
    pub(crate) fn write_cursors(&mut self) {
        for (segment, offset) in self.tracks.moved() {
            self.log(&LogRecord::Cursor { segment, offset });
        }
    }

    /// All that is needed to go on with a message without its segment.
    pub(super) fn waiting(&mut self, arrival: &Arrival) -> Result<Waiting, SpoolError> {
        let entry = self.records.peek(&mut self.spool, arrival.place)?;
        let mut recipients = Vec::new();
        for leg in &arrival.legs {
            let why = said::print(leg.due, leg.last.as_ref());
            for &index in &leg.recipients {
                let Some(recipient) = self.recipient(&entry, index) else { continue };
                recipients.push(WaitingRecipient {
                    index,
                    address: recipient.address,
                    route: recipient.route,
                    attempts: leg.attempts.into(),
                    why: why.clone(),
                });
            }
        }
        recipients.sort_by_key(|recipient| recipient.index);
        Ok(Waiting {
            place: entry.place,
            id: entry.id,
            from: entry.envelope.from.clone(),
            received: entry.envelope.received,
            shape: entry.envelope.shape,
            recipients,
        })
    }
}

/// The clock of a thread as a line.
pub(crate) fn clock_line(clock: &ThreadClock) -> LogRecord {
    LogRecord::Thread {
        channel: (*clock.channel).into(),
        host: (*clock.host).into(),
        retry_at: clock.retry_at,
        attempts: clock.attempts.into(),
        why: said::print(None, clock.last.as_ref()),
    }
}
