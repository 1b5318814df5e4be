//! What an old log still says: later lines win over earlier ones about the same thing.
//!
//! Pure: lines go in with [`Replay::add`], and the maps are what is left. Nothing here is believed about a place behind
//! the cursor of its segment but what stands here; everything before the cursor that does not stand here is finished.

use super::said;
use crate::queue::{Hold, ThreadClock};
use proto::address::ReversePath;
use proto::disposition::Outcome;
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::{LogRecord, Reported, Waiting};
use std::collections::{BTreeMap, BTreeSet};

/// The state that a log leaves.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// How far each segment was read.
    pub(crate) cursors: BTreeMap<SpoolId, u64>,
    /// Messages that wait, by place.
    pub(crate) waiting: BTreeMap<Place, Waiting>,
    /// Messages that are held, by place, whether they wait here or are still to be read.
    pub(crate) held: BTreeMap<Place, Hold>,
    /// Recipients that are finished, of messages that are still to be read.
    pub(crate) finished: BTreeMap<Place, Finished>,
    /// The clocks of threads, by channel and host.
    pub(crate) clocks: BTreeMap<(String, String), ThreadClock>,
    /// Notices whose message is not known to be in the spool.
    pub(crate) notices: BTreeMap<SpoolId, Decided>,
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
    /// To whom it goes.
    pub(crate) to: ReversePath,
    /// Whom it reports.
    pub(crate) recipients: Vec<Reported>,
}

impl Replay {
    /// The state after all these lines.
    pub(crate) fn of(records: Vec<LogRecord>) -> Self {
        let mut replay = Self::default();
        records.into_iter().for_each(|record| replay.add(record));
        let cursors = &replay.cursors;
        let unread = |place: &Place| cursors.get(&place.segment).is_none_or(|cursor| place.offset >= *cursor);
        replay.finished.retain(|place, _| unread(place));
        let waiting = &replay.waiting;
        replay.held.retain(|place, _| unread(place) || waiting.contains_key(place));
        replay
    }

    /// How many lines say the same.
    pub(crate) fn len(&self) -> usize {
        let places = self.waiting.len() + self.held.len() + self.finished.len();
        places + self.cursors.len() + self.clocks.len() + self.notices.len()
    }

    fn add(&mut self, record: LogRecord) {
        match record {
            LogRecord::Cursor { segment, offset } => {
                self.cursors.insert(segment, offset);
            }
            LogRecord::Waiting(waiting) => {
                self.finished.remove(&waiting.place);
                self.waiting.insert(waiting.place, *waiting);
            }
            LogRecord::Thread { channel, host, retry_at, attempts, why } => {
                self.clock(channel, host, retry_at, attempts, &why);
            }
            LogRecord::Done { place, recipients } => self.done(place, &recipients),
            LogRecord::Notice { id, cause, to, recipients, .. } => {
                let indexes: Vec<u32> = recipients.iter().map(|reported| reported.index).collect();
                if !indexes.is_empty() {
                    self.done(cause, &indexes);
                }
                self.notices.insert(id, Decided { cause, to, recipients });
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
        if let Some(waiting) = self.waiting.get_mut(&place) {
            waiting.recipients.retain(|waiting| !recipients.contains(&waiting.index));
            if !recipients.is_empty() && !waiting.recipients.is_empty() {
                return;
            }
            self.waiting.remove(&place);
            self.held.remove(&place);
            self.finished.insert(place, Finished::All);
        } else if recipients.is_empty() {
            self.held.remove(&place);
            self.finished.insert(place, Finished::All);
        } else {
            let finished = self.finished.entry(place).or_insert_with(|| Finished::Some(BTreeSet::new()));
            if let Finished::Some(some) = finished {
                some.extend(recipients);
            }
        }
    }

    fn forget(&mut self, segment: SpoolId) {
        self.cursors.remove(&segment);
        self.waiting.retain(|place, _| place.segment != segment);
        self.held.retain(|place, _| place.segment != segment);
        self.finished.retain(|place, _| place.segment != segment);
    }

    fn moved(&mut self, from: Place, to: Place) {
        if let Some(mut waiting) = self.waiting.remove(&from) {
            waiting.place = to;
            self.waiting.insert(to, waiting);
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
    use spool::log::WaitingRecipient;

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
        };
        LogRecord::Waiting(Box::new(Waiting {
            place: place(offset),
            id: SpoolId::new(1, 2, 3, 4),
            from: ReversePath::Null,
            received: 5,
            shape: Shape::default(),
            recipients: indexes.iter().map(recipient).collect(),
        }))
    }

    fn done(offset: u64, recipients: &[u32]) -> LogRecord {
        LogRecord::Done { place: place(offset), recipients: recipients.to_vec() }
    }

    fn cursor(offset: u64) -> LogRecord {
        LogRecord::Cursor { segment: SpoolId::try_from(SEGMENT).unwrap(), offset }
    }

    #[test]
    fn finished_recipients_leave_what_waits_until_nothing_is_left() {
        let replay = Replay::of(vec![waiting(10, &[0, 1, 2]), done(10, &[1])]);
        let left: Vec<u32> = replay.waiting[&place(10)].recipients.iter().map(|r| r.index).collect();
        assert_eq!(left, [0, 2]);
        let replay = Replay::of(vec![waiting(10, &[0, 1]), done(10, &[1]), done(10, &[0])]);
        assert!(replay.waiting.is_empty());
        assert_eq!(replay.finished[&place(10)], Finished::All);
    }

    #[test]
    fn what_lies_before_the_cursor_is_forgotten_unless_it_waits() {
        let held = LogRecord::Held { place: place(20), why: "poisoned".into() };
        let replay = Replay::of(vec![done(10, &[0]), waiting(20, &[0]), held, done(30, &[1]), cursor(30)]);
        assert_eq!(replay.finished.keys().copied().collect::<Vec<_>>(), [place(30)]);
        assert_eq!(replay.finished[&place(30)], Finished::Some(BTreeSet::from([1])));
        assert_eq!((replay.waiting.len(), replay.held[&place(20)]), (1, Hold::Poisoned));
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
        };
        let notice = LogRecord::Notice {
            id,
            cause: place(10),
            reason: spool::log::Reason::Failed,
            to: "<s@b.example>".parse().unwrap(),
            recipients: vec![reported],
        };
        let replay = Replay::of(vec![waiting(10, &[0, 1]), notice.clone()]);
        assert_eq!(replay.waiting[&place(10)].recipients.len(), 1);
        assert!(replay.notices.contains_key(&id));
        let replay = Replay::of(vec![notice, LogRecord::Noticed { id }]);
        assert!(replay.notices.is_empty());
    }

    #[test]
    fn a_removed_segment_takes_everything_along() {
        let segment = place(0).segment;
        let replay =
            Replay::of(vec![waiting(10, &[0]), done(20, &[0]), cursor(10), LogRecord::Removed { segment }]);
        assert!(replay.waiting.is_empty() && replay.finished.is_empty() && replay.cursors.is_empty());
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
        let replay = Replay::of(vec![clock(2)]);
        let kept = &replay.clocks[&("smtp".to_owned(), "h".to_owned())];
        assert_eq!(
            (kept.attempts, kept.retry_at, kept.last.as_ref().unwrap().reply.as_str()),
            (2, 7, "gone")
        );
        assert!(Replay::of(vec![clock(2), clock(0)]).clocks.is_empty());
    }
}
