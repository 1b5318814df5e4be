//! From an entry of a segment to the queue.

use super::expanded::Kept;
use crate::log::Finished;
use crate::queue::{Arrival, Hold, Leg};
use crate::state::{Known, Scheduler};
use farm::journal::MessageEvent;
use proto::address::ReversePath;
use proto::envelope::Route;
use proto::place::Place;
use proto::terms::Special;
use spool::{Entry, Kind};
use std::collections::{BTreeSet, HashMap, HashSet};

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
            // The log speaks for it.
            None if self.queue.place_of(entry.id) == Some(place) => {
                self.tracks.logged(place);
                return self.drop_parts(place);
            }
            // It was copied and never moved, or is finished long since.
            None if entry.copied.is_some_and(|from| !self.is_all_that_is_left(place, from)) => {
                self.tracks.finished(place);
                return self.drop_parts(place);
            }
            None if entry.copied.is_some() && self.is_found_again(entry.id, place) => {
                self.tracks.logged(place);
                return self.drop_parts(place);
            }
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
        let open =
            recipients.filter(|(index, _)| !finished.contains(index)).filter_map(|(index, recipient)| {
                let Route { channel, host, user } = recipient.route.as_ref()?;
                Some(Goes { index, channel, host, user })
            });
        let late = self.take_late(id);
        if late.is_empty() {
            return self.enter(arrival(&entry, legs(open), hold), false);
        }
        // What was reported is settled before anything is handed out.
        let pause = Some(Hold::Operator);
        self.queue.arrived(arrival(&entry, legs(open), hold.or(pause)), self.now.utc);
        for (index, disposition) in late {
            self.queue.settled_by_id(id, index, disposition, self.now.utc);
        }
        if hold.is_none() {
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
    let recipients = entry.envelope.recipients.iter();
    Arrival {
        message: entry.id,
        place: entry.place,
        received: entry.envelope.received,
        notify: entry.envelope.from != ReversePath::Null,
        hold,
        special: Special::of(&entry.envelope.terms, recipients.map(|recipient| &recipient.terms)),
        legs,
    }
}

/// A recipient and its route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goes<'a> {
    pub(super) index: u32,
    pub(super) channel: &'a str,
    pub(super) host: &'a str,
    pub(super) user: &'a str,
}

impl<'a> From<Kept<'a>> for Goes<'a> {
    fn from(Kept { index, channel, host, user, .. }: Kept<'a>) -> Self {
        Self { index, channel, host, user }
    }
}

/// Recipients grouped by where they go, in the order of their first. A leg is what one agent gets at once, therefore it has
/// [`LEG`] users at most; recipients that go to the same user stay together.
pub(super) fn legs<'a>(recipients: impl Iterator<Item = Goes<'a>>) -> Vec<Leg> {
    let mut groups: Vec<Vec<Goes<'a>>> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for goes in recipients {
        let at = *known.entry((goes.channel, goes.host)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(goes),
            None => groups.push(vec![goes]),
        }
    }
    groups.into_iter().flat_map(divide).collect()
}

/// The legs of recipients that all go to one host.
fn divide(mut group: Vec<Goes<'_>>) -> Vec<Leg> {
    let leg = |part: &[Goes<'_>]| {
        let indexes = part.iter().map(|goes| goes.index).collect();
        part.first().map(|first| Leg::fresh(first.channel, first.host, indexes))
    };
    if group.len() <= LEG {
        return leg(&group).into_iter().collect();
    }
    let users: HashSet<&str> = group.iter().map(|goes| goes.user).collect();
    if users.len() < group.len() {
        group.sort_unstable_by_key(|goes| (goes.user, goes.index));
    }
    let (mut legs, mut rest) = (Vec::new(), group.as_slice());
    while rest.len() > LEG {
        let user = rest.get(LEG).map_or("", |goes| goes.user);
        let twins = |goes: &&Goes<'_>| goes.user == user;
        let before = rest.get(..LEG).unwrap_or_default().iter().rev().take_while(twins).count();
        let behind = rest.get(LEG..).unwrap_or_default().iter().take_while(twins).count();
        let at = if before < LEG { LEG - before } else { LEG + behind };
        let (part, others) = rest.split_at(at);
        legs.extend(leg(part));
        rest = others;
    }
    legs.extend(leg(rest));
    legs
}

/// Recipients in one leg, as a rule: so many go with one job.
const LEG: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(index: u32, host: &'static str, user: &'static str) -> Goes<'static> {
        Goes { index, channel: "smtp", host, user }
    }

    #[test]
    fn recipients_for_one_host_share_a_leg() {
        let all = [goes(0, "x", "a"), goes(1, "y", "b"), goes(2, "x", "c")];
        let legs = legs(all.into_iter());
        let shown: Vec<_> = legs.iter().map(|leg| (leg.host.as_str(), leg.recipients.clone())).collect();
        assert_eq!(shown, [("x", vec![0, 2]), ("y", vec![1])]);
    }

    #[test]
    fn a_long_leg_is_divided_but_not_between_two_for_one_user() {
        let users: Vec<String> = (0..3_000).map(|n| format!("u{:05}", n / 3)).collect();
        let all = (0..).zip(&users).map(|(index, user)| Goes { index, channel: "smtp", host: "x", user });
        let legs = legs(all);
        assert_eq!(legs.iter().map(|leg| leg.recipients.len()).collect::<Vec<_>>(), [999, 999, 999, 3]);
        let one = std::iter::repeat_n("same", 2_500).zip(0..).map(|(user, index)| goes(index, "x", user));
        assert_eq!(super::legs(one).len(), 1, "the others follow the first, whatever their number");
    }
}
