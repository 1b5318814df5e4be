//! smtpserver worker ↔ authd: who a client is, and what an account may still send.
//!
//! A worker names each exchange (RFC 4954 section 4) by a ticket that it never uses again. Every `Begin` and `Continue`
//! is answered by one `Challenge`, `Success` or `Failure`; after the latter two, and after `Cancel`, the ticket means
//! nothing any more. Every `Charge` is answered by one `Charged`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// To authd.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToAuthd {
    /// An exchange begins.
    Begin(Box<Begin>),
    /// The client's answer to a challenge.
    Continue {
        /// The exchange.
        ticket: u64,
        /// What the client said, decoded.
        response: Octets,
    },
    /// The client, or its session, has given up. Not answered.
    Cancel {
        /// The exchange.
        ticket: u64,
    },
    /// An account wants to send.
    Charge(Charge),
}

/// The beginning of an exchange.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Begin {
    /// Names the exchange.
    pub ticket: u64,
    /// The mechanism, in upper case.
    pub mechanism: String,
    /// The initial response, decoded.
    pub initial: Option<Octets>,
    /// The client; nothing for a local program.
    pub client: Option<IpAddr>,
    /// The address of ours to which it came, as in the journal.
    pub listener: String,
    /// What is known of the connection if it is under TLS.
    pub tls: Option<Tls>,
}

/// What TLS knows of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// Channel binding `tls-exporter` (RFC 9266).
    pub exporter: Vec<u8>,
    /// Channel binding `tls-server-end-point` (RFC 5929 section 4).
    pub end_point: Vec<u8>,
    /// What the verified certificate of the client calls itself: names, addresses, fingerprint. Empty without one.
    pub names: Vec<String>,
}

/// Messages and recipients that an account wants to send now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Names the question.
    pub ticket: u64,
    /// The account.
    pub account: String,
    /// Messages.
    pub messages: u32,
    /// Recipients.
    pub recipients: u32,
}

/// From authd.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromAuthd {
    /// The mechanisms that can be offered from now on; said first, and again when they change.
    Mechanisms(Vec<String>),
    /// The client is to be asked this.
    Challenge {
        /// The exchange.
        ticket: u64,
        /// What to say to it, not yet encoded.
        challenge: Octets,
    },
    /// The client is who it says.
    Success {
        /// The exchange.
        ticket: u64,
        /// Who that is.
        grant: Box<Grant>,
    },
    /// It is not, or nobody can tell now.
    Failure {
        /// The exchange.
        ticket: u64,
        /// Why.
        failure: Failure,
    },
    /// The answer to [`ToAuthd::Charge`].
    Charged {
        /// The question.
        ticket: u64,
        /// What came of it.
        verdict: Charged,
    },
}

/// An account that a client has proved to own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its name.
    pub account: String,
    /// Addresses that it may send from besides its own: `ann@example.org`, `*@example.net`, `*`; in lower case.
    pub senders: Vec<String>,
    /// Its messages are counted: they must be charged.
    pub counts_messages: bool,
    /// Its recipients are counted: they must be charged.
    pub counts_recipients: bool,
}

/// Why there is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Nothing is said about the client: the question can be asked again later.
    pub temporary: bool,
    /// The account that the client named, as it did; empty if it did not come to that.
    pub account: String,
    /// A word for the journal, see grange-journal(5).
    pub reason: String,
}

/// What became of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Charged {
    /// It may; and it is counted.
    Go,
    /// Not now; nothing is counted.
    Wait {
        /// What is limited: `messages` or `recipients`.
        what: String,
        /// The limit, as in the configuration: `100/1h`.
        limit: String,
        /// What is counted within the window now.
        count: u64,
        /// When there is room again, in milliseconds from now.
        after: u64,
    },
}

/// Octets that may hold a password: they do not show when they are printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Octets(pub Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} octets)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_show_when_a_message_is_printed() {
        let message = ToAuthd::Continue { ticket: 1, response: Octets(b"\0ann\0sesame".to_vec()) };
        let shown = format!("{message:?}");
        assert!(shown.contains("(11 octets)") && !shown.contains("115"), "{shown}");
    }
}
