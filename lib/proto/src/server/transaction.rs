//! Who speaks, and what is known of the message that is being given to us.

use crate::address::ReversePath;
use crate::envelope::Recipient;
use crate::terms::Terms;

/// What the client said about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The argument of HELO or EHLO: anything printable, not to be trusted.
    pub name: String,
    /// It said EHLO.
    pub extended: bool,
}

impl Client {
    /// The protocol for the Received header: `ESMTP` or `SMTP` (RFC 5321 section 4.4).
    pub fn protocol(&self) -> &'static str {
        if self.extended { "ESMTP" } else { "SMTP" }
    }
}

/// A message as far as MAIL and RCPT have described it.
///
/// Source: RFC 5321 section 3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The reverse-path of MAIL.
    pub from: ReversePath,
    /// The recipients that were accepted, in the order of RCPT.
    pub recipients: Vec<Recipient>,
    /// What the parameters of MAIL ask for.
    pub terms: Terms,
    /// The size that the client declared, in octets.
    pub declared_size: Option<u64>,
}
