//! The start: the log says what waits, the segments have what is new since.

use super::expand::{EXPANDED, Recipients};
use super::{Scan, Tracks, Unrouted};
use crate::dispatch::{Agents, Contents, Records};
use crate::log::{Book, Checkpoint, Ledger, Replay};
use crate::notices::Notices;
use crate::queue::{Arrival, Hold, Leg, Policy, Queue};
use crate::state::{Known, Scheduler};
use farm::clock::{Moment, moment};
use farm::exit::{Exit, Fatal};
use farm::fault::Faults;
use farm::hints::Hints;
use farm::journal::{Journal, ProgramEvent};
use proto::address::ReversePath;
use proto::disposition::Disposition;
use proto::envelope::Recipient;
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::{Log, LogRecord, Waiting};
use spool::{Segments, Spool};
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds that agents which outlived the last scheduler have to report what they finished meanwhile.
const LATE: u64 = 2_000;

/// Milliseconds for which their reports are kept for messages that are still to be read.
const KEPT: u64 = 60_000;

/// What a scheduler is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) hostname: String,
    pub(crate) spool: Segments,
    pub(crate) log: Log,
    /// What the log says.
    pub(crate) records: Vec<LogRecord>,
    pub(crate) policy: Policy,
    pub(crate) router_hints: Hints,
    pub(crate) journal: Journal,
    pub(crate) now: Moment,
}

impl Scheduler {
    /// Goes on from disk: restores what the log says, takes over what dead writers left, reads what is new.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn restore(parts: Parts) -> Result<Self, Fatal> {
        let Parts { hostname, spool, log, records, policy, router_hints, journal, now } = parts;
        // With an empty log no agent can have anything to report.
        let start = if records.is_empty() { now.utc } else { now.utc + LATE };
        let lines = records.len();
        let mut replay = Replay::of(records);
        let mut ledger = Ledger::new(log).map_err(Fatal::doing(Exit::System, "log-sync thread"))?;
        if lines > 2 * replay.len() {
            ledger.overdue();
        }
        let mut scheduler = Self {
            now,
            hostname,
            spool,
            queue: Queue::new(policy, start),
            ledger,
            book: Book::default(),
            checkpoint: Checkpoint::default(),
            tracks: Tracks::default(),
            unrouted: Unrouted::default(),
            expanded: BTreeMap::new(),
            known: BTreeMap::new(),
            holds: BTreeMap::new(),
            records: Records::default(),
            agents: Agents::default(),
            contents: Contents::default(),
            notices: Notices::restored(std::mem::take(&mut replay.notices)),
            late: BTreeMap::new(),
            late_until: now.utc + KEPT,
            scan: Scan::default(),
            wants: BTreeMap::new(),
            router_hints,
            journal,
            faults: Faults::default(),
            hints_dropped: 0,
        };
        scheduler.replay(replay);
        Ok(scheduler)
    }

    fn replay(&mut self, replay: Replay) {
        let there = self.open_tracks(&replay);
        let mut waiting: Vec<Waiting> = replay.waiting.into_values().collect();
        waiting.sort_by_key(|waiting| waiting.id);
        let mut holds = replay.held;
        for waiting in waiting {
            let hold = holds.remove(&waiting.place);
            self.restore_message(waiting, hold);
        }
        self.holds = holds.into_iter().filter(|(place, _)| there.contains(&place.segment)).collect();
        for clock in replay.clocks.values() {
            self.queue.restore_clock(clock, self.now.utc);
        }
        let segments = self.take_over();
        while self.read_on() {}
        let messages = self.queue.gauges().messages + self.unrouted.len();
        let messages = u64::try_from(messages).unwrap_or(u64::MAX);
        let time = moment().mono.saturating_sub(self.now.mono);
        self.note_own(ProgramEvent::Recovered { segments, messages, time });
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
        let tracks = &self.tracks;
        let unread = |place: &Place| {
            let cursor = tracks.get(place.segment).map_or(0, |track| track.cursor());
            place.offset >= cursor && there.contains(&place.segment)
        };
        let waiting =
            replay.waiting.keys().filter(|place| unread(place)).map(|&place| (place, Known::Waiting));
        let finished = replay.finished.iter().filter(|(place, _)| unread(place));
        let finished = finished.map(|(&place, finished)| (place, Known::Finished(finished.clone())));
        let known: BTreeMap<Place, Known> = waiting.chain(finished).collect();
        self.known = known;
        there
    }

    fn restore_message(&mut self, waiting: Waiting, hold: Option<Hold>) {
        let place = waiting.place;
        let mut legs: BTreeMap<(String, String, u32, String), Leg> = BTreeMap::new();
        let mut expanded = Recipients::new();
        for recipient in waiting.recipients {
            let (channel, host) = match &recipient.route {
                Some(route) => (route.channel.clone(), route.host.clone()),
                // Nobody writes that; should it be there, it is shown and not lost.
                None => ("unrouted".to_owned(), String::new()),
            };
            let (due, last) = crate::log::heard(&recipient.why);
            let key = (channel.clone(), host.clone(), recipient.attempts, recipient.why);
            let leg = legs.entry(key).or_insert_with(|| leg(channel, host, recipient.attempts, due, last));
            leg.recipients.push(recipient.index);
            if recipient.index >= EXPANDED {
                let kept = Recipient { address: recipient.address, route: recipient.route };
                expanded.insert(recipient.index, kept);
            }
        }
        if !expanded.is_empty() {
            self.expanded.insert(place, expanded);
        }
        let arrival = Arrival {
            message: waiting.id,
            place,
            received: waiting.received,
            notify: waiting.from != ReversePath::Null,
            hold,
            legs: legs.into_values().collect(),
        };
        self.queue.arrived(arrival, self.now.utc);
    }
}

fn leg(channel: String, host: String, attempts: u32, due: Option<u64>, last: Option<Disposition>) -> Leg {
    let attempts = u16::try_from(attempts).unwrap_or(u16::MAX);
    Leg { channel, host, recipients: Vec::new(), attempts, due, last }
}
