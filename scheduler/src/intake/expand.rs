//! Expansions: the first attempt of which all parts are there wins, and is written into the log before anything else is
//! said about the message, so that after a restart no other attempt can win.
//!
//! Recipients of the message itself keep their index. Those that came of the expansion have [`EXPANDED`] plus their
//! position in it; they are kept in memory, because the message is all that the queue knows a place for.

use super::arrive::{Goes, arrival, legs};
use super::expanded::{Expanded, Kept};
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use proto::envelope::{Recipient, Route};
use proto::place::Place;
use spool::{Entry, Expansion, Spool, SpoolError};
use std::collections::{HashSet, VecDeque};

/// The index of the first recipient that came of an expansion; no envelope has that many recipients.
pub(crate) const EXPANDED: u32 = 1 << 30;

/// Parts of an expansion that are read in one turn.
const PARTS: usize = 4;

/// So many recipients are worth a look at the memory that is free again.
const MANY: usize = 20_000;

/// An expansion that is being read.
#[derive(Debug)]
pub(crate) struct Expanding {
    of: Place,
    attempt: u32,
    /// Parts that are still to be read, with the index of their first recipients.
    parts: VecDeque<(u32, Place)>,
    expanded: Expanded,
}

impl Scheduler {
    /// A part of an expansion was read.
    pub(super) fn part_arrived(&mut self, part: Expansion, entry: &Entry) {
        let of = part.of;
        if !self.unrouted.contains(of) && (self.known.contains_key(&of) || !self.is_unread(of)) {
            // Another attempt has won, or the message is finished.
            return self.book.finished(entry.place);
        }
        let recipients = u32::try_from(entry.envelope.recipients.len()).unwrap_or(u32::MAX);
        self.unrouted.add_part(&part, recipients, entry.place);
        self.expand_if_complete(of);
    }

    /// The message there is still to be read. If its segment was never announced, it is now: the router has seen it.
    fn is_unread(&mut self, of: Place) -> bool {
        if let Some(track) = self.tracks.get(of.segment)
            && of.offset < track.read
        {
            return false;
        }
        let Ok(entry) = self.records.get(&mut self.spool, of) else { return false };
        self.announce(of.segment, entry.end);
        true
    }

    /// Lets a message go whose expansion is complete: at once if it is small, otherwise some parts per turn.
    pub(crate) fn expand_if_complete(&mut self, of: Place) {
        let Some(winner) = self.unrouted.winner(of) else { return };
        if self.expanding.iter().any(|expanding| expanding.of == of) {
            return;
        }
        let small = winner.parts.len() <= PARTS;
        let (attempt, parts) = (winner.attempt, winner.parts.into());
        let expanding = Expanding { of, attempt, parts, expanded: Expanded::default() };
        if small {
            self.expand(expanding);
        } else {
            self.expanding.push_back(expanding);
        }
    }

    /// Goes on with expansions that are being read. `true` if there is more to do at once.
    pub(crate) fn expand_on(&mut self) -> bool {
        if let Some(expanding) = self.expanding.pop_front() {
            let winner = self.unrouted.winner(expanding.of);
            // Otherwise the operator has held or removed the message meanwhile.
            if winner.is_some_and(|winner| winner.attempt == expanding.attempt) {
                self.expand(expanding);
            }
        }
        !self.expanding.is_empty()
    }

    /// Reads some parts of an expansion, and lets the message go when these were the last ones.
    fn expand(&mut self, mut expanding: Expanding) {
        let (of, attempt) = (expanding.of, expanding.attempt);
        let outcome = self.gather(&mut expanding).and_then(|good| {
            if good && !expanding.parts.is_empty() {
                self.expanding.push_front(expanding);
                return Ok(true);
            }
            Ok(good && self.let_go(of, expanding.expanded)?)
        });
        match outcome {
            Ok(true) => {}
            Ok(false) => {
                log::warn!("an expansion of the message at {of:?} leads nowhere and is ignored");
                for place in self.unrouted.discard(of, attempt) {
                    self.book.finished(place);
                }
            }
            Err(error) => {
                let file = format!("segments/{}", of.segment);
                self.note_failure("read", &file, &error, "the router is asked again");
            }
        }
    }

    /// Takes the recipients that the next parts give the message, those that it has already left out; false if somebody has
    /// no route.
    fn gather(&mut self, expanding: &mut Expanding) -> Result<bool, SpoolError> {
        let entry = self.records.get(&mut self.spool, expanding.of)?;
        let own = entry.envelope.recipients.iter();
        let own: HashSet<_> = own.map(|recipient| (&recipient.address, &recipient.route)).collect();
        for _ in 0..PARTS {
            let Some((first, place)) = expanding.parts.pop_front() else { break };
            let part = self.spool.load(place)?;
            let numbered = (EXPANDED.saturating_add(first)..).zip(&part.envelope.recipients);
            for (index, recipient) in numbered {
                let Some(route) = &recipient.route else { return Ok(false) };
                if own.contains(&(&recipient.address, &recipient.route)) {
                    continue;
                }
                let (address, Route { channel, host, user }) = (recipient.address.to_string(), route);
                if !expanding.expanded.push(&Kept { index, address: &address, channel, host, user }) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Puts a message that has all of its recipients into the queue; false if there is nobody.
    fn let_go(&mut self, place: Place, mut expanded: Expanded) -> Result<bool, SpoolError> {
        expanded.shrink();
        let entry = self.records.get(&mut self.spool, place)?;
        let own = (0..).zip(&entry.envelope.recipients).filter_map(|(index, recipient)| {
            let Route { channel, host, user } = recipient.route.as_ref()?;
            Some(Goes { index, channel, host, user })
        });
        let legs = legs(own.chain(expanded.iter().map(Goes::from)));
        let rcpts = legs.iter().map(|leg| leg.recipients.len()).sum::<usize>();
        if rcpts == 0 {
            return Ok(false);
        }
        let arrival = arrival(&entry, legs, self.holds.get(&place).copied());
        self.expanded.insert(place, expanded);
        let line = self.waiting_line(&arrival).inspect_err(|_| drop(self.expanded.remove(&place)))?;
        self.ledger.append_text(&line);
        drop(line);
        self.tracks.logged(place);
        self.holds.remove(&place);
        self.note(entry.id, MessageEvent::Queued { rcpts: u64::try_from(rcpts).unwrap_or(u64::MAX) });
        self.enter(arrival, true);
        self.checkpoint.has(&self.queue, entry.id);
        for part in self.unrouted.remove(place) {
            self.book.finished(part);
        }
        if rcpts >= MANY {
            // Its line, its legs and its parts took much more than what stays.
            sys::memory::trim();
        }
        Ok(true)
    }

    /// Who a recipient of a message is.
    pub(crate) fn recipient(&self, entry: &Entry, index: u32) -> Option<Recipient> {
        let own = usize::try_from(index).ok().and_then(|index| entry.envelope.recipients.get(index));
        own.cloned().or_else(|| self.expanded.get(&entry.place)?.get(index)?.recipient())
    }
}
