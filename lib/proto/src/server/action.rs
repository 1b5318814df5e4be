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
    /// Drop the draft; the message is refused or given up, and no more content of it comes.
    AbortBody,
    /// The content is complete: commit the draft, then call [`Session::committed`](super::Session::committed) or
    /// [`Session::committed_each`](super::Session::committed_each).
    EndOfBody {
        /// The envelope as the client gave it.
        transaction: Transaction,
        /// The shape of the content as the client sent it; [`Shape::prepend`] adds what is put in front.
        shape: Shape,
    },
    /// Throw away every octet of input that is not used up, and protect the connection once everything is sent; then
    /// call [`Session::secured`](super::Session::secured). The reply that invites the client to it has been given.
    StartTls,
    /// Begin an exchange of AUTH; answered by [`Session::challenge`](super::Session::challenge) or
    /// [`Session::authenticated`](super::Session::authenticated).
    Authenticate {
        /// One of those offered, in upper case.
        mechanism: String,
        /// The initial response, decoded.
        initial: Option<Vec<u8>>,
    },
    /// The client's response to the last challenge, decoded; answered as [`Action::Authenticate`].
    AuthResponse(Vec<u8>),
    /// The exchange is over without a result; nothing is to be answered.
    AuthCancelled,
    /// Ask the policy, then call [`Session::judged`](super::Session::judged). What the client has just said is in
    /// [`Session::client`](super::Session::client) and [`Session::transaction`](super::Session::transaction) already.
    Judge(Phase),
    /// VRFY or EXPN; answered by [`Session::verified`](super::Session::verified).
    Verify {
        /// As in a [`Question`].
        number: u32,
        /// What the client asks for.
        argument: String,
        /// EXPN: the members of a list.
        expand: bool,
    },
    /// ETRN: start the queue of a domain (with `@` or `#` in front as the client gave it), then call
    /// [`Session::etrn_done`](super::Session::etrn_done).
    Etrn(String),
    /// XCLIENT: the client speaks for another one; answered by [`Session::reintroduced`](super::Session::reintroduced).
    Xclient(Attributes),
    /// XFORWARD: who gave the next message to the client; answered by [`Session::forwarded`](super::Session::forwarded).
    Xforward(Attributes),
    /// XPLAY: answered by [`Session::reintroduced`](super::Session::reintroduced).
    Play(Attributes),
    /// Close the connection once everything is sent, and drop the draft if one is open. Comes again on every call.
    Close(Close),
}

/// Names in upper case, and their values.
pub type Attributes = Vec<(String, String)>;

/// When a policy is asked. The connection and the recipients are judged by the program itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before EHLO, HELO or LHLO is answered.
    Helo,
    /// Before MAIL is answered.
    Mail,
    /// Before the content is taken: at DATA, or at the first BDAT.
    Data,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing against it.
    Go,
    /// A 4xx or 5xx reply; one of another class is not sent, `451` is sent in its place.
    Refuse(Reply),
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
    /// The client began TLS where it had not asked for it: its operator has mixed up two ports.
    TlsInClear,
    /// The server is closing down.
    Drained,
    /// An answer to the session was a 421.
    Answered,
    /// Too many failures of AUTH.
    AuthFailures,
    /// Too many commands that brought no message.
    Idling,
    /// Too much was refused.
    Refusals,
    /// The session has lasted too long.
    Age,
    /// The client was not welcome.
    Unwelcome,
    /// The handshake failed or took too long.
    Handshake,
    /// Far more content came than is taken.
    Flood,
}

impl Close {
    /// The reason as the journal prints it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Timeout => "timeout",
            Self::BadCommands => "bad-commands",
            Self::Foreign => "not-smtp",
            Self::TlsInClear => "tls-in-clear",
            Self::Drained => "drained",
            Self::Answered => "closed-by-server",
            Self::AuthFailures => "auth-failures",
            Self::Idling => "idling",
            Self::Refusals => "refusals",
            Self::Age => "age",
            Self::Unwelcome => "unwelcome",
            Self::Handshake => "tls-handshake",
            Self::Flood => "flood",
        }
    }
}
