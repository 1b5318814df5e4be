//! The end of data waits for the commit: the instant at which responsibility passes to us.

use super::identified::Identified;
use super::states::State;
use super::{Client, replies};
use crate::address::Mailbox;
use crate::id::SpoolId;
use crate::reply::Reply;
use crate::status::Status;

/// The first reply, and those that follow it.
pub(super) type Replies = (Reply, Vec<Reply>);

#[derive(Debug)]
pub(super) struct Committing {
    pub(super) client: Client,
    /// With LMTP: each recipient, who gets an answer of its own (RFC 2033 section 4.2). Otherwise empty.
    pub(super) recipients: Vec<Mailbox>,
}

impl Committing {
    /// Either way the transaction is over (RFC 5321 section 4.1.1.4).
    pub(super) fn committed(self, result: Result<SpoolId, Reply>) -> (State, Replies) {
        let replies = match self.recipients.split_first() {
            None => (outcome(result), Vec::new()),
            Some((first, rest)) => {
                let rest = rest.iter().map(|recipient| outcome_for(recipient, &result)).collect();
                (outcome_for(first, &result), rest)
            }
        };
        (State::Identified(Identified { client: self.client }), replies)
    }

    /// As [`Self::committed`], with a result for each recipient. A client that awaits one answer gets the first failure
    /// only if nobody got the message.
    pub(super) fn committed_each(self, results: &[Result<SpoolId, Reply>]) -> (State, Replies) {
        let missing = Err(replies::no_verdict());
        let mut recipients = self.recipients.iter().enumerate();
        let Some((_, first)) = recipients.next() else {
            let first = results.iter().find(|result| result.is_ok()).or_else(|| results.first());
            return self.committed(first.unwrap_or(&missing).clone());
        };
        let of = |at: usize| results.get(at).unwrap_or(&missing);
        let rest = recipients.map(|(at, recipient)| outcome_for(recipient, of(at))).collect();
        let replies = (outcome_for(first, of(0)), rest);
        (State::Identified(Identified { client: self.client }), replies)
    }
}

fn outcome(result: Result<SpoolId, Reply>) -> Reply {
    match result {
        Ok(id) => Reply::new(250, Status::OK, format!("{id} accepted")),
        Err(reply) => replies::failure(reply),
    }
}

fn outcome_for(recipient: &Mailbox, result: &Result<SpoolId, Reply>) -> Reply {
    match result {
        Ok(id) => Reply::new(250, Status::success(1, 5), format!("<{recipient}> {id} accepted")),
        Err(reply) => replies::failure(reply.clone()),
    }
}
