//! A DATA waits for a draft to be opened.

use super::receiving::Receiving;
use super::replies;
use super::states::State;
use super::transacting::Transacting;
use crate::reply::Reply;

#[derive(Debug)]
pub(super) struct Opening {
    pub(super) before: Transacting,
}

impl Opening {
    /// Without a draft the transaction stays open: the client may send DATA again.
    pub(super) fn opened(self, result: Result<(), Reply>) -> (State, Reply) {
        match result {
            Ok(()) => {
                let receiving = Receiving::new(self.before.client, self.before.transaction);
                (State::Receiving(Box::new(receiving)), replies::go_ahead())
            }
            Err(reply) => (State::Transacting(self.before), replies::failure(reply)),
        }
    }
}
