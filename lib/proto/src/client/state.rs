//! The states of a session, and the transitions that several of them share.

use super::confirming::Confirming;
use super::content::Content;
use super::context::Context;
use super::envelope::Envelope;
use super::hello::{Greeting, Hello};
use super::ledger::Ledger;
use super::loss::Loss;
use super::{Action, Protection, Stage};
use crate::disposition::{Disposition, Outcome};
use crate::reply::Reply;

/// Where the session stands. A state is consumed by the reply that ends it.
#[derive(Debug)]
pub(super) enum State {
    Greeting(Greeting),
    Hello(Hello),
    /// STARTTLS is sent.
    StartTls,
    /// The shell secures the connection.
    Handshake,
    Idle,
    Envelope(Envelope),
    Content(Content),
    Confirming(Confirming),
    /// A single dot ends a DATA that nobody wanted.
    LoneDot,
    Resetting,
    Quitting,
    Closed,
}

impl State {
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Greeting(_) => Stage::Greeting,
            Self::Hello(_) => Stage::Hello,
            Self::StartTls => Stage::StartTls,
            Self::Handshake => Stage::Handshake,
            Self::Idle => Stage::Idle,
            Self::Envelope(envelope) => envelope.stage(),
            Self::Content(_) => Stage::Content,
            Self::Confirming(_) => Stage::EndOfData,
            Self::LoneDot | Self::Resetting => Stage::Rset,
            Self::Quitting => Stage::Quit,
            Self::Closed => Stage::Closed,
        }
    }

    /// What the session asks for as long as nothing happens.
    pub(super) fn standing(&self) -> Action {
        match self {
            Self::Idle => Action::Idle,
            Self::Content(_) => Action::WantBody,
            Self::Handshake => Action::StartTls,
            Self::Closed => Action::Close,
            _ => Action::NeedInput,
        }
    }

    /// The server has said something. 421 ends the session wherever it comes (RFC 5321 section 3.8).
    pub(super) fn reply(self, reply: &Reply, context: &mut Context) -> Self {
        if reply.code == 421 {
            return self.lost(&Loss::Refused(reply.clone()), context);
        }
        match self {
            Self::Greeting(greeting) => greeting.reply(reply, context),
            Self::Hello(hello) => hello.reply(reply, context),
            Self::StartTls => Hello::starts_tls(reply, context),
            Self::Envelope(envelope) => envelope.reply(reply, context),
            Self::Content(content) => content.reply(reply, context),
            Self::Confirming(confirming) => confirming.reply(reply, context),
            Self::LoneDot => Self::reset(context),
            Self::Resetting if reply.class() == 2 => Self::idle(context),
            Self::Idle | Self::Resetting | Self::Quitting | Self::Closed | Self::Handshake => {
                Self::close(context)
            }
        }
    }

    /// The session ends here, and whoever is not settled learns why.
    pub(super) fn lost(self, loss: &Loss, context: &mut Context) -> Self {
        let disposition = loss.disposition(self.stage(), &context.settings.peer);
        match self {
            Self::Greeting(_) | Self::Hello(_) | Self::StartTls | Self::Handshake => {
                return Self::unusable(disposition, context);
            }
            Self::Envelope(envelope) => {
                let (mut ledger, untouched) = envelope.into_ledger();
                if untouched && context.begun > 1 {
                    context.push(Action::Returned(ledger.into_transaction()));
                } else {
                    ledger.settle_rest(&disposition, context);
                }
            }
            Self::Content(content) => settle(content.into_ledger(), &disposition, context),
            Self::Confirming(confirming) => settle(confirming.into_ledger(), &disposition, context),
            Self::Idle | Self::LoneDot | Self::Resetting | Self::Quitting | Self::Closed => {}
        }
        Self::close(context)
    }

    /// No transaction is begun here. What stands in the way of a message that requires TLS is no matter of others.
    pub(super) fn unusable(disposition: Disposition, context: &mut Context) -> Self {
        let outcome = match (context.settings.protection, disposition.outcome) {
            (Protection::RequireTls, outcome) => outcome,
            _ => Outcome::HostDeferred,
        };
        context.push(Action::Unusable(Disposition { outcome, ..disposition }));
        Self::close(context)
    }

    pub(super) fn idle(context: &mut Context) -> Self {
        context.wait(Stage::Idle);
        Self::Idle
    }

    /// The end of data is answered, in whatever way: nothing of the transaction is left at the server (RFC 5321 section
    /// 4.1.1.4), and the one that was sent behind it has its turn.
    pub(super) fn after(delivered: bool, context: &mut Context) -> Self {
        match context.next.take() {
            Some(next) => {
                context.push(Action::Followed);
                next.under_way(context)
            }
            None if delivered => Self::idle(context),
            None => Self::reset(context),
        }
    }

    pub(super) fn reset(context: &mut Context) -> Self {
        context.send(*b"RSET\r\n");
        context.wait(Stage::Rset);
        Self::Resetting
    }

    pub(super) fn quit(context: &mut Context) -> Self {
        context.send(*b"QUIT\r\n");
        context.wait(Stage::Quit);
        Self::Quitting
    }

    pub(super) fn close(context: &mut Context) -> Self {
        if let Some(next) = context.next.take() {
            context.push(Action::Followed);
            context.push(Action::Returned(next.into_ledger().0.into_transaction()));
        }
        context.wait(Stage::Closed);
        Self::Closed
    }
}

fn settle(mut ledger: Ledger, disposition: &Disposition, context: &mut Context) {
    ledger.settle_rest(disposition, context);
}
