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

impl Disposition {
    /// A disposition in our own words, with no remote side.
    pub fn local(outcome: Outcome, status: Status, reply: impl Into<String>) -> Self {
        Self { outcome, status, reply: reply.into(), remote: String::new() }
    }
}
