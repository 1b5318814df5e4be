//! The session as its shell sees it.

use super::context::Context;
use super::envelope::Envelope;
use super::hello::{Greeting, Hello};
use super::ledger::Ledger;
use super::loss::Loss;
use super::state::State;
use super::{Features, Settings, Stage, Step, Transaction};
use crate::reply::ReplyParser;

/// A client session as a pure machine: replies in, commands out. See the [module](super) for its states.
///
/// All times are milliseconds of one monotonic clock. After each call that reports an event ([`body_sent`](Self::body_sent),
/// [`lost`](Self::lost), [`expire`](Self::expire), [`begin`](Self::begin), [`quit`](Self::quit)) call
/// [`advance`](Self::advance), with empty input if there is none, until it asks to wait.
#[derive(Debug)]
pub struct Session {
    pub(super) state: State,
    pub(super) context: Context,
    parser: ReplyParser,
}

impl Session {
    /// A session on a connection that is just established; the server speaks first.
    pub fn new(settings: Settings, now: u64) -> Self {
        let mut context = Context::new(settings, now);
        context.wait(Stage::Greeting);
        Self { state: State::Greeting(Greeting), context, parser: ReplyParser::new() }
    }

    /// Starts a transaction on an idle session. Its recipients are settled at once, and the session stays idle, if the
    /// server cannot have the message.
    ///
    /// # Errors
    /// The transaction comes back, boxed, if the session is not idle, actions of the last one are not yet taken, or the
    /// session [is spent](Self::is_spent).
    pub fn begin(&mut self, transaction: Transaction, now: u64) -> Result<(), Box<Transaction>> {
        if !self.is_idle() || self.is_spent() {
            return Err(Box::new(transaction));
        }
        self.context.set_time(now);
        if let Some(disposition) = self.context.refusal(&transaction) {
            Ledger::new(transaction).settle_rest(&disposition, &mut self.context);
        } else if !transaction.recipients.is_empty() {
            self.state = Envelope::begin(transaction, &mut self.context);
        }
        Ok(())
    }

    /// Takes what the server said, and says what to do next.
    pub fn advance(&mut self, input: &[u8], now: u64) -> Step {
        self.context.set_time(now);
        let mut consumed = 0;
        while let Some(rest) = input.get(consumed..).filter(|rest| !rest.is_empty()) {
            if self.context.has_actions() {
                break;
            }
            consumed += self.read(rest);
        }
        let action = self.context.pop().unwrap_or_else(|| self.state.standing());
        Step { consumed, action }
    }

    /// The TLS handshake is done; `verified` says whether the server has proved its name, else why not. The session begins
    /// anew with EHLO (RFC 3207 section 4.2). Nothing happens unless [`Action::StartTls`](super::Action) stands.
    pub fn secured(&mut self, verified: Result<(), String>, now: u64) {
        self.context.set_time(now);
        self.transition(|state, context| match state {
            State::Handshake => Hello::secured(verified, context),
            other => other,
        });
    }

    /// The TLS handshake has failed; the session ends, as it does with [`lost`](Self::lost).
    pub fn unsecured(&mut self, why: &str, now: u64) {
        self.end(&Loss::Handshake(why.to_owned()), now);
    }

    /// Whether the connection is under TLS.
    pub fn is_secured(&self) -> bool {
        self.context.secured.is_some()
    }

    /// Whether the server takes no further transaction on this connection (MAILMAX of RFC 9422).
    pub fn is_spent(&self) -> bool {
        self.context.is_spent()
    }

    /// Content was written: the time for the next block begins anew.
    pub fn body_progress(&mut self, now: u64) {
        self.context.set_time(now);
        if let State::Content(_) = self.state {
            self.context.wait(Stage::Content);
        }
    }

    /// The content and its end have been written. Nothing happens unless [`Action::WantBody`](super::Action) stands.
    pub fn body_sent(&mut self, now: u64) {
        self.context.set_time(now);
        self.transition(|state, context| match state {
            State::Content(content) => content.sent(context),
            other => other,
        });
    }

    /// The connection is gone, or never came to be; `why` opens the text of the dispositions: `connection closed`.
    pub fn lost(&mut self, why: &str, now: u64) {
        self.end(&Loss::Connection(why.to_owned()), now);
    }

    /// When [`expire`](Self::expire) is due; `None` while the session is idle or closed.
    pub fn deadline(&self) -> Option<u64> {
        self.context.deadline()
    }

    /// Ends the session if its deadline has passed, and says whether it did.
    pub fn expire(&mut self, now: u64) -> bool {
        self.context.set_time(now);
        let late = self.context.is_late();
        if late {
            self.end(&Loss::TimedOut, now);
        }
        late
    }

    /// Ends the session: with QUIT when it is idle; otherwise at once, deferring whoever is not settled.
    pub fn quit(&mut self, now: u64) {
        self.context.set_time(now);
        self.transition(|state, context| match state {
            State::Idle => State::quit(context),
            other => other.lost(&Loss::Abandoned, context),
        });
    }

    /// Whether [`begin`](Self::begin) is welcome.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && !self.context.has_actions()
    }

    /// What the session waits for.
    pub fn stage(&self) -> Stage {
        self.state.stage()
    }

    /// What the server offers; nothing before EHLO is answered.
    pub fn features(&self) -> Features {
        self.context.features
    }

    /// Reads one reply, or whatever there is of it; gives the octets used up.
    fn read(&mut self, input: &[u8]) -> usize {
        match self.state {
            State::Closed => return input.len(),
            // RFC 3207 section 6: what came in plain text is nobody's word.
            State::Handshake => {
                let loss = Loss::Garbage("plain text behind the reply to STARTTLS".to_owned());
                self.transition(|state, context| state.lost(&loss, context));
                return input.len();
            }
            _ => {}
        }
        match self.parser.feed(input) {
            Ok((used, None)) => used,
            Ok((used, Some(reply))) => {
                self.transition(|state, context| state.reply(&reply, context));
                used
            }
            Err(error) => {
                self.transition(|state, context| state.lost(&Loss::Garbage(error.to_string()), context));
                input.len()
            }
        }
    }

    fn end(&mut self, loss: &Loss, now: u64) {
        self.context.set_time(now);
        self.transition(|state, context| state.lost(loss, context));
    }

    fn transition(&mut self, step: impl FnOnce(State, &mut Context) -> State) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        self.state = step(state, &mut self.context);
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
