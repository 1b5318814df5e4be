//! A message has a new place.

use crate::state::Scheduler;
use proto::id::SpoolId;
use proto::place::Place;
use spool::log::LogRecord;

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
}
