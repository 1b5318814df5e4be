//! The control socket: JSON lines between administrators' programs and the supervisor.
//!
//! A request is one line. The answer is any number of lines and then one [`End`] line. The supervisor answers what it
//! knows and passes the rest to the process that does.

use serde::{Deserialize, Serialize};

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verb")]
pub enum Request {
    /// Answer: one [`Status`] line.
    Status,
    /// Finish what is under way and stop all of it.
    Stop,
    /// Read the configuration again. Answer: [`End`], with the errors if it is not taken.
    Reload,
    /// List the queue. Answer: a [`QueueLine`] per message.
    QueueList {
        /// Only messages with a recipient waiting for this host (or a name under it).
        host: Option<String>,
        /// Only messages from this sender.
        sender: Option<String>,
        /// Only messages to this recipient.
        recipient: Option<String>,
        /// At most so many.
        limit: Option<u64>,
    },
    /// Show one message with all its recipients. Answer: a [`QueueMessage`].
    QueueShow {
        /// The spool id.
        id: String,
    },
    /// Where the content lies. Answer: a [`QueueContent`].
    QueueCat {
        /// The spool id.
        id: String,
    },
    /// Try again now. Answer: [`End`] with the count.
    QueueRetry(Selection),
    /// Keep, and try no more until released.
    QueueHold(Selection),
    /// Undo a hold.
    QueueRelease(Selection),
    /// Discard; the journal names who did it.
    QueueRemove(Selection),
    /// Where does this address go? Answer: a [`Routed`] per result.
    Route {
        /// As typed.
        address: String,
    },
    /// Set or clear a fault switch; root only. Answer: [`End`].
    Fault {
        /// `role/point`, as in `smtpserver/flush`.
        point: String,
        /// How many times it shall strike; 0 clears.
        times: u32,
    },
    /// Count how long operations take, or tell. Answer: a [`crate::profile::Line`] per row, and whether it is on.
    Profile {
        /// What to do.
        order: crate::profile::Order,
    },
}

/// Which messages a queue verb is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// All of the queue.
    All,
    /// All that wait for this host and none under it.
    Hop(String),
    /// These messages, by spool id.
    Ids(Vec<String>),
    /// What waits for this host.
    Host(String),
}

/// The last line of every answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// It was done.
    pub ok: bool,
    /// How many things changed or were listed.
    pub count: u64,
    /// Errors and remarks, a line each.
    pub messages: Vec<String>,
    /// What a program that asked shall exit with, of sysexits, if it was not done; 0 when that is not said.
    #[serde(default)]
    pub code: u8,
}

impl End {
    /// It was done, with so many things.
    pub const fn done(count: u64) -> Self {
        Self { ok: true, count, messages: Vec::new(), code: 0 }
    }

    /// It was not done, for this reason; `code` is of sysexits.
    pub fn refused(code: u8, why: impl Into<String>) -> Self {
        Self { ok: false, count: 0, messages: vec![why.into()], code }
    }
}

/// What `grange status` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The version.
    pub version: String,
    /// The host name of the configuration.
    pub hostname: String,
    /// Seconds since the supervisor started.
    pub uptime: u64,
    /// Where Grange listens for the network.
    pub listening: Vec<String>,
    /// The spool's directory.
    pub spool: String,
    /// Files and octets of the spool.
    pub spool_files: u64,
    /// Octets of the spool.
    pub spool_size: u64,
    /// A line per program.
    pub farm: Vec<FarmLine>,
}

/// One program in `grange status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FarmLine {
    /// The program.
    pub role: String,
    /// Process ids.
    pub pids: Vec<u32>,
    /// How many have work, where that is known.
    pub busy: Option<u32>,
    /// Restarts since the supervisor started.
    pub restarts: u64,
    /// What it does now, in words.
    pub now: String,
    /// The same as numbers.
    pub gauges: std::collections::BTreeMap<String, f64>,
}

/// One message in `grange queue list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueLine {
    /// The spool id.
    pub id: String,
    /// When it was accepted, UTC milliseconds.
    pub received: u64,
    /// Octets.
    pub size: u64,
    /// The sender with angle brackets.
    pub from: String,
    /// The first open recipient with angle brackets.
    pub to: String,
    /// Open recipients.
    pub open: u64,
    /// `waiting`, `ready`, `in-flight`, `routing`, `held`.
    pub state: String,
    /// When it is tried next, UTC milliseconds.
    pub next: Option<u64>,
    /// Why it is not tried now, in words.
    pub why: String,
}

/// One message in `grange queue show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueMessage {
    /// As in the list.
    pub line: QueueLine,
    /// Where the record lies.
    pub place: proto::place::Place,
    /// Its recipients.
    pub recipients: Vec<QueueRecipient>,
}

/// One recipient in `grange queue show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRecipient {
    /// Index in the envelope.
    pub index: u32,
    /// With angle brackets.
    pub address: String,
    /// `channel!host`, or empty before routing.
    pub route: String,
    /// `waiting`, `ready`, `in-flight`, `routing`, `held`, `delivered`, `failed`.
    pub state: String,
    /// When it is tried next, UTC milliseconds.
    pub next: Option<u64>,
    /// Attempts so far.
    pub attempts: u32,
    /// Why it is not tried now, in words.
    pub why: String,
}

/// Where the content of a message lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueContent {
    /// The record.
    pub place: proto::place::Place,
}

/// One result of `grange route`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed {
    /// The address that this result is for (an alias gives several).
    pub address: String,
    /// `channel!host`, if it is routed.
    pub route: Option<String>,
    /// For whom, in the words of the channel.
    pub user: Option<String>,
    /// The rule that decided: `local user`, `alias (aliases:3)`, `routes:7`, `MX lookup`.
    pub by: String,
    /// The reply, if it is refused or deferred.
    pub reply: Option<String>,
}
