//! From the connection to a session that can be used: the greeting, and EHLO with its fall-back to HELO.

use super::context::Context;
use super::loss::Loss;
use super::state::State;
use super::{Dialect, Features, Stage};
use crate::reply::Reply;

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
                State::idle(context)
            }
            5 if self.extended && context.settings.dialect == Dialect::Smtp => Self::say(false, context),
            _ => State::Hello(self).lost(&refusal(reply), context),
        }
    }
}

/// A refusal if it is one, garbage otherwise.
fn refusal(reply: &Reply) -> Loss {
    if matches!(reply.class(), 4 | 5) {
        Loss::Refused(reply.clone())
    } else {
        Loss::Garbage(reply.to_string())
    }
}
