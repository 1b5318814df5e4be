//! What a client session must know before it begins.

use super::Stage;
use std::time::Duration;

/// SMTP or LMTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// EHLO, one reply after the content.
    Smtp,
    /// LHLO, a reply for each accepted recipient after the content (RFC 2033).
    Lmtp,
}

/// How much TLS matters on a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protection {
    /// It is not used.
    #[default]
    Never,
    /// It is used where it is offered, whoever the server proves to be (RFC 7435).
    May,
    /// Nothing is sent without it.
    Must,
    /// And the server has to prove its name, and to offer REQUIRETLS (RFC 8689 section 4.2.1).
    RequireTls,
}

/// The facts of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which protocol is spoken.
    pub dialect: Dialect,
    /// The domain name, or address literal, that this host gives in EHLO.
    pub our_name: String,
    /// Who is at the other end, for dispositions: `mx1.example.net[198.51.100.4]`.
    pub peer: String,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How much TLS matters.
    pub protection: Protection,
}

/// How long the server may take, by stage; each at least a millisecond.
///
/// Source: RFC 5321 section 4.5.3.2, whose values are the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the greeting; default 5 minutes (section 4.5.3.2.1).
    pub greeting: Duration,
    /// For the reply to EHLO, LHLO, HELO, STARTTLS or RSET; default 5 minutes.
    pub hello: Duration,
    /// For the TLS handshake; default 1 minute.
    pub handshake: Duration,
    /// For the reply to MAIL; default 5 minutes (section 4.5.3.2.2).
    pub mail: Duration,
    /// For the reply to each RCPT; default 5 minutes (section 4.5.3.2.3).
    pub rcpt: Duration,
    /// For the 354 to DATA; default 2 minutes (section 4.5.3.2.4).
    pub data: Duration,
    /// For each block of the content to go out; default 3 minutes (section 4.5.3.2.5).
    pub block: Duration,
    /// For each reply after the end of data; default 10 minutes (section 4.5.3.2.6).
    pub end_of_data: Duration,
    /// For the reply to QUIT, on which nothing depends; default 10 seconds.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            greeting: minutes(5),
            hello: minutes(5),
            handshake: minutes(1),
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            block: minutes(3),
            end_of_data: minutes(10),
            quit: Duration::from_secs(10),
        }
    }
}

impl Timeouts {
    /// How long a session may stay at `stage` without progress; `None` where it waits for its own shell.
    pub fn of(&self, stage: Stage) -> Option<Duration> {
        match stage {
            Stage::Greeting => Some(self.greeting),
            Stage::Hello | Stage::StartTls | Stage::Rset => Some(self.hello),
            Stage::Handshake => Some(self.handshake),
            Stage::Mail => Some(self.mail),
            Stage::Rcpt => Some(self.rcpt),
            Stage::Data => Some(self.data),
            Stage::Content => Some(self.block),
            Stage::EndOfData => Some(self.end_of_data),
            Stage::Quit => Some(self.quit),
            Stage::Idle | Stage::Closed => None,
        }
    }
}
