//! A client with a name and no transaction: MAIL opens one.

use super::states::{Effect, Scene, State};
use super::transacting::Transacting;
use super::wishes::{check_sender, terms_of};
use super::{Client, Transaction};
use crate::address::ReversePath;
use crate::command::MailParameters;
use crate::reply::Reply;
use crate::status::Status;

#[derive(Debug)]
pub(super) struct Identified {
    pub(super) client: Client,
}

impl Identified {
    /// Source: RFC 5321 section 4.1.1.2.
    pub(super) fn mail(
        self,
        from: ReversePath,
        parameters: MailParameters,
        scene: &Scene<'_>,
    ) -> (State, Effect) {
        let (declared_size, wished) = (parameters.size, parameters.priority);
        let admitted = check_sender(&from, &parameters, scene);
        match admitted.and_then(|()| terms_of(parameters, &self.client, scene)) {
            Err(reply) => (State::Identified(self), Effect::Refuse(reply)),
            Ok(terms) => {
                let reply = if wished.is_some_and(|wished| wished != 0 && terms.priority.is_none()) {
                    // RFC 6710 section 5: the client is told the priority that counts.
                    Reply::new(250, Status::success(3, 6), format!("0 is the priority; {from} sender ok"))
                } else {
                    Reply::new(250, Status::success(1, 0), format!("{from} sender ok"))
                };
                let transaction = Transaction { from, recipients: Vec::new(), terms, declared_size };
                let next = Transacting { client: self.client, transaction };
                (State::Transacting(next), Effect::Reply(reply))
            }
        }
    }
}
