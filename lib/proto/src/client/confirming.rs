//! The end of data is sent: who has it now?

use super::context::Context;
use super::ledger::Ledger;
use super::loss::Loss;
use super::state::State;
use super::{Dialect, Stage, verdict};
use crate::disposition::{Disposition, Outcome};
use crate::reply::Reply;

/// Waiting for the reply to the end of data; in LMTP for one for each accepted recipient, in their order.
#[derive(Debug)]
pub(super) struct Confirming {
    ledger: Ledger,
    accepted: std::vec::IntoIter<usize>,
}

impl Confirming {
    pub(super) fn begin(ledger: Ledger, accepted: Vec<usize>, context: &mut Context) -> State {
        context.wait(Stage::EndOfData);
        State::Confirming(Self { ledger, accepted: accepted.into_iter() })
    }

    pub(super) fn reply(self, reply: &Reply, context: &mut Context) -> State {
        let Some(disposition) = verdict::of(reply, Stage::EndOfData, context) else {
            return State::Confirming(self).lost(&Loss::Garbage(reply.to_string()), context);
        };
        match context.settings.dialect {
            Dialect::Smtp => self.all(&disposition, context),
            Dialect::Lmtp => self.next(disposition, context),
        }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn into_ledger(self) -> Ledger {
        self.ledger
    }

    fn all(mut self, disposition: &Disposition, context: &mut Context) -> State {
        self.ledger.settle_rest(disposition, context);
        State::after(disposition.outcome == Outcome::Delivered, context)
    }

    fn next(mut self, disposition: Disposition, context: &mut Context) -> State {
        if let Some(index) = self.accepted.next() {
            self.ledger.settle(index, disposition, context);
        }
        if self.accepted.as_slice().is_empty() {
            return State::idle(context);
        }
        context.wait(Stage::EndOfData);
        State::Confirming(self)
    }
}
