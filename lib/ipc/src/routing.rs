//! Whoever asks ↔ router multiplexer.
//!
//! A caller has at most one question open per session. The multiplexer serves callers and sessions in turn.

use proto::address::Mailbox;
use proto::envelope::Route;
use proto::place::Place;
use proto::status::Status;
use serde::{Deserialize, Serialize};

/// A generation of the routing tables: answers of different generations do not mix.
pub type Generation = u64;

/// To the multiplexer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Question {
    /// Where does this recipient go?
    Recipient {
        /// The caller's session: fairness is among sessions.
        session: u64,
        /// To be repeated in the answer.
        ticket: u64,
        /// The address; `None` for the bare `<Postmaster>`.
        address: Option<Mailbox>,
        /// The client may send to any domain (relay networks, local programs).
        may_relay: bool,
        /// Who asks, for the words of a refusal: `203.0.113.9`.
        client: String,
        /// The recipients for whom the address stands are wanted, too (EXPN).
        members: bool,
    },
    /// Forget what this session asked: it is over.
    Withdraw {
        /// The caller's session.
        session: u64,
    },
    /// Expand the recipients of this message that have no route (from the scheduler, for what hints missed).
    Expand {
        /// Where it lies.
        place: Place,
        /// Even if it is quarantined: the operator wants it to be tried again.
        again: bool,
    },
}

/// From the multiplexer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromRouter {
    /// To whoever asked about a recipient.
    Answer(Answer),
    /// To the scheduler: this message has killed a worker three times and is not expanded until it is wanted again.
    Quarantined {
        /// Where it lies.
        place: Place,
    },
}

/// The answer about a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's session.
    pub session: u64,
    /// The question's ticket.
    pub ticket: u64,
    /// The generation of the tables that gave this verdict.
    pub generation: Generation,
    /// The verdict.
    pub verdict: Verdict,
    /// Everybody in the domain of the address goes to the same channel and host, for himself: the user of the route is
    /// the address.
    pub whole_domain: bool,
    /// If they were wanted: the recipients for whom the address stands, the first hundred of them.
    pub members: Vec<String>,
}

/// The router's word on a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It goes there.
    Route(Route),
    /// It is accepted, and expanded in the spool pass (aliases to many, lists).
    Expand,
    /// It is refused for good: 550 with this status and text.
    Refuse {
        /// Class 5.
        status: Status,
        /// In the words of the reply, without code.
        text: String,
        /// The rule that decided, for the operator: `relaying not allowed`, `routes:7`.
        by: String,
    },
    /// It cannot be decided now (a table cannot be read, a worker crashed on it): 451 with this text.
    Defer {
        /// Class 4.
        status: Status,
        /// In the words of the reply, without code.
        text: String,
    },
}
