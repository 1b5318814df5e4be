//! What is announced: by datagram from other writers, by ourselves for notices.

use crate::state::Scheduler;
use ipc::hint::Hint;
use proto::id::SpoolId;
use spool::{Announced, Spool};

impl Scheduler {
    /// A datagram came in. Junk is counted and otherwise ignored.
    pub(crate) fn hint(&mut self, datagram: &[u8]) {
        let good = Hint::decode(datagram).is_some_and(|hint| self.believe(hint));
        if !good {
            self.hints_dropped += 1;
        }
    }

    /// A hint is believed if its segment exists; what it says of an end is checked when that is read.
    fn believe(&mut self, hint: Hint) -> bool {
        if self.keeper.owns(hint.segment) {
            return true;
        }
        match self.tracks.get(hint.segment) {
            Some(track) if track.is_released() => true,
            Some(_) => {
                self.announce(hint.segment, hint.to);
                true
            }
            None => {
                let range = Announced { segment: hint.segment, from: super::track::FIRST, to: hint.to };
                // Reads one entry: the file is there, is a segment, and reaches that far.
                let real = self.spool.walk(range, 1).is_ok();
                if real {
                    self.announce(hint.segment, hint.to);
                    // Its writer has closed another one, as a rule.
                    self.scan.soon(self.now.mono);
                }
                real
            }
        }
    }

    /// A segment is durable up to this offset.
    pub(crate) fn announce(&mut self, segment: SpoolId, end: u64) {
        self.tracks.open(segment, 0).announce(end);
    }
}
