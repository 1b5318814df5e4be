//! What the queue tells its shell to do.

use super::arrival::Hold;
use proto::disposition::Disposition;
use proto::id::SpoolId;
use proto::place::Place;
use std::sync::Arc;

/// A connected transport agent, numbered by the shell; a number is not used again while anything knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub u64);

/// A job handed out; unique while the queue lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// One thing for the shell to do; to be done in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Give a job to an agent.
    Feed(Feed),
    /// Write a line of the scheduler's log: state that must survive a restart.
    Record(Record),
    /// Write a line of the journal: what became of one recipient in one attempt.
    Attempted(Attempt),
    /// Make a notice about these recipients. The record that holds the notice also finishes the recipients.
    Notify(Notice),
    /// Nothing is left to do for this message.
    Finished {
        /// The message.
        message: SpoolId,
        /// Where it lies.
        place: Place,
    },
    /// More threads are ready than agents: this channel could use so many agents altogether.
    NeedAgent {
        /// The channel.
        channel: Arc<str>,
        /// How many agents, those that run included.
        count: u32,
    },
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// For this agent.
    pub agent: AgentId,
    /// The job's name in all that is said about it.
    pub job: JobId,
    /// The message.
    pub message: SpoolId,
    /// Where it lies.
    pub place: Place,
    /// The next hop, in the words of the channel.
    pub host: Arc<str>,
    /// Indexes in the envelope, ascending.
    pub recipients: Vec<u32>,
}

/// State that must survive a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A vertex waits after an attempt. It supersedes what was recorded before for these recipients.
    Waiting {
        /// The message.
        message: SpoolId,
        /// Where it lies.
        place: Place,
        /// The channel.
        channel: Arc<str>,
        /// The host.
        host: Arc<str>,
        /// The recipients that are still open in it, ascending.
        recipients: Vec<u32>,
        /// Attempts so far.
        attempts: u16,
        /// Its own next attempt, UTC milliseconds; `None` if it waits for the clock of its thread.
        due: Option<u64>,
    },
    /// The clock of a thread changed; `attempts` 0 means that the host is alive again.
    Thread(ThreadClock),
    /// These recipients are finished without a notice: delivered, or failed with nobody to tell.
    Done {
        /// The message.
        message: SpoolId,
        /// Where it lies.
        place: Place,
        /// The recipients.
        recipients: Vec<u32>,
    },
    /// The message is held.
    Held {
        /// The message.
        message: SpoolId,
        /// Where it lies.
        place: Place,
        /// By whom.
        hold: Hold,
    },
    /// The message is no longer held.
    Released {
        /// The message.
        message: SpoolId,
        /// Where it lies.
        place: Place,
        /// By whom it was held.
        by: Hold,
    },
    /// The senders of all messages up to this one have been told of a delay.
    Warned {
        /// The delay, in milliseconds.
        after: u64,
        /// The message.
        up_to: SpoolId,
    },
    /// An operator discarded these recipients.
    Removed {
        /// The message.
        message: SpoolId,
        /// Where it lies.
        place: Place,
        /// The recipients.
        recipients: Vec<u32>,
    },
}

/// The retry clock of a thread, as it is stored and loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadClock {
    /// The channel.
    pub channel: Arc<str>,
    /// The host.
    pub host: Arc<str>,
    /// Failed rounds in a row.
    pub attempts: u16,
    /// When the next probe goes, UTC milliseconds.
    pub retry_at: u64,
    /// What was said last.
    pub last: Option<Disposition>,
}

/// What became of one recipient in one attempt, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The message.
    pub message: SpoolId,
    /// Where it lies.
    pub place: Place,
    /// The recipient's index.
    pub recipient: u32,
    /// The channel.
    pub channel: Arc<str>,
    /// The host.
    pub host: Arc<str>,
    /// Attempts so far, this one included.
    pub attempts: u16,
    /// What happened; an expired recipient has failed.
    pub disposition: Disposition,
    /// Milliseconds since the message was accepted.
    pub delay: u64,
    /// The next attempt, UTC milliseconds, if there will be one.
    pub next: Option<u64>,
}

/// What a notice tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// The end: recipients have failed, or were reached.
    Ends,
    /// They have not been reached yet, after a time that the administrator set.
    Delayed,
    /// They have not been reached yet, by the time that the sender set (RFC 2852).
    Late,
}

/// The recipients of one message that one notice reports, unless the sender does not want to hear of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The message.
    pub message: SpoolId,
    /// Where it lies.
    pub place: Place,
    /// What it tells of; only the end finishes anybody.
    pub telling: Telling,
    /// Index and disposition of each, in the order in which that happened.
    pub reported: Vec<(u32, Disposition)>,
    /// Until when those that still wait will be tried, UTC milliseconds.
    pub until: Option<u64>,
}
