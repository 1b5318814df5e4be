//! A RCPT waits for the verdict on its recipient.

use super::states::State;
use super::transacting::Transacting;
use super::{Verdict, replies};
use crate::address::Mailbox;
use crate::envelope::Recipient;
use crate::reply::Reply;
use crate::status::Status;
use crate::terms::RecipientTerms;

#[derive(Debug)]
pub(super) struct Asking {
    pub(super) before: Transacting,
    pub(super) number: u32,
    pub(super) recipient: Mailbox,
    pub(super) terms: RecipientTerms,
}

impl Asking {
    pub(super) fn answer(mut self, verdict: Verdict) -> (State, Reply) {
        let reply = match verdict {
            Verdict::Accepted { route } => {
                let reply =
                    Reply::new(250, Status::success(1, 5), format!("<{}> recipient ok", self.recipient));
                self.before.transaction.recipients.push(Recipient {
                    address: self.recipient,
                    route,
                    terms: self.terms,
                });
                reply
            }
            Verdict::Refused(reply) => replies::of_class(5, reply),
            Verdict::Deferred(reply) => replies::of_class(4, reply),
        };
        (State::Transacting(self.before), reply)
    }
}
