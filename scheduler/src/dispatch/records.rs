//! Envelopes, loaded when they are needed: the queue keeps none, because a message may wait for days.
//!
//! The last ones stay: a message that has just arrived is fed at once, and a list with thousands of recipients is asked
//! for again with each of them.

use proto::id::SpoolId;
use proto::place::Place;
use spool::{Entry, Segments, Spool, SpoolError};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Entries kept.
const KEPT: usize = 1024;

/// Recipients of all entries kept, together.
const RECIPIENTS: usize = 100_000;

/// The envelopes that were needed last.
#[derive(Debug, Default)]
pub(crate) struct Records {
    entries: HashMap<Place, Arc<Entry>>,
    order: VecDeque<Place>,
    recipients: usize,
}

impl Records {
    /// Keeps an entry that was just read.
    pub(crate) fn put(&mut self, entry: Entry) -> Arc<Entry> {
        let (place, entry) = (entry.place, Arc::new(entry));
        if self.entries.insert(place, Arc::clone(&entry)).is_none() {
            self.order.push_back(place);
            self.recipients += entry.envelope.recipients.len();
        }
        while (self.order.len() > KEPT || self.recipients > RECIPIENTS) && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(gone) = self.entries.remove(&oldest) {
                self.recipients -= gone.envelope.recipients.len();
            }
        }
        entry
    }

    /// Nothing lies there any more that anybody needs.
    pub(crate) fn forget(&mut self, place: Place) {
        if let Some(gone) = self.entries.remove(&place) {
            self.recipients -= gone.envelope.recipients.len();
        }
    }

    /// A segment is gone.
    pub(crate) fn forget_segment(&mut self, segment: SpoolId) {
        let places: Vec<Place> =
            self.order.iter().filter(|place| place.segment == segment).copied().collect();
        places.into_iter().for_each(|place| self.forget(place));
        self.order.retain(|place| place.segment != segment);
    }

    /// The entry at a place, without keeping it.
    ///
    /// # Errors
    /// As [`Spool::load`].
    pub(crate) fn peek(&self, spool: &mut Segments, place: Place) -> Result<Arc<Entry>, SpoolError> {
        match self.entries.get(&place) {
            Some(entry) => Ok(Arc::clone(entry)),
            None => Ok(Arc::new(spool.load(place)?)),
        }
    }

    /// The entry at a place, from memory or from the spool.
    ///
    /// # Errors
    /// As [`Spool::load`].
    pub(crate) fn get(&mut self, spool: &mut Segments, place: Place) -> Result<Arc<Entry>, SpoolError> {
        match self.entries.get(&place) {
            Some(entry) => Ok(Arc::clone(entry)),
            None => Ok(self.put(spool.load(place)?)),
        }
    }
}
