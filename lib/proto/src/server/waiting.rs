//! A command waits for an answer from our own side that is neither about a recipient nor about a message.

use super::identified::Identified;
use super::states::{Effect, Scene, State};
use super::{Judgement, replies};

/// What is waited for, and where the session stood when it began to.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) before: State,
    pub(super) errand: Errand,
}

/// What is waited for.
#[derive(Debug)]
pub(super) enum Errand {
    /// VRFY or EXPN with this number.
    Verify(u32),
    Etrn,
    /// XCLIENT or XPLAY.
    Reintroduction,
    Xforward,
    /// One step of AUTH.
    Authentication,
    /// The policy's word; `before` is where the command leads to, this is what follows if it may.
    Judgement(Box<Effect>),
}

impl Waiting {
    /// What the client is told if no answer comes in time, and the state that follows.
    pub(super) fn give_up(self, scene: &Scene<'_>) -> (State, Effect) {
        let reply = match self.errand {
            Errand::Verify(_) => replies::not_verified(),
            Errand::Etrn => replies::no_queue(),
            Errand::Authentication => replies::auth_unavailable(),
            Errand::Reintroduction | Errand::Xforward => replies::no_verdict(),
            Errand::Judgement(_) => return self.judged(Judgement::Refuse(replies::no_verdict()), scene),
        };
        (self.before, Effect::Reply(reply))
    }

    /// The policy has spoken. A refused EHLO leaves a client without a name, a refused MAIL no transaction, a refused
    /// DATA one that may be tried again; a refused chunk is swallowed by its state.
    pub(super) fn judged(self, judgement: Judgement, scene: &Scene<'_>) -> (State, Effect) {
        let Errand::Judgement(effect) = self.errand else {
            return (self.before, Effect::Refuse(replies::no_verdict()));
        };
        let reply = match judgement {
            Judgement::Go => return (self.before, *effect),
            Judgement::Refuse(reply) => replies::failure(reply),
        };
        let state = match self.before {
            State::Identified(_) => State::Connected,
            State::Transacting(state) => State::Identified(Identified { client: state.client }),
            State::Opening(opening) => return opening.refused(reply, scene),
            state => state,
        };
        // A greeting in place of the next chunk has given up a draft.
        (state, if matches!(*effect, Effect::Drop(_)) { Effect::Drop(reply) } else { Effect::Refuse(reply) })
    }
}
