//! MAIL, RCPT and DATA: from the first command of a transaction to the 354.

use super::content::Content;
use super::context::Context;
use super::ledger::Ledger;
use super::loss::Loss;
use super::state::State;
use super::{Command, Dialect, Plan, Stage, Transaction, verdict};
use crate::disposition::Outcome;
use crate::reply::Reply;

/// Commands of the plan are sent; their replies come in order.
#[derive(Debug)]
pub(super) struct Envelope {
    ledger: Ledger,
    plan: Plan,
    /// How many commands are answered: the position of the one whose reply comes next.
    answered: usize,
    /// MAIL was refused, and with it everybody.
    refused: bool,
    /// The recipients that the server takes, in order.
    accepted: Vec<usize>,
}

impl Envelope {
    pub(super) fn new(transaction: Transaction, context: &Context) -> Self {
        let plan = Plan::new(&transaction, &context.features);
        Self { ledger: Ledger::new(transaction), plan, answered: 0, refused: false, accepted: Vec::new() }
    }

    /// Sends the first burst.
    pub(super) fn begin(transaction: Transaction, context: &mut Context) -> State {
        let envelope = Self::new(transaction, context);
        context.send(envelope.burst());
        envelope.under_way(context)
    }

    /// The first burst has gone out, and everything before it is answered.
    pub(super) fn under_way(self, context: &mut Context) -> State {
        context.begun += 1;
        context.wait(Stage::Mail);
        State::Envelope(self)
    }

    /// What goes out next in one write.
    pub(super) fn burst(&self) -> Vec<u8> {
        self.plan.octets(self.plan.burst(self.answered), self.ledger.transaction())
    }

    pub(super) fn stage(&self) -> Stage {
        match self.plan.command(self.answered) {
            Some(Command::Mail) => Stage::Mail,
            Some(Command::Rcpt(_)) => Stage::Rcpt,
            Some(Command::Data | Command::Chunk) | None => Stage::Data,
        }
    }

    /// The ledger, and whether the server has not said a word about this transaction.
    pub(super) fn into_ledger(self) -> (Ledger, bool) {
        (self.ledger, self.answered == 0)
    }

    pub(super) fn reply(self, reply: &Reply, context: &mut Context) -> State {
        match self.plan.command(self.answered) {
            Some(Command::Mail) => self.mail(reply, context),
            Some(Command::Rcpt(index)) => self.rcpt(index, reply, context),
            Some(Command::Data | Command::Chunk) | None => self.data(reply, context),
        }
    }

    fn mail(mut self, reply: &Reply, context: &mut Context) -> State {
        let Some(disposition) = verdict::of(reply, Stage::Mail, context) else {
            return self.violation(reply, context);
        };
        if disposition.outcome != Outcome::Delivered {
            self.refused = true;
            self.ledger.settle_rest(&disposition, context);
        }
        self.proceed(context)
    }

    /// A server that takes a recipient although it has refused MAIL might take the lone dot for a message, too: it is
    /// left at once.
    fn rcpt(mut self, index: usize, reply: &Reply, context: &mut Context) -> State {
        match verdict::of(reply, Stage::Rcpt, context) {
            Some(disposition) if disposition.outcome == Outcome::Delivered => {
                if self.refused {
                    return self.violation(reply, context);
                }
                self.accepted.push(index);
            }
            Some(_) if self.is_full(reply) => {
                let disposition = verdict::too_many(reply, &context.settings.peer);
                self.ledger.settle(index, disposition, context);
            }
            Some(disposition) => self.ledger.settle(index, disposition, context),
            None => return self.violation(reply, context),
        }
        self.proceed(context)
    }

    /// 552 without a reason of its own, after recipients that were taken: RFC 5321 section 4.5.3.1.10.
    fn is_full(&self, reply: &Reply) -> bool {
        reply.code == 552 && reply.status.is_none() && !self.accepted.is_empty()
    }

    fn data(mut self, reply: &Reply, context: &mut Context) -> State {
        match reply.code {
            354 if !self.accepted.is_empty() => Content::begin(self.ledger, self.accepted, context),
            354 => Self::lone_dot(context),
            400..600 => {
                if let Some(disposition) = verdict::of(reply, Stage::Data, context) {
                    self.ledger.settle_rest(&disposition, context);
                }
                self.give_up(context)
            }
            _ => self.violation(reply, context),
        }
    }

    /// Nobody was accepted, yet the pipelined DATA was: RFC 2920 section 3.1 ends it with a single dot. In LMTP no reply
    /// would follow it (RFC 2033 section 4.2), so that session cannot go on.
    fn lone_dot(context: &mut Context) -> State {
        if context.settings.dialect == Dialect::Lmtp {
            return State::close(context);
        }
        context.send(*b".\r\n");
        context.wait(Stage::Rset);
        State::LoneDot
    }

    /// On to the next reply, sending what it takes to get one.
    fn proceed(mut self, context: &mut Context) -> State {
        self.answered += 1;
        let next = self.plan.command(self.answered);
        let last = matches!(next, Some(Command::Data | Command::Chunk));
        // What is pipelined is sent already, but for BDAT, which takes the content along.
        let sends = !self.plan.pipelined || next == Some(Command::Chunk);
        if sends {
            if self.refused || last && self.accepted.is_empty() {
                return self.give_up(context);
            }
            context.send(self.burst());
        }
        if next == Some(Command::Chunk) {
            return Content::begin(self.ledger, self.accepted, context);
        }
        context.wait(self.stage());
        State::Envelope(self)
    }

    /// Everybody is settled, nothing was delivered: make the session fit for the next transaction.
    fn give_up(self, context: &mut Context) -> State {
        if self.refused { State::idle(context) } else { State::reset(context) }
    }

    fn violation(self, reply: &Reply, context: &mut Context) -> State {
        State::Envelope(self).lost(&Loss::Garbage(reply.to_string()), context)
    }
}
