//! Large contents that are finished: their files go at once, and not only with the segment of their record.

use crate::log::Mark;
use crate::state::Scheduler;
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeMap;

/// Files of large contents that were handed out, and those that nobody needs any more.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    handed_out: BTreeMap<Place, SpoolId>,
    /// To be removed when the log is durable up to the mark: the line before it says that the message is finished.
    spent: Vec<(Mark, Place, SpoolId)>,
}

impl Contents {
    /// A job reads this file.
    pub(crate) fn handed_out(&mut self, place: Place, id: SpoolId) {
        self.handed_out.insert(place, id);
    }

    /// The message has a new place.
    pub(crate) fn moved(&mut self, from: Place, to: Place) {
        if let Some(id) = self.handed_out.remove(&from) {
            self.handed_out.insert(to, id);
        }
    }

    /// The message is finished; the log says so up to the mark.
    pub(crate) fn finished(&mut self, place: Place, mark: Mark) {
        if let Some(id) = self.handed_out.remove(&place) {
            self.spent.push((mark, place, id));
        }
    }
}

impl Scheduler {
    /// Removes what is finished durably and what no notice quotes. An agent that still has the file open keeps what it
    /// reads; a file that comes back after a power cut goes with its segment.
    pub(crate) fn remove_contents(&mut self) {
        let Self { contents, ledger, notices, keeper, .. } = self;
        contents.spent.retain(|&(mark, place, id)| {
            if !ledger.is_durable(mark) || notices.is_about(place) {
                return true;
            }
            keeper.discard(id);
            false
        });
    }
}
