//! A client with a name and no transaction: MAIL opens one.

use super::states::{Effect, State};
use super::transacting::Transacting;
use super::{Client, Config, Transaction, replies};
use crate::address::ReversePath;
use crate::command::MailParameters;
use crate::reply::Reply;
use crate::status::Status;
use crate::terms::Terms;

#[derive(Debug)]
pub(super) struct Identified {
    pub(super) client: Client,
}

impl Identified {
    /// Source: RFC 5321 section 4.1.1.2; RFC 1870 section 6.1 (a declared size that is too large).
    pub(super) fn mail(
        self,
        from: ReversePath,
        parameters: MailParameters,
        config: &Config,
    ) -> (State, Effect) {
        let limit = config.limits().message_size;
        if parameters.size.is_some_and(|size| size > limit) {
            return (State::Identified(self), Effect::Reply(replies::too_large(limit)));
        }
        let reply = Reply::new(250, Status::success(1, 0), format!("{from} sender ok"));
        let terms = Terms {
            body: parameters.body,
            utf8: parameters.utf8,
            require_tls: parameters.require_tls,
            ret: parameters.ret,
            envid: parameters.envid,
            priority: parameters.priority,
            auth: parameters.auth,
            ..Terms::default()
        };
        let transaction = Transaction { from, recipients: Vec::new(), terms, declared_size: parameters.size };
        let next = Transacting { client: self.client, transaction };
        (State::Transacting(next), Effect::Reply(reply))
    }
}
