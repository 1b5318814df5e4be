//! The slow scan, each minute: what dead writers left, segments that are finished, messages that never got an attempt.
//!
//! A segment goes when its writer has let go of it, everything in it is read and finished, the log says so durably, and
//! every agent has closed it.

use crate::log::Mark;
use crate::state::Scheduler;
use farm::journal::ProgramEvent;
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::LogRecord;
use spool::{Damage, Spool, Takeover};
use std::collections::{BTreeSet, VecDeque};

/// Milliseconds between two scans.
const EACH: u64 = 60_000;

/// Milliseconds until a scan that has a reason.
const SOON: u64 = 1_000;

/// Messages written into the log per turn because they never got an attempt.
const SWEEP: usize = 200;

/// When the next scan is due, and what the last one left to do.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    next_at: u64,
    /// Records that nothing but their segment remembers, for a minute at least.
    stale: VecDeque<Place>,
    /// The last take-over failed, so that there may be more to read than is known.
    failed: bool,
    /// Segments without a valid header; told once.
    unreadable: BTreeSet<SpoolId>,
    /// Damage that was told; the take-over finds some of it, reading finds all.
    told: BTreeSet<Place>,
}

impl Scan {
    /// All segments of dead writers are known.
    pub(super) fn knows_all(&self) -> bool {
        !self.failed
    }

    /// When it is due, monotonic milliseconds.
    pub(crate) fn next_at(&self) -> u64 {
        self.next_at
    }

    /// There is a reason to look soon.
    pub(crate) fn soon(&mut self, mono: u64) {
        self.next_at = self.next_at.min(mono + SOON);
    }
}

impl Scheduler {
    /// Scans when it is time to. `true` if there is more to do at once.
    pub(crate) fn sweep(&mut self) -> bool {
        let mut found = false;
        if self.scan.next_at <= self.now.mono {
            self.scan.next_at = self.now.mono + EACH;
            found = self.take_over() > 0;
            self.own_up();
            let stale = self.tracks.stale();
            self.scan.stale = stale.into();
            self.remove_finished();
        }
        for _ in 0..SWEEP {
            let Some(place) = self.scan.stale.pop_front() else { break };
            self.log_stale(place);
        }
        if self.scan.stale.is_empty() {
            // Its memory is not needed before the next scan.
            self.scan.stale = VecDeque::new();
        }
        found || !self.scan.stale.is_empty()
    }

    /// A message that has waited without an attempt goes into the log, too, so that the cursor can pass it.
    fn log_stale(&mut self, place: Place) {
        if self.unrouted.contains(place) {
            return;
        }
        match self.records.peek(&mut self.spool, place) {
            Ok(entry) if self.queue.contains(entry.id) => self.book.waits(place, entry.id),
            Ok(_) => {}
            Err(error) => log::error!("the record at {place:?}: {error}"),
        }
    }

    /// Says how many hints did not hold.
    fn own_up(&mut self) {
        if self.hints_dropped > 0 {
            let count = std::mem::take(&mut self.hints_dropped);
            self.note_own(ProgramEvent::HintsDropped { count, why: "they name nothing that is there" });
        }
    }

    /// Takes over the segments of dead writers; gives how many there were.
    pub(super) fn take_over(&mut self) -> u64 {
        match self.spool.takeover(&self.tracks.positions()) {
            Ok(found) => {
                self.scan.failed = false;
                self.taken_over(found)
            }
            Err(error) => {
                self.scan.failed = true;
                self.note_failure("take-over", "segments", &error, "tried again in 60s");
                0
            }
        }
    }

    fn taken_over(&mut self, found: Takeover) -> u64 {
        for range in &found.segments {
            self.tracks.open(range.segment, range.from).release(range.to);
        }
        for damage in &found.damage {
            self.note_damage(damage);
        }
        for segment in found.unreadable {
            if self.scan.unreadable.insert(segment) {
                let why = "the segment header is not valid; look at it with `grange spool check`";
                self.note_own(ProgramEvent::Damage { segment, offset: 0, length: 0, why });
            }
        }
        for orphan in found.orphans {
            log::info!("the content of message {orphan}, which was never committed, is removed");
        }
        u64::try_from(found.segments.len()).unwrap_or(u64::MAX)
    }

    /// Says once what is damaged.
    pub(crate) fn note_damage(&mut self, damage: &Damage) {
        if !self.scan.told.insert(Place { segment: damage.segment, offset: damage.from }) {
            return;
        }
        let why = if damage.torn {
            format!("{} (torn, never acknowledged)", damage.defect)
        } else {
            damage.defect.to_string()
        };
        let length = damage.to.saturating_sub(damage.from);
        self.note_own(ProgramEvent::Damage {
            segment: damage.segment,
            offset: damage.from,
            length,
            why: &why,
        });
    }

    /// Has segments removed in which everything is finished.
    pub(crate) fn remove_finished(&mut self) {
        for segment in self.removable() {
            if self.agents.hold(segment) {
                self.agents.release(segment);
            } else if let Err(error) = self.order_removal(segment) {
                self.note_failure("remove", &format!("segments/{segment}"), &error, "tried again in 60s");
                self.stays(segment);
            }
        }
    }

    /// Segments in which everything is finished, and durably so.
    fn removable(&mut self) -> Vec<SpoolId> {
        let spent: Vec<(SpoolId, Option<Mark>)> = self
            .tracks
            .iter()
            .filter(|&(segment, track)| track.is_spent() && !self.keeper.is_removing(segment))
            .filter(|(_, track)| track.not_before <= self.now.mono)
            .map(|(segment, track)| (segment, track.gone_at))
            .collect();
        let mut removable = Vec::new();
        for (segment, mark) in spent {
            let needed = self.queue.live_in(segment) > 0
                || self.keeper.copies_from(segment)
                || self.unrouted.needs(segment)
                || self.notices.needs(segment);
            match mark {
                _ if needed => self.set_gone_at(segment, None),
                None => {
                    let mark = self.ledger.mark();
                    self.set_gone_at(segment, Some(mark));
                }
                Some(mark) if self.ledger.is_durable(mark) => removable.push(segment),
                Some(_) => {}
            }
        }
        removable
    }

    fn set_gone_at(&mut self, segment: SpoolId, mark: Option<Mark>) {
        if let Some(track) = self.tracks.get_mut(segment) {
            track.gone_at = mark;
        }
    }

    /// A segment is removed.
    pub(crate) fn gone(&mut self, segment: SpoolId) {
        self.spool.forget(segment);
        self.tracks.forget(segment);
        self.records.forget_segment(segment);
        self.scan.told.retain(|place| place.segment != segment);
        self.log(&LogRecord::Removed { segment });
    }

    /// A segment could not be removed.
    pub(crate) fn stays(&mut self, segment: SpoolId) {
        if let Some(track) = self.tracks.get_mut(segment) {
            (track.gone_at, track.not_before) = (None, self.now.mono + EACH);
        }
    }
}
