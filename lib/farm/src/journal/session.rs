//! Events in the life of a client's session.

use super::field::{Fields, Octets, Span};

/// What happened to a session.
#[derive(Debug, Clone)]
pub enum SessionEvent<'a> {
    /// A command or the message itself was answered with a refusal.
    Refused(Refused<'a>),
    /// A rule that only warns would have refused, held or marked something. Its `reply` is what would have been done.
    WouldRefuse(Refused<'a>),
    /// AUTH was answered with a refusal.
    AuthFailed(AuthFailed<'a>),
    /// The client sent octets in the clear behind STARTTLS; they were thrown away.
    Plaintext {
        /// The client's address.
        client: &'a str,
        /// How many.
        octets: u64,
    },
    /// A program on this host plays the rest of the session as somebody else, and nothing of it counts.
    Play(Play<'a>),
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
#[derive(Debug, Clone, Default)]
pub struct Refused<'a> {
    /// The client's address, or `uid 1000` for a local program.
    pub client: &'a str,
    /// What it called itself.
    pub helo: &'a str,
    /// The command, in upper case: `EHLO`, `MAIL`, `RCPT`, `DATA`; empty if it is none.
    pub verb: &'a str,
    /// The reverse-path in angle brackets, as far as it is known.
    pub from: &'a str,
    /// The forward-path in angle brackets; empty unless this is about one.
    pub to: &'a str,
    /// What was answered, codes and all.
    pub reply: &'a str,
    /// The rule by which it was refused.
    pub rule: &'a str,
    /// What the rule was applied to; may be empty.
    pub value: &'a str,
    /// What the rule allows; may be empty.
    pub limit: &'a str,
}

/// A failure of AUTH.
#[derive(Debug, Clone, Default)]
pub struct AuthFailed<'a> {
    /// The client's address, or `uid 1000` for a local program.
    pub client: &'a str,
    /// What it called itself.
    pub helo: &'a str,
    /// The mechanism.
    pub mechanism: &'a str,
    /// The account as the client gave it; empty if it gave none.
    pub account: &'a str,
    /// Why, in a word or a few.
    pub why: &'a str,
    /// What was answered, codes and all.
    pub reply: &'a str,
}

/// Whom a program on this host plays.
#[derive(Debug, Clone, Default)]
pub struct Play<'a> {
    /// The program: `uid 0`.
    pub client: &'a str,
    /// The address of the client that it plays.
    pub played: &'a str,
    /// That client's name; empty if it has none.
    pub name: &'a str,
    /// The listener.
    pub listener: &'a str,
}

/// The sum of a session.
#[derive(Debug, Clone, Default)]
pub struct Closed<'a> {
    /// The client's address, or `uid 1000` for a local program.
    pub client: &'a str,
    /// How it ended: `quit`, `eof`, `timeout`, `drain`, `error`, in a word or a few.
    pub why: &'a str,
    /// Messages accepted.
    pub mails: u64,
    /// Their recipients.
    pub rcpts: u64,
    /// Refusals, as many as there are events `refused`.
    pub refused: u64,
    /// Octets read.
    pub read: u64,
    /// Octets written.
    pub written: u64,
    /// How long it lasted, in milliseconds.
    pub time: u64,
    /// The client's verified name; empty without.
    pub name: &'a str,
    /// What it called itself last.
    pub helo: &'a str,
    /// The listener.
    pub listener: &'a str,
    /// The version of TLS; empty without.
    pub tls: &'a str,
    /// Who has authenticated; empty if nobody has.
    pub account: &'a str,
    /// Failures of AUTH.
    pub auth_failures: u64,
    /// Bad commands: unknown, misspelt, out of order.
    pub bad_commands: u64,
    /// What went wrong with TLS, in words; empty if nothing did.
    pub alert: &'a str,
}

impl SessionEvent<'_> {
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::WouldRefuse(_) => "would-refuse",
            Self::AuthFailed(_) => "auth-failed",
            Self::Plaintext { .. } => "plaintext-after-starttls",
            Self::Play(_) => "play",
            Self::Passed { .. } => "passed",
            Self::Closed(_) => "closed",
        }
    }

    pub(super) fn write_fields(&self, line: &mut String) {
        let fields = Fields::new(line);
        match self {
            Self::Refused(refused) | Self::WouldRefuse(refused) => refused.write_fields(fields),
            Self::AuthFailed(failed) => failed.write_fields(fields),
            Self::Plaintext { client, octets } => fields.text("client", client).plain("octets", octets),
            Self::Play(play) => play.write_fields(fields),
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
            .text("rule", self.rule)
            .text("value", self.value)
            .text("limit", self.limit)
    }
}

impl AuthFailed<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        fields
            .text("client", self.client)
            .text("helo", self.helo)
            .text("mechanism", self.mechanism)
            .text("account", self.account)
            .text("why", self.why)
            .text("reply", self.reply)
    }
}

impl Play<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        fields
            .text("client", self.client)
            .text("as", self.played)
            .text("name", self.name)
            .text("listener", self.listener)
    }
}

impl Closed<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        let fields = fields
            .text("client", self.client)
            .text("why", self.why)
            .plain("mails", self.mails)
            .plain("rcpts", self.rcpts)
            .plain("refused", self.refused)
            .plain("in", Octets(self.read))
            .plain("out", Octets(self.written))
            .plain("time", Span(self.time))
            .text("name", self.name)
            .text("helo", self.helo)
            .text("listener", self.listener)
            .text("tls", self.tls)
            .text("account", self.account)
            .plain("authfail", self.auth_failures)
            .plain("bad", self.bad_commands);
        if self.alert.is_empty() { fields } else { fields.text("alert", self.alert) }
    }
}
