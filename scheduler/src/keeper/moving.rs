//! A message has a new place.

use crate::state::Scheduler;
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::LogRecord;
use spool::{Spool, SpoolError};

impl Scheduler {
    /// The message waits there, and the log speaks for it.
    pub(super) fn is_movable(&self, id: SpoolId, place: Place) -> bool {
        self.queue.place_of(id) == Some(place) && !self.tracks.is_loose(place)
    }

    /// The copy of a message counts from now on; false if the message is finished, so that nobody needs the copy.
    pub(super) fn move_message(&mut self, id: SpoolId, from: Place, to: Place) -> bool {
        if !self.is_movable(id, from) || !self.queue.moved(id, to) {
            return false;
        }
        self.log(&LogRecord::Moved { from, to });
        if let Some(expanded) = self.expanded.remove(&from) {
            self.expanded.insert(to, expanded);
        }
        self.records.forget(from);
        self.contents.moved(from, to);
        self.notices.moved(from, to);
        self.book.moved(from, to);
        true
    }

    /// Whether a copy of which the log does not speak is a message nevertheless: where the record that it was made of had
    /// gone before this process began, the log said what became of it, and lines of the log are lost.
    pub(crate) fn is_all_that_is_left(&mut self, copy: Place, from: Place) -> bool {
        let ours = self.keeper.spoiled.contains(&copy.segment) || self.keeper.there.contains(&from.segment);
        !ours && self.is_gone(from)
    }

    /// The log says that the message lies where nothing is any more: it lies at its copy. False if that is not so.
    pub(crate) fn is_found_again(&mut self, id: SpoolId, copy: Place) -> bool {
        let lost = self.queue.place_of(id).filter(|place| self.is_gone(*place));
        lost.is_some_and(|place| self.move_message(id, place, copy))
    }

    fn is_gone(&mut self, place: Place) -> bool {
        matches!(self.spool.load(place), Err(SpoolError::Absent(_)))
    }
}
