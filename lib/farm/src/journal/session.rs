//! Events in the life of a client's session.

use super::field::{Fields, Octets, Span};

/// What happened to a session.
#[derive(Debug, Clone)]
pub enum SessionEvent<'a> {
    /// MAIL, RCPT or the message itself was answered with a refusal.
    Refused(Refused<'a>),
    /// The worker died before it had the connection; another one serves it.
    Passed {
        /// The client's address, or `uid 1000` for a local program.
        client: &'a str,
        /// The worker that died.
        from: u32,
        /// The worker that has it now.
        to: u32,
    },
    /// It is over.
    Closed(Closed<'a>),
}

/// A refusal.
#[derive(Debug, Clone)]
pub struct Refused<'a> {
    /// The client's address, or `uid 1000` for a local program.
    pub client: &'a str,
    /// What it called itself.
    pub helo: &'a str,
    /// The command: `MAIL`, `RCPT`, `DATA`.
    pub verb: &'a str,
    /// The reverse-path in angle brackets, as far as it is known.
    pub from: &'a str,
    /// The forward-path in angle brackets; empty unless this is about one.
    pub to: &'a str,
    /// What was answered, codes and all.
    pub reply: &'a str,
}

/// The sum of a session.
#[derive(Debug, Clone)]
pub struct Closed<'a> {
    /// The client's address, or `uid 1000` for a local program.
    pub client: &'a str,
    /// How it ended: `quit`, `eof`, `timeout`, `drain`, `error`, in a word or a few.
    pub why: &'a str,
    /// Messages accepted.
    pub mails: u64,
    /// Their recipients.
    pub rcpts: u64,
    /// Refusals of MAIL, RCPT and DATA.
    pub refused: u64,
    /// Octets read.
    pub read: u64,
    /// Octets written.
    pub written: u64,
    /// How long it lasted, in milliseconds.
    pub time: u64,
}

impl SessionEvent<'_> {
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Passed { .. } => "passed",
            Self::Closed(_) => "closed",
        }
    }

    pub(super) fn write_fields(&self, line: &mut String) {
        let fields = Fields::new(line);
        match self {
            Self::Refused(refused) => refused.write_fields(fields),
            Self::Passed { client, from, to } => {
                fields.text("client", client).plain("from", from).plain("to", to)
            }
            Self::Closed(closed) => closed.write_fields(fields),
        };
    }
}

impl Refused<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        fields
            .text("client", self.client)
            .text("helo", self.helo)
            .text("verb", self.verb)
            .text("from", self.from)
            .text("to", self.to)
            .text("reply", self.reply)
    }
}

impl Closed<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        fields
            .text("client", self.client)
            .text("why", self.why)
            .plain("mails", self.mails)
            .plain("rcpts", self.rcpts)
            .plain("refused", self.refused)
            .plain("in", Octets(self.read))
            .plain("out", Octets(self.written))
            .plain("time", Span(self.time))
    }
}
