//! Rendezvous: how two processes that the supervisor started get to know each other.
//!
//! The caller makes a socketpair and sends one end through the calling end of the contact point with a [`Call`] as its
//! text; from then on the other end is a private channel. The supervisor keeps both ends of the rendezvous, so calls
//! made while the contact restarts wait for it.

use crate::Role;
use serde::{Deserialize, Serialize};

/// Who can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Contact {
    /// The router multiplexer.
    Router,
    /// The scheduler.
    Scheduler,
    /// The resolver.
    Dns,
    /// The authenticator.
    Authd,
}

impl Contact {
    /// Every contact and the roles that may call it. One rendezvous exists per pair.
    pub const CALLERS: [(Self, &'static [Role]); 4] = [
        (Self::Router, &[Role::SmtpWorker, Role::Scheduler]),
        (Self::Scheduler, &[Role::AgentSmtp, Role::AgentMailbox, Role::AgentHold, Role::AgentError]),
        (Self::Dns, &[Role::AgentSmtp, Role::SmtpMaster]),
        (Self::Authd, &[Role::SmtpWorker]),
    ];

    /// The role that answers.
    pub const fn role(self) -> Role {
        match self {
            Self::Router => Role::RouterMultiplexer,
            Self::Scheduler => Role::Scheduler,
            Self::Dns => Role::Dns,
            Self::Authd => Role::Authd,
        }
    }
}

/// What accompanies the descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Must equal [`crate::codec::BUILD`].
    pub build: String,
    /// The caller.
    pub role: Role,
    /// The caller's number.
    pub child: u32,
}
