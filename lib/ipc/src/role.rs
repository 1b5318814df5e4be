//! The fixed table of roles: which processes there are.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a child of the supervisor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Accepts connections and passes them on.
    SmtpMaster,
    /// Converses with clients and commits messages.
    SmtpWorker,
    /// Takes routing questions, serves callers fairly.
    RouterMultiplexer,
    /// Answers routing questions, expands aliases.
    RouterWorker,
    /// Owns the queue.
    Scheduler,
    /// Asks name servers.
    Dns,
    /// Tells who a client is.
    Authd,
    /// Delivers over SMTP.
    AgentSmtp,
    /// Delivers into Maildirs.
    AgentMailbox,
    /// Defers until the administrator releases.
    AgentHold,
    /// Fails with the text that the route names.
    AgentError,
}

impl Role {
    /// Every role, in the order of start.
    pub const ALL: [Self; 11] = [
        Self::Dns,
        Self::Authd,
        Self::Scheduler,
        Self::RouterMultiplexer,
        Self::RouterWorker,
        Self::SmtpMaster,
        Self::SmtpWorker,
        Self::AgentSmtp,
        Self::AgentMailbox,
        Self::AgentHold,
        Self::AgentError,
    ];

    /// The program, relative to the directory of programs, and its first argument, if it serves several roles.
    pub const fn program(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::SmtpMaster => ("smtpserver", Some("master")),
            Self::SmtpWorker => ("smtpserver", Some("worker")),
            Self::RouterMultiplexer => ("router", Some("multiplexer")),
            Self::RouterWorker => ("router", Some("worker")),
            Self::Scheduler => ("scheduler", None),
            Self::Dns => ("dns", None),
            Self::Authd => ("authd", None),
            Self::AgentSmtp => ("transports/smtp", None),
            Self::AgentMailbox => ("transports/mailbox", None),
            Self::AgentHold => ("transports/hold", None),
            Self::AgentError => ("transports/error", None),
        }
    }

    /// The agent that serves a channel.
    pub fn of_channel(channel: &str) -> Option<Self> {
        match channel {
            "smtp" => Some(Self::AgentSmtp),
            "mailbox" => Some(Self::AgentMailbox),
            "hold" => Some(Self::AgentHold),
            "error" => Some(Self::AgentError),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    /// The name in the journal, in `grange status` and in error messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SmtpMaster => "smtpserver-master",
            Self::SmtpWorker => "smtpserver",
            Self::RouterMultiplexer => "router-multiplexer",
            Self::RouterWorker => "router",
            Self::Scheduler => "scheduler",
            Self::Dns => "dns",
            Self::Authd => "authd",
            Self::AgentSmtp => "smtp",
            Self::AgentMailbox => "mailbox",
            Self::AgentHold => "hold",
            Self::AgentError => "error",
        })
    }
}
