//! The start: the log says what waits, the segments have what is new since.

use super::arrive::{Goes, legs};
use super::expand::EXPANDED;
use super::{Expanded, Kept, Scan, Tracks, Unrouted};
use crate::dispatch::{Agents, Contents, Records};
use crate::keeper::Keeper;
use crate::log::{Book, Checkpoint, Finished, Ledger, Replay};
use crate::notices::Notices;
use crate::queue::{Arrival, Hold, Leg, Policy, Queue};
use crate::state::{Known, Scheduler};
use farm::clock::{Moment, moment};
use farm::exit::{Exit, Fatal};
use farm::fault::Faults;
use farm::hints::Hints;
use farm::journal::{Journal, ProgramEvent};
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::{Log, LogLine, Part, WaitingFacts};
use spool::{Segments, Spool, SpoolError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Milliseconds that agents which outlived the last scheduler have to call.
const CALLS: u64 = 1_000;

/// Milliseconds that those which have called have to report what they finished meanwhile.
const LATE: u64 = 2_000;

/// Milliseconds for which their reports are kept for messages that are still to be read.
const KEPT: u64 = 60_000;

/// Milliseconds for which segments are read before anything else is done.
const READING: u64 = 1_000;

/// What a scheduler is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) hostname: String,
    pub(crate) spool: Segments,
    pub(crate) log: Log,
    /// What the log says.
    pub(crate) replay: Replay,
    pub(crate) policy: Policy,
    pub(crate) router_hints: Hints,
    pub(crate) journal: Journal,
    pub(crate) now: Moment,
}

impl Scheduler {
    /// Goes on from disk: restores what the log says, takes over what dead writers left, reads what is new.
    ///
    /// # Errors
    /// No thread can be started, or the log cannot be read.
    pub(crate) fn restore(parts: Parts) -> Result<Self, Fatal> {
        let Parts { hostname, spool, log, mut replay, policy, router_hints, journal, now } = parts;
        replay.close();
        let mut ledger = Ledger::new(log).map_err(Fatal::doing(Exit::System, "log-sync thread"))?;
        if replay.lines > 2 * replay.len() {
            ledger.overdue();
        }
        let keeper = Keeper::start(&spool).map_err(Fatal::doing(Exit::System, "keeper thread"))?;
        let mut scheduler = Self {
            now,
            hostname,
            spool,
            keeper,
            queue: Queue::new(policy, now.utc),
            ledger,
            book: Book::default(),
            checkpoint: Checkpoint::default(),
            tracks: Tracks::default(),
            unrouted: Unrouted::default(),
            expanding: VecDeque::new(),
            entrance: VecDeque::new(),
            expanded: BTreeMap::new(),
            known: BTreeMap::new(),
            holds: BTreeMap::new(),
            records: Records::default(),
            agents: Agents::default(),
            contents: Contents::default(),
            notices: Notices::restored(std::mem::take(&mut replay.notices)),
            notice_content: 1 << 20,
            late: BTreeMap::new(),
            late_until: now.utc + KEPT,
            scan: Scan::default(),
            wants: BTreeMap::new(),
            router_hints,
            journal,
            faults: Faults::default(),
            trim_at: None,
            hints_dropped: 0,
        };
        // With an empty log no agent can have anything to report.
        if replay.lines > 0 {
            scheduler.await_reports(now);
        }
        let read = scheduler.replay(replay);
        read.map_err(Fatal::doing(Exit::Io, "logs/scheduler"))?;
        // Most of what was needed to read the log is free again.
        sys::memory::trim();
        Ok(scheduler)
    }

    /// Nothing is handed out until agents that outlived the last scheduler have had the time to call.
    pub(crate) fn await_reports(&mut self, now: Moment) {
        self.queue.start_at(now.utc + CALLS);
        self.late_until = now.utc + KEPT;
    }

    /// One of them has called. If nothing has been handed out yet, it has the time to report.
    pub(crate) fn survivor_called(&mut self) {
        if self.queue.is_starting(self.now.utc) {
            self.queue.start_at(self.now.utc + LATE);
        }
    }

    fn replay(&mut self, mut replay: Replay) -> Result<(), SpoolError> {
        let there = self.open_tracks(&replay);
        for (&after, &up_to) in &replay.warned {
            self.queue.warned(after, up_to);
        }
        let waiting = replay.take_waiting();
        self.restore_messages(&waiting, &there, &mut replay)?;
        drop(waiting);
        self.known.extend(self.finished_unread(&there, &replay));
        self.holds = replay.held.into_iter().filter(|(place, _)| there.contains(&place.segment)).collect();
        for clock in replay.clocks.values() {
            self.queue.restore_clock(clock, self.now.utc);
        }
        self.keeper.found(there);
        self.queue.all_restored();
        let segments = self.take_over();
        // What takes longer is read while mail passes.
        let until = moment().mono + READING;
        while self.read_on() && moment().mono < until {}
        let messages = self.queue.gauges().messages + self.unrouted.len();
        let messages = u64::try_from(messages).unwrap_or(u64::MAX);
        let time = moment().mono.saturating_sub(self.now.mono);
        self.note_own(ProgramEvent::Recovered { segments, messages, time });
        Ok(())
    }

    /// Reads the lines of the messages that wait once more, and takes them into the queue.
    fn restore_messages(
        &mut self,
        waiting: &[(u64, Place)],
        there: &BTreeSet<SpoolId>,
        replay: &mut Replay,
    ) -> Result<(), SpoolError> {
        let mut lines = self.ledger.lines();
        for &(at, place) in waiting {
            while let Some(line) = lines.next_line()? {
                if line.offset() == at {
                    let settled = replay.settled.remove(&place).unwrap_or_default();
                    if !self.restore_message(&line, place, &settled, &mut replay.held)? {
                        replay.finished.insert(place, Finished::All);
                    } else if self.is_to_be_read(there, place) {
                        self.known.insert(place, Known::Waiting);
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    /// The record there is still to be read.
    fn is_to_be_read(&self, there: &BTreeSet<SpoolId>, place: Place) -> bool {
        let cursor = self.tracks.get(place.segment).map_or(0, |track| track.cursor());
        place.offset >= cursor && there.contains(&place.segment)
    }

    /// What the log says of finished records that are still to be read.
    fn finished_unread(&self, there: &BTreeSet<SpoolId>, replay: &Replay) -> Vec<(Place, Known)> {
        let finished = replay.finished.iter().filter(|(place, _)| self.is_to_be_read(there, **place));
        finished.map(|(&place, finished)| (place, Known::Finished(finished.clone()))).collect()
    }

    /// Segments that exist are read on from their cursors; what the log says of others is over. Gives those that exist.
    fn open_tracks(&mut self, replay: &Replay) -> BTreeSet<SpoolId> {
        let there: BTreeSet<_> = match self.spool.segments() {
            Ok(segments) => segments.into_iter().collect(),
            Err(error) => {
                self.note_failure("list", "segments", &error, "reads on later");
                replay.cursors.keys().copied().collect()
            }
        };
        for (&segment, &cursor) in &replay.cursors {
            if there.contains(&segment) {
                self.tracks.open(segment, cursor);
            }
        }
        there
    }

    /// Takes a message into the queue; false if none of its recipients is open any more.
    fn restore_message(
        &mut self,
        line: &LogLine<'_>,
        place: Place,
        settled: &BTreeSet<u32>,
        holds: &mut BTreeMap<Place, Hold>,
    ) -> Result<bool, SpoolError> {
        let Some(waiting) = line.waiting()? else { return Ok(false) };
        let id = waiting.id;
        let (mut open, mut expanded) = (Open::default(), Expanded::default());
        let read = waiting.read(|part| {
            if settled.contains(&part.index) {
                return;
            }
            if part.index >= EXPANDED {
                let Part { index, address, channel, host, user, terms, .. } = &part;
                let terms = Some(terms);
                expanded.push(&Kept { index: *index, address, channel, host, user, terms });
            }
            open.push(part);
        });
        let WaitingFacts { told: notify, received, special } = read.ok_or_else(|| line.unknown())?;
        let hold = holds.remove(&place);
        let legs = open.into_legs();
        if legs.is_empty() {
            return Ok(false);
        }
        if !expanded.is_empty() {
            expanded.shrink();
            self.expanded.insert(place, expanded);
        }
        let arrival = Arrival { message: id, place, received, notify, hold, special, legs };
        self.queue.restored(arrival, self.now.utc);
        Ok(true)
    }
}

/// The open recipients of a message that is restored: nearly always one.
#[derive(Default)]
struct Open<'a> {
    first: Option<Part<'a>>,
    more: Vec<Part<'a>>,
}

impl<'a> Open<'a> {
    fn push(&mut self, part: Part<'a>) {
        match &self.first {
            None => self.first = Some(part),
            Some(_) => self.more.push(part),
        }
    }

    /// Those that were tried as often and heard the same go together.
    fn into_legs(self) -> Vec<Leg> {
        let Some(first) = self.first else { return Vec::new() };
        if self.more.is_empty() {
            return vec![restored(leg(&first, vec![first.index]), &first)];
        }
        let all: Vec<Part<'_>> = std::iter::once(first).chain(self.more).collect();
        let mut groups: BTreeMap<(u32, &str), Vec<&Part<'_>>> = BTreeMap::new();
        for part in &all {
            groups.entry((part.attempts, &part.why)).or_default().push(part);
        }
        let mut restored_legs = Vec::new();
        for group in groups.into_values() {
            let Some(&like) = group.first() else { continue };
            let all = group.iter().map(|part| Goes {
                index: part.index,
                channel: channel_of(part),
                host: &part.host,
                user: &part.user,
            });
            restored_legs.extend(legs(all).into_iter().map(|leg| restored(leg, like)));
        }
        restored_legs
    }
}

fn leg(part: &Part<'_>, indexes: Vec<u32>) -> Leg {
    Leg::fresh(channel_of(part), &part.host, indexes)
}

/// A leg that was tried like this recipient.
fn restored(leg: Leg, like: &Part<'_>) -> Leg {
    let (due, last) = crate::log::heard(&like.why);
    Leg { attempts: u16::try_from(like.attempts).unwrap_or(u16::MAX), due, last, ..leg }
}

/// Nobody writes a recipient without a route; should one be there, it is shown and not lost.
fn channel_of<'a>(part: &'a Part<'_>) -> &'a str {
    if part.channel.is_empty() { "unrouted" } else { &part.channel }
}
