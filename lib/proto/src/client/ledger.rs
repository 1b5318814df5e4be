//! A transaction, and who of its recipients is settled.

use super::Action;
use super::context::Context;
use crate::address::{Mailbox, ReversePath};
use crate::disposition::Disposition;
use crate::envelope::Shape;
use crate::terms::{RecipientTerms, Terms};

/// One message for one or more recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The reverse-path of MAIL.
    pub from: ReversePath,
    /// The forward-paths; the index of each is its name in [`Action::Settled`].
    pub recipients: Vec<Mailbox>,
    /// The shape of the content.
    pub shape: Shape,
    /// What the sender asked for.
    pub terms: Terms,
    /// What the sender asked for, for each recipient; empty if for none of them.
    pub wishes: Vec<RecipientTerms>,
    /// The time at which this was put together, UTC milliseconds: what is left for delivery counts from here.
    pub utc: u64,
}

impl Transaction {
    /// A message for which nothing special is asked.
    pub fn plain(from: ReversePath, recipients: Vec<Mailbox>, shape: Shape) -> Self {
        Self { from, recipients, shape, terms: Terms::default(), wishes: Vec::new(), utc: 0 }
    }
}

/// The transaction under way. It is here, and nowhere else, that a recipient is settled, so that it happens once.
#[derive(Debug)]
pub(super) struct Ledger {
    transaction: Transaction,
    settled: Vec<bool>,
}

impl Ledger {
    pub(super) fn new(transaction: Transaction) -> Self {
        Self { settled: vec![false; transaction.recipients.len()], transaction }
    }

    pub(super) fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Gives the transaction back, of which nobody was settled.
    pub(super) fn into_transaction(self) -> Transaction {
        debug_assert!(!self.settled.contains(&true), "a returned transaction has nobody settled");
        self.transaction
    }

    /// Settles the recipient at `index`, unless it is.
    pub(super) fn settle(&mut self, index: usize, disposition: Disposition, context: &mut Context) {
        if let Some(settled) = self.settled.get_mut(index).filter(|settled| !**settled) {
            *settled = true;
            context.push(Action::Settled(index, disposition));
        }
    }

    /// Settles everybody who is not yet settled.
    pub(super) fn settle_rest(&mut self, disposition: &Disposition, context: &mut Context) {
        for index in 0..self.settled.len() {
            self.settle(index, disposition.clone(), context);
        }
    }
}
