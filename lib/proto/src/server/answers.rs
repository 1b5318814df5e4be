//! The answers of our own side to what a session has asked for.
//!
//! Each of them gives the reply to send, if it is one that can be sent at once; otherwise the next
//! [`Session::advance`] says what is to be done. An answer to something that was not asked, or not any more, changes
//! nothing.

use super::asking::Asking;
use super::session::first_state;
use super::states::{Effect, Securing, State};
use super::waiting::{Errand, Waiting};
use super::{Action, Close, Judgement, Security, Session, Verdict, replies};
use crate::base64;
use crate::id::SpoolId;
use crate::reply::Reply;

impl Session {
    /// The verdict on a recipient; gives the reply to send.
    ///
    /// `None` if the session is not waiting for the answer to the question `number`: it comes too late, drop it.
    pub fn answer(&mut self, number: u32, verdict: Verdict, now: u64) -> Option<Reply> {
        self.now = now;
        match std::mem::take(&mut self.state) {
            State::Asking(asking) if asking.number == number => {
                let settled = asking.answer(verdict);
                Some(self.settle(settled))
            }
            state => self.unasked(state),
        }
    }

    /// A draft is open, or the 4xx or 5xx reply that says why none is; gives the reply to send.
    ///
    /// `None` if there is nothing to say yet: the content comes by BDAT, and each chunk is answered at its end. Then,
    /// and if the session asked for no draft at all, [`Session::advance`] tells when to drop it.
    pub fn opened(&mut self, result: Result<(), Reply>, now: u64) -> Option<Reply> {
        self.now = now;
        match std::mem::take(&mut self.state) {
            State::Opening(opening) => {
                let (state, reply) = opening.opened(result, &self.scene());
                match reply {
                    Some(reply) => Some(self.settle((state, reply))),
                    None => {
                        self.move_to(state);
                        None
                    }
                }
            }
            state => self.unasked(state),
        }
    }

    /// The draft is committed: the message survives whatever happens; or the 4xx or 5xx reply that says why it is not.
    /// Gives the reply to send; `None` if the session is not waiting for a commit.
    ///
    /// With LMTP there is a reply for each recipient: this one is the first, and [`Session::advance`] gives the others.
    pub fn committed(&mut self, result: Result<SpoolId, Reply>, now: u64) -> Option<Reply> {
        self.now = now;
        match std::mem::take(&mut self.state) {
            State::Committing(committing) => {
                let (state, replies) = committing.committed(result);
                Some(self.end_transaction(state, replies))
            }
            state => self.unasked(state),
        }
    }

    /// As [`Session::committed`], with a result for each recipient, in their order.
    pub fn committed_each(&mut self, results: &[Result<SpoolId, Reply>], now: u64) -> Option<Reply> {
        self.now = now;
        match std::mem::take(&mut self.state) {
            State::Committing(committing) => {
                let (state, replies) = committing.committed_each(results);
                Some(self.end_transaction(state, replies))
            }
            state => self.unasked(state),
        }
    }

    fn end_transaction(&mut self, state: State, (first, rest): (Reply, Vec<Reply>)) -> Reply {
        if first.class() == 2 {
            self.idle_commands = 0;
            self.refusals = 0;
        }
        self.pending.extend(rest.into_iter().map(Action::Reply));
        self.settle((state, first))
    }

    /// The connection is protected now: everything that the client has said is forgotten (RFC 3207 section 4.2). If the
    /// handshake failed, the connection is of no use any more; just close it.
    pub fn secured(&mut self, security: Security, now: u64) {
        self.now = now;
        if self.state_is_securing() {
            self.guest.secured(security);
            self.move_to(first_state(&self.guest.standing));
        }
    }

    fn state_is_securing(&self) -> bool {
        matches!(self.state, State::Securing(Securing::Invited | Securing::Begun))
    }

    /// The next challenge of an exchange of AUTH; gives the 334 to send.
    pub fn challenge(&mut self, challenge: &[u8], now: u64) -> Option<Reply> {
        self.now = now;
        match std::mem::take(&mut self.state) {
            State::Waiting(waiting) if matches!(waiting.errand, Errand::Authentication) => {
                let State::Identified(state) = waiting.before else {
                    return self.unasked(waiting.before);
                };
                self.move_to(State::Authenticating(state));
                Some(replies::challenge(base64::encode(challenge)))
            }
            state => self.unasked(state),
        }
    }

    /// The exchange of AUTH is over: the account that the client has proved to be, or the 4xx or 5xx reply that says why
    /// it has not. Gives the reply to send; a 5xx one counts as a failure, and the last that is allowed ends the session.
    pub fn authenticated(&mut self, result: Result<String, Reply>, now: u64) -> Option<Reply> {
        self.now = now;
        let before = self.end_errand(|errand| matches!(errand, Errand::Authentication))?;
        let reply = match result {
            Ok(account) => {
                self.guest.account = Some(account.into_boxed_str());
                replies::authenticated()
            }
            Err(reply) => self.failed_authentication(replies::failure(reply)),
        };
        Some(self.settle((before, reply)))
    }

    fn failed_authentication(&mut self, reply: Reply) -> Reply {
        let limit = self.config.limits().auth_failures;
        self.auth_failures += u32::from(reply.class() == 5);
        if self.auth_failures >= limit { replies::auth_failures(self.auth_failures, limit) } else { reply }
    }

    /// The policy's word. `None` if there is nothing to say at once.
    pub fn judged(&mut self, judgement: Judgement, now: u64) -> Option<Reply> {
        self.now = now;
        match std::mem::take(&mut self.state) {
            State::Waiting(waiting) if matches!(waiting.errand, Errand::Judgement(_)) => {
                let (state, effect) = waiting.judged(judgement, &self.scene());
                self.follow(state, effect)
            }
            state => self.unasked(state),
        }
    }

    /// What VRFY or EXPN has found, a line for each, or the 2xx, 4xx or 5xx reply to send instead.
    pub fn verified(&mut self, number: u32, result: Result<Vec<String>, Reply>, now: u64) -> Option<Reply> {
        self.now = now;
        let before = self.end_errand(|errand| matches!(errand, Errand::Verify(asked) if *asked == number))?;
        let reply = result.map_or_else(|reply| reply, replies::found);
        self.follow(before, Effect::Idle(reply))
    }

    /// What becomes of ETRN (RFC 1985 section 5.3).
    pub fn etrn_done(&mut self, reply: Reply, now: u64) -> Option<Reply> {
        self.now = now;
        let before = self.end_errand(|errand| matches!(errand, Errand::Etrn))?;
        self.follow(before, Effect::Idle(reply))
    }

    /// XCLIENT or XPLAY is carried out: the client is another one now, and is greeted anew; or it is not.
    /// Set [`Session::standing_mut`] before.
    pub fn reintroduced(&mut self, result: Result<(), Reply>, now: u64) -> Option<Reply> {
        self.now = now;
        let before = self.end_errand(|errand| matches!(errand, Errand::Reintroduction))?;
        let (state, reply) = match result {
            Ok(()) => {
                self.guest.account = None;
                (first_state(&self.guest.standing), self.greeting())
            }
            Err(reply) => (before, replies::failure(reply)),
        };
        self.follow(state, Effect::Idle(reply))
    }

    /// For a session that is only played: the client counts as one that has proved this account and whose connection is
    /// protected like this. Call it behind [`Session::reintroduced`].
    pub fn assume(&mut self, account: Option<String>, security: Option<Security>) {
        self.guest.account = account.map(String::into_boxed_str);
        self.guest.security = security.map(Box::new);
    }

    /// XFORWARD is noted, or it is not.
    pub fn forwarded(&mut self, result: Result<(), Reply>, now: u64) -> Option<Reply> {
        self.now = now;
        let before = self.end_errand(|errand| matches!(errand, Errand::Xforward))?;
        let reply = result.map_or_else(replies::failure, |()| replies::ok());
        self.follow(before, Effect::Idle(reply))
    }

    /// Gives the reply to send if the deadline has passed; then call [`Session::advance`] again.
    ///
    /// What waits for our own side is answered `451` or its like, and the session goes on; a silent client is told
    /// `421`, and the session is over. In the middle of a handshake nothing can be said.
    pub fn expire(&mut self, now: u64) -> Option<Reply> {
        self.now = now;
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return None;
        }
        match std::mem::take(&mut self.state) {
            State::Asking(asking) => Some(self.give_up(asking)),
            State::Waiting(waiting) => {
                let (state, effect) = waiting.give_up(&self.scene());
                self.follow(state, effect)
            }
            State::Securing(_) => {
                self.move_to(State::Closing(Close::Handshake));
                None
            }
            _ => {
                self.move_to(State::Closing(Close::Timeout));
                Some(replies::timeout())
            }
        }
    }

    fn give_up(&mut self, asking: Asking) -> Reply {
        let settled = asking.answer(Verdict::Deferred(replies::no_verdict()));
        self.settle(settled)
    }

    /// The state before the errand, if it is the one that is waited for.
    fn end_errand(&mut self, is_this: impl FnOnce(&Errand) -> bool) -> Option<State> {
        match std::mem::take(&mut self.state) {
            State::Waiting(waiting) if is_this(&waiting.errand) => {
                let Waiting { before, .. } = *waiting;
                Some(before)
            }
            state => {
                self.state = state;
                None
            }
        }
    }

    /// Moves on; gives the reply if that is all there is to do.
    fn follow(&mut self, state: State, effect: Effect) -> Option<Reply> {
        self.move_to(state);
        let action = self.effect(effect);
        self.check_invariants();
        match action? {
            Action::Reply(reply) => Some(self.obey(reply)),
            action => {
                self.pending.push_front(action);
                None
            }
        }
    }

    /// After an answer from our own side.
    fn settle(&mut self, (state, reply): (State, Reply)) -> Reply {
        self.move_to(state);
        let reply = self.count_refusal(reply);
        self.obey(reply)
    }

    /// A 421 from our own side ends the session (RFC 5321 section 3.8).
    pub(super) fn obey(&mut self, reply: Reply) -> Reply {
        if reply.code == 421 && !matches!(self.state, State::Closing(_)) {
            let limit = self.config.limits().auth_failures;
            let why = if self.auth_failures >= limit { Close::AuthFailures } else { Close::Answered };
            self.move_to(State::Closing(why));
        }
        self.check_invariants();
        reply
    }

    fn unasked(&mut self, state: State) -> Option<Reply> {
        self.state = state;
        None
    }
}
