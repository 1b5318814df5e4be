//! The content goes out.

use super::confirming::Confirming;
use super::context::Context;
use super::ledger::Ledger;
use super::loss::Loss;
use super::state::State;
use super::{Stage, verdict};
use crate::reply::Reply;

/// The shell streams the content.
#[derive(Debug)]
pub(super) struct Content {
    ledger: Ledger,
    accepted: Vec<usize>,
}

impl Content {
    pub(super) fn begin(ledger: Ledger, accepted: Vec<usize>, context: &mut Context) -> State {
        context.wait(Stage::Content);
        State::Content(Self { ledger, accepted })
    }

    /// The end of data has gone out.
    pub(super) fn sent(self, context: &mut Context) -> State {
        Confirming::begin(self.ledger, self.accepted, context)
    }

    /// A server that speaks before the end of data can only mean that it will not take the message. Since it may read
    /// on as long as content comes, and commands cannot follow, the connection is closed without the final dot, so that
    /// nothing is delivered.
    pub(super) fn reply(mut self, reply: &Reply, context: &mut Context) -> State {
        let said = verdict::of(reply, Stage::Content, context);
        match said.filter(|_| matches!(reply.class(), 4 | 5)) {
            Some(disposition) => {
                self.ledger.settle_rest(&disposition, context);
                State::close(context)
            }
            None => State::Content(self).lost(&Loss::Garbage(reply.to_string()), context),
        }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn into_ledger(self) -> Ledger {
        self.ledger
    }
}
