//! Reads on: from our own cursor in each segment to where it was announced, within the budget of a turn and the room of
//! the queue.

use super::track::Track;
use crate::state::Scheduler;
use proto::id::SpoolId;
use proto::place::Place;
use spool::{Announced, Spool, SpoolError, Walked};

/// Entries read per turn, so that agents and hints get their turn, too.
const BUDGET: usize = 500;

/// Recipients that are too many for one turn.
const HEAVY: usize = 4_000;

/// How often the budget is halved at most: to 3 entries.
const SLOWEST: u32 = 7;

/// Milliseconds until a segment that could not be read is tried again.
const PAUSE: u64 = 60_000;

impl Scheduler {
    /// Reads what was announced. `true` if more could be read at once.
    pub(crate) fn read_on(&mut self) -> bool {
        let mut budget = BUDGET >> self.tracks.slowness;
        for segment in self.tracks.readable(self.now.mono) {
            let limit = budget.min(self.room());
            if limit == 0 {
                return self.room() > 0;
            }
            budget -= self.read_segment(segment, limit);
        }
        self.room() > 0 && !self.tracks.readable(self.now.mono).is_empty()
    }

    /// How many messages may be taken into memory.
    pub(super) fn room(&self) -> usize {
        self.queue.room().saturating_sub(self.unrouted.len())
    }

    fn read_segment(&mut self, segment: SpoolId, limit: usize) -> usize {
        let Some((from, to)) = self.tracks.get(segment).and_then(|track| Some((track.read, track.end()?)))
        else {
            return 0;
        };
        let range = Announced { segment, from, to };
        match self.spool.walk(range, limit) {
            Ok(walked) => self.take_in(range, walked, limit),
            Err(error) => {
                self.unread(range, &error);
                0
            }
        }
    }

    /// A range could not be read.
    fn unread(&mut self, range: Announced, error: &SpoolError) {
        let Some(track) = self.tracks.get_mut(range.segment) else { return };
        match error {
            // Somebody forged a hint, or the administrator removed the file.
            SpoolError::Absent(_) => self.tracks.forget(range.segment),
            // A live writer has announced something else.
            SpoolError::Damaged { .. } if !track.is_released() => {
                track.disbelieve(range.to);
                self.hints_dropped += 1;
            }
            error => {
                track.not_before = self.now.mono + PAUSE;
                let file = format!("segments/{}", range.segment);
                self.note_failure("read", &file, error, "reads on in 60s");
            }
        }
    }

    fn take_in(&mut self, range: Announced, walked: Walked, limit: usize) -> usize {
        let count = walked.entries.len();
        let recipients: usize = walked.entries.iter().map(|entry| entry.envelope.recipients.len()).sum();
        // A list comes in parts with very many recipients each: then fewer parts are read per turn.
        let slowness = &mut self.tracks.slowness;
        *slowness =
            if recipients > HEAVY { (*slowness + 2).min(SLOWEST) } else { slowness.saturating_sub(1) };
        for damage in &walked.damage {
            self.note_damage(damage);
        }
        for entry in &walked.entries {
            self.tracks.loosen(Place { segment: range.segment, offset: entry.place.offset });
        }
        if let Some(track) = self.tracks.get_mut(range.segment) {
            let next = walked.entries.last().map(|entry| entry.end);
            track.advance(range.to, next, count < limit);
        }
        for entry in walked.entries {
            self.arrive(entry);
        }
        count
    }

    /// Everything that was announced has been read.
    pub(crate) fn is_all_read(&self) -> bool {
        self.scan.knows_all() && self.tracks.iter().all(|(_, track)| Track::is_read(track))
    }
}
