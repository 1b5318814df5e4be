//! The session: input and time in, actions out.

use super::guest::Guest;
use super::states::{Effect, Scene, Securing, State};
use super::{Action, Client, Close, Config, Security, Service, Standing, Step, Transaction, replies};
use crate::framing::LineReader;
use crate::limits::AUTH_LINE;
use crate::reply::Reply;
use std::collections::VecDeque;
use std::sync::Arc;

/// One client connection, from greeting to close.
///
/// All times are monotonic milliseconds of one clock, which the session never reads itself.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Arc<Config>,
    pub(super) guest: Guest,
    pub(super) lines: LineReader,
    pub(super) state: State,
    /// What is to be done before anything is read.
    pub(super) pending: VecDeque<Action<'static>>,
    /// The number of the last question asked.
    pub(super) asked: u32,
    pub(super) bad_commands: u32,
    pub(super) idle_commands: u32,
    /// Refusals since the last message that was taken.
    pub(super) refusals: u32,
    pub(super) auth_failures: u32,
    room: u64,
    draining: bool,
    pub(super) deadline: Option<u64>,
    pub(super) now: u64,
}

impl Session {
    /// A session that has said nothing; send [`Session::greeting`] first.
    pub fn new(config: Arc<Config>, standing: Standing, now: u64) -> Self {
        let lines = LineReader::new(config.limits().command_line);
        let state =
            if standing.implicit_tls { State::Securing(Securing::Begun) } else { first_state(&standing) };
        let deadline = state.wait(&config, now).map(|wait| now.saturating_add(wait));
        Self {
            config,
            guest: Guest::new(standing, now),
            lines,
            state,
            pending: VecDeque::new(),
            asked: 0,
            bad_commands: 0,
            idle_commands: 0,
            refusals: 0,
            auth_failures: 0,
            room: u64::MAX,
            draining: false,
            deadline,
            now,
        }
    }

    /// The greeting: `220 hostname ESMTP Grange`, or why the client is not welcome.
    pub fn greeting(&self) -> Reply {
        match &self.guest.standing.refusal {
            Some(reply) => reply.as_ref().clone(),
            None => replies::greeting(&self.config, self.guest.standing.service),
        }
    }

    /// Goes one step further: call until the action says to wait.
    ///
    /// `input` is everything that has arrived and is not used up yet. What the session leaves unused is at most one
    /// incomplete line, shorter than [`Limits::longest_line`](crate::limits::Limits::longest_line).
    pub fn advance<'a>(&mut self, input: &'a [u8], now: u64) -> Step<'a> {
        self.now = now;
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let (used, action) = self.step(rest);
            consumed += used;
            if let Some(action) = action {
                self.check_invariants();
                let action = match action {
                    Action::Reply(reply) => Action::Reply(self.obey(reply)),
                    action => action,
                };
                return Step { consumed, action };
            }
        }
    }

    /// One step; no action if the next octets decide.
    fn step<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Action<'a>>) {
        if let Some(action) = self.pending.pop_front() {
            return (0, Some(action));
        }
        match &mut self.state {
            State::Closing(why) => (0, Some(Action::Close(*why))),
            State::Securing(how) => {
                let begun = std::mem::replace(how, Securing::Begun);
                (0, Some(if begun == Securing::Invited { Action::StartTls } else { Action::Parked }))
            }
            State::Asking(_) | State::Opening(_) | State::Committing(_) | State::Waiting(_) => {
                (0, Some(Action::Parked))
            }
            State::Receiving(_) => self.receive(input),
            State::Chunking(_) => self.take_chunk(input),
            State::Swallowing(_) => self.swallow(input),
            State::Authenticating(_) if !self.draining => self.read_response(input),
            state if self.draining => {
                *state = State::Closing(Close::Drained);
                (0, Some(self.close(Close::Drained, replies::draining(&self.config))))
            }
            _ if self.now.saturating_sub(self.guest.began) >= self.config.limits().session_age => {
                (0, Some(self.close(Close::Age, replies::too_old(self.config.limits().session_age))))
            }
            _ => self.read_command(input),
        }
    }

    /// When [`Session::expire`](super::Session::expire) is due; `None` while the session waits for a draft or a commit,
    /// or is over.
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// Ends the session with a `421` as soon as no content is coming in and no question is open. Call
    /// [`Session::advance`] afterwards: it may be at once.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Says how many octets the spool takes at the moment; a message that is declared to be larger is refused `452`.
    pub fn set_room(&mut self, octets: u64) {
        self.room = octets;
    }

    /// What the client said about itself; `None` before HELO or EHLO, and once the session is over.
    pub fn client(&self) -> Option<&Client> {
        self.state.client()
    }

    /// The next octets are content, not a command.
    pub fn takes_content(&self) -> bool {
        let waits = self.pending.is_empty();
        waits && matches!(self.state, State::Receiving(_) | State::Chunking(_) | State::Swallowing(_))
    }

    /// The transaction that is open; `None` from [`Action::EndOfBody`] on, which hands it out.
    pub fn transaction(&self) -> Option<&Transaction> {
        self.state.transaction()
    }

    /// Who has authenticated.
    pub fn account(&self) -> Option<&str> {
        self.guest.account.as_deref()
    }

    /// How the connection is protected.
    pub fn security(&self) -> Option<&Security> {
        self.guest.security.as_deref()
    }

    /// The service of the session's listener.
    pub fn service(&self) -> Service {
        self.guest.standing.service
    }

    /// What the client may do, and what is asked of it. A change counts from the next command on.
    pub fn standing_mut(&mut self) -> &mut Standing {
        &mut self.guest.standing
    }

    /// The client is not welcome: this 421 or 554 becomes the greeting. Call it before the greeting is sent.
    pub fn turn_away(&mut self, reply: Reply) {
        self.guest.standing.refusal = Some(Box::new(reply));
        if matches!(self.state, State::Connected) {
            self.move_to(first_state(&self.guest.standing));
        }
    }

    /// The protocol for the Received header, as far as the session has come: `ESMTP`, `UTF8SMTPSA`, `LMTP`.
    pub fn protocol(&self) -> &'static str {
        let extended = self.client().is_some_and(|client| client.extended);
        let utf8 = self.transaction().is_some_and(|transaction| transaction.terms.utf8);
        let (tls, auth) = (self.guest.security.is_some(), self.guest.account.is_some());
        super::transaction::protocol(self.guest.standing.service, extended, utf8, tls, auth)
    }

    /// Bad commands so far.
    pub fn bad_commands(&self) -> u32 {
        self.bad_commands
    }

    /// Failures of AUTH so far.
    pub fn auth_failures(&self) -> u32 {
        self.auth_failures
    }

    /// Moves to the next state and carries out what follows.
    pub(super) fn change(
        &mut self,
        next: impl FnOnce(State, &Scene<'_>) -> (State, Effect),
    ) -> Option<Action<'static>> {
        let (state, effect) = next(std::mem::take(&mut self.state), &self.scene());
        self.move_to(state);
        self.effect(effect)
    }

    /// What is to be done; none if the next octets decide.
    pub(super) fn effect(&mut self, effect: Effect) -> Option<Action<'static>> {
        let action = match effect {
            Effect::Reply(reply) | Effect::Close(reply) => Action::Reply(reply),
            Effect::Refuse(reply) => Action::Reply(self.count_refusal(reply)),
            Effect::RefuseEach(reply, copies) => {
                let first = self.count_refusal(reply.clone());
                let copies = if first.code == 421 { 1 } else { copies };
                self.pending.extend((1..copies).map(|_| Action::Reply(reply.clone())));
                Action::Reply(first)
            }
            Effect::Idle(reply) => self.idle(reply),
            Effect::Bad(reply) => self.refuse(reply),
            Effect::Drop(reply) => {
                let after = self.idle(reply);
                self.pending.push_back(after);
                Action::AbortBody
            }
            Effect::Cancel(reply) => {
                let after = self.idle(reply);
                self.pending.push_back(after);
                Action::AuthCancelled
            }
            Effect::BeginBody => Action::BeginBody,
            Effect::Ask(question) => Action::Ask(question),
            Effect::Do(action) => action,
            Effect::Go => return self.flooded(),
        };
        Some(action)
    }

    /// A chunk that nobody waits for the end of ends the session at once.
    fn flooded(&mut self) -> Option<Action<'static>> {
        let limit = self.config.limits().message_size;
        matches!(self.state, State::Closing(Close::Flood)).then(|| Action::Reply(replies::flood(limit)))
    }

    /// Refuses a bad command; the last one that is allowed ends the session.
    fn refuse(&mut self, reply: Reply) -> Action<'static> {
        self.bad_commands += 1;
        let limit = self.config.limits().bad_commands;
        if self.bad_commands >= limit {
            return self.close(Close::BadCommands, replies::bad_commands(self.bad_commands, limit));
        }
        self.rest();
        Action::Reply(reply)
    }

    /// Counts what is refused for good or for now; the last refusal that is allowed ends the session.
    pub(super) fn count_refusal(&mut self, reply: Reply) -> Reply {
        let limit = self.config.limits().refusals;
        if reply.class() < 4 || matches!(reply.code, 421 | 452) || matches!(self.state, State::Closing(_)) {
            return reply;
        }
        self.refusals += 1;
        if self.refusals < limit {
            return reply;
        }
        self.move_to(State::Closing(Close::Refusals));
        replies::refusals(self.refusals, limit)
    }

    /// Answers a command that brings no message; the last one that is allowed ends the session.
    fn idle(&mut self, reply: Reply) -> Action<'static> {
        self.idle_commands += 1;
        let limit = self.config.limits().idle_commands;
        if self.idle_commands > limit {
            return self.close(Close::Idling, replies::idling(self.idle_commands, limit));
        }
        Action::Reply(reply)
    }

    pub(super) fn close(&mut self, why: Close, reply: Reply) -> Action<'static> {
        self.state = State::Closing(why);
        self.deadline = None;
        Action::Reply(reply)
    }

    pub(super) fn move_to(&mut self, state: State) {
        let limit = match state {
            State::Authenticating(_) => AUTH_LINE,
            _ => self.config.limits().command_line,
        };
        self.lines.set_limit(limit);
        self.state = state;
        self.rest();
    }

    /// Starts the wait that the state allows.
    pub(super) fn rest(&mut self) {
        let wait = self.state.wait(&self.config, self.now);
        self.deadline = wait.map(|wait| self.now.saturating_add(wait));
    }

    pub(super) fn scene(&self) -> Scene<'_> {
        Scene { config: &self.config, guest: &self.guest, number: self.asked, now: self.now, room: self.room }
    }

    pub(super) fn check_invariants(&self) {
        debug_assert_eq!(
            self.deadline.is_some(),
            self.state.wait(&self.config, self.now).is_some(),
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

/// Where a session stands when it greets the client.
pub(super) fn first_state(standing: &Standing) -> State {
    match &standing.refusal {
        None => State::Connected,
        Some(reply) if reply.code == 421 => State::Closing(Close::Unwelcome),
        Some(_) => State::Unwelcome,
    }
}
