//! A checkpoint: all that counts, written afresh.
//!
//! It is made in passing. A new log is begun; from then on every line goes into both, and in each turn of the loop it is taken
//! a part further: the lines of the old log about messages that wait, then what those do not say, then clocks and finished
//! records. What is said later stands behind such a line and wins. The rest of the state follows at once, the cursors last,
//! and the new log takes the place of the old one.
//!
//! The old log has the addresses of the messages that wait, so no segment is read; their state is the queue's. A message that
//! nothing but its segment remembers is left to it: the cursor of the segment stands before it.

use super::book::{clock_line, open, part, sorted, whys};
use super::replay::{Finished, word_of};
use crate::queue::{Arrival, Hold, Mark, Queue};
use crate::state::{Known, Scheduler};
use proto::address::ReversePath;
use proto::envelope::Shape;
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::RecipientTerms;
use spool::SpoolError;
use spool::log::{Lines, LogLine, LogRecord, Part, WaitingHead};
use std::ops::Bound;

/// Recipients, lines of the old log, or things of little weight that one turn deals with.
const PART: usize = 500;

/// Lines of the old log that one turn looks at.
const LINES: usize = 2_000;

/// How far a checkpoint is.
#[derive(Debug, Default)]
pub(crate) enum Checkpoint {
    /// None is under way.
    #[default]
    None,
    /// One is under way.
    Copying(Box<Copying>),
}

/// A checkpoint under way.
#[derive(Debug)]
pub(crate) struct Copying {
    stage: Stage,
    /// The old log, as it was when the checkpoint began.
    lines: Lines,
    /// Messages that are in the new log, by their numbers in the queue, a bit each.
    has: Vec<u64>,
}

/// What is copied, and after what it goes on.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Lines,
    Messages(Option<SpoolId>),
    Clocks(Option<Mark>),
    Known(Option<Place>),
    Finished(Option<Place>),
    /// All but the rest is there and is to become durable.
    Settling,
}

/// What a part of a checkpoint leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There is more to do at once.
    More,
    /// The disk is waited for.
    Wait,
    /// The new log is in use.
    Done,
}

impl Checkpoint {
    /// One is under way.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Self::Copying(_))
    }

    /// A line about this message has gone into both logs.
    pub(crate) fn has(&mut self, queue: &Queue, message: SpoolId) {
        if let (Self::Copying(copying), Some(number)) = (self, queue.number(message)) {
            copying.note(number);
        }
    }
}

impl Copying {
    /// Notes that a message is in the new log; false if it was noted before.
    fn note(&mut self, number: usize) -> bool {
        let (at, bit) = (number / 64, 1 << (number % 64));
        if self.has.len() <= at {
            self.has.resize(at + 1, 0);
        }
        let Some(word) = self.has.get_mut(at) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

impl Scheduler {
    /// Begins a checkpoint when one is due, and takes it some way on. `true` if there is more to do at once.
    ///
    /// # Errors
    /// The log cannot be written, or no id can be drawn.
    pub(crate) fn tend_checkpoint(&mut self) -> Result<bool, SpoolError> {
        if !self.checkpoint.is_under_way() && self.ledger.is_due(self.now) {
            self.begin_checkpoint()?;
        }
        let Checkpoint::Copying(mut copying) = std::mem::take(&mut self.checkpoint) else { return Ok(false) };
        if !self.ledger.is_copying() {
            self.give_up_checkpoint(&SpoolError::NoSpace);
            return Ok(false);
        }
        match self.copy_on(&mut copying) {
            Ok(Step::Done) => Ok(false),
            Ok(step) => {
                self.checkpoint = Checkpoint::Copying(copying);
                Ok(step == Step::More)
            }
            Err(error) if self.ledger.is_copying() => {
                self.give_up_checkpoint(&error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Begins a checkpoint.
    ///
    /// # Errors
    /// No id can be drawn: the writer lease is lost.
    pub(crate) fn begin_checkpoint(&mut self) -> Result<(), SpoolError> {
        let id = self.spool.draw(self.now.utc)?;
        // What was appended and not written yet is not among the lines of the old log; it is written first.
        self.ledger.write(self.now)?;
        match self.ledger.begin_checkpoint(id) {
            Ok(()) => {
                let lines = self.ledger.lines();
                let copying = Copying { stage: Stage::Lines, lines, has: Vec::new() };
                self.checkpoint = Checkpoint::Copying(Box::new(copying));
            }
            Err(error) => self.give_up_checkpoint(&error),
        }
        Ok(())
    }

    fn give_up_checkpoint(&mut self, error: &SpoolError) {
        self.note_failure("checkpoint", "logs/scheduler", error, "the old log goes on");
        self.checkpoint = Checkpoint::None;
        self.ledger.abandon();
        self.ledger.postpone(self.now);
    }

    /// One part. After an error the checkpoint is given up; if it is not there any more, the log is of no use.
    fn copy_on(&mut self, copying: &mut Copying) -> Result<Step, SpoolError> {
        let next = match copying.stage {
            Stage::Lines => self.copy_lines(copying)?,
            Stage::Messages(after) => self.copy_messages(copying, after),
            Stage::Clocks(after) => self.copy_clocks(after),
            Stage::Known(after) => self.copy_known(after),
            Stage::Finished(after) => self.copy_finished(after),
            Stage::Settling if self.ledger.is_settled() => return self.end_checkpoint(),
            Stage::Settling => return Ok(Step::Wait),
        };
        copying.stage = next;
        Ok(Step::More)
    }

    /// Copies what the old log has of messages that wait.
    fn copy_lines(&mut self, copying: &mut Copying) -> Result<Stage, SpoolError> {
        let mut left = PART;
        for _ in 0..LINES {
            let Some(line) = copying.lines.next_sound()? else { return Ok(Stage::Messages(None)) };
            let Some(waiting) = line.waiting()? else { continue };
            let Some(number) = self.queue.number(waiting.id) else { continue };
            let Some(arrival) = self.queue.arrival_of(waiting.id) else { continue };
            // One that stands there several times is copied once: the first line has all of its recipients.
            if has(&copying.has, number) {
                continue;
            }
            if let Some(text) = with_state(&line, &arrival)? {
                self.ledger.copy_text(&text);
                copying.note(number);
            }
            let recipients: usize = arrival.legs.iter().map(|leg| leg.recipients.len()).sum();
            left = left.saturating_sub(recipients.max(1));
            if left == 0 {
                break;
            }
        }
        Ok(Stage::Lines)
    }

    /// Says who is held, and writes those that the old log should have had and has not.
    fn copy_messages(&mut self, copying: &mut Copying, mut after: Option<SpoolId>) -> Stage {
        let mut left = LINES;
        while left > 0 {
            let Some((id, place, hold)) = self.queue.message_after(after) else { return Stage::Clocks(None) };
            (after, left) = (Some(id), left - 1);
            if let Some(hold) = hold {
                self.ledger.copy(&LogRecord::Held { place, why: word_of(hold).to_owned() });
            }
            let missing = self.queue.number(id).is_some_and(|number| !has(&copying.has, number));
            if missing && !self.tracks.is_loose(place) {
                self.copy_missing(id);
                left = left.saturating_sub(20);
            }
        }
        Stage::Messages(after)
    }

    /// Writes a message whose line in the old log cannot be read any more. If its record cannot be read either it is held, and
    /// kept for the administrator without its addresses.
    fn copy_missing(&mut self, message: SpoolId) {
        let Some(arrival) = self.queue.arrival_of(message) else { return };
        let line = match self.waiting_line(&arrival) {
            Ok(line) => line,
            Err(error) => {
                self.hold_damaged(message, &error);
                let hold = word_of(Hold::Spool).to_owned();
                self.ledger.copy(&LogRecord::Held { place: arrival.place, why: hold });
                nameless(&arrival)
            }
        };
        self.ledger.copy_text(&line);
    }

    fn copy_clocks(&mut self, after: Option<Mark>) -> Stage {
        let (clocks, next) = self.queue.clocks_after(after, PART);
        clocks.iter().for_each(|clock| self.ledger.copy(&clock_line(clock)));
        if next.is_some() {
            return Stage::Clocks(next);
        }
        let Self { ledger, queue, .. } = self;
        queue.kept_clocks().for_each(|clock| ledger.copy(&clock_line(clock)));
        Stage::Known(None)
    }

    /// Finished records that are still to be read again.
    fn copy_known(&mut self, after: Option<Place>) -> Stage {
        let Self { ledger, known, .. } = self;
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut last = None;
        for (&place, known) in known.range((begin, Bound::Unbounded)).take(PART) {
            last = Some(place);
            let recipients = match known {
                Known::Waiting => continue,
                Known::Finished(Finished::All) => Vec::new(),
                Known::Finished(Finished::Some(some)) => some.iter().copied().collect(),
            };
            ledger.copy(&LogRecord::Done { place, recipients });
        }
        if last.is_some() { Stage::Known(last) } else { Stage::Finished(None) }
    }

    /// Finished records behind those that are not dealt with yet.
    fn copy_finished(&mut self, after: Option<Place>) -> Stage {
        let Self { ledger, tracks, .. } = self;
        let mut last = None;
        for place in tracks.finished_after(after).take(PART) {
            last = Some(place);
            ledger.copy(&LogRecord::Done { place, recipients: Vec::new() });
        }
        if last.is_some() { Stage::Finished(last) } else { Stage::Settling }
    }

    fn end_checkpoint(&mut self) -> Result<Step, SpoolError> {
        self.copy_rest();
        if !self.ledger.is_copying() {
            self.give_up_checkpoint(&SpoolError::NoSpace);
            return Ok(Step::Done);
        }
        match self.ledger.succeed() {
            Err(error @ SpoolError::NoSpace) => {
                self.give_up_checkpoint(&error);
                Ok(Step::Done)
            }
            other => other.map(|()| Step::Done),
        }
    }

    /// Writes everything that has not been copied yet; the cursors last.
    fn copy_rest(&mut self) {
        let Self { ledger, queue, notices, unrouted, holds, tracks, .. } = self;
        for (after, up_to) in queue.warnings() {
            ledger.copy(&LogRecord::Warned { after, up_to });
        }
        for (id, decided) in notices.decided() {
            ledger.copy(&LogRecord::Notice {
                id,
                cause: decided.cause,
                reason: decided.reason,
                to: decided.to.clone(),
                recipients: decided.recipients.clone(),
            });
        }
        let operator = unrouted.iter().filter(|(_, message)| message.held.is_some());
        let operator = operator.map(|(place, _)| (place, Hold::Operator));
        for (place, hold) in operator.chain(holds.iter().map(|(&place, &hold)| (place, hold))) {
            ledger.copy(&LogRecord::Held { place, why: word_of(hold).to_owned() });
        }
        for (segment, track) in tracks.iter() {
            ledger.copy(&LogRecord::Cursor { segment, offset: track.cursor() });
        }
    }
}

/// Whether a message is noted as being in the new log.
fn has(noted: &[u64], number: usize) -> bool {
    noted.get(number / 64).is_some_and(|word| word & 1 << (number % 64) != 0)
}

/// A line with its addresses as they stand, and everything else as the queue has it now. `None` if a recipient is missing.
fn with_state(line: &LogLine<'_>, arrival: &Arrival) -> Result<Option<String>, SpoolError> {
    let Some(waiting) = line.waiting()? else { return Ok(None) };
    let mut known: Vec<Part<'_>> = Vec::new();
    let head = waiting.read_all(|part| known.push(part)).ok_or_else(|| line.unknown())?;
    known.sort_unstable_by_key(|part| part.index);
    let whys = whys(arrival);
    let parts = open(arrival, &whys).map(|(leg, index, why)| {
        let at = known.binary_search_by_key(&index, |part| part.index).ok()?;
        let Part { address, user, terms, .. } = known.get(at)?;
        Some(part(leg, (index, terms), (&**address).into(), (&**user).into(), why))
    });
    let parts: Option<Vec<Part<'_>>> = parts.collect();
    let head = WaitingHead { place: arrival.place, special: arrival.special, ..head };
    Ok(parts.map(|parts| head.print(&sorted(parts.into_iter()))))
}

/// The line of a message of which nothing is left but what the queue knows.
fn nameless(arrival: &Arrival) -> String {
    let head = WaitingHead {
        place: arrival.place,
        id: arrival.message,
        from: ReversePath::Null,
        received: arrival.received,
        shape: Shape::default(),
        special: arrival.special,
    };
    let plain = RecipientTerms::default();
    let whys = whys(arrival);
    let parts = open(arrival, &whys)
        .map(|(leg, index, why)| part(leg, (index, &plain), NOBODY.into(), "".into(), why));
    head.print(&sorted(parts))
}

/// The address of a recipient whose own cannot be read any more.
const NOBODY: &str = "unreadable@localhost.invalid";
