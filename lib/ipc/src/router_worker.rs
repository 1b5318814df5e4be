//! Router multiplexer ↔ router worker.

use crate::routing::{Generation, Verdict};
use proto::address::Mailbox;
use proto::place::Place;
use serde::{Deserialize, Serialize};

/// To a worker: a batch of work is one frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToRouterWorker {
    /// Where does this recipient go?
    Ask {
        /// The multiplexer's ticket.
        ticket: u64,
        /// As in [`crate::routing::Question::Recipient`].
        address: Option<Mailbox>,
        /// As there.
        may_relay: bool,
        /// As there.
        client: String,
        /// As there.
        members: bool,
    },
    /// Expand this message into your own segment.
    Expand {
        /// The multiplexer's ticket.
        ticket: u64,
        /// Where the message lies.
        place: Place,
        /// The number of this attempt, from 1.
        attempt: u32,
    },
    /// Explain how this address is routed, for `grange route`.
    Explain {
        /// The multiplexer's ticket.
        ticket: u64,
        /// The address as typed.
        address: String,
    },
    /// Finish and exit.
    Drain,
}

/// From a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromRouterWorker {
    /// Feed me.
    Hungry {
        /// So many more tickets.
        credits: u32,
    },
    /// The answer to `Ask`.
    Verdict {
        /// The ticket.
        ticket: u64,
        /// The generation of the tables it rests on.
        generation: Generation,
        /// The verdict.
        verdict: Verdict,
        /// As in [`crate::routing::Answer::whole_domain`].
        whole_domain: bool,
        /// As in [`crate::routing::Answer::members`].
        members: Vec<String>,
    },
    /// The answer to `Expand`: it is durable and the scheduler has been told.
    Expanded {
        /// The ticket.
        ticket: u64,
        /// How many recipients came of it.
        recipients: u64,
    },
    /// `Expand` could not be done now.
    ExpandFailed {
        /// The ticket.
        ticket: u64,
        /// Why, in one line.
        why: String,
    },
    /// The answer to `Explain`: a [`crate::control::Routed`] list as JSON lines.
    Explained {
        /// The ticket.
        ticket: u64,
        /// JSON, one line each.
        lines: Vec<String>,
    },
}
