//! From the connection to a session that can be used: the greeting, EHLO with its fall-back to HELO, STARTTLS and EHLO
//! again.

use super::context::Context;
use super::loss::Loss;
use super::state::State;
use super::{Action, Dialect, Features, Protection, Stage};
use crate::disposition::{Disposition, Outcome};
use crate::reply::Reply;
use crate::status::Status;

/// Connected; the server speaks first.
#[derive(Debug)]
pub(super) struct Greeting;

/// EHLO, LHLO or HELO is sent.
#[derive(Debug)]
pub(super) struct Hello {
    extended: bool,
}

impl Greeting {
    /// RFC 5321 section 3.1: 220, or 554 and the like from a server that takes no mail.
    pub(super) fn reply(self, reply: &Reply, context: &mut Context) -> State {
        if reply.class() != 2 {
            return State::Greeting(self).lost(&refusal(reply), context);
        }
        Hello::say(true, context)
    }
}

impl Hello {
    fn say(extended: bool, context: &mut Context) -> State {
        let verb = match (context.settings.dialect, extended) {
            (Dialect::Lmtp, _) => "LHLO",
            (Dialect::Smtp, true) => "EHLO",
            (Dialect::Smtp, false) => "HELO",
        };
        context.send(format!("{verb} {}\r\n", context.settings.our_name));
        context.wait(Stage::Hello);
        State::Hello(Self { extended })
    }

    /// RFC 5321 section 3.2: a server that refuses EHLO is asked again with HELO; LMTP has nothing to fall back to.
    pub(super) fn reply(self, reply: &Reply, context: &mut Context) -> State {
        match reply.class() {
            2 => {
                context.features = if self.extended { Features::of(reply) } else { Features::default() };
                Self::greeted(context)
            }
            5 if self.extended && context.settings.dialect == Dialect::Smtp => Self::say(false, context),
            _ => State::Hello(self).lost(&refusal(reply), context),
        }
    }

    /// The server has said what it offers: is that enough, or is the connection to be secured first?
    fn greeted(context: &mut Context) -> State {
        let protection = context.settings.protection;
        if context.secured.is_none() && protection != Protection::Never {
            if context.features.start_tls {
                context.send(*b"STARTTLS\r\n");
                context.wait(Stage::StartTls);
                return State::StartTls;
            }
            if protection >= Protection::Must {
                return unprotected(
                    (7, 4),
                    "TLS is required, and the server does not offer STARTTLS",
                    context,
                );
            }
        }
        if protection == Protection::RequireTls && !context.features.require_tls {
            return unprotected(
                (7, 30),
                "REQUIRETLS support required, and the server does not offer it",
                context,
            );
        }
        State::idle(context)
    }

    /// RFC 3207 section 4: 220, or the server goes on in plain text.
    pub(super) fn starts_tls(reply: &Reply, context: &mut Context) -> State {
        match reply.class() {
            2 => {
                context.push(Action::StartTls);
                context.wait(Stage::Handshake);
                State::Handshake
            }
            4 | 5 if context.settings.protection == Protection::May => State::idle(context),
            _ => State::StartTls.lost(&refusal(reply), context),
        }
    }

    /// The connection is under TLS. Whatever was known of the server is forgotten (RFC 3207 section 4.2).
    pub(super) fn secured(verified: Result<(), String>, context: &mut Context) -> State {
        context.features = Features::default();
        let doubt = verified.clone().err();
        context.secured = Some(verified);
        match doubt.filter(|_| context.settings.protection == Protection::RequireTls) {
            Some(why) => {
                let words = format!("REQUIRETLS: the server's certificate does not prove its name: {why}");
                unprotected((7, 30), &words, context)
            }
            None => Self::say(true, context),
        }
    }
}

/// The server does not protect a connection as it has to: the others wait, a message that requires it fails.
fn unprotected((subject, detail): (u16, u16), words: &str, context: &mut Context) -> State {
    let required = context.settings.protection == Protection::RequireTls;
    let (outcome, status) = if required {
        (Outcome::Failed, Status::permanent(7, 30))
    } else {
        (Outcome::HostDeferred, Status::transient(subject, detail))
    };
    let remote = context.settings.peer.clone();
    State::unusable(Disposition { remote, ..Disposition::local(outcome, status, words) }, context)
}

/// A refusal if it is one, garbage otherwise.
fn refusal(reply: &Reply) -> Loss {
    if matches!(reply.class(), 4 | 5) {
        Loss::Refused(reply.clone())
    } else {
        Loss::Garbage(reply.to_string())
    }
}
