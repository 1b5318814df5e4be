//! `[auth]`: who may send as whom, and how much.
//!
//! Decides the parameters of the section, what they are when nothing is said, and what a rate is. Does not decide who a
//! client is: authd does, with these values.

use super::defaults::existing;
use super::parameter::{Field, Kind, Parameter};
use super::registry::row;
use super::sections::Paths;
use super::units::{parse_duration, print_duration};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/// Every mechanism that there is (RFC 4616, RFC 5802, RFC 7677, RFC 4422), the strongest first.
pub const MECHANISMS: &[&str] = &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "EXTERNAL", "PLAIN", "LOGIN"];

/// The delay of a failure doubles so many times.
pub const DELAY_DOUBLINGS: u32 = 4;

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// `users`: the file of accounts, grange-users(5). `users` beside the configuration, if it is there.
    pub users: Option<PathBuf>,
    /// `dovecot`: the socket of Dovecot's authentication service, which is asked instead of the file.
    pub dovecot: Option<PathBuf>,
    /// `mechanisms`: those that are offered, in the spelling of [`MECHANISMS`]. All.
    pub mechanisms: Vec<String>,
    /// `sender-login`: `match` or `any`. `match`.
    pub sender_login: String,
    /// `senders`: a file of further addresses that accounts may send from.
    pub senders: Option<PathBuf>,
    /// `messages`: of one account, if there is a limit. None.
    pub messages: Option<Rate>,
    /// `recipients`: of one account, if there is a limit. None.
    pub recipients: Option<Rate>,
    /// `failures`: in one session, after which it is closed. 3.
    pub failures: u32,
    /// `failure-delay`: how long the first failure waits for its answer, milliseconds; each further one twice as long.
    /// 1 s.
    pub failure_delay: u64,
    /// `threads`: that verify passwords. 2.
    pub threads: u32,
    /// `queue`: passwords that may wait for a thread. 1,000.
    pub queue: u32,
    /// `timeout`: how long one step of an exchange may take us, milliseconds. 30 s.
    pub timeout: u64,
}

impl Auth {
    /// There is somebody to ask.
    pub fn is_on(&self) -> bool {
        self.users.is_some() || self.dovecot.is_some()
    }

    /// How long authd may take for one answer, in milliseconds: it verifies a password, then holds back that it was wrong.
    pub fn longest_answer(&self) -> u64 {
        self.timeout + (self.failure_delay << DELAY_DOUBLINGS) + 5 * SECOND
    }

    /// An account may only send from its own addresses.
    pub fn matches_senders(&self) -> bool {
        self.sender_login == "match"
    }
}

/// What counts when the file says nothing.
pub(super) fn auth(paths: &Paths) -> Auth {
    Auth {
        users: existing(paths, "users"),
        dovecot: None,
        mechanisms: MECHANISMS.iter().map(|name| (*name).to_owned()).collect(),
        sender_login: "match".to_owned(),
        senders: existing(paths, "senders"),
        messages: None,
        recipients: None,
        failures: 3,
        failure_delay: SECOND,
        threads: 2,
        queue: 1_000,
        timeout: 30 * SECOND,
    }
}

/// `[auth]`
pub const AUTH: &[Parameter<Auth>] = &[
    row(
        "users",
        Kind::File,
        |s| Field::File(&mut s.users),
        "The accounts and their passwords, grange-users(5); without it and without dovecot nobody can authenticate.",
    ),
    row(
        "dovecot",
        Kind::File,
        |s| Field::File(&mut s.dovecot),
        "The socket of Dovecot's authentication service, which is asked instead of the users file.",
    ),
    row(
        "mechanisms",
        Kind::Words(MECHANISMS),
        |s| Field::Texts(&mut s.mechanisms),
        "The mechanisms that are offered, as far as they are possible.",
    ),
    row(
        "sender-login",
        Kind::Word(&["match", "any"]),
        |s| Field::Text(&mut s.sender_login),
        "Whether an account may send only from its own addresses (match) or from any.",
    ),
    row(
        "senders",
        Kind::File,
        |s| Field::File(&mut s.senders),
        "Addresses and the accounts that may send from them, see grange-users(5).",
    ),
    row(
        "messages",
        Kind::Syntax,
        |s| Field::Written(&mut s.messages),
        "How many messages an account may send within a time, unless its line says otherwise.",
    ),
    row(
        "recipients",
        Kind::Syntax,
        |s| Field::Written(&mut s.recipients),
        "To how many recipients an account may send within a time, unless its line says otherwise.",
    ),
    row(
        "failures",
        Kind::Count(1, 100),
        |s| Field::Number(&mut s.failures),
        "Failed attempts before a session is closed.",
    ),
    row(
        "failure-delay",
        Kind::Duration(0, 10 * SECOND),
        |s| Field::Number(&mut s.failure_delay),
        "How long a client waits for the answer to its first failure; with each further one twice as long, up to 16 times.",
    ),
    row(
        "threads",
        Kind::Count(1, 64),
        |s| Field::Number(&mut s.threads),
        "How many passwords are verified at once.",
    ),
    row(
        "queue",
        Kind::Count(1, 100_000),
        |s| Field::Number(&mut s.queue),
        "How many passwords may wait for that; beyond, clients are told to try again later.",
    ),
    row(
        "timeout",
        Kind::Duration(SECOND, 5 * MINUTE),
        |s| Field::Number(&mut s.timeout),
        "How long a password may wait to be verified before the client is told to try again later.",
    ),
];

/// So many within a time: `100/1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u64,
    /// Within so many milliseconds, a second to a year.
    pub window: u64,
}

/// A text that is no [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a number within a time; write it as \"100/1h\"")]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, window) = text.split_once('/').ok_or(RateError)?;
        let digits = count.bytes().all(|c| c.is_ascii_digit());
        let count = count.parse().ok().filter(|count| digits && (1..=1_000_000_000).contains(count));
        let window = parse_duration(window).filter(|time| (SECOND..=366 * 24 * 60 * MINUTE).contains(time));
        Ok(Self { count: count.ok_or(RateError)?, window: window.ok_or(RateError)? })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, print_duration(self.window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_reads_back_as_itself() {
        for text in ["100/1h", "1/1s", "20/1d", "7/90m"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "100", "0/1h", "-1/1h", "+1/1h", "100/", "100/h", "100/1h/1h", "1/1ms", "a/1h"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text}");
        }
    }
}
