//! Expansions: the first attempt of which all parts are there wins, and is written into the log before anything else is
//! said about the message, so that after a restart no other attempt can win.
//!
//! Recipients of the message itself keep their index. Those that came of the expansion have [`EXPANDED`] plus their
//! position in it; they are kept in memory, because the message is all that the queue knows a place for.

use super::arrive::{Goes, arrival, legs};
use super::expanded::{Expanded, Kept};
use crate::queue::Leg;
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use proto::envelope::{Recipient, Route};
use proto::place::Place;
use spool::{Entry, Expansion, Spool, SpoolError};
use std::collections::{HashSet, VecDeque};

/// The index of the first recipient that came of an expansion; no envelope has that many recipients.
pub(crate) const EXPANDED: u32 = 1 << 30;

/// Recipients from which on an expansion takes several turns.
const MANY: usize = 1_000;

/// An expansion that is being read.
#[derive(Debug)]
pub(crate) struct Expanding {
    of: Place,
    attempt: u32,
    /// Parts that are still to be read, with the index of their first recipients.
    parts: VecDeque<(u32, Place)>,
    expanded: Expanded,
    /// Who goes where, once that is seen.
    legs: Option<Vec<Leg>>,
}

/// What a step of an expansion leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Another one.
    More,
    /// The message is in the queue.
    Gone,
    /// There is nobody, or somebody has no route.
    Nowhere,
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
        let (attempt, parts) = (winner.attempt, winner.parts.into());
        self.expand(Expanding { of, attempt, parts, expanded: Expanded::default(), legs: None });
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

    /// Takes an expansion one step on: some parts are read, then it is seen who goes where, then the message goes. A small
    /// one takes all steps at once.
    fn expand(&mut self, mut expanding: Expanding) {
        let (of, attempt) = (expanding.of, expanding.attempt);
        let outcome = loop {
            match self.step(&mut expanding) {
                Ok(Step::More) if expanding.expanded.len() <= MANY => {}
                Ok(Step::More) => return self.expanding.push_front(expanding),
                other => break other,
            }
        };
        match outcome {
            Ok(Step::More | Step::Gone) => {}
            Ok(Step::Nowhere) => {
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

    fn step(&mut self, expanding: &mut Expanding) -> Result<Step, SpoolError> {
        if !expanding.parts.is_empty() {
            let good = self.gather(expanding)?;
            return Ok(if good { Step::More } else { Step::Nowhere });
        }
        match expanding.legs.take() {
            None => {
                let legs = self.divide(expanding)?;
                if legs.is_empty() {
                    return Ok(Step::Nowhere);
                }
                expanding.legs = Some(legs);
                Ok(Step::More)
            }
            Some(legs) => {
                let expanded = std::mem::take(&mut expanding.expanded);
                self.let_go(expanding.of, expanded, legs)?;
                Ok(Step::Gone)
            }
        }
    }

    /// Takes the recipients that the next part gives the message, those that it has already left out; false if somebody has
    /// no route.
    fn gather(&mut self, expanding: &mut Expanding) -> Result<bool, SpoolError> {
        let entry = self.records.get(&mut self.spool, expanding.of)?;
        let own = entry.envelope.recipients.iter();
        let own: HashSet<_> = own.map(|own| (&own.address, &own.route, &own.terms)).collect();
        if let Some((first, place)) = expanding.parts.pop_front() {
            let part = self.spool.load(place)?;
            let numbered = (EXPANDED.saturating_add(first)..).zip(&part.envelope.recipients);
            for (index, recipient) in numbered {
                let Some(route) = &recipient.route else { return Ok(false) };
                if own.contains(&(&recipient.address, &recipient.route, &recipient.terms)) {
                    continue;
                }
                let (address, Route { channel, host, user }) = (recipient.address.to_string(), route);
                let terms = Some(&recipient.terms);
                if !expanding.expanded.push(&Kept { index, address: &address, channel, host, user, terms }) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Who goes where, once all recipients are known.
    fn divide(&mut self, expanding: &mut Expanding) -> Result<Vec<Leg>, SpoolError> {
        expanding.expanded.shrink();
        let entry = self.records.get(&mut self.spool, expanding.of)?;
        let own = (0..).zip(&entry.envelope.recipients).filter_map(|(index, recipient)| {
            let Route { channel, host, user } = recipient.route.as_ref()?;
            Some(Goes { index, channel, host, user })
        });
        Ok(legs(own.chain(expanding.expanded.iter().map(Goes::from))))
    }

    /// Puts a message that has all of its recipients into the queue.
    fn let_go(&mut self, place: Place, expanded: Expanded, legs: Vec<Leg>) -> Result<(), SpoolError> {
        let entry = self.records.get(&mut self.spool, place)?;
        let going = legs.iter().filter(|leg| leg.channel != Route::EXPANDED);
        let rcpts = going.map(|leg| leg.recipients.len()).sum::<usize>();
        let mut arrival = arrival(&entry, legs, self.holds.get(&place).copied());
        arrival.special.success |= expanded.terms().any(|terms| terms.wishes().success);
        self.expanded.insert(place, expanded);
        let line = self.waiting_line(&arrival).inspect_err(|_| drop(self.expanded.remove(&place)))?;
        self.ledger.append_text(&line);
        self.passed(line.len());
        self.tracks.logged(place);
        self.holds.remove(&place);
        self.note(entry.id, MessageEvent::Queued { rcpts: u64::try_from(rcpts).unwrap_or(u64::MAX) });
        self.enter(arrival, true);
        self.checkpoint.has(&self.queue, entry.id);
        for part in self.unrouted.remove(place) {
            self.book.finished(part);
        }
        Ok(())
    }

    /// Who a recipient of a message is.
    pub(crate) fn recipient(&self, entry: &Entry, index: u32) -> Option<Recipient> {
        let own = usize::try_from(index).ok().and_then(|index| entry.envelope.recipients.get(index));
        own.cloned().or_else(|| self.expanded.get(&entry.place)?.get(index)?.recipient())
    }
}
