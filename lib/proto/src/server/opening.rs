//! A DATA or the first BDAT waits for a draft to be opened.

use super::chunking::{Announced, Chunking};
use super::receiving::Receiving;
use super::replies;
use super::states::{Effect, Scene, State};
use super::transacting::Transacting;
use crate::reply::Reply;

#[derive(Debug)]
pub(super) struct Opening {
    pub(super) before: Transacting,
    /// The content comes in chunks, and this is the first.
    pub(super) chunk: Option<Announced>,
}

impl Opening {
    /// With DATA the transaction stays open without a draft: the client may send DATA again. A chunk is on its way
    /// already: it is taken or swallowed, and answered then.
    pub(super) fn opened(self, result: Result<(), Reply>, scene: &Scene<'_>) -> (State, Option<Reply>) {
        match (result, self.chunk) {
            (Ok(()), None) => {
                let receiving = Receiving::new(self.before.client, self.before.transaction, scene.now);
                (State::Receiving(Box::new(receiving)), Some(replies::go_ahead()))
            }
            (Ok(()), Some(chunk)) => (Chunking::first(self.before, chunk, scene), None),
            (Err(reply), None) => (State::Transacting(self.before), Some(replies::failure(reply))),
            (Err(reply), Some(chunk)) => {
                (Chunking::refused(self.before, chunk, replies::failure(reply), scene), None)
            }
        }
    }

    /// The policy refuses the content.
    pub(super) fn refused(self, reply: Reply, scene: &Scene<'_>) -> (State, Effect) {
        match self.chunk {
            None => (State::Transacting(self.before), Effect::Refuse(reply)),
            Some(chunk) => (Chunking::refused(self.before, chunk, reply, scene), Effect::Go),
        }
    }
}
