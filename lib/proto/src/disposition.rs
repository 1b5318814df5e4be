//! What became of a recipient. Outcomes are values, not errors.

use crate::status::Status;
use serde::{Deserialize, Serialize};

/// What an agent reports for one recipient of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// What happened.
    pub outcome: Outcome,
    /// The enhanced status code; its class agrees with the outcome.
    pub status: Status,
    /// What the remote side said, or our own words where it said nothing: one line, printable, at most 1,000 octets.
    pub reply: String,
    /// Who said so: `mx1.example.net[198.51.100.4]`; empty if nobody was reached.
    pub remote: String,
    /// The version of TLS on the connection, `TLSv1.3`; empty if it was not encrypted, or there was none. It is for the
    /// journal, and no file keeps it.
    pub tls: String,
    /// How far the message got; it counts only with [`Outcome::Delivered`].
    pub reach: Reach,
}

/// The three ends of a delivery attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The next hop took responsibility, or the message is in the mailbox.
    Delivered,
    /// Not now; try this recipient again.
    Deferred,
    /// Not now, and every other message for the same channel and host would meet the same fate: one probe settles the
    /// whole thread.
    HostDeferred,
    /// Never; tell the sender.
    Failed,
}

/// How far a message got that was delivered: it decides who reports success to the sender (RFC 3461 section 5.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reach {
    /// Into the mailbox; or to whomever, and there is nothing to say about it.
    #[default]
    Mailbox,
    /// To a next hop that took on what was asked for and reports itself.
    Onward,
    /// To a next hop that reports itself, but knows nothing of a time by which the message must arrive.
    Untimed,
    /// To a next hop that does not promise to report, because it offers no DSN.
    Blind,
    /// An alias or a list became several recipients (RFC 3461 section 5.2.7).
    Expanded,
}

impl Disposition {
    /// A disposition in our own words, with no remote side.
    pub fn local(outcome: Outcome, status: Status, reply: impl Into<String>) -> Self {
        Self {
            outcome,
            status,
            reply: reply.into(),
            remote: String::new(),
            tls: String::new(),
            reach: Reach::default(),
        }
    }
}
