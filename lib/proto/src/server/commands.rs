//! What each command does in each state; the table stands in `states.rs`.

use super::chunking::{Announced, Swallowing};
use super::identified::Identified;
use super::states::{Effect, Scene, Securing, State};
use super::waiting::{Errand, Waiting};
use super::{Action, Client, Close, Phase, Service, help, replies};
use crate::command::Command;
use crate::reply::Reply;

impl State {
    /// Carries out `command`; where there is a policy, it has the last word.
    pub(super) fn command(self, command: Command, scene: &Scene<'_>) -> (Self, Effect) {
        let phase = phase_of(&command).filter(|_| scene.guest.standing.privileges.policy);
        let (state, effect) = match command {
            Command::Bdat { size, last } => self.bdat(Announced { size, last }, scene),
            command => match self.barrier(&command, scene) {
                Some(refusal) => (self, Effect::Bad(refusal)),
                None => self.carry_out(command, scene),
            },
        };
        match phase {
            Some(phase) => judge(phase, state, effect),
            None => (state, effect),
        }
    }

    /// What keeps a client from nearly everything.
    ///
    /// Source: RFC 5321 section 3.1 (not welcome), RFC 3207 section 4 (only under TLS).
    fn barrier(&self, command: &Command, scene: &Scene<'_>) -> Option<Reply> {
        let standing = &scene.guest.standing;
        let in_clear = standing.require_tls && scene.guest.security.is_none();
        match command {
            Command::Quit | Command::Foreign => None,
            _ if matches!(self, Self::Unwelcome) => Some(replies::out_of_order(self.cure())),
            Command::Ehlo(_)
            | Command::Helo(_)
            | Command::Lhlo(_)
            | Command::Noop
            | Command::StartTls
            | Command::Unknown => None,
            _ => in_clear.then(replies::starttls_first),
        }
    }

    fn carry_out(self, command: Command, scene: &Scene<'_>) -> (Self, Effect) {
        match (self, command) {
            (state, Command::Ehlo(name)) => state.greet(name, true, Service::Relay, scene),
            (state, Command::Helo(name)) => state.greet(name, false, Service::Relay, scene),
            (state, Command::Lhlo(name)) => state.greet(name, true, Service::Lmtp, scene),
            (_, Command::Quit) => (Self::Closing(Close::Quit), Effect::Close(replies::bye(scene.config))),
            (_, Command::Foreign) => (Self::Closing(Close::Foreign), Effect::Close(replies::foreign())),
            (state, Command::Noop) => (state, Effect::Idle(replies::ok())),
            (state, Command::Help(topic)) => (state, Effect::Idle(help::help(&topic))),
            (state, Command::Rset) => state.reset(replies::ok()),
            (state, Command::Vrfy { argument, utf8 } | Command::Expn { argument, utf8 })
                if !utf8 && !argument.is_ascii() =>
            {
                (state, Effect::Refuse(replies::undeclared()))
            }
            (state, Command::Vrfy { argument, .. }) => state.verify(argument, false, scene),
            (state, Command::Expn { argument, .. }) => state.verify(argument, true, scene),
            (state, Command::Unimplemented) => (state, Effect::Bad(replies::unimplemented())),
            (state, Command::Unknown) => (state, Effect::Bad(replies::unknown())),
            (state, command) => state.transact(command, scene),
        }
    }

    /// Commands whose place matters.
    fn transact(self, command: Command, scene: &Scene<'_>) -> (Self, Effect) {
        let privileges = scene.guest.standing.privileges;
        match (self, command) {
            (state, Command::Etrn(_)) if !privileges.etrn => state.unoffered(),
            (state, Command::Xclient(_)) if !privileges.xclient => state.unoffered(),
            (state, Command::Xforward(_)) if !privileges.xforward => state.unoffered(),
            (state, Command::Play(_)) if !privileges.play => state.unoffered(),
            (state, Command::StartTls) => state.start_tls(scene),
            (state, Command::Auth { .. }) if !scene.guest.standing.mechanisms.any() => state.unoffered(),
            (Self::Identified(state), Command::Auth { mechanism, initial }) => {
                state.auth(mechanism, initial, scene)
            }
            (Self::Identified(state), Command::Mail { from, parameters }) => {
                state.mail(from, parameters, scene)
            }
            (Self::Transacting(state), Command::Rcpt { to, parameters }) => state.rcpt(to, parameters, scene),
            (Self::Transacting(state), Command::Data) => state.data(scene),
            (state @ Self::Identified(_), Command::Etrn(domain)) => {
                wait(state, Errand::Etrn, Action::Etrn(domain))
            }
            (state @ (Self::Connected | Self::Identified(_)), Command::Xclient(attributes)) => {
                wait(state, Errand::Reintroduction, Action::Xclient(attributes))
            }
            (state @ (Self::Connected | Self::Identified(_)), Command::Play(attributes)) => {
                wait(state, Errand::Reintroduction, Action::Play(attributes))
            }
            (state @ Self::Identified(_), Command::Xforward(attributes)) => {
                wait(state, Errand::Xforward, Action::Xforward(attributes))
            }
            (state, _) => {
                let cure = state.cure();
                (state, Effect::Bad(replies::out_of_order(cure)))
            }
        }
    }

    fn unoffered(self) -> (Self, Effect) {
        (self, Effect::Bad(replies::unimplemented()))
    }

    /// EHLO and HELO end any transaction, as RSET does (RFC 5321 section 4.1.4). LMTP has a word of its own, so that
    /// neither protocol is taken for the other (RFC 2033 section 4.1).
    fn greet(self, name: String, extended: bool, service: Service, scene: &Scene<'_>) -> (Self, Effect) {
        let lmtp = scene.guest.standing.service == Service::Lmtp;
        if lmtp != (service == Service::Lmtp) {
            return (self, Effect::Bad(replies::other_greeting(lmtp)));
        }
        let client = Client { name, extended };
        let reply = replies::hello(scene, &client);
        let (_, effect) = self.reset(reply);
        (Self::Identified(Identified { client }), effect)
    }

    /// The transaction is given up, if there is one.
    fn reset(self, reply: Reply) -> (Self, Effect) {
        match self {
            Self::Transacting(state) => (Self::Identified(state.reset()), Effect::Idle(reply)),
            Self::Between(state) => {
                let client = state.receiving.client.clone();
                (Self::Identified(Identified { client }), state.give_up(reply))
            }
            state => (state, Effect::Idle(reply)),
        }
    }

    fn verify(self, argument: String, expand: bool, scene: &Scene<'_>) -> (Self, Effect) {
        let privileges = scene.guest.standing.privileges;
        match (expand, privileges.vrfy, privileges.expn) {
            // RFC 5321 section 7.3: neither a success nor a failure.
            (false, false, _) | (true, _, false) => (self, Effect::Idle(replies::not_verified())),
            _ if matches!(self, Self::Between(_)) => {
                let cure = self.cure();
                (self, Effect::Bad(replies::out_of_order(cure)))
            }
            _ => {
                let number = scene.number;
                wait(self, Errand::Verify(number), Action::Verify { number, argument, expand })
            }
        }
    }

    /// Source: RFC 3207 section 4: once, and not within a transaction.
    fn start_tls(self, scene: &Scene<'_>) -> (Self, Effect) {
        let refusal = match &self {
            _ if scene.guest.security.is_some() => {
                replies::out_of_order("the connection is protected already")
            }
            _ if !scene.guest.standing.starttls => replies::unimplemented(),
            Self::Identified(state) if state.client.extended => {
                return (Self::Securing(Securing::Invited), Effect::Reply(replies::go_secure()));
            }
            state => replies::out_of_order(state.cure()),
        };
        (self, Effect::Bad(refusal))
    }

    /// A chunk is on its way already, whatever becomes of it.
    fn bdat(self, chunk: Announced, scene: &Scene<'_>) -> (Self, Effect) {
        let reply = match (self.barrier(&Command::Data, scene), self) {
            (None, Self::Transacting(state)) => return state.bdat(chunk, scene),
            (None, Self::Between(state)) => return (state.begin(chunk, scene), Effect::Go),
            (Some(refusal), state) => (state, refusal),
            (None, state) => {
                let refusal = replies::out_of_order(state.cure());
                (state, refusal)
            }
        };
        (Swallowing::begin(reply.0, chunk, reply.1, scene), Effect::Go)
    }
}

fn wait(before: State, errand: Errand, action: Action<'static>) -> (State, Effect) {
    (State::Waiting(Box::new(Waiting { before, errand })), Effect::Do(action))
}

/// When the policy is asked about a command.
fn phase_of(command: &Command) -> Option<Phase> {
    match command {
        Command::Ehlo(_) | Command::Helo(_) | Command::Lhlo(_) => Some(Phase::Helo),
        Command::Mail { .. } => Some(Phase::Mail),
        Command::Data | Command::Bdat { .. } => Some(Phase::Data),
        _ => None,
    }
}

/// A command that would succeed waits for the policy's word.
fn judge(phase: Phase, state: State, effect: Effect) -> (State, Effect) {
    match (&state, &effect) {
        (State::Identified(_), Effect::Idle(_) | Effect::Drop(_))
        | (State::Transacting(_), Effect::Reply(_))
        | (State::Opening(_), Effect::BeginBody) => {
            wait(state, Errand::Judgement(Box::new(effect)), Action::Judge(phase))
        }
        _ => (state, effect),
    }
}
