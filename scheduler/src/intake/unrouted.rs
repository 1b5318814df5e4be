//! Messages that wait for the router, and the attempts at expanding them.
//!
//! An attempt comes in parts; it counts once all parts up to its closing one are there, and the first that counts wins.
//! A part may be read before the message that it is about. Nothing of a message is delivered before an attempt has won.

use proto::id::SpoolId;
use proto::place::Place;
use spool::Expansion;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Milliseconds until the router is asked again about a message that its hint should have brought it.
const FIRST_ASK: u64 = 5_000;

/// Milliseconds between further questions.
const NEXT_ASK: u64 = 60_000;

/// What is said of a message that the router has put into quarantine.
const QUARANTINED: &str = "killed the router three times";

/// A message with recipients that have no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its id.
    pub(crate) id: SpoolId,
    /// Why it is held, if it is.
    pub(crate) held: Option<String>,
    /// The router has put it into quarantine. It is asked about nevertheless: another router knows nothing of that.
    quarantined: bool,
    /// The router is to take it out of quarantine when it is asked next.
    again: bool,
    /// When the router is asked next, monotonic milliseconds.
    ask_at: u64,
}

impl Message {
    /// Why it does not go, be it held or in quarantine.
    pub(crate) fn why_held(&self) -> Option<&str> {
        self.held.as_deref().or(self.quarantined.then_some(QUARANTINED))
    }

    /// Wants it tried again; false if it is not in quarantine.
    fn pardon(&mut self) -> bool {
        self.again |= self.quarantined;
        std::mem::take(&mut self.quarantined)
    }
}

/// One part of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    place: Place,
    recipients: u32,
    closed: bool,
}

/// An attempt that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Winner {
    pub(super) attempt: u32,
    /// The index of the first recipient of each part, and where the part lies.
    pub(super) parts: Vec<(u32, Place)>,
}

/// All of them, by the place of the message.
#[derive(Debug, Default)]
pub(crate) struct Unrouted {
    messages: BTreeMap<Place, Message>,
    places: BTreeMap<SpoolId, Place>,
    /// By message, attempt and first recipient.
    parts: BTreeMap<Place, BTreeMap<(u32, u32), Part>>,
}

impl Unrouted {
    /// A message came that needs the router.
    pub(super) fn insert(&mut self, place: Place, id: SpoolId, held: Option<String>, mono: u64) {
        self.places.insert(id, place);
        let ask_at = mono + FIRST_ASK;
        self.messages.insert(place, Message { id, held, quarantined: false, again: false, ask_at });
    }

    /// A part of an expansion came.
    pub(super) fn add_part(&mut self, part: &Expansion, recipients: u32, place: Place) {
        let parts = self.parts.entry(part.of).or_default();
        parts.insert((part.attempt, part.first), Part { place, recipients, closed: part.closed });
    }

    /// The first attempt that is complete, if the message is here and may go.
    pub(super) fn winner(&self, of: Place) -> Option<Winner> {
        self.messages.get(&of).filter(|message| message.held.is_none())?;
        let parts = self.parts.get(&of)?;
        let mut attempts: Vec<u32> = parts.keys().map(|&(attempt, _)| attempt).collect();
        attempts.dedup();
        attempts
            .into_iter()
            .find_map(|attempt| complete(parts, attempt).map(|parts| Winner { attempt, parts }))
    }

    /// Forgets one attempt and gives the places of its parts.
    pub(super) fn discard(&mut self, of: Place, attempt: u32) -> Vec<Place> {
        let Some(parts) = self.parts.get_mut(&of) else { return Vec::new() };
        let others = parts.split_off(&(attempt.saturating_add(1), 0));
        let gone = parts.split_off(&(attempt, 0));
        parts.extend(others);
        gone.into_values().map(|part| part.place).collect()
    }

    /// Forgets a message and gives the places of all parts about it.
    pub(crate) fn remove(&mut self, of: Place) -> Vec<Place> {
        if let Some(message) = self.messages.remove(&of) {
            self.places.remove(&message.id);
        }
        let parts = self.parts.remove(&of).unwrap_or_default();
        parts.into_values().map(|part| part.place).collect()
    }

    /// The message lies there and needs the router.
    pub(crate) fn contains(&self, place: Place) -> bool {
        self.messages.contains_key(&place)
    }

    /// The message of that id.
    pub(crate) fn find(&self, id: SpoolId) -> Option<Place> {
        self.places.get(&id).copied()
    }

    /// The router says that it does not try this message again.
    pub(crate) fn quarantine(&mut self, place: Place) {
        if let Some(message) = self.messages.get_mut(&place) {
            // What was asked before the operator wanted it again has its answer, too.
            message.quarantined = !message.again;
        }
    }

    /// Sets or clears why a message is held, and with that its quarantine; false if it was so already.
    pub(crate) fn set_held(&mut self, place: Place, held: Option<String>) -> bool {
        let Some(message) = self.messages.get_mut(&place) else { return false };
        let pardoned = held.is_none() && message.pardon();
        let changed = message.held.is_some() != held.is_some();
        message.held = held;
        changed || pardoned
    }

    /// The router is gone, and with it its quarantine: asks the next one about what was in it.
    pub(crate) fn end_quarantine(&mut self) {
        self.hasten(|message| message.quarantined);
    }

    /// All messages, in the order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &Message)> {
        self.messages.iter().map(|(&place, message)| (place, message))
    }

    /// The messages after a place, in the order of their places.
    pub(crate) fn after(&self, place: Option<Place>) -> impl Iterator<Item = (Place, &Message)> {
        let begin = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.messages.range((begin, Bound::Unbounded)).map(|(&place, message)| (place, message))
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// A message or a part of an expansion lies in this segment, or a part is about a message in it.
    pub(crate) fn needs(&self, segment: SpoolId) -> bool {
        self.messages.keys().chain(self.parts.keys()).any(|place| place.segment == segment)
            || self.parts.values().flat_map(BTreeMap::values).any(|part| part.place.segment == segment)
    }

    /// The messages about which the router is to be asked now, `limit` at most, each with whether it is to take it out
    /// of quarantine.
    pub(crate) fn due(&mut self, mono: u64, limit: usize) -> Vec<(Place, bool)> {
        let due = |message: &Message| message.held.is_none() && message.ask_at <= mono;
        let due = self.messages.iter_mut().filter(|(_, message)| due(message)).take(limit);
        due.map(|(&place, message)| {
            message.ask_at = mono + NEXT_ASK;
            (place, std::mem::take(&mut message.again))
        })
        .collect()
    }

    /// Asks about these messages at once, and about those in quarantine that they be tried again.
    pub(crate) fn hasten(&mut self, which: impl Fn(&Message) -> bool) -> usize {
        let chosen = self.messages.values_mut().filter(|message| which(message));
        chosen
            .map(|message| {
                message.pardon();
                message.ask_at = 0;
            })
            .count()
    }
}

/// The parts of one attempt in order, if none is missing.
fn complete(parts: &BTreeMap<(u32, u32), Part>, attempt: u32) -> Option<Vec<(u32, Place)>> {
    let (mut next, mut places) = (0, Vec::new());
    for (&(_, first), part) in parts.range((attempt, 0)..=(attempt, u32::MAX)) {
        if first != next {
            return None;
        }
        places.push((first, part.place));
        next = first.saturating_add(part.recipients);
        if part.closed {
            return Some(places);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: u64) -> Place {
        Place { segment: SpoolId::new(1, 2, 3, 4), offset }
    }

    fn add(table: &mut Unrouted, attempt: u32, first: u32, recipients: u32, closed: bool) {
        let part = Expansion { of: place(1), attempt, first, closed };
        let at = u64::from(attempt) * 100 + u64::from(first);
        table.add_part(&part, recipients, place(at));
    }

    #[test]
    fn an_attempt_wins_when_all_its_parts_are_there() {
        let mut table = Unrouted::default();
        table.insert(place(1), SpoolId::new(9, 0, 0, 0), None, 0);
        add(&mut table, 1, 0, 5, false);
        add(&mut table, 2, 5, 2, true);
        assert_eq!(table.winner(place(1)), None, "one lacks its end, the other its beginning");
        add(&mut table, 2, 0, 5, false);
        let winner = Winner { attempt: 2, parts: vec![(0, place(200)), (5, place(205))] };
        assert_eq!(table.winner(place(1)), Some(winner));
        assert_eq!(table.discard(place(1), 2), [place(200), place(205)]);
        assert_eq!(table.winner(place(1)), None);
        assert_eq!(table.remove(place(1)).len(), 1);
        assert!(!table.needs(place(1).segment));
    }

    #[test]
    fn parts_wait_for_their_message_and_a_held_one_does_not_go() {
        let mut table = Unrouted::default();
        add(&mut table, 1, 0, 1, true);
        assert!(table.winner(place(1)).is_none() && table.needs(place(1).segment));
        table.insert(place(1), SpoolId::new(9, 0, 0, 0), Some("by the operator".into()), 0);
        assert!(table.winner(place(1)).is_none());
        assert!(table.set_held(place(1), None));
        assert!(table.winner(place(1)).is_some());
    }

    #[test]
    fn the_router_is_asked_after_five_seconds_and_then_each_minute() {
        let mut table = Unrouted::default();
        table.insert(place(1), SpoolId::new(9, 0, 0, 0), None, 1_000);
        assert_eq!(table.due(5_999, 10), []);
        assert_eq!(table.due(6_000, 10), [(place(1), false)]);
        assert_eq!(table.due(65_999, 10), []);
        assert_eq!(table.due(66_000, 10), [(place(1), false)]);
        table.hasten(|_| true);
        assert_eq!(table.due(66_001, 10), [(place(1), false)]);
    }

    #[test]
    fn what_is_in_quarantine_is_asked_for_again_once() {
        let mut table = Unrouted::default();
        table.insert(place(1), SpoolId::new(9, 0, 0, 0), None, 0);
        table.quarantine(place(1));
        let why = |table: &Unrouted| table.iter().find_map(|(_, it)| it.why_held().map(str::to_owned));
        assert_eq!(why(&table).as_deref(), Some(QUARANTINED));
        assert_eq!(table.due(5_000, 10), [(place(1), false)], "a new router would try it");
        table.hasten(|_| true);
        table.quarantine(place(1));
        assert_eq!(why(&table), None, "that answer came of an earlier question");
        assert_eq!(table.due(5_001, 10), [(place(1), true)]);
        table.quarantine(place(1));
        assert!(table.set_held(place(1), None) && !table.set_held(place(1), None));
        assert_eq!(table.due(65_001, 10), [(place(1), true)]);
    }
}
