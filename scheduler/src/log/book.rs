//! What happened in a turn of the loop, gathered so that each message has one line and not one per recipient.
//!
//! At the end of the turn a message that waits is written with all that is still open in it, one that is finished as
//! finished, and otherwise the recipients that are. A message with very many recipients, of which the log knows already, is
//! written less often: otherwise a list would be written anew with each of its hosts. Should the process end before, some
//! of its recipients are tried again earlier. Cursors follow, a few times a second, behind the lines that speak
//! for what lies before them.

use super::said;
use crate::queue::{Arrival, Hold, Leg, ThreadClock};
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::RecipientTerms;
use spool::SpoolError;
use spool::log::{LogRecord, Part, WaitingHead};
use std::borrow::Cow;
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

    /// The message has a new place.
    pub(crate) fn moved(&mut self, from: Place, to: Place) {
        if let Some(large) = self.large.remove(&from) {
            self.large.insert(to, large);
        }
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
    /// A message of which nothing but this line would remember the expansion cannot be read.
    pub(crate) fn write_waiting(&mut self) -> Result<(), SpoolError> {
        for (place, message) in std::mem::take(&mut self.book.waiting) {
            let Some(arrival) =
                self.queue.arrival_of(message).filter(|_| !self.book.finished.contains(&place))
            else {
                continue;
            };
            match self.waiting_line(&arrival) {
                Ok(line) => {
                    self.ledger.append_text(&line);
                    self.passed(line.len());
                    self.book.done.remove(&place);
                    self.tracks.logged(place);
                    self.checkpoint.has(&self.queue, message);
                }
                // Nothing but the log remembers which attempt at its expansion has won.
                Err(error) if self.tracks.is_loose(place) && self.expanded.contains_key(&place) => {
                    return Err(error);
                }
                Err(error) => self.unwritten(message, &error),
            }
        }
        Ok(())
    }

    /// A message that waits cannot be read. What the log said of it before still holds, and if it said nothing the message is
    /// read from its segment after a restart; delivered it cannot be.
    fn unwritten(&mut self, message: SpoolId, error: &SpoolError) {
        if matches!(error, SpoolError::Damaged { .. } | SpoolError::Absent(_)) {
            self.hold_damaged(message, error);
        } else {
            log::error!("message {message} cannot be logged as waiting: {error}");
        }
    }

    /// Sets a message aside whose record is damaged.
    pub(super) fn hold_damaged(&mut self, message: SpoolId, error: &SpoolError) {
        if self.queue.hold_for(message, Hold::Spool, self.now.utc).messages > 0 {
            let why = error.to_string();
            self.note(message, MessageEvent::Held { by: "spool", why: &why });
        }
    }

    /// Writes the cursors that have moved.
    pub(crate) fn write_cursors(&mut self) {
        for (segment, offset) in self.tracks.moved() {
            self.log(&LogRecord::Cursor { segment, offset });
        }
    }

    /// All that is needed to go on with a message without its segment.
    ///
    /// # Errors
    /// Its record cannot be read.
    pub(crate) fn waiting_line(&mut self, arrival: &Arrival) -> Result<String, SpoolError> {
        let entry = self.records.peek(&mut self.spool, arrival.place)?;
        let expanded = self.expanded.get(&arrival.place);
        let (whys, plain) = (whys(arrival), RecipientTerms::default());
        let parts = open(arrival, &whys).filter_map(|(leg, index, why)| {
            let own = usize::try_from(index).ok().and_then(|index| entry.envelope.recipients.get(index));
            let (address, user, terms) = match own {
                // What was asked for these stands in their record.
                Some(own) => {
                    let user = own.route.as_ref().map_or("", |route| &route.user);
                    (Cow::Owned(own.address.to_string()), user, None)
                }
                None => {
                    let kept = expanded.and_then(|all| all.get(index))?;
                    (kept.address.into(), kept.user, kept.terms)
                }
            };
            Some(part(leg, (index, terms.unwrap_or(&plain)), address, user.into(), why))
        });
        let head = WaitingHead {
            place: entry.place,
            id: entry.id,
            from: entry.envelope.from.clone(),
            received: entry.envelope.received,
            shape: entry.envelope.shape,
            special: arrival.special,
        };
        Ok(head.print(&sorted(parts)))
    }
}

/// What was said of each leg, in print.
pub(super) fn whys(arrival: &Arrival) -> Vec<String> {
    arrival.legs.iter().map(|leg| said::print(leg.due, leg.last.as_ref())).collect()
}

/// The open recipients, each with its leg and what was said of it.
pub(super) fn open<'a>(
    arrival: &'a Arrival,
    whys: &'a [String],
) -> impl Iterator<Item = (&'a Leg, u32, &'a str)> {
    let legs = arrival.legs.iter().zip(whys);
    legs.flat_map(|(leg, why)| leg.recipients.iter().map(move |&index| (leg, index, why.as_str())))
}

/// A recipient as the line has it.
pub(super) fn part<'a>(
    leg: &'a Leg,
    (index, terms): (u32, &RecipientTerms),
    address: Cow<'a, str>,
    user: Cow<'a, str>,
    why: &'a str,
) -> Part<'a> {
    let (channel, host) = (leg.channel.as_str().into(), leg.host.as_str().into());
    Part {
        index,
        address,
        channel,
        host,
        user,
        attempts: leg.attempts.into(),
        why: why.into(),
        terms: terms.clone(),
    }
}

/// Recipients in the order of their indexes.
pub(super) fn sorted<'a>(parts: impl Iterator<Item = Part<'a>>) -> Vec<Part<'a>> {
    let mut parts: Vec<_> = parts.collect();
    parts.sort_unstable_by_key(|part| part.index);
    parts
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
