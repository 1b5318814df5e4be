//! The states, and what each verb does in each of them.
//!
//! The table is also the test: every cell is executed. A cell is the reply code, and the next state where it differs.
//!
//! |              | connected      | identified         | transacting        | with-recipient | between        | authenticating | unwelcome   |
//! |--------------|----------------|--------------------|--------------------|----------------|----------------|----------------|-------------|
//! | EHLO         | 250 identified | 250                | 250 identified     | 250 identified | 250 identified | 501 identified | 503         |
//! | HELO         | 250 identified | 250                | 250 identified     | 250 identified | 250 identified | 501 identified | 503         |
//! | LHLO         | 500            | 500                | 500                | 500            | 500            | 501 identified | 503         |
//! | MAIL         | 503            | 250 transacting    | 503                | 503            | 503            | 501 identified | 503         |
//! | RCPT         | 503            | 503                | 250 with-recipient | 250            | 503            | 501 identified | 503         |
//! | RCPT-refused | 503            | 503                | 550                | 550            | 503            | 501 identified | 503         |
//! | DATA         | 503            | 503                | 554                | 354 receiving  | 503            | 535 identified | 503         |
//! | BDAT         | 503            | 503                | 503 between        | 250 between    | 250            | 500 identified | 503         |
//! | BDAT-last    | 503            | 503                | 503 identified     | 250 identified | 250 identified | 500 identified | 503         |
//! | RSET         | 250            | 250                | 250 identified     | 250 identified | 250 identified | 535 identified | 503         |
//! | NOOP         | 250            | 250                | 250                | 250            | 250            | 535 identified | 503         |
//! | VRFY         | 250            | 250                | 250                | 250            | 503            | 501 identified | 503         |
//! | EXPN         | 250            | 250                | 250                | 250            | 503            | 501 identified | 503         |
//! | ETRN         | 503            | 251                | 503                | 503            | 503            | 501 identified | 503         |
//! | HELP         | 214            | 214                | 214                | 214            | 214            | 535 identified | 503         |
//! | AUTH         | 503            | 235                | 503                | 503            | 503            | 501 identified | 503         |
//! | AUTH-begin   | 503            | 334 authenticating | 503                | 503            | 503            | 501 identified | 503         |
//! | STARTTLS     | 503            | 220 connected      | 503                | 503            | 503            | 535 identified | 503         |
//! | XCLIENT      | 220            | 220 connected      | 503                | 503            | 503            | 501 identified | 503         |
//! | XFORWARD     | 503            | 250                | 503                | 503            | 503            | 501 identified | 503         |
//! | QUIT         | 221 closing    | 221 closing        | 221 closing        | 221 closing    | 221 closing    | 535 identified | 221 closing |
//! | SEND         | 502            | 502                | 502                | 502            | 502            | 501 identified | 503         |
//! | GET          | 421 closing    | 421 closing        | 421 closing        | 421 closing    | 421 closing    | 501 identified | 421 closing |
//! | XYZZY        | 500            | 500                | 500                | 500            | 500            | 501 identified | 503         |
//! It is the table of a client that may do everything: STARTTLS and AUTH are offered, VRFY, EXPN, ETRN, XCLIENT and
//! XFORWARD allowed. What is not offered is answered 502 in each state, VRFY and EXPN 252, and a chunk is swallowed
//! before it is refused; one without a size ends the session.
//!
//! The state between is that after a BDAT which was not the last; in authenticating each line is a response, whatever it
//! looks like (some verbs are base64), and what follows it is a command, were it meant for a chunk; unwelcome is the client whose greeting was a 554.
//!
//! Between them stand the states that wait for our own side: asking (RCPT), opening (DATA, BDAT), committing (end of
//! data), waiting (AUTH, VRFY, ETRN, the policy and their like), securing (STARTTLS). They take no input. In the state
//! receiving every line is content, in the state chunking every octet up to the count.

use super::asking::Asking;
use super::chunking::{Chunking, Swallowing};
use super::committing::Committing;
use super::guest::Guest;
use super::identified::Identified;
use super::opening::Opening;
use super::receiving::Receiving;
use super::transacting::Transacting;
use super::waiting::{Errand, Waiting};
use super::{Action, Client, Close, Config, Question, Transaction};
use crate::reply::Reply;

/// Where a session stands.
#[derive(Debug, Default)]
pub(super) enum State {
    /// Nobody has said who they are.
    #[default]
    Connected,
    /// The client is not welcome; only QUIT is taken.
    Unwelcome,
    /// A client with a name, no transaction.
    Identified(Identified),
    /// After MAIL.
    Transacting(Transacting),
    /// A RCPT waits for its verdict.
    Asking(Asking),
    /// A DATA or a first BDAT waits for a draft.
    Opening(Box<Opening>),
    /// Content comes in, up to the dot.
    Receiving(Box<Receiving>),
    /// A chunk of content comes in.
    Chunking(Box<Chunking>),
    /// After a chunk that was not the last.
    Between(Box<Chunking>),
    /// A chunk that belongs to no transaction comes in.
    Swallowing(Box<Swallowing>),
    /// The end of data waits for the commit.
    Committing(Committing),
    /// The client's next line is a response to a challenge of AUTH.
    Authenticating(Identified),
    /// Some other office of our own side is at work.
    Waiting(Box<Waiting>),
    /// The connection is about to be protected, and nothing is read before that is done.
    Securing(Securing),
    /// Over; nothing is read any more.
    Closing(Close),
}

/// How far STARTTLS has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Securing {
    /// The client is invited to begin.
    Invited,
    /// The handshake is under way.
    Begun,
}

/// What a command leads to, apart from the next state.
#[derive(Debug)]
pub(super) enum Effect {
    Reply(Reply),
    /// A reply to a command that brings no message; counted.
    Idle(Reply),
    /// A refusal that the client could not have foreseen; counted apart.
    Refuse(Reply),
    /// The same refusal so many times.
    RefuseEach(Reply, usize),
    /// A reply to a command that should not have been sent; counted.
    Bad(Reply),
    Ask(Question),
    BeginBody,
    /// The draft is given up, then this is said.
    Drop(Reply),
    /// The exchange of AUTH is given up, then this is said.
    Cancel(Reply),
    /// The client is not heard any more; this is said.
    Close(Reply),
    Do(Action<'static>),
    /// The next octets decide.
    Go,
}

/// What a command is judged by, apart from the state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) config: &'a Config,
    pub(super) guest: &'a Guest,
    /// If the command leads to a question, it gets this number.
    pub(super) number: u32,
    pub(super) now: u64,
    /// Octets that the spool takes.
    pub(super) room: u64,
}

impl State {
    /// What a client has to do that sent a command out of order.
    pub(super) fn cure(&self) -> &'static str {
        match self {
            Self::Connected => "send EHLO first",
            Self::Unwelcome => "no service for you; send QUIT",
            Self::Identified(_) => "send MAIL first",
            Self::Between(_) => "send the next BDAT, or RSET",
            _ => "a transaction is open; end it or send RSET",
        }
    }

    /// What the client said about itself.
    pub(super) fn client(&self) -> Option<&Client> {
        match self {
            Self::Identified(state) | Self::Authenticating(state) => Some(&state.client),
            Self::Transacting(state) => Some(&state.client),
            Self::Asking(state) => Some(&state.before.client),
            Self::Opening(state) => Some(&state.before.client),
            Self::Receiving(state) => Some(&state.client),
            Self::Chunking(state) | Self::Between(state) => Some(&state.receiving.client),
            Self::Swallowing(state) => state.before.client(),
            Self::Committing(state) => Some(&state.client),
            Self::Waiting(state) => state.before.client(),
            Self::Connected | Self::Unwelcome | Self::Securing(_) | Self::Closing(_) => None,
        }
    }

    /// The transaction that is open.
    pub(super) fn transaction(&self) -> Option<&Transaction> {
        match self {
            Self::Transacting(state) => Some(&state.transaction),
            Self::Asking(state) => Some(&state.before.transaction),
            Self::Opening(state) => Some(&state.before.transaction),
            Self::Receiving(state) => Some(&state.transaction),
            Self::Chunking(state) | Self::Between(state) => Some(&state.receiving.transaction),
            Self::Waiting(state) => state.before.transaction(),
            Self::Connected
            | Self::Unwelcome
            | Self::Identified(_)
            | Self::Authenticating(_)
            | Self::Swallowing(_)
            | Self::Committing(_)
            | Self::Securing(_)
            | Self::Closing(_) => None,
        }
    }

    /// Milliseconds from `now` that the session may stay in this state, unless something comes; `None` while our own
    /// side is sure to act.
    pub(super) fn wait(&self, config: &Config, now: u64) -> Option<u64> {
        let limits = config.limits();
        match self {
            Self::Connected
            | Self::Unwelcome
            | Self::Identified(_)
            | Self::Transacting(_)
            | Self::Between(_)
            | Self::Authenticating(_) => Some(limits.command_wait),
            Self::Waiting(state) if matches!(state.errand, Errand::Authentication) => Some(limits.auth_wait),
            Self::Asking(_) | Self::Waiting(_) => Some(limits.verdict_wait),
            Self::Receiving(state) => Some(state.pace.wait(config, now)),
            Self::Chunking(state) => Some(state.receiving.pace.wait(config, now)),
            Self::Swallowing(state) => Some(state.pace.wait(config, now)),
            Self::Securing(_) => Some(limits.handshake_wait),
            Self::Opening(_) | Self::Committing(_) | Self::Closing(_) => None,
        }
    }
}
