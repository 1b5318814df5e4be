//! What a session asks of the program that runs it.

use super::Transaction;
use crate::address::{ForwardPath, Mailbox};
use crate::envelope::{Route, Shape};
use crate::reply::Reply;

/// What [`Session::advance`](super::Session::advance) gives back.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// How many octets of the input are used up.
    pub consumed: usize,
    /// What to do now.
    pub action: Action<'a>,
}

/// What to do next. Exactly one per call.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Nothing can be done with these octets; wait for more.
    NeedInput,
    /// A question is open; no input is used up until it is answered.
    Parked,
    /// Send this.
    Reply(Reply),
    /// Find out about a recipient, then call [`Session::answer`](super::Session::answer).
    Ask(Question),
    /// Open a draft for [`Session::transaction`](super::Session::transaction), then call
    /// [`Session::opened`](super::Session::opened).
    BeginBody,
    /// Append this content to the draft; transparency is already removed.
    Body(&'a [u8]),
    /// Drop the draft; the message is going to be refused, and no more content comes.
    AbortBody,
    /// The content is complete: commit the draft, then call [`Session::committed`](super::Session::committed).
    EndOfBody {
        /// The envelope as the client gave it.
        transaction: Transaction,
        /// The shape of the content as the client sent it; [`Shape::prepend`] adds what is put in front.
        shape: Shape,
    },
    /// Close the connection once everything is sent, and drop the draft if one is open. Comes again on every call.
    Close(Close),
}

/// A question about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The number of the question in its session; the answer names it, so that one that comes too late cannot be taken
    /// for the answer to the next.
    pub number: u32,
    /// The forward-path as the client gave it.
    pub to: ForwardPath,
    /// The mailbox that it stands for: for `<Postmaster>`, the one at our own host name.
    pub recipient: Mailbox,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The recipient may be taken.
    Accepted {
        /// Where it goes, if that is known already.
        route: Option<Route>,
    },
    /// Never; a 5xx reply. One of another class is not sent, `451` is sent in its place.
    Refused(Reply),
    /// Not now; a 4xx reply. One of another class is not sent, `451` is sent in its place.
    Deferred(Reply),
}

/// Why the session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The client said QUIT.
    Quit,
    /// The client was silent too long.
    Timeout,
    /// Too many bad commands.
    BadCommands,
    /// The client speaks another protocol.
    Foreign,
    /// The server is closing down.
    Drained,
    /// An answer to the session was a 421.
    Answered,
}

impl Close {
    /// The reason as the journal prints it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Timeout => "timeout",
            Self::BadCommands => "bad-commands",
            Self::Foreign => "not-smtp",
            Self::Drained => "drained",
            Self::Answered => "closed-by-server",
        }
    }
}
