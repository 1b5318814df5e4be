//! What the world knows about every recipient, written down apart from the queue, to compare.

use proto::id::SpoolId;
use proto::terms::{ByMode, Special};
use scheduler::queue::{Arrival, Feed, JobId};
use std::collections::{BTreeMap, BTreeSet};

/// One accepted message.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) arrived: u64,
    pub(super) order: u64,
    pub(super) notify: bool,
    pub(super) open: BTreeSet<u32>,
    pub(super) special: Special,
    /// Held once, or not plain, so not in order.
    pub(super) disturbed: bool,
}

/// The books of the world.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) messages: BTreeMap<SpoolId, Entry>,
    pub(super) in_flight: BTreeMap<(SpoolId, u32), JobId>,
    pub(super) accepted: u64,
    pub(super) delivered: u64,
    pub(super) reported: u64,
    pub(super) dropped: u64,
    pub(super) removed: u64,
    pub(super) finished: u64,
    fed_once: BTreeSet<(SpoolId, String)>,
    last_first: BTreeMap<String, u64>,
    pub(super) feeds: BTreeMap<String, u64>,
}

impl Ledger {
    pub(super) fn accept(&mut self, arrival: &Arrival, mono: u64) {
        let open: BTreeSet<u32> = arrival.legs.iter().flat_map(|leg| leg.recipients.clone()).collect();
        self.accepted += u64::try_from(open.len()).unwrap_or(0);
        let order = self.accepted;
        let special = arrival.special;
        let disturbed = !special.is_plain();
        let entry = Entry { arrived: mono, order, notify: arrival.notify, open, special, disturbed };
        assert!(self.messages.insert(arrival.message, entry).is_none(), "an id was used twice");
    }

    /// A job is handed out: nothing of it may be in flight or finished, its time must have come and not be over, and untried
    /// messages go in order. `latest` is the latest time that the wall clock has ever shown.
    pub(super) fn feed(&mut self, feed: &Feed, utc: u64, latest: u64) {
        let entry = self.messages.get(&feed.message).expect("only what was accepted is fed");
        assert!(
            entry.special.hold_until.is_none_or(|until| until <= latest),
            "{} goes too early",
            feed.message
        );
        let by = entry.special.deliver_by.filter(|by| by.mode == ByMode::Return);
        assert!(by.is_none_or(|by| by.until > utc), "{} goes too late", feed.message);
        for &index in &feed.recipients {
            assert!(entry.open.contains(&index), "{} {index} was finished before", feed.message);
            let before = self.in_flight.insert((feed.message, index), feed.job);
            assert_eq!(before, None, "{} {index} is in flight twice", feed.message);
        }
        *self.feeds.entry(feed.host.to_string()).or_default() += 1;
        if self.fed_once.insert((feed.message, feed.host.to_string())) && !entry.disturbed {
            let last = self.last_first.insert(feed.host.to_string(), entry.order).unwrap_or(0);
            assert!(last < entry.order, "{} overtook another for {}", feed.message, feed.host);
        }
    }

    /// A job has ended, one way or another.
    pub(super) fn land(&mut self, feed: &Feed) {
        for &index in &feed.recipients {
            if self.in_flight.get(&(feed.message, index)) == Some(&feed.job) {
                self.in_flight.remove(&(feed.message, index));
            }
        }
    }

    /// A recipient is finished.
    pub(super) fn close(&mut self, message: SpoolId, index: u32) {
        let entry = self.messages.get_mut(&message).expect("only what was accepted ends");
        assert!(entry.open.remove(&index), "{message} {index} ended twice");
    }

    pub(super) fn finish(&mut self, message: SpoolId) {
        let entry = self.messages.remove(&message).expect("a message is finished once");
        assert!(entry.open.is_empty(), "{message} is finished with {:?} open", entry.open);
        self.finished += 1;
    }

    /// What a checkpoint would hold is what is open.
    pub(super) fn compare(&self, arrivals: &[Arrival]) {
        assert_eq!(arrivals.len(), self.messages.len());
        for arrival in arrivals {
            let open: BTreeSet<u32> = arrival.legs.iter().flat_map(|leg| leg.recipients.clone()).collect();
            assert_eq!(open, self.messages.get(&arrival.message).expect("accepted").open);
        }
    }
}
