//! What an old log still says: later lines win over earlier ones about the same thing.
//!
//! Pure: lines go in with [`Replay::hear`], and the maps are what is left. Nothing here is believed about a place behind
//! the cursor of its segment but what stands here; everything before the cursor that does not stand here is finished.
//!
//! Of a message that waits only the place of its line is kept: there may be a million of them, and they are read once more
//! when it is known which lines count.

use super::said;
use crate::queue::{Hold, ThreadClock};
use proto::address::ReversePath;
use proto::disposition::Outcome;
use proto::id::SpoolId;
use proto::place::Place;
use spool::SpoolError;
use spool::log::{LogLine, LogRecord, Reason, Reported};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The state that a log leaves.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// How far each segment was read.
    pub(crate) cursors: BTreeMap<SpoolId, u64>,
    /// Where the line of each message that waits begins, by segment and offset of the message.
    waiting: BTreeMap<SpoolId, HashMap<u64, u64>>,
    /// Recipients of them that are finished since that line.
    pub(crate) settled: HashMap<Place, BTreeSet<u32>>,
    /// Messages that are held, by place, whether they wait here or are still to be read.
    pub(crate) held: BTreeMap<Place, Hold>,
    /// Recipients that are finished, of messages that are still to be read.
    pub(crate) finished: BTreeMap<Place, Finished>,
    /// The clocks of threads, by channel and host.
    pub(crate) clocks: BTreeMap<(String, String), ThreadClock>,
    /// Notices whose message is not known to be in the spool.
    pub(crate) notices: BTreeMap<SpoolId, Decided>,
    /// Delays in milliseconds, each with the newest message whose sender has been told of it.
    pub(crate) warned: BTreeMap<u64, SpoolId>,
    /// Lines that were heard.
    pub(crate) lines: usize,
}

/// Which recipients of a message are finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finished {
    /// These.
    Some(BTreeSet<u32>),
    /// All.
    All,
}

/// A notice that was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    /// The message that it is about.
    pub(crate) cause: Place,
    /// What it says.
    pub(crate) reason: Reason,
    /// To whom it goes.
    pub(crate) to: ReversePath,
    /// Whom it reports.
    pub(crate) recipients: Vec<Reported>,
}

impl Replay {
    /// Takes a line.
    ///
    /// # Errors
    /// [`SpoolError::UnknownLogRecord`].
    pub(crate) fn hear(&mut self, line: &LogLine<'_>) -> Result<(), SpoolError> {
        self.lines += 1;
        if let Some(waiting) = line.waiting()? {
            self.waits(waiting.place, line.offset());
        } else if let Some(record) = line.record()? {
            self.add(record);
        }
        Ok(())
    }

    /// There are no more lines: forgets what is over.
    pub(crate) fn close(&mut self) {
        let cursors = &self.cursors;
        let unread = |place: &Place| cursors.get(&place.segment).is_none_or(|cursor| place.offset >= *cursor);
        self.finished.retain(|place, _| unread(place));
        let waiting = &self.waiting;
        let waits = |place: &Place| {
            waiting.get(&place.segment).is_some_and(|segment| segment.contains_key(&place.offset))
        };
        self.held.retain(|place, _| unread(place) || waits(place));
    }

    /// The lines of the messages that wait, in the order of the log, each with the place of its message.
    pub(crate) fn take_waiting(&mut self) -> Vec<(u64, Place)> {
        let mut lines = Vec::with_capacity(self.waiting.values().map(HashMap::len).sum());
        for (segment, messages) in std::mem::take(&mut self.waiting) {
            lines.extend(messages.into_iter().map(|(offset, line)| (line, Place { segment, offset })));
        }
        lines.sort_unstable();
        lines
    }

    /// How many lines say the same.
    pub(crate) fn len(&self) -> usize {
        let waiting: usize = self.waiting.values().map(HashMap::len).sum();
        let places = waiting + self.held.len() + self.finished.len();
        places + self.warned.len() + self.cursors.len() + self.clocks.len() + self.notices.len()
    }

    /// A message waits, as the line at this offset says.
    fn waits(&mut self, place: Place, line: u64) {
        self.finished.remove(&place);
        self.settled.remove(&place);
        self.waiting.entry(place.segment).or_default().insert(place.offset, line);
    }

    /// A message does not wait any more; gives the line that said so.
    fn waits_no_more(&mut self, place: Place) -> Option<u64> {
        self.waiting.get_mut(&place.segment)?.remove(&place.offset)
    }

    fn add(&mut self, record: LogRecord) {
        match record {
            LogRecord::Cursor { segment, offset } => {
                self.cursors.insert(segment, offset);
            }
            LogRecord::Waiting(waiting) => self.waits(waiting.place, 0),
            LogRecord::Thread { channel, host, retry_at, attempts, why } => {
                self.clock(channel, host, retry_at, attempts, &why);
            }
            LogRecord::Done { place, recipients } => self.done(place, &recipients),
            LogRecord::Notice { id, cause, to, recipients, reason } => {
                let indexes: Vec<u32> = recipients.iter().map(|reported| reported.index).collect();
                if !indexes.is_empty() && reason != Reason::Delayed {
                    self.done(cause, &indexes);
                }
                self.notices.insert(id, Decided { cause, reason, to, recipients });
            }
            LogRecord::Noticed { id } => {
                self.notices.remove(&id);
            }
            LogRecord::Held { place, why } => {
                self.held.insert(place, hold_of(&why));
            }
            LogRecord::Released { place } => {
                self.held.remove(&place);
            }
            LogRecord::Warned { after, up_to } => {
                let known = self.warned.entry(after).or_insert(up_to);
                *known = up_to.max(*known);
            }
            LogRecord::Removed { segment } => self.forget(segment),
            LogRecord::Moved { from, to } => self.moved(from, to),
        }
    }

    fn clock(&mut self, channel: String, host: String, retry_at: u64, attempts: u32, why: &str) {
        if attempts == 0 {
            self.clocks.remove(&(channel, host));
            return;
        }
        let clock = ThreadClock {
            channel: channel.as_str().into(),
            host: host.as_str().into(),
            attempts: u16::try_from(attempts).unwrap_or(u16::MAX),
            retry_at,
            last: said::parse(why, Outcome::HostDeferred).1,
        };
        self.clocks.insert((channel, host), clock);
    }

    fn done(&mut self, place: Place, recipients: &[u32]) {
        let waits =
            self.waiting.get(&place.segment).is_some_and(|segment| segment.contains_key(&place.offset));
        if recipients.is_empty() {
            self.waits_no_more(place);
            self.settled.remove(&place);
            self.held.remove(&place);
            self.finished.insert(place, Finished::All);
        } else if waits {
            self.settled.entry(place).or_default().extend(recipients);
        } else {
            let finished = self.finished.entry(place).or_insert_with(|| Finished::Some(BTreeSet::new()));
            if let Finished::Some(some) = finished {
                some.extend(recipients);
            }
        }
    }

    fn forget(&mut self, segment: SpoolId) {
        self.cursors.remove(&segment);
        self.waiting.remove(&segment);
        self.settled.retain(|place, _| place.segment != segment);
        self.held.retain(|place, _| place.segment != segment);
        self.finished.retain(|place, _| place.segment != segment);
    }

    fn moved(&mut self, from: Place, to: Place) {
        if let Some(line) = self.waits_no_more(from) {
            let settled = self.settled.remove(&from);
            self.waits(to, line);
            self.settled.extend(settled.map(|settled| (to, settled)));
        }
        if let Some(hold) = self.held.remove(&from) {
            self.held.insert(to, hold);
        }
        if let Some(finished) = self.finished.insert(from, Finished::All) {
            self.finished.insert(to, finished);
        }
        for decided in self.notices.values_mut().filter(|decided| decided.cause == from) {
            decided.cause = to;
        }
    }
}

/// The word that a log line has for a hold.
pub(crate) const fn word_of(hold: Hold) -> &'static str {
    match hold {
        Hold::Operator => "operator",
        Hold::Poisoned => "poisoned",
        Hold::Spool => "spool",
        // Never written: the line of the message has the time.
        Hold::Until => "sender",
    }
}

fn hold_of(why: &str) -> Hold {
    match why {
        "poisoned" => Hold::Poisoned,
        "spool" => Hold::Spool,
        _ => Hold::Operator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::envelope::Shape;
    use proto::terms::{RecipientTerms, Special};
    use spool::log::{Waiting, WaitingRecipient};

    const SEGMENT: u128 = 77;

    fn place(offset: u64) -> Place {
        Place { segment: SpoolId::try_from(SEGMENT).unwrap(), offset }
    }

    fn waiting(offset: u64, indexes: &[u32]) -> LogRecord {
        let recipient = |&index: &u32| WaitingRecipient {
            index,
            address: "a@b.example".parse().unwrap(),
            route: None,
            attempts: 1,
            why: String::new(),
            terms: RecipientTerms::default(),
        };
        LogRecord::Waiting(Box::new(Waiting {
            place: place(offset),
            id: SpoolId::new(1, 2, 3, 4),
            from: ReversePath::Null,
            received: 5,
            shape: Shape::default(),
            special: Special::default(),
            recipients: indexes.iter().map(recipient).collect(),
        }))
    }

    fn done(offset: u64, recipients: &[u32]) -> LogRecord {
        LogRecord::Done { place: place(offset), recipients: recipients.to_vec() }
    }

    fn cursor(offset: u64) -> LogRecord {
        LogRecord::Cursor { segment: SpoolId::try_from(SEGMENT).unwrap(), offset }
    }

    /// The state after these lines.
    fn after(records: Vec<LogRecord>) -> Replay {
        let mut replay = Replay::default();
        records.into_iter().for_each(|record| replay.add(record));
        replay.close();
        replay
    }

    fn places(mut replay: Replay) -> Vec<Place> {
        replay.take_waiting().into_iter().map(|(_, place)| place).collect()
    }

    #[test]
    fn finished_recipients_of_what_waits_are_noted_until_it_waits_anew() {
        let replay = after(vec![waiting(10, &[0, 1, 2]), done(10, &[1])]);
        assert_eq!(replay.settled[&place(10)], BTreeSet::from([1]));
        let replay = after(vec![waiting(10, &[0, 1, 2]), done(10, &[1]), waiting(10, &[0, 2])]);
        assert!(replay.settled.is_empty());
        let replay = after(vec![waiting(10, &[0, 1]), done(10, &[1]), done(10, &[])]);
        assert!(replay.settled.is_empty());
        assert_eq!(replay.finished[&place(10)], Finished::All);
        assert_eq!(places(replay), []);
    }

    #[test]
    fn what_was_moved_waits_where_it_lies_now() {
        let (from, to) = (place(10), place(70));
        let replay = after(vec![waiting(10, &[0, 1]), done(10, &[1]), LogRecord::Moved { from, to }]);
        assert_eq!(replay.settled[&to], BTreeSet::from([1]));
        assert_eq!(replay.finished[&from], Finished::All);
        assert_eq!(places(replay), [to]);
    }

    #[test]
    fn what_lies_before_the_cursor_is_forgotten_unless_it_waits() {
        let held = LogRecord::Held { place: place(20), why: "poisoned".into() };
        let replay = after(vec![done(10, &[0]), waiting(20, &[0]), held, done(30, &[1]), cursor(30)]);
        assert_eq!(replay.finished.keys().copied().collect::<Vec<_>>(), [place(30)]);
        assert_eq!(replay.finished[&place(30)], Finished::Some(BTreeSet::from([1])));
        assert_eq!(replay.held[&place(20)], Hold::Poisoned);
        assert_eq!(places(replay), [place(20)]);
    }

    #[test]
    fn a_notice_finishes_whom_it_reports_and_is_owed_until_its_message_is_there() {
        let id = SpoolId::new(9, 9, 9, 9);
        let reported = Reported {
            index: 0,
            address: "a@b.example".parse().unwrap(),
            disposition: proto::disposition::Disposition::local(
                Outcome::Failed,
                proto::status::Status::permanent(1, 1),
                "no",
            ),
            orcpt: None,
            until: None,
        };
        let notice = LogRecord::Notice {
            id,
            cause: place(10),
            reason: Reason::Failed,
            to: "<s@b.example>".parse().unwrap(),
            recipients: vec![reported],
        };
        let replay = after(vec![waiting(10, &[0, 1]), notice.clone()]);
        assert_eq!(replay.settled[&place(10)], BTreeSet::from([0]));
        assert!(replay.notices.contains_key(&id));
        let replay = after(vec![notice, LogRecord::Noticed { id }]);
        assert!(replay.notices.is_empty());
    }

    #[test]
    fn a_removed_segment_takes_everything_along() {
        let segment = place(0).segment;
        let replay =
            after(vec![waiting(10, &[0]), done(20, &[0]), cursor(10), LogRecord::Removed { segment }]);
        assert!(replay.finished.is_empty() && replay.cursors.is_empty());
        assert_eq!(places(replay), []);
    }

    #[test]
    fn a_clock_lives_until_its_host_does() {
        let clock = |attempts| LogRecord::Thread {
            channel: "smtp".into(),
            host: "h".into(),
            retry_at: 7,
            attempts,
            why: "4.4.1 - gone".into(),
        };
        let replay = after(vec![clock(2)]);
        let kept = &replay.clocks[&("smtp".to_owned(), "h".to_owned())];
        assert_eq!(
            (kept.attempts, kept.retry_at, kept.last.as_ref().unwrap().reply.as_str()),
            (2, 7, "gone")
        );
        assert!(after(vec![clock(2), clock(0)]).clocks.is_empty());
    }
}
