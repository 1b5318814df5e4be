//! Notices: telling a sender what failed, what is delayed, and what went well if that is wanted.
//!
//! ```text
//! wanted      a recipient of whom the sender does not want to hear is finished without more
//! decided     one line of the log holds the notice and the recipients that it reports: the atomic act
//! submitted   once that line is durable, the message is composed and committed under the id in the line
//! noticed     the message is durable: the log says so, the router hears of it, and it is mail like any other
//! ```
//!
//! A restart finds those that were decided and not noticed, and submits them unless their message turns up in a segment;
//! composing the same notice again gives the same octets. A notice has the null reverse-path, so none is ever made about
//! one.

mod cause;
mod compose;
mod submit;
mod wishes;

use crate::log::{Decided, Mark};
use proto::id::SpoolId;
use proto::place::Place;
use spool::Ticket;
use std::collections::BTreeMap;

/// Milliseconds until a commit that failed is tried again.
const PAUSE: u64 = 5_000;

/// A notice on its way into the spool.
#[derive(Debug)]
struct Pending {
    decided: Decided,
    stage: Stage,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its line is durable when the log is up to this mark.
    Decided(Mark),
    /// From the log of an earlier scheduler: submitted when all segments are read and it was not seen in them.
    Restored,
    /// Committed, not durable yet.
    Submitted,
    /// The commit failed; again at this time, monotonic milliseconds.
    Failed(u64),
}

/// All notices on their way.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    pending: BTreeMap<SpoolId, Pending>,
    tickets: BTreeMap<Ticket, SpoolId>,
    /// Restored ones that were seen in a segment: their line is still owed.
    seen: Vec<SpoolId>,
}

impl Notices {
    /// Those that an earlier scheduler decided on.
    pub(crate) fn restored(decided: BTreeMap<SpoolId, Decided>) -> Self {
        let pending =
            decided.into_iter().map(|(id, decided)| (id, Pending { decided, stage: Stage::Restored }));
        Self { pending: pending.collect(), ..Self::default() }
    }

    /// A notice of this id was read from a segment.
    pub(crate) fn seen(&mut self, id: SpoolId) {
        if self.pending.get(&id).is_some_and(|pending| pending.stage == Stage::Restored) {
            self.pending.remove(&id);
            self.seen.push(id);
        }
    }

    /// The content of something in this segment may still be needed.
    pub(crate) fn needs(&self, segment: SpoolId) -> bool {
        self.pending.values().any(|pending| pending.decided.cause.segment == segment)
    }

    /// The content at this place may still be quoted.
    pub(crate) fn is_about(&self, place: Place) -> bool {
        self.pending.values().any(|pending| pending.decided.cause == place)
    }

    /// The message that a notice may be about has a new place.
    pub(crate) fn moved(&mut self, from: Place, to: Place) {
        for pending in self.pending.values_mut().filter(|pending| pending.decided.cause == from) {
            pending.decided.cause = to;
        }
    }

    /// Those that are not known to be in the spool.
    pub(crate) fn decided(&self) -> impl Iterator<Item = (SpoolId, &Decided)> {
        self.pending.iter().map(|(&id, pending)| (id, &pending.decided))
    }

    /// When a failed commit is tried again, monotonic milliseconds.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let failed = self.pending.values().filter_map(|pending| match pending.stage {
            Stage::Failed(at) => Some(at),
            Stage::Decided(_) | Stage::Restored | Stage::Submitted => None,
        });
        failed.min()
    }
}
