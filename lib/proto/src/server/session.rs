//! The session: input, answers and time in, actions out.

use super::receiving::Received;
use super::states::{Effect, State};
use super::{Action, Client, Close, Config, Step, Transaction, Verdict, replies};
use crate::command::Command;
use crate::framing::{Line, LineReader};
use crate::id::SpoolId;
use crate::reply::Reply;
use std::sync::Arc;

/// One client connection, from greeting to close.
///
/// All times are monotonic milliseconds of one clock, which the session never reads itself.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    lines: LineReader,
    state: State,
    /// The number of the last question asked.
    asked: u32,
    bad_commands: u32,
    draining: bool,
    deadline: Option<u64>,
}

impl Session {
    /// A session that has said nothing; send [`Session::greeting`] first.
    pub fn new(config: Arc<Config>, now: u64) -> Self {
        let lines = LineReader::new(config.limits().command_line);
        let deadline = Some(now.saturating_add(config.limits().command_wait));
        Self { config, lines, state: State::Connected, asked: 0, bad_commands: 0, draining: false, deadline }
    }

    /// The greeting: `220 hostname ESMTP Grange`.
    pub fn greeting(&self) -> Reply {
        replies::greeting(&self.config)
    }

    /// Goes one step further: call until the action says to wait.
    ///
    /// `input` is everything that has arrived and is not used up yet. What the session leaves unused is at most one
    /// incomplete command line, shorter than [`Limits::command_line`](crate::limits::Limits::command_line).
    pub fn advance<'a>(&mut self, input: &'a [u8], now: u64) -> Step<'a> {
        let step = match &self.state {
            State::Closing(why) => Step { consumed: 0, action: Action::Close(*why) },
            State::Asking(_) | State::Opening(_) | State::Committing(_) => {
                Step { consumed: 0, action: Action::Parked }
            }
            State::Receiving(_) => self.receive(input, now),
            State::Connected | State::Identified(_) | State::Transacting(_) if self.draining => {
                let reply = replies::draining(&self.config);
                Step { consumed: 0, action: self.close(Close::Drained, reply) }
            }
            State::Connected | State::Identified(_) | State::Transacting(_) => self.read_command(input, now),
        };
        self.check_invariants();
        step
    }

    /// The verdict on a recipient; gives the reply to send.
    ///
    /// `None` if the session is not waiting for the answer to the question `number`: it comes too late, drop it.
    pub fn answer(&mut self, number: u32, verdict: Verdict, now: u64) -> Option<Reply> {
        match std::mem::take(&mut self.state) {
            State::Asking(asking) if asking.number == number => {
                Some(self.settle(asking.answer(verdict), now))
            }
            state => self.unasked(state),
        }
    }

    /// A draft is open, or the 4xx or 5xx reply that says why none is; gives the reply to send.
    ///
    /// `None` if the session asked for none: drop the draft.
    pub fn opened(&mut self, result: Result<(), Reply>, now: u64) -> Option<Reply> {
        match std::mem::take(&mut self.state) {
            State::Opening(opening) => Some(self.settle(opening.opened(result), now)),
            state => self.unasked(state),
        }
    }

    /// The draft is committed: the message survives whatever happens; or the 4xx or 5xx reply that says why it is not.
    /// Gives the reply to send; `None` if the session is not waiting for a commit.
    pub fn committed(&mut self, result: Result<SpoolId, Reply>, now: u64) -> Option<Reply> {
        match std::mem::take(&mut self.state) {
            State::Committing(committing) => Some(self.settle(committing.committed(result), now)),
            state => self.unasked(state),
        }
    }

    /// When [`Session::expire`] is due; `None` while the session waits for a draft or a commit, or is over.
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// Gives the reply to send if the deadline has passed; then call [`Session::advance`] again.
    ///
    /// A RCPT without a verdict is answered `451`, and the session goes on; a silent client is told `421`, and the
    /// session is over.
    pub fn expire(&mut self, now: u64) -> Option<Reply> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return None;
        }
        match std::mem::take(&mut self.state) {
            State::Asking(asking) => {
                Some(self.settle(asking.answer(Verdict::Deferred(replies::no_verdict())), now))
            }
            _ => {
                self.move_to(State::Closing(Close::Timeout), now);
                Some(replies::timeout())
            }
        }
    }

    /// Ends the session with a `421` as soon as no content is coming in and no question is open. Call
    /// [`Session::advance`] afterwards: it may be at once.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// What the client said about itself; `None` before HELO or EHLO, and once the session is over.
    pub fn client(&self) -> Option<&Client> {
        self.state.client()
    }

    /// The transaction that is open; `None` from [`Action::EndOfBody`] on, which hands it out.
    pub fn transaction(&self) -> Option<&Transaction> {
        self.state.transaction()
    }

    fn read_command<'a>(&mut self, input: &'a [u8], now: u64) -> Step<'a> {
        let (consumed, line) = self.lines.advance(input);
        let action = match line {
            Line::Need => Action::NeedInput,
            Line::Refused(error) => self.refuse(replies::bad_line(error), now),
            Line::Whole(line) => match Command::parse(line) {
                Ok(command) => self.carry_out(command, now),
                Err(error) => self.refuse(error.reply(), now),
            },
        };
        Step { consumed, action }
    }

    fn carry_out(&mut self, command: Command, now: u64) -> Action<'static> {
        let number = self.asked.wrapping_add(1);
        let (state, effect) = std::mem::take(&mut self.state).command(command, number, &self.config);
        self.move_to(state, now);
        match effect {
            Effect::Reply(reply) => Action::Reply(reply),
            Effect::Bad(reply) => self.refuse(reply, now),
            Effect::BeginBody => Action::BeginBody,
            Effect::Ask(question) => {
                self.asked = number;
                Action::Ask(question)
            }
        }
    }

    /// Refuses a bad command; the last one that is allowed ends the session.
    fn refuse(&mut self, reply: Reply, now: u64) -> Action<'static> {
        self.bad_commands += 1;
        if self.bad_commands >= self.config.limits().bad_commands {
            return self.close(Close::BadCommands, replies::bad_commands());
        }
        self.rest(now);
        Action::Reply(reply)
    }

    fn receive<'a>(&mut self, input: &'a [u8], now: u64) -> Step<'a> {
        let State::Receiving(receiving) = &mut self.state else {
            return Step { consumed: 0, action: Action::Parked };
        };
        let (consumed, received) = receiving.advance(input, self.config.limits().message_size);
        if consumed > 0 {
            self.rest(now);
        }
        let action = match received {
            Received::Need => Action::NeedInput,
            Received::Body(content) => Action::Body(content),
            Received::Abort => Action::AbortBody,
            Received::End => self.end_of_data(now),
        };
        Step { consumed, action }
    }

    fn end_of_data(&mut self, now: u64) -> Action<'static> {
        match std::mem::take(&mut self.state) {
            State::Receiving(receiving) => {
                let (state, action) = receiving.end();
                self.move_to(state, now);
                action
            }
            state => {
                self.state = state;
                Action::Parked
            }
        }
    }

    fn close(&mut self, why: Close, reply: Reply) -> Action<'static> {
        self.state = State::Closing(why);
        self.deadline = None;
        Action::Reply(reply)
    }

    /// After an answer from our own side; a 421 among them ends the session (RFC 5321 section 3.8).
    fn settle(&mut self, (state, reply): (State, Reply), now: u64) -> Reply {
        let state = if reply.code == 421 { State::Closing(Close::Answered) } else { state };
        self.move_to(state, now);
        self.check_invariants();
        reply
    }

    fn unasked(&mut self, state: State) -> Option<Reply> {
        self.state = state;
        None
    }

    fn move_to(&mut self, state: State, now: u64) {
        self.state = state;
        self.rest(now);
    }

    /// Starts the wait that the state allows.
    fn rest(&mut self, now: u64) {
        self.deadline = self.state.wait(&self.config).map(|wait| now.saturating_add(wait));
    }

    fn check_invariants(&self) {
        debug_assert_eq!(
            self.deadline.is_some(),
            self.state.wait(&self.config).is_some(),
            "a wait has a deadline"
        );
        let recipients = self.transaction().map_or(0, |transaction| transaction.recipients.len());
        debug_assert!(
            recipients <= self.config.limits().recipients,
            "the recipients stay within their limit"
        );
        let with_content = matches!(self.state, State::Opening(_) | State::Receiving(_));
        debug_assert!(!with_content || recipients > 0, "no content is taken for nobody");
    }
}
