//! Scheduler ↔ transport agent.
//!
//! An agent says `Hungry` and gets jobs; it reports one disposition per recipient. When its channel closes, it drops jobs
//! not begun, starts no final dot, calls the scheduler's rendezvous, reports first what it has finished
//! ([`FromAgent::Late`]) and only then says `Hungry` again.

use proto::address::{Mailbox, ReversePath};
use proto::disposition::Disposition;
use proto::envelope::Shape;
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::{RecipientTerms, Terms};
use serde::{Deserialize, Serialize};

/// The scheduler's number for a job; unique while the scheduler lives.
pub type JobNumber = u64;

/// To the agent.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every message is a job, and a box would cost each an allocation"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToAgent {
    /// The descriptor of a body file travels with this message; jobs name it by this number.
    File {
        /// The scheduler's number for the file.
        file: u64,
    },
    /// No later job names this file: close it when your jobs are done, and say [`FromAgent::Released`].
    Release {
        /// The file's number.
        file: u64,
    },
    /// A delivery to make.
    Job(Job),
    /// Your section of the configuration has changed.
    Reload(Vec<u8>),
    /// Finish and exit.
    Drain,
}

/// One message for one channel and host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The scheduler's number.
    pub job: JobNumber,
    /// The message; checked against the record's id before anything is sent.
    pub id: SpoolId,
    /// When the message was accepted, UTC milliseconds.
    pub received: u64,
    /// The sender.
    pub from: ReversePath,
    /// The next hop in the words of the channel.
    pub host: String,
    /// What the content looks like.
    pub shape: Shape,
    /// What the sender asked for.
    pub terms: Terms,
    /// The file that holds the content.
    pub file: u64,
    /// The record in that file that the content belongs to, if it lies in a segment: its id is checked before anything is
    /// sent. `None` for a file that holds one content and nothing else.
    pub record: Option<Place>,
    /// Where the content starts in it, in octets.
    pub offset: u64,
    /// How long it is, in octets.
    pub length: u64,
    /// What it must add up to, so that a damaged content is never delivered as if it were whole.
    pub checksum: Option<ContentSum>,
    /// For whom.
    pub recipients: Vec<JobRecipient>,
}

/// CRC-32C, continued from `start` over the content, gives `sum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentSum {
    /// The checksum of nothing yet.
    pub start: u32,
    /// The checksum of the whole.
    pub sum: u32,
}

/// One recipient of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobRecipient {
    /// Its index in the envelope.
    pub index: u32,
    /// The address as accepted.
    pub address: Mailbox,
    /// For whom, in the words of the channel (see [`proto::envelope::Route::user`]).
    pub user: String,
    /// What the sender asked for, for this one.
    pub terms: RecipientTerms,
}

/// To the scheduler.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromAgent {
    /// Feed me. The first one after a connection follows every `Late`.
    Hungry {
        /// So many more jobs.
        credits: u32,
        /// Hosts to which connections stand open; the scheduler prefers them.
        warm: Vec<String>,
    },
    /// What became of one recipient.
    Settled {
        /// The job.
        job: JobNumber,
        /// The recipient's index.
        index: u32,
        /// What became of it.
        disposition: Disposition,
    },
    /// What became of one recipient of a job of an earlier scheduler.
    Late {
        /// The message.
        id: SpoolId,
        /// The recipient's index.
        index: u32,
        /// What became of it.
        disposition: Disposition,
    },
    /// This file is closed.
    Released {
        /// The file's number.
        file: u64,
    },
    /// What `grange status` shows of me.
    Gauges {
        /// Open sessions.
        sessions: u32,
        /// To so many hosts.
        hosts: u32,
    },
}
