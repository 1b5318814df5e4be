//! AUTH: who may begin an exchange, and what its lines mean. What they prove is decided elsewhere.
//!
//! Source: RFC 4954 sections 4 and 6.

use super::identified::Identified;
use super::states::{Effect, Scene, State};
use super::waiting::{Errand, Waiting};
use super::{Action, replies};
use crate::base64;

impl Identified {
    /// AUTH is taken once, outside a transaction, and with a mechanism that is offered at this moment.
    pub(super) fn auth(
        self,
        mechanism: String,
        initial: Option<Vec<u8>>,
        scene: &Scene<'_>,
    ) -> (State, Effect) {
        let offered = scene.guest.mechanisms();
        let refusal = if scene.guest.account.is_some() {
            replies::out_of_order("authenticated already")
        } else if !self.client.extended || !scene.guest.standing.mechanisms.any() {
            replies::unimplemented()
        } else if offered.is_empty() {
            replies::encryption_required()
        } else if !offered.contains(&mechanism) {
            return (State::Identified(self), Effect::Refuse(replies::unknown_mechanism(&mechanism)));
        } else {
            return wait(self, Action::Authenticate { mechanism, initial });
        };
        (State::Identified(self), Effect::Bad(refusal))
    }
}

/// The client's line after a challenge, without its CRLF.
pub(super) fn response(state: Identified, line: &[u8]) -> (State, Effect) {
    if line == b"*" {
        return (State::Identified(state), Effect::Cancel(replies::auth_cancelled()));
    }
    match base64::decode(line) {
        Some(response) => wait(state, Action::AuthResponse(response)),
        None => (State::Identified(state), Effect::Cancel(replies::bad_base64())),
    }
}

fn wait(state: Identified, action: Action<'static>) -> (State, Effect) {
    let waiting = Waiting { before: State::Identified(state), errand: Errand::Authentication };
    (State::Waiting(Box::new(waiting)), Effect::Do(action))
}
