//! smtpserver master ↔ smtpserver worker.

use proto::server::Service;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// From the master.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToWorker {
    /// A connection; the descriptor travels with this message.
    Take(Connection),
    /// Serve what you have, take nothing more, exit.
    Drain,
    /// The answer to [`FromWorker::Consult`]; it comes within the time that lists may take.
    Consulted(Consulted),
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
    /// What the listener is for.
    pub entrance: Entrance,
    /// The client's name, if the reverse zone and the address agree on one; in lower case, without a closing dot.
    pub name: Option<String>,
}

/// What a listener is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrance {
    /// What is spoken there.
    pub service: Service,
    /// The first word is the client's handshake (RFC 8314 section 3.3).
    pub implicit_tls: bool,
}

/// What the master would do with a client that connected now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consulted {
    /// As in the question.
    pub session: u64,
    /// Every rule that has a say, in the order in which they said it; with [`Verdict::Pass`] also what speaks for the
    /// client, and lists that gave no answer or do not have it.
    pub reasons: Vec<Reason>,
    /// What follows from them.
    pub verdict: Verdict,
    /// The client's verified name.
    pub name: Option<String>,
}

/// One rule's word on a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule, as the journal prints it: `sessions-per-client`, `client-rate`, `access`, `relay-networks`, `lists`.
    pub rule: String,
    /// What was found: `61`, `192.0.2.0/24`, `zen.example.org=127.0.0.4`.
    pub value: String,
    /// What it was held against: `60/1m`, `line 7` of the table, `3`; empty if there is no limit.
    pub limit: String,
    /// What the rule says.
    pub verdict: Verdict,
    /// The rule only warns: its verdict has no effect.
    pub warn: bool,
}

/// What a rule of admission says, or all of them together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Nothing against it.
    Pass,
    /// So many points; enough of them refuse.
    Score(i32),
    /// Turned away with this reply, codes and all, without CRLF: 554 or 421.
    Refuse(String),
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
    /// What would you do with this client at this listener now? Answered by [`ToWorker::Consulted`]; nothing is counted.
    Consult {
        /// To be repeated in the answer.
        session: u64,
        /// The client.
        client: IpAddr,
        /// The listener's name.
        listener: String,
    },
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
