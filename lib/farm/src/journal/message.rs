//! Events in the life of a message, from the 250 to its last recipient.

use super::field::{Fields, Micros, Span};
use proto::address::{Mailbox, ReversePath};
use proto::disposition::Disposition;
use proto::id::SpoolId;

/// What happened to a message. `by` names who did it: `uid 0`, `expire`.
#[derive(Debug, Clone)]
pub enum MessageEvent<'a> {
    /// It was answered 250: it is ours.
    Accepted(Accepted<'a>),
    /// The router expanded it: its recipients wait for delivery.
    Queued {
        /// Recipients that it has now.
        rcpts: u64,
    },
    /// A recipient has it.
    Delivered(Attempt<'a>),
    /// A recipient is tried again later.
    Deferred {
        /// The attempt that failed.
        attempt: Attempt<'a>,
        /// Until the next one, in milliseconds.
        next: u64,
    },
    /// A recipient will never have it.
    Failed(Attempt<'a>),
    /// A recipient's time has run out; the disposition is the last one before.
    Expired {
        /// The last attempt.
        attempt: Attempt<'a>,
        /// How many there were.
        attempts: u32,
    },
    /// The sender is told by a notice.
    Notified {
        /// The id of the notice, under which it is delivered.
        notice: SpoolId,
        /// To whom it goes.
        to: &'a ReversePath,
        /// Recipients that it reports.
        rcpts: u64,
    },
    /// It is kept, and not tried until it is released.
    Held {
        /// Who holds it.
        by: &'a str,
        /// Why, in words; may be empty.
        why: &'a str,
    },
    /// It is tried again.
    Released {
        /// Who released it.
        by: &'a str,
    },
    /// It is discarded.
    Removed {
        /// Who discarded it.
        by: &'a str,
        /// Recipients that had not been settled.
        rcpts: u64,
    },
    /// It killed the program that worked on it too often; it is held for the operator.
    Quarantined {
        /// The program that died.
        program: &'a str,
        /// How often.
        deaths: u32,
    },
}

/// A message that was accepted.
#[derive(Debug, Clone)]
pub struct Accepted<'a> {
    /// The session, as in the events of sessions.
    pub session: u64,
    /// The client's address, or `uid 1000` for a local program.
    pub client: &'a str,
    /// What it called itself.
    pub helo: &'a str,
    /// The reverse-path.
    pub from: &'a ReversePath,
    /// Recipients that were accepted.
    pub rcpts: u64,
    /// Octets of the content.
    pub size: u64,
    /// The version of TLS; empty without.
    pub tls: &'a str,
    /// From end of data to the flush, in microseconds.
    pub commit: u64,
    /// Messages that shared the flush.
    pub batch: u64,
    /// Who has authenticated; empty if nobody has.
    pub account: &'a str,
    /// The marks that the policy gave it, with commas between them.
    pub tags: &'a str,
}

/// One attempt at one recipient.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// The recipient.
    pub to: &'a Mailbox,
    /// The channel.
    pub channel: &'a str,
    /// The host, in the words of the channel.
    pub host: &'a str,
    /// Since the message was accepted, in milliseconds.
    pub delay: u64,
    /// What became of it.
    pub disposition: &'a Disposition,
}

impl MessageEvent<'_> {
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Queued { .. } => "queued",
            Self::Delivered(_) => "delivered",
            Self::Deferred { .. } => "deferred",
            Self::Failed(_) => "failed",
            Self::Expired { .. } => "expired",
            Self::Notified { .. } => "notified",
            Self::Held { .. } => "held",
            Self::Released { .. } => "released",
            Self::Removed { .. } => "removed",
            Self::Quarantined { .. } => "quarantined",
        }
    }

    pub(super) fn write_fields(&self, line: &mut String) {
        let fields = Fields::new(line);
        match self {
            Self::Accepted(accepted) => accepted.write_fields(fields),
            Self::Queued { rcpts } => fields.plain("rcpts", rcpts),
            Self::Delivered(attempt) | Self::Failed(attempt) => attempt.write_fields(fields),
            Self::Deferred { attempt, next } => attempt.write_fields(fields).plain("next", Span(*next)),
            Self::Expired { attempt, attempts } => attempt.write_fields(fields).plain("attempts", attempts),
            Self::Notified { notice, to, rcpts } => {
                fields.shown("to", to).plain("notice", notice).plain("rcpts", rcpts)
            }
            Self::Held { by, why } => fields.text("by", by).text("why", why),
            Self::Released { by } => fields.text("by", by),
            Self::Removed { by, rcpts } => fields.text("by", by).plain("rcpts", rcpts),
            Self::Quarantined { program, deaths } => fields.text("program", program).plain("deaths", deaths),
        };
    }
}

impl Accepted<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        fields
            .plain("session", format_args!("{:x}", self.session))
            .text("client", self.client)
            .text("helo", self.helo)
            .shown("from", self.from)
            .plain("rcpts", self.rcpts)
            .plain("size", self.size)
            .text("tls", self.tls)
            .plain("commit", Micros(self.commit))
            .plain("batch", self.batch)
            .text("account", self.account)
            .text("tags", self.tags)
    }
}

impl Attempt<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        let fields = fields
            .shown("to", format_args!("<{}>", self.to))
            .text("channel", self.channel)
            .text("host", self.host)
            .text("mx", &self.disposition.remote);
        let tls = &self.disposition.tls;
        let fields = if tls.is_empty() { fields } else { fields.text("tls", tls) };
        fields
            .plain("delay", Span(self.delay))
            .plain("status", self.disposition.status)
            .text("reply", &self.disposition.reply)
    }
}
