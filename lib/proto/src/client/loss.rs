//! Why a session ends before its work is done.

use super::{Stage, verdict};
use crate::disposition::{Disposition, Outcome};
use crate::reply::Reply;
use crate::status::Status;

/// The end of a session that nobody asked for, or that the shell asked for too early.
#[derive(Debug)]
pub(super) enum Loss {
    /// The connection broke; in the words of the shell.
    Connection(String),
    /// The server did not answer in time, or did not take the content in time.
    TimedOut,
    /// TLS did not come about; why.
    Handshake(String),
    /// What the server said is no reply, or none that can stand there.
    Garbage(String),
    /// The server says 421, or refuses where only closing makes sense.
    Refused(Reply),
    /// Our own side gives up.
    Abandoned,
}

impl Loss {
    /// The disposition of whoever is not settled when this happens at `stage`; always transient.
    pub(super) fn disposition(&self, stage: Stage, peer: &str) -> Disposition {
        let (status, words) = match self {
            Self::Refused(reply) => return verdict::deferred(reply, peer),
            Self::Connection(why) => (Status::transient(4, 2), format!("{why} while {stage}")),
            Self::Handshake(why) => (Status::transient(7, 5), format!("TLS handshake failed: {why}")),
            Self::TimedOut => (Status::transient(4, 2), format!("timed out while {stage}")),
            Self::Garbage(what) => (Status::transient(5, 0), format!("unexpected {what} while {stage}")),
            Self::Abandoned => (Status::transient(3, 2), format!("delivery was interrupted while {stage}")),
        };
        let reply = verdict::one_line(&words);
        Disposition { remote: peer.to_owned(), ..Disposition::local(Outcome::Deferred, status, reply) }
    }
}
