//! The mechanisms (RFC 4422): pure machines that take what a client says and tell what follows.
//!
//! Decides the syntax of each and what it proves. Does not compare a password, for that takes long: it asks for it
//! ([`Step::Compare`]). What a machine needs to know comes with [`Facts`].
//!
//! Invariants: a machine that has given `Compare`, `Certificate` or `Failed` is not asked again; a client that says what
//! no mechanism allows gets `Failed`, never a panic.

mod external;
mod login;
mod plain;
mod scram;

use ipc::auth::Tls;
use scram::Scram;
use secrets::opaque::prepare;
use secrets::scram::Keys;

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The client is asked this.
    Challenge(Vec<u8>),
    /// Whether this is this user's password decides.
    Compare(Claim),
    /// Whether the client's certificate is this user's decides; of any one user's, if none is named.
    Certificate {
        /// Who the client wishes to be.
        user: Option<String>,
    },
    /// The client has proved to be this user.
    Proved(String),
    /// It has not.
    Failed {
        /// The user that it named, if it did.
        user: String,
        /// A word for the journal.
        reason: &'static str,
    },
}

/// A user and a password, both prepared.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What a machine may want to know.
pub struct Facts<'a> {
    /// The connection, if it is under TLS.
    pub tls: Option<&'a Tls>,
    /// SCRAM-SHA-256-PLUS is offered on this connection.
    pub offers_plus: bool,
    /// The keys of a user; for one that is unknown, keys that fit nothing.
    pub keys: &'a dyn Fn(&str) -> Result<Keys, &'static str>,
    /// Our part of a nonce: printable, fresh.
    pub nonce: &'a str,
}

/// An exchange by one of the mechanisms.
#[derive(Debug)]
pub enum Exchange {
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN, as clients do it; the name once it is known.
    Login(Option<String>),
    /// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 7677).
    Scram(Box<Scram>),
    /// EXTERNAL (RFC 4422 appendix A).
    External,
}

impl Exchange {
    /// A new exchange; `None` if there is no such mechanism.
    pub fn by(mechanism: &str) -> Option<Self> {
        match mechanism {
            "PLAIN" => Some(Self::Plain),
            "LOGIN" => Some(Self::Login(None)),
            "SCRAM-SHA-256" => Some(Self::Scram(Box::new(Scram::new(false)))),
            "SCRAM-SHA-256-PLUS" => Some(Self::Scram(Box::new(Scram::new(true)))),
            "EXTERNAL" => Some(Self::External),
            _ => None,
        }
    }

    /// The exchange begins, with the initial response if there is one.
    pub fn begin(&mut self, initial: Option<&[u8]>, facts: &Facts<'_>) -> Step {
        match (initial, &self) {
            (Some(response), _) => self.respond(response, facts),
            (None, Self::Login(_)) => Step::Challenge(login::NAME.to_vec()),
            (None, _) => Step::Challenge(Vec::new()),
        }
    }

    /// The client has answered.
    pub fn respond(&mut self, response: &[u8], facts: &Facts<'_>) -> Step {
        match self {
            Self::Plain => plain::respond(response),
            Self::Login(user) => login::respond(user, response),
            Self::Scram(scram) => scram.respond(response, facts),
            Self::External => external::respond(response),
        }
    }
}

fn malformed() -> Step {
    failed("", "malformed")
}

fn failed(user: &str, reason: &'static str) -> Step {
    Step::Failed { user: user.to_owned(), reason }
}

/// A user's password is to be compared, if both can be such.
fn compare(user: &[u8], password: &[u8]) -> Step {
    match (prepare(user), prepare(password)) {
        (Ok(user), Ok(password)) => Step::Compare(Claim { user, password }),
        (Ok(user), Err(_)) => failed(&user, "malformed"),
        _ => malformed(),
    }
}

#[cfg(test)]
mod tests;
