//! HELP: which commands there are, and what one of them is for.

use crate::reply::{Cause, Reply};
use crate::status::Status;

/// Each command with its form and its use, in the order in which a client needs them.
const TOPICS: &[(&str, &str)] = &[
    ("EHLO", "EHLO your.host.name: who you are; the reply says what is offered here"),
    ("HELO", "HELO your.host.name: as EHLO, for those who know no extensions"),
    ("LHLO", "LHLO your.host.name: as EHLO, where LMTP is spoken"),
    ("STARTTLS", "STARTTLS: protect the connection, then say EHLO again"),
    ("AUTH", "AUTH MECHANISM [initial-response]: prove who you are"),
    ("MAIL", "MAIL FROM:<sender> [SIZE=octets] [BODY=8BITMIME] ...: begin a message"),
    ("RCPT", "RCPT TO:<recipient> [NOTIFY=...] [ORCPT=...]: one recipient; repeat for each"),
    ("DATA", "DATA: the message follows; it ends with a dot on a line of its own"),
    ("BDAT", "BDAT octets [LAST]: so many octets of the message follow"),
    ("RSET", "RSET: forget the message that was begun"),
    ("NOOP", "NOOP: do nothing"),
    ("VRFY", "VRFY address: whether there is such a mailbox, if you may know"),
    ("EXPN", "EXPN list: the members of a list, if you may know"),
    ("ETRN", "ETRN domain: deliver now what waits for that domain, if you may ask for it"),
    ("HELP", "HELP [command]: this"),
    ("QUIT", "QUIT: end the session"),
];

/// The reply to HELP.
///
/// Source: RFC 5321 section 4.1.1.8.
pub(super) fn help(topic: &str) -> Reply {
    if topic.is_empty() {
        let verbs: Vec<&str> = TOPICS.iter().map(|(verb, _)| *verb).collect();
        return Reply::new(214, Status::OK, format!("commands: {}", verbs.join(" ")));
    }
    match TOPICS.iter().find(|(verb, _)| verb.eq_ignore_ascii_case(topic)) {
        Some((_, text)) => Reply::new(214, Status::OK, *text),
        None => Reply::new(504, Status::permanent(5, 4), "no help on that; HELP alone lists the commands")
            .because(Cause::of("syntax")),
    }
}
