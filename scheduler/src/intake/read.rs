//! Reads on: from our own cursor in each segment to where it was announced, within the budget of a turn and the room of
//! the queue.

use super::track::Track;
use crate::state::Scheduler;
use proto::id::SpoolId;
use proto::place::Place;
use spool::{Announced, Spool, SpoolError, Walked};

/// Entries read per turn, so that agents and hints get their turn, too.
const BUDGET: usize = 500;

/// Milliseconds until a segment that could not be read is tried again.
const PAUSE: u64 = 60_000;

impl Scheduler {
    /// Reads what was announced. `true` if more could be read at once.
    pub(crate) fn read_on(&mut self) -> bool {
        let mut budget = BUDGET;
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
        let Some(track) = self.tracks.get(segment) else { return 0 };
        let range = Announced { segment, from: track.read, to: track.end };
        match self.spool.walk(range, limit) {
            Ok(walked) => self.take_in(range, walked, limit),
            Err(SpoolError::Absent(_)) => {
                // Somebody forged a hint, or the administrator removed the file.
                self.tracks.forget(segment);
                0
            }
            Err(error) => {
                self.note_failure("read", &format!("segments/{segment}"), &error, "reads on later");
                if let Some(track) = self.tracks.get_mut(segment) {
                    // A live segment is believed again when its writer announces the next end.
                    track.not_before = self.now.mono + PAUSE;
                    track.end = if track.released { track.end } else { track.read };
                }
                0
            }
        }
    }

    fn take_in(&mut self, range: Announced, walked: Walked, limit: usize) -> usize {
        let count = walked.entries.len();
        let next = if count < limit { range.to } else { walked.next };
        for entry in &walked.entries {
            self.tracks.loosen(Place { segment: range.segment, offset: entry.place.offset });
        }
        if let Some(track) = self.tracks.get_mut(range.segment) {
            track.read = next.max(track.read);
        }
        for entry in walked.entries {
            self.arrive(entry);
        }
        count
    }

    /// Everything that was announced has been read.
    pub(crate) fn is_all_read(&self) -> bool {
        self.tracks.iter().all(|(_, track)| Track::is_read(track))
    }
}
