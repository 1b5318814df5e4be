//! The envelope: what travels with a message and is not part of it.

use crate::address::{Mailbox, ReversePath};
use crate::message::shape_of;
use crate::terms::{RecipientTerms, Terms};
use serde::{Deserialize, Serialize};

/// Sender, recipients and facts about a message, as accepted.
///
/// Source: RFC 5321 section 2.3.1 (envelope and content).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The reverse-path of MAIL.
    pub from: ReversePath,
    /// The recipients in the order of RCPT; their index is their name in every disposition.
    pub recipients: Vec<Recipient>,
    /// When the message was accepted, in milliseconds since 1970 (UTC).
    pub received: u64,
    /// Where it came from.
    pub origin: Origin,
    /// What the content looks like.
    pub shape: Shape,
    /// What the sender asked for.
    pub terms: Terms,
}

/// One recipient, and where it goes once the router has said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address as the client gave it.
    pub address: Mailbox,
    /// The router's verdict; `None` until the spool pass has expanded it.
    pub route: Option<Route>,
    /// What the sender asked for, for this one.
    pub terms: RecipientTerms,
}

impl Recipient {
    /// A recipient for whom nothing special is asked.
    pub fn new(address: Mailbox, route: Option<Route>) -> Self {
        Self { address, route, terms: RecipientTerms::default() }
    }
}

/// The router's verdict: how, to where, for whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// The channel: `smtp`, `mailbox`, `hold`, `error`.
    pub channel: String,
    /// The next hop: a domain, `host:port`, `[address]`, or for `mailbox` the user (a thread per user).
    pub host: String,
    /// For whom, in the words of the channel: the address for RCPT, or the local user; for `error` the text.
    pub user: String,
}

impl Route {
    /// The channel of a recipient that an alias or a list stood for: nothing is sent there, and a sender who wants to hear
    /// of success is told that it was expanded (RFC 3461 section 5.2.7).
    pub const EXPANDED: &str = "expanded";
}

/// Where a message came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The client in the form of the Received header, `[192.0.2.7]`, with its name in front if the DNS confirms one,
    /// `mx.test [192.0.2.7]`, or `local uid=1000`; empty for a notice that Grange made itself.
    pub client: String,
    /// What the client called itself.
    pub helo: String,
    /// `SMTP`, `ESMTP` or `LOCAL` (RFC 3848 section 2 registers further ones).
    pub protocol: String,
    /// The session, as the journal prints it.
    pub session: String,
    /// Who has authenticated; empty if nobody has.
    pub account: String,
    /// How the connection was protected, `TLSv1.3 TLS13_AES_256_GCM_SHA384`; empty if it was not.
    pub tls: String,
}

/// What the content looks like, so that nobody has to read it again to know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Length of the content in octets, trace header included, CRLF line ends, dots unstuffed.
    pub size: u64,
    /// Length of the header section in octets, its closing empty line included; all of the content if there is none.
    pub header: u64,
    /// Length of the longest line in octets, without its CRLF.
    pub longest_line: u32,
    /// Some octet has its high bit set.
    pub eight_bit: bool,
    /// Some octet of the header section has its high bit set: only SMTPUTF8 can carry it (RFC 6531 section 3.6).
    pub utf8_header: bool,
    /// Some line begins with a dot, so that sending needs dot stuffing.
    pub leading_dot: bool,
    /// It holds NUL, a CR without LF or an LF without CR, or does not end with CRLF: only BDAT can carry it (RFC 3030
    /// section 3).
    pub binary: bool,
}

impl Shape {
    /// The shape once `trace`, which is whole header fields with their CRLF, is put in front of the content.
    pub fn prepend(self, trace: &[u8]) -> Self {
        let front = shape_of(trace);
        Self {
            size: self.size + front.size,
            header: self.header + front.size,
            longest_line: self.longest_line.max(front.longest_line),
            eight_bit: self.eight_bit || front.eight_bit,
            leading_dot: self.leading_dot || front.leading_dot,
            binary: self.binary || front.binary,
            utf8_header: self.utf8_header || front.eight_bit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_field_in_front_is_counted() {
        let (trace, content) = (b"Received: from x\r\n\tby y\r\n", "A: b\r\n\r\n.dot\r\n\u{e4}".as_bytes());
        let whole = [&trace[..], content].concat();
        assert_eq!(shape_of(content).prepend(trace), shape_of(&whole));
    }
}
