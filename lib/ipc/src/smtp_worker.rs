//! smtpserver master ↔ smtpserver worker.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// From the master.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToWorker {
    /// A connection; the descriptor travels with this message.
    Take(Connection),
    /// Serve what you have, take nothing more, exit.
    Drain,
}

/// A connection that the master admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The session's number; unique while the master lives, printed in hexadecimal in the journal.
    pub session: u64,
    /// Who connected.
    pub peer: Peer,
    /// The listener's name.
    pub listener: String,
}

/// Who connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    /// From the network.
    Network(SocketAddr),
    /// A program on this machine, by its user id.
    Local {
        /// The kernel's word on it.
        uid: u32,
    },
}

/// To the master. Until `Taken` the master keeps its duplicate and passes the connection to another worker if this one dies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromWorker {
    /// These sessions are in my hands.
    Taken(Vec<u64>),
    /// These sessions are over.
    Ended(Vec<u64>),
    /// I have served my share: replace me.
    Retiring,
    /// What `grange status` shows of me.
    Gauges(WorkerGauges),
}

/// A worker's figures; counters since its start, sent when they changed, at most once a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerGauges {
    /// Sessions now.
    pub sessions: u64,
    /// Sessions with an open transaction now.
    pub transactions: u64,
    /// Messages answered 250.
    pub accepted: u64,
    /// Flushes of the spool.
    pub flushes: u64,
}
