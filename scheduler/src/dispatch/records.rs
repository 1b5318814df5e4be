//! Envelopes, loaded when they are needed: the queue keeps none, because a message may wait for days.
//!
//! Those needed last stay: a message that has just arrived is fed at once, and a list with thousands of recipients is
//! asked for again with each of them.
//!
//! Invariants: each entry kept stands in `order` once, under the number of its last use; `recipients` is the sum over
//! all of them.

use proto::id::SpoolId;
use proto::place::Place;
use spool::{Entry, Segments, Spool, SpoolError};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Entries kept.
const KEPT: usize = 1024;

/// Recipients of all entries kept, together: room for a list or two of the largest kind, and for the mail beside them. The
/// entry that was used last stays even if it has more.
const RECIPIENTS: usize = 250_000;

/// The envelopes that were needed last.
#[derive(Debug, Default)]
pub(crate) struct Records {
    entries: HashMap<Place, (u64, Arc<Entry>)>,
    order: BTreeMap<u64, Place>,
    uses: u64,
    recipients: usize,
}

impl Records {
    /// Keeps an entry that was just read.
    pub(crate) fn put(&mut self, entry: Entry) -> Arc<Entry> {
        let (place, entry) = (entry.place, Arc::new(entry));
        self.forget(place);
        self.recipients += entry.envelope.recipients.len();
        self.uses += 1;
        self.order.insert(self.uses, place);
        self.entries.insert(place, (self.uses, Arc::clone(&entry)));
        while (self.order.len() > KEPT || self.recipients > RECIPIENTS) && self.order.len() > 1 {
            let Some(&oldest) = self.order.values().next() else { break };
            self.forget(oldest);
        }
        entry
    }

    /// Nothing lies there any more that anybody needs.
    pub(crate) fn forget(&mut self, place: Place) {
        if let Some((used, gone)) = self.entries.remove(&place) {
            self.order.remove(&used);
            self.recipients -= gone.envelope.recipients.len();
        }
    }

    /// A segment is gone.
    pub(crate) fn forget_segment(&mut self, segment: SpoolId) {
        let places: Vec<Place> =
            self.entries.keys().filter(|place| place.segment == segment).copied().collect();
        places.into_iter().for_each(|place| self.forget(place));
    }

    /// The entry at a place, without keeping it.
    ///
    /// # Errors
    /// As [`Spool::load`].
    pub(crate) fn peek(&self, spool: &mut Segments, place: Place) -> Result<Arc<Entry>, SpoolError> {
        match self.entries.get(&place) {
            Some((_, entry)) => Ok(Arc::clone(entry)),
            None => Ok(Arc::new(spool.load(place)?)),
        }
    }

    /// The entry at a place, from memory or from the spool.
    ///
    /// # Errors
    /// As [`Spool::load`].
    pub(crate) fn get(&mut self, spool: &mut Segments, place: Place) -> Result<Arc<Entry>, SpoolError> {
        match self.touch(place) {
            Some(entry) => Ok(entry),
            None => Ok(self.put(spool.load(place)?)),
        }
    }

    /// The entry at a place if it is kept; it has been used last now.
    fn touch(&mut self, place: Place) -> Option<Arc<Entry>> {
        let (used, entry) = self.entries.get_mut(&place)?;
        self.order.remove(used);
        self.uses += 1;
        *used = self.uses;
        self.order.insert(self.uses, place);
        Some(Arc::clone(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::address::{Mailbox, ReversePath};
    use proto::envelope::{Envelope, Origin, Recipient, Shape};
    use spool::{Content, Kind};

    fn place(offset: u64) -> Place {
        Place { segment: SpoolId::new(1, 2, 3, 4), offset }
    }

    fn entry(offset: u64, recipients: usize) -> Entry {
        let address: Mailbox = "ann@far.example".parse().unwrap();
        let envelope = Envelope {
            from: ReversePath::Null,
            recipients: vec![Recipient::new(address, None); recipients],
            received: 0,
            origin: Origin::default(),
            shape: Shape::default(),
            terms: proto::terms::Terms::default(),
        };
        Entry {
            id: SpoolId::new(1, 2, 3, 4),
            place: place(offset),
            end: offset + 1,
            kind: Kind::Message,
            envelope,
            held: None,
            preserved: Vec::new(),
            content: Content::Record { offset, length: 0, sum: 0 },
            copied: None,
        }
    }

    fn kept(records: &Records) -> Vec<u64> {
        records.order.values().map(|place| place.offset).collect()
    }

    #[test]
    fn a_list_that_is_asked_for_again_and_again_stays_beside_newcomers() {
        let mut records = Records::default();
        records.put(entry(0, RECIPIENTS - 2));
        for offset in 1..9 {
            records.put(entry(offset, 1));
            records.touch(place(0));
        }
        assert_eq!(kept(&records), [7, 8, 0]);
        assert_eq!(records.recipients, RECIPIENTS);
    }

    #[test]
    fn what_is_forgotten_leaves_nothing_behind() {
        let mut records = Records::default();
        (0..5).for_each(|offset| drop(records.put(entry(offset, 2))));
        records.forget(place(3));
        records.put(entry(0, 1));
        assert_eq!((kept(&records), records.recipients), (vec![1, 2, 4, 0], 7));
        records.forget_segment(place(0).segment);
        assert_eq!((records.entries.len(), records.order.len(), records.recipients), (0, 0, 0));
    }
}
