//! From an entry of a segment to the queue.

use crate::log::Finished;
use crate::queue::{Arrival, Hold, Leg};
use crate::state::{Known, Scheduler};
use farm::journal::MessageEvent;
use proto::address::ReversePath;
use proto::envelope::Recipient;
use proto::place::Place;
use spool::{Entry, Kind};
use std::collections::{BTreeMap, BTreeSet};

impl Scheduler {
    /// Deals with an entry that was just read.
    pub(super) fn arrive(&mut self, entry: Entry) {
        let place = entry.place;
        let finished = match self.known.remove(&place) {
            Some(Known::Waiting) => {
                self.tracks.logged(place);
                return self.drop_parts(place);
            }
            Some(Known::Finished(Finished::All)) => {
                self.tracks.finished(place);
                return self.drop_parts(place);
            }
            Some(Known::Finished(Finished::Some(finished))) => finished,
            None => BTreeSet::new(),
        };
        match entry.kind {
            Kind::Expansion(part) => self.part_arrived(part, &entry),
            Kind::Notice { .. } => {
                self.notices.seen(entry.id);
                self.message_arrived(entry, &finished);
            }
            Kind::Message => self.message_arrived(entry, &finished),
        }
    }

    fn message_arrived(&mut self, entry: Entry, finished: &BTreeSet<u32>) {
        let place = entry.place;
        let recipients = &entry.envelope.recipients;
        let unrouted = recipients.is_empty() || recipients.iter().any(|recipient| recipient.route.is_none());
        if self.queue.contains(entry.id) || self.unrouted.find(entry.id).is_some_and(|other| other != place) {
            // An id seen twice is one message.
            self.book.finished(place);
            return self.drop_parts(place);
        }
        let held = entry.held.as_ref().map(ToString::to_string);
        if let Some(why) = &held {
            self.note(entry.id, MessageEvent::Held { by: "spool", why });
        }
        if unrouted && (held.is_some() || !recipients.is_empty()) {
            let held = held.or_else(|| self.holds.remove(&place).map(|hold| hold.to_string()));
            self.unrouted.insert(place, entry.id, held, self.now.mono);
            self.records.put(entry);
            return self.expand_if_complete(place);
        }
        let id = entry.id;
        let hold = held.map(|_| Hold::Spool).or_else(|| self.holds.remove(&place));
        self.drop_parts(place);
        let entry = self.records.put(entry);
        let recipients = (0..).zip(&entry.envelope.recipients);
        let open = recipients.filter(|(index, _)| !finished.contains(index));
        let late = self.take_late(id);
        // What was reported is settled before anything is handed out.
        let pause = (!late.is_empty()).then_some(Hold::Operator);
        self.queue.arrived(arrival(&entry, legs(open), hold.or(pause)), self.now.utc);
        for (index, disposition) in late {
            self.queue.settled_by_id(id, index, disposition, self.now.utc);
        }
        if hold.is_none() && pause.is_some() {
            self.queue.release(id, self.now.utc);
        }
    }

    /// Nobody waits for the parts of an expansion that came before their message.
    fn drop_parts(&mut self, of: Place) {
        for part in self.unrouted.remove(of) {
            self.book.finished(part);
        }
    }
}

/// A message as the queue takes it.
pub(super) fn arrival(entry: &Entry, legs: Vec<Leg>, hold: Option<Hold>) -> Arrival {
    Arrival {
        message: entry.id,
        place: entry.place,
        received: entry.envelope.received,
        notify: entry.envelope.from != ReversePath::Null,
        hold,
        legs,
    }
}

/// Recipients grouped by where they go, in the order of their first; those without a route are left out.
pub(super) fn legs<'a>(recipients: impl Iterator<Item = (u32, &'a Recipient)>) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, recipient) in recipients {
        let Some(route) = &recipient.route else { continue };
        let at = *known.entry((&route.channel, &route.host)).or_insert(legs.len());
        match legs.get_mut(at) {
            Some(leg) => leg.recipients.push(index),
            None => legs.push(Leg::fresh(&route.channel, &route.host, vec![index])),
        }
    }
    legs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::envelope::Route;

    #[test]
    fn recipients_for_one_host_share_a_leg() {
        let recipient = |host: &str| Recipient {
            address: "a@b.example".parse().unwrap(),
            route: Some(Route { channel: "smtp".into(), host: host.into(), user: "a".into() }),
        };
        let mut all = vec![recipient("x"), recipient("y"), recipient("x")];
        all.push(Recipient { route: None, ..recipient("z") });
        let legs = legs((0..).zip(&all));
        let shown: Vec<_> = legs.iter().map(|leg| (leg.host.as_str(), leg.recipients.clone())).collect();
        assert_eq!(shown, [("x", vec![0, 2]), ("y", vec![1])]);
    }
}
