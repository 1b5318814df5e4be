//! The end of data waits for the commit: the instant at which responsibility passes to us.

use super::identified::Identified;
use super::states::State;
use super::{Client, replies};
use crate::id::SpoolId;
use crate::reply::Reply;
use crate::status::Status;

#[derive(Debug)]
pub(super) struct Committing {
    pub(super) client: Client,
}

impl Committing {
    /// Either way the transaction is over (RFC 5321 section 4.1.1.4).
    pub(super) fn committed(self, result: Result<SpoolId, Reply>) -> (State, Reply) {
        let reply = match result {
            Ok(id) => Reply::new(250, Status::OK, format!("{id} accepted")),
            Err(reply) => replies::failure(reply),
        };
        (State::Identified(Identified { client: self.client }), reply)
    }
}
