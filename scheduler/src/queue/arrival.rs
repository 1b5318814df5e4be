//! A message as it enters the queue, and as it leaves it for a checkpoint.

use proto::disposition::Disposition;
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::Special;
use std::fmt;

/// A message with its open recipients, grouped by where they go.
///
/// A new message and one that is restored after a restart look the same; the latter has attempts behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The message.
    pub message: SpoolId,
    /// Where it lies.
    pub place: Place,
    /// When it was accepted, UTC milliseconds.
    pub received: u64,
    /// Whether anybody is to be told about failures: false for a null reverse-path.
    pub notify: bool,
    /// Why it must not be delivered for now, if so.
    pub hold: Option<Hold>,
    /// What the sender asked for that matters here.
    pub special: Special,
    /// One per (channel, host).
    pub legs: Vec<Leg>,
}

/// The recipients of one message that go to one (channel, host): a vertex to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The channel of the route.
    pub channel: String,
    /// The host of the route.
    pub host: String,
    /// Indexes in the envelope.
    pub recipients: Vec<u32>,
    /// Attempts made before the restart; 0 for a new message.
    pub attempts: u16,
    /// Its own next attempt, UTC milliseconds, if it has one.
    pub due: Option<u64>,
    /// What was said last.
    pub last: Option<Disposition>,
}

impl Leg {
    /// A leg that was never tried.
    pub fn fresh(channel: &str, host: &str, recipients: Vec<u32>) -> Self {
        Self { channel: channel.into(), host: host.into(), recipients, attempts: 0, due: None, last: None }
    }
}

/// By whom a message is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// The operator said so.
    Operator,
    /// Three agents died with it.
    Poisoned,
    /// Its record in the spool cannot be read, or says something that this version does not understand.
    Spool,
    /// The sender: it is not to be released before its time (RFC 4865). This one alone ends by itself.
    Until,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Until => "held until the time that the sender set",
            Self::Operator => "held by the operator",
            Self::Poisoned => {
                "held: three agents died while they had it; look at it, then release or remove it"
            }
            Self::Spool => {
                "held: its record in the spool cannot be read, or says something this version does not understand"
            }
        })
    }
}
