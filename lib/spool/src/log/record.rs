//! What the lines of the scheduler's log say.

use proto::address::{Mailbox, ReversePath};
use proto::disposition::Disposition;
use proto::envelope::{Route, Shape};
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::{RecipientTerms, Special};

/// One decision. Later records win over earlier ones about the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRecord {
    /// A segment has been read up to an offset: everything before it is finished, or stands in this log.
    Cursor {
        /// The segment.
        segment: SpoolId,
        /// Octets.
        offset: u64,
    },
    /// A message waits past its first attempt: all that is needed to go on without its segment. Replaces an earlier
    /// record of the same place.
    Waiting(Box<Waiting>),
    /// The retry clock of a thread.
    Thread {
        /// The channel.
        channel: String,
        /// The host.
        host: String,
        /// Not before this time, in milliseconds since 1970 (UTC); 0 when the thread is no longer held back.
        retry_at: u64,
        /// Attempts that failed in a row.
        attempts: u32,
        /// What the last one said; one line.
        why: String,
    },
    /// These recipients are finished: delivered, failed and reported, or removed by an operator.
    Done {
        /// The message.
        place: Place,
        /// Indexes of the recipients; empty means all that are left.
        recipients: Vec<u32>,
    },
    /// A notice was decided on: with this record, and not before, the recipients that it reports are finished (or, for
    /// a delay, warned about). Its message follows under `id`, as often as it takes, and is one message.
    Notice {
        /// The id of the notice.
        id: SpoolId,
        /// The message that it is about.
        cause: Place,
        /// What it says.
        reason: Reason,
        /// To whom it goes.
        to: ReversePath,
        /// Whom it reports.
        recipients: Vec<Reported>,
    },
    /// The message of a notice is durable in the spool; the notice need not be made again.
    Noticed {
        /// The id of the notice.
        id: SpoolId,
    },
    /// A message is held until somebody releases it.
    Held {
        /// The message.
        place: Place,
        /// Why; one line.
        why: String,
    },
    /// A held message is free again.
    Released {
        /// The message.
        place: Place,
    },
    /// The senders of all messages up to this one have been told of a delay of so many milliseconds.
    Warned {
        /// The delay.
        after: u64,
        /// The id of a message.
        up_to: SpoolId,
    },
    /// A segment is gone with everything in it.
    Removed {
        /// The segment.
        segment: SpoolId,
    },
    /// A message was copied to another segment, durably. What was said about the first place holds for the second.
    Moved {
        /// Where it lay.
        from: Place,
        /// Where it lies now.
        to: Place,
    },
}

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Where it lies.
    pub place: Place,
    /// Its id.
    pub id: SpoolId,
    /// Its reverse-path.
    pub from: ReversePath,
    /// When it was accepted, in milliseconds since 1970 (UTC).
    pub received: u64,
    /// What its content looks like.
    pub shape: Shape,
    /// What the queue remembers of its terms.
    pub special: Special,
    /// The recipients that are not finished.
    pub recipients: Vec<WaitingRecipient>,
}

/// A recipient that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRecipient {
    /// Its index in the envelope, or in the expansion.
    pub index: u32,
    /// Its address.
    pub address: Mailbox,
    /// Where it goes.
    pub route: Option<Route>,
    /// Attempts so far.
    pub attempts: u32,
    /// What the last one said; one line, empty if there was none.
    pub why: String,
    /// What the sender asked for; stands here only for those that came of an expansion.
    pub terms: RecipientTerms,
}

/// Why a notice is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A recipient was refused.
    Failed,
    /// A recipient waited too long.
    Expired,
    /// A recipient still waits.
    Delayed,
    /// All went well, and the sender wanted to hear of it.
    Delivered,
}

/// A recipient that a notice reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its index.
    pub index: u32,
    /// Its address.
    pub address: Mailbox,
    /// What became of it.
    pub disposition: Disposition,
    /// The address that the sender gave: ORCPT as it came.
    pub orcpt: Option<String>,
    /// Until when it will be tried, in milliseconds since 1970 (UTC), if it only waits.
    pub until: Option<u64>,
}
