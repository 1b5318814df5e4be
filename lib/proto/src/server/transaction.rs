//! Who speaks, and what is known of the message that is being given to us.

use super::Service;
use crate::address::ReversePath;
use crate::envelope::Recipient;
use crate::terms::Terms;

/// What the client said about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The argument of HELO or EHLO: anything printable, not to be trusted.
    pub name: String,
    /// It said EHLO or LHLO.
    pub extended: bool,
}

/// The protocol for the Received header: `SMTP`, `ESMTP`, `ESMTPSA`, `LMTPS`, `UTF8SMTP` and their like.
///
/// Source: RFC 5321 section 4.4; RFC 3848 section 2; RFC 6531 section 4.3.
pub(super) fn protocol(service: Service, extended: bool, utf8: bool, tls: bool, auth: bool) -> &'static str {
    let table: [&str; 4] = match (service, extended, utf8) {
        (Service::Lmtp, _, false) => ["LMTP", "LMTPA", "LMTPS", "LMTPSA"],
        (Service::Lmtp, _, true) => ["UTF8LMTP", "UTF8LMTPA", "UTF8LMTPS", "UTF8LMTPSA"],
        (_, false, _) => return "SMTP",
        (_, true, false) => ["ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA"],
        (_, true, true) => ["UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"],
    };
    let [plain, authenticated, secured, both] = table;
    match (tls, auth) {
        (false, false) => plain,
        (false, true) => authenticated,
        (true, false) => secured,
        (true, true) => both,
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
