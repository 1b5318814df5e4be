//! Supervisor ↔ each of its children.
//!
//! The first frame is a [`ToChild::Welcome`]; then gifts, each with its descriptor; then [`ToChild::Begin`]. From then
//! on a child may ask for children of its own, and answers what administrators ask.

use crate::Role;
use crate::contact::Contact;
use crate::smtp_worker::Entrance;
use serde::{Deserialize, Serialize};

/// The supervisor's number for a child; never reused while the supervisor lives.
pub type ChildNumber = u32;

/// From the supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToChild {
    /// Who you are. Always first.
    Welcome(Welcome),
    /// A descriptor that travels with this message.
    Give(Gift),
    /// All gifts are given.
    Begin,
    /// The child you asked for is there; the descriptor is your channel to it.
    Spawned {
        /// Your ticket.
        ticket: u64,
        /// Its number, by which its end will be told.
        child: ChildNumber,
        /// Its process id, for people.
        pid: u32,
    },
    /// The child you asked for could not be started.
    SpawnFailed {
        /// Your ticket.
        ticket: u64,
        /// Why, in one line.
        why: String,
    },
    /// A child that you asked for is gone.
    Exited {
        /// Its number.
        child: ChildNumber,
        /// `exit 0`, `signal 9`.
        how: String,
        /// It ended by its own decision and without an error.
        clean: bool,
    },
    /// The configuration was read again; this is your section (see [`Welcome::section`]).
    Reload(Vec<u8>),
    /// Finish what you are doing and exit.
    Drain,
    /// A process that you hint to has restarted: announce your ends again.
    Reannounce,
    /// A process that writes in the spool has ended: its segments want a new keeper (to the scheduler).
    WriterEnded,
    /// The answer to [`FromChild::StartQueue`].
    QueueStarted {
        /// As in the request.
        session: u64,
        /// So many messages are tried now; `None` if the queue cannot be started.
        messages: Option<u64>,
    },
    /// An administrator asks.
    Query {
        /// To be repeated in the answer.
        ticket: u64,
        /// The user id of who asks, as the kernel says it.
        uid: u32,
        /// A [`crate::control::Request`] as JSON.
        request: String,
    },
}

/// The first word to a child.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Welcome {
    /// Must equal [`crate::codec::BUILD`].
    pub build: String,
    /// What the child is.
    pub role: Role,
    /// The child's number.
    pub child: ChildNumber,
    /// Its section of the configuration, encoded by [`crate::codec::encode`].
    pub section: Vec<u8>,
}

/// What a descriptor is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gift {
    /// The channel to the process that asked for this child.
    Owner,
    /// A bound, listening socket.
    Listener(Listener),
    /// The calling end of a rendezvous: send one end of a new socketpair here to reach this contact.
    Call(Contact),
    /// The answering end of a rendezvous: calls from this role arrive here.
    Answer(Role),
    /// The receiving end of the notification socket of this process.
    Notification,
}

/// A socket that the supervisor bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// As the configuration names it: `127.0.0.1:25`, or `submit` for the socket of local programs.
    pub name: String,
    /// It is the socket of local programs; their user id is asked of the kernel.
    pub local: bool,
    /// What it is for.
    pub entrance: Entrance,
}

/// To the supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromChild {
    /// Set-up is done.
    Ready,
    /// Start a child for me.
    Spawn {
        /// To be repeated in the answer.
        ticket: u64,
        /// Which.
        role: Role,
    },
    /// This child of mine does not react: kill it.
    Kill {
        /// Its number.
        child: ChildNumber,
    },
    /// A client wants what waits for a host to be tried now (from a worker of the smtpserver). Answered by
    /// [`ToChild::QueueStarted`].
    StartQueue {
        /// The session, to be repeated in the answer.
        session: u64,
        /// The host.
        host: String,
        /// Names under it, too.
        below: bool,
    },
    /// Lines of the answer to a query.
    Answer {
        /// The ticket of the query.
        ticket: u64,
        /// Lines of JSON.
        lines: Vec<String>,
        /// No more lines follow.
        last: bool,
    },
}
