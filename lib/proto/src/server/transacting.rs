//! After MAIL: RCPT adds recipients, DATA asks for the content.

use super::asking::Asking;
use super::identified::Identified;
use super::opening::Opening;
use super::states::{Effect, State};
use super::{Client, Config, Question, Transaction, replies};
use crate::address::ForwardPath;
use crate::command::RcptParameters;
use crate::terms::RecipientTerms;

#[derive(Debug)]
pub(super) struct Transacting {
    pub(super) client: Client,
    pub(super) transaction: Transaction,
}

impl Transacting {
    pub(super) fn reset(self) -> Identified {
        Identified { client: self.client }
    }

    /// Source: RFC 5321 sections 4.1.1.3 and 4.5.3.1.10 (too many recipients).
    pub(super) fn rcpt(
        self,
        to: ForwardPath,
        parameters: RcptParameters,
        number: u32,
        config: &Config,
    ) -> (State, Effect) {
        let limit = config.limits().recipients;
        if self.transaction.recipients.len() >= limit {
            return (State::Transacting(self), Effect::Reply(replies::too_many_recipients(limit)));
        }
        let recipient = match &to {
            ForwardPath::Postmaster => config.postmaster().clone(),
            ForwardPath::Mailbox(mailbox) => mailbox.clone(),
        };
        let terms = RecipientTerms { notify: parameters.notify, orcpt: parameters.orcpt };
        let asking = Asking { before: self, number, recipient: recipient.clone(), terms };
        (State::Asking(asking), Effect::Ask(Question { number, to, recipient }))
    }

    /// A refusal does not count as a bad command: in a group, the client sends DATA before it knows its recipients'
    /// fate (RFC 2920 section 3.1).
    pub(super) fn data(self) -> (State, Effect) {
        if self.transaction.recipients.is_empty() {
            return (State::Transacting(self), Effect::Reply(replies::no_recipients()));
        }
        (State::Opening(Opening { before: self }), Effect::BeginBody)
    }
}
