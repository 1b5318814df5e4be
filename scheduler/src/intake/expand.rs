//! Expansions: the first attempt of which all parts are there wins, and is written into the log before anything else is
//! said about the message, so that after a restart no other attempt can win.
//!
//! Recipients of the message itself keep their index. Those that came of the expansion have [`EXPANDED`] plus their
//! position in it; they are kept in memory, because the message is all that the queue knows a place for.

use super::arrive::{arrival, legs};
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use proto::envelope::Recipient;
use proto::place::Place;
use spool::{Entry, Expansion, Spool, SpoolError};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The index of the first recipient that came of an expansion; no envelope has that many recipients.
pub(crate) const EXPANDED: u32 = 1 << 30;

/// Recipients that came of an expansion, by index.
pub(crate) type Recipients = BTreeMap<u32, Recipient>;

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

    /// Lets a message go whose expansion is complete.
    pub(crate) fn expand_if_complete(&mut self, of: Place) {
        let Some(winner) = self.unrouted.winner(of) else { return };
        match self.gather(of, &winner.parts) {
            Ok(Some((entry, recipients))) => self.let_go(&entry, recipients),
            Ok(None) => {
                log::warn!("an expansion of the message at {of:?} leads nowhere and is ignored");
                for place in self.unrouted.discard(of, winner.attempt) {
                    self.book.finished(place);
                }
            }
            Err(error) => {
                let file = format!("segments/{}", of.segment);
                self.note_failure("read", &file, &error, "the router is asked again");
            }
        }
    }

    /// The message and the recipients that the parts give it, those that it has already left out; `None` if there is
    /// nobody or somebody has no route.
    fn gather(
        &mut self,
        of: Place,
        parts: &[(u32, Place)],
    ) -> Result<Option<(Arc<Entry>, Recipients)>, SpoolError> {
        let entry = self.records.get(&mut self.spool, of)?;
        let own: HashSet<_> = entry
            .envelope
            .recipients
            .iter()
            .map(|recipient| (&recipient.address, &recipient.route))
            .collect();
        let mut recipients = Recipients::new();
        for &(first, place) in parts {
            let part = self.spool.load(place)?;
            if part.envelope.recipients.iter().any(|recipient| recipient.route.is_none()) {
                return Ok(None);
            }
            let numbered = (EXPANDED.saturating_add(first)..).zip(part.envelope.recipients);
            recipients.extend(
                numbered.filter(|(_, recipient)| !own.contains(&(&recipient.address, &recipient.route))),
            );
        }
        let routed = entry.envelope.recipients.iter().any(|recipient| recipient.route.is_some());
        drop(own);
        Ok((routed || !recipients.is_empty()).then_some((entry, recipients)))
    }

    fn let_go(&mut self, entry: &Entry, recipients: Recipients) {
        let place = entry.place;
        let own = (0..).zip(&entry.envelope.recipients);
        let all = own.chain(recipients.iter().map(|(&index, recipient)| (index, recipient)));
        let legs = legs(all);
        let rcpts = legs.iter().map(|leg| leg.recipients.len()).sum::<usize>();
        let rcpts = u64::try_from(rcpts).unwrap_or(u64::MAX);
        self.note(entry.id, MessageEvent::Queued { rcpts });
        let hold = self.holds.remove(&place);
        self.expanded.insert(place, recipients);
        self.queue.arrived(arrival(entry, legs, hold), self.now.utc);
        self.book.waits(place, entry.id);
        for part in self.unrouted.remove(place) {
            self.book.finished(part);
        }
    }

    /// Who a recipient of a message is.
    pub(crate) fn recipient(&self, entry: &Entry, index: u32) -> Option<Recipient> {
        let own = usize::try_from(index).ok().and_then(|index| entry.envelope.recipients.get(index));
        own.or_else(|| self.expanded.get(&entry.place)?.get(&index)).cloned()
    }
}
