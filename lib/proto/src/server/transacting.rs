//! After MAIL: RCPT adds recipients, DATA or BDAT asks for the content.

use super::asking::Asking;
use super::chunking::{Announced, Chunking};
use super::identified::Identified;
use super::opening::Opening;
use super::states::{Effect, Scene, State};
use super::{Client, Question, Service, Transaction, replies};
use crate::address::{ForwardPath, Mailbox};
use crate::command::RcptParameters;
use crate::reply::Reply;
use crate::terms::{BodyKind, RecipientTerms};

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
        scene: &Scene<'_>,
    ) -> (State, Effect) {
        if let Err(reply) = self.check(&to, &parameters, scene) {
            return (State::Transacting(self), Effect::Refuse(reply));
        }
        let recipient = match &to {
            ForwardPath::Postmaster => scene.config.postmaster().clone(),
            ForwardPath::Mailbox(mailbox) => mailbox.clone(),
        };
        let terms = RecipientTerms { notify: parameters.notify, orcpt: parameters.orcpt };
        let number = scene.number;
        let asking = Asking { before: self, number, recipient: recipient.clone(), terms };
        (State::Asking(asking), Effect::Ask(Question { number, to, recipient }))
    }

    fn check(&self, to: &ForwardPath, parameters: &RcptParameters, scene: &Scene<'_>) -> Result<(), Reply> {
        let limit = scene.config.limits().recipients;
        if self.transaction.recipients.len() >= limit {
            return Err(replies::too_many_recipients(self.transaction.recipients.len() + 1, limit));
        }
        let is_utf8 = matches!(to, ForwardPath::Mailbox(mailbox) if Mailbox::is_utf8(mailbox));
        if is_utf8 && !self.transaction.terms.utf8 {
            return Err(replies::undeclared());
        }
        match parameters.keywords().find(|_| !self.client.extended) {
            Some(keyword) => Err(replies::not_offered(keyword)),
            None => Ok(()),
        }
    }

    /// A refusal for want of recipients does not count as a bad command: in a group, the client sends DATA before it
    /// knows its recipients' fate (RFC 2920 section 3.1). LMTP has a code of its own for it (RFC 2033 section 4.2).
    pub(super) fn data(self, scene: &Scene<'_>) -> (State, Effect) {
        if self.transaction.recipients.is_empty() {
            let code = if scene.guest.standing.service == Service::Lmtp { 503 } else { 554 };
            return (State::Transacting(self), Effect::Refuse(replies::no_recipients(code)));
        }
        if self.transaction.terms.body == BodyKind::BinaryMime {
            // RFC 3030 section 3.
            return (
                State::Transacting(self),
                Effect::Bad(replies::out_of_order("BINARYMIME goes with BDAT")),
            );
        }
        (State::Opening(Box::new(Opening { before: self, chunk: None })), Effect::BeginBody)
    }

    /// The first chunk.
    pub(super) fn bdat(self, chunk: Announced, scene: &Scene<'_>) -> (State, Effect) {
        if self.transaction.recipients.is_empty() {
            return (Chunking::refused(self, chunk, replies::no_recipients(503), scene), Effect::Go);
        }
        let limit = scene.config.limits().message_size;
        if chunk.size > limit {
            let refusal = replies::too_large(chunk.size, limit);
            return (Chunking::refused(self, chunk, refusal, scene), Effect::Go);
        }
        (State::Opening(Box::new(Opening { before: self, chunk: Some(chunk) })), Effect::BeginBody)
    }
}
