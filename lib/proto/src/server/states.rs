//! The states, and what each verb does in each of them.
//!
//! The table is also the test: every cell is executed. A cell is the reply code, and the next state where it differs.
//!
//! |              | connected          | identified      | transacting     | with-recipient  |
//! |--------------|--------------------|-----------------|-----------------|-----------------|
//! | EHLO         | 250 identified     | 250             | 250 identified  | 250 identified  |
//! | HELO         | 250 identified     | 250             | 250 identified  | 250 identified  |
//! | MAIL         | 503                | 250 transacting | 503             | 503             |
//! | RCPT         | 503                | 503             | 250 with-recipient | 250          |
//! | RCPT-refused | 503                | 503             | 550             | 550             |
//! | DATA         | 503                | 503             | 554             | 354 receiving   |
//! | RSET         | 250                | 250             | 250 identified  | 250 identified  |
//! | NOOP         | 250                | 250             | 250             | 250             |
//! | VRFY         | 252                | 252             | 252             | 252             |
//! | HELP         | 214                | 214             | 214             | 214             |
//! | QUIT         | 221 closing        | 221 closing     | 221 closing     | 221 closing     |
//! | STARTTLS     | 502                | 502             | 502             | 502             |
//! | GET          | 421 closing        | 421 closing     | 421 closing     | 421 closing     |
//! | XYZZY        | 500                | 500             | 500             | 500             |
//!
//! Between them stand the states that wait for our own side: asking (RCPT), opening (DATA), committing (end of data).
//! They take no input. In the state receiving every line is content.

use super::asking::Asking;
use super::committing::Committing;
use super::identified::Identified;
use super::opening::Opening;
use super::receiving::Receiving;
use super::transacting::Transacting;
use super::{Client, Close, Config, Question, Transaction, replies};
use crate::command::Command;
use crate::reply::Reply;

/// Where a session stands.
#[derive(Debug, Default)]
pub(super) enum State {
    /// Nobody has said who they are.
    #[default]
    Connected,
    /// A client with a name, no transaction.
    Identified(Identified),
    /// After MAIL.
    Transacting(Transacting),
    /// A RCPT waits for its verdict.
    Asking(Asking),
    /// A DATA waits for a draft.
    Opening(Opening),
    /// Content comes in.
    Receiving(Box<Receiving>),
    /// The end of data waits for the commit.
    Committing(Committing),
    /// Over; nothing is read any more.
    Closing(Close),
}

/// What a command leads to, apart from the next state.
#[derive(Debug)]
pub(super) enum Effect {
    Reply(Reply),
    /// A reply to a command that should not have been sent; counted.
    Bad(Reply),
    Ask(Question),
    BeginBody,
}

impl State {
    /// Carries out `command`; if that leads to a question, it gets this number.
    pub(super) fn command(self, command: Command, number: u32, config: &Config) -> (Self, Effect) {
        match (self, command) {
            (_, Command::Ehlo(name)) => identify(Client { name, extended: true }, config),
            (_, Command::Helo(name)) => identify(Client { name, extended: false }, config),
            (_, Command::Quit) => (Self::Closing(Close::Quit), Effect::Reply(replies::bye(config))),
            (_, Command::Foreign) => (Self::Closing(Close::Foreign), Effect::Reply(replies::foreign())),
            (state, Command::Noop) => (state, Effect::Reply(replies::ok())),
            (state, Command::Vrfy(_)) => (state, Effect::Reply(replies::not_verified())),
            (state, Command::Help(_)) => (state, Effect::Reply(replies::help())),
            (
                state,
                Command::Unimplemented
                | Command::Lhlo(_)
                | Command::Bdat { .. }
                | Command::Expn(_)
                | Command::Etrn(_)
                | Command::StartTls
                | Command::Auth { .. }
                | Command::Xclient(_)
                | Command::Xforward(_)
                | Command::Play(_),
            ) => (state, Effect::Bad(replies::unimplemented())),
            (state, Command::Unknown) => (state, Effect::Bad(replies::unknown())),
            (Self::Transacting(state), Command::Rset) => {
                (Self::Identified(state.reset()), Effect::Reply(replies::ok()))
            }
            (state, Command::Rset) => (state, Effect::Reply(replies::ok())),
            (Self::Identified(state), Command::Mail { from, parameters }) => {
                state.mail(from, parameters, config)
            }
            (Self::Transacting(state), Command::Rcpt { to, parameters }) => {
                state.rcpt(to, parameters, number, config)
            }
            (Self::Transacting(state), Command::Data) => state.data(),
            (state, _) => {
                let cure = state.cure();
                (state, Effect::Bad(replies::out_of_order(cure)))
            }
        }
    }

    /// What a client has to do that sent a command out of order.
    fn cure(&self) -> &'static str {
        match self {
            Self::Connected => "send EHLO first",
            Self::Identified(_) => "send MAIL first",
            _ => "a transaction is open; end it or send RSET",
        }
    }

    /// What the client said about itself.
    pub(super) fn client(&self) -> Option<&Client> {
        match self {
            Self::Identified(state) => Some(&state.client),
            Self::Transacting(state) => Some(&state.client),
            Self::Asking(state) => Some(&state.before.client),
            Self::Opening(state) => Some(&state.before.client),
            Self::Receiving(state) => Some(&state.client),
            Self::Committing(state) => Some(&state.client),
            Self::Connected | Self::Closing(_) => None,
        }
    }

    /// The transaction that is open.
    pub(super) fn transaction(&self) -> Option<&Transaction> {
        match self {
            Self::Transacting(state) => Some(&state.transaction),
            Self::Asking(state) => Some(&state.before.transaction),
            Self::Opening(state) => Some(&state.before.transaction),
            Self::Receiving(state) => Some(&state.transaction),
            Self::Connected | Self::Identified(_) | Self::Committing(_) | Self::Closing(_) => None,
        }
    }

    /// Milliseconds that the session may stay in this state, unless something comes; `None` while our own side is sure
    /// to act.
    pub(super) fn wait(&self, config: &Config) -> Option<u64> {
        let limits = config.limits();
        match self {
            Self::Connected | Self::Identified(_) | Self::Transacting(_) => Some(limits.command_wait),
            Self::Asking(_) => Some(limits.verdict_wait),
            Self::Receiving(state) if state.has_begun() => Some(limits.block_wait),
            Self::Receiving(_) => Some(limits.data_wait),
            Self::Opening(_) | Self::Committing(_) | Self::Closing(_) => None,
        }
    }
}

/// EHLO and HELO end any transaction, as RSET does (RFC 5321 section 4.1.4).
fn identify(client: Client, config: &Config) -> (State, Effect) {
    let reply = replies::hello(config, &client);
    (State::Identified(Identified { client }), Effect::Reply(reply))
}
