//! Who has which session, and the connections that no worker has taken yet. Pure but for the duplicates it keeps.
//!
//! The master keeps its duplicate of a connection until the worker says `taken`. If the worker dies first, the connection
//! goes to another; if it dies later, its sessions are lost to their clients, and only the counts are settled.

use farm::profile::{self, Begun, Operation};
use ipc::smtp_worker::{Connection, Peer};
use ipc::supervisor::ChildNumber;
use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

/// One session in the hands of a worker.
#[derive(Debug)]
struct Held {
    worker: ChildNumber,
    client: Option<IpAddr>,
    untaken: Option<(Connection, OwnedFd)>,
    passed: Begun,
}

/// All sessions, by number.
#[derive(Debug, Default)]
pub(crate) struct Custody {
    held: HashMap<u64, Held>,
    untaken: usize,
}

/// What a worker's death leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Estate {
    /// Connections to be passed to another worker.
    pub(crate) untaken: Vec<(Connection, OwnedFd)>,
    /// Clients whose sessions are gone.
    pub(crate) lost: Vec<Option<IpAddr>>,
}

/// The address by which a client is counted; `None` for a local program.
pub(crate) fn client_of(peer: &Peer) -> Option<IpAddr> {
    match peer {
        Peer::Network(address) => Some(address.ip()),
        Peer::Local { .. } => None,
    }
}

impl Custody {
    /// A connection was passed to a worker; there may be no duplicate of it.
    pub(crate) fn passed(&mut self, worker: ChildNumber, connection: Connection, duplicate: Option<OwnedFd>) {
        let (session, client) = (connection.session, client_of(&connection.peer));
        let (untaken, passed) = (duplicate.map(|duplicate| (connection, duplicate)), profile::begin());
        self.untaken += usize::from(untaken.is_some());
        self.held.insert(session, Held { worker, client, untaken, passed });
    }

    /// Connections that no worker has taken yet.
    pub(crate) fn untaken(&self) -> usize {
        self.untaken
    }

    /// The worker has it: the duplicate is closed.
    pub(crate) fn taken(&mut self, session: u64) {
        if let Some(held) = self.held.get_mut(&session) {
            self.untaken -= usize::from(held.untaken.take().is_some());
            held.passed.end(Operation::Pass);
        }
    }

    /// The session is over; the client it was for. A worker can only end what it has.
    pub(crate) fn ended(&mut self, worker: ChildNumber, session: u64) -> Option<Option<IpAddr>> {
        if self.held.get(&session)?.worker != worker {
            return None;
        }
        let held = self.held.remove(&session)?;
        self.untaken -= usize::from(held.untaken.is_some());
        Some(held.client)
    }

    /// A worker is dead.
    pub(crate) fn bereave(&mut self, worker: ChildNumber) -> Estate {
        let mut estate = Estate::default();
        let gone = self.held.extract_if(|_, held| held.worker == worker);
        for (_, held) in gone {
            match held.untaken {
                Some(connection) => estate.untaken.push(connection),
                None => estate.lost.push(held.client),
            }
        }
        self.untaken -= estate.untaken.len();
        estate.untaken.sort_by_key(|(connection, _)| connection.session);
        estate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(session: u64) -> Connection {
        let peer = Peer::Network("192.0.2.1:4000".parse().unwrap());
        Connection {
            session,
            peer,
            listener: "127.0.0.1:25".into(),
            entrance: Default::default(),
            name: None,
        }
    }

    fn descriptor() -> Option<OwnedFd> {
        Some(std::fs::File::open("/dev/null").unwrap().into())
    }

    #[test]
    fn what_a_dead_worker_had_not_taken_is_passed_on_and_the_rest_is_lost() {
        let mut custody = Custody::default();
        for session in 1..=3 {
            custody.passed(7, connection(session), descriptor());
        }
        assert_eq!(custody.untaken(), 3);
        custody.passed(8, connection(4), descriptor());
        custody.taken(2);
        let estate = custody.bereave(7);
        let sessions: Vec<u64> = estate.untaken.iter().map(|(c, _)| c.session).collect();
        assert_eq!(sessions, [1, 3]);
        assert_eq!(estate.lost, [Some("192.0.2.1".parse().unwrap())]);
        assert!(custody.ended(8, 4).is_some(), "the other worker's session is untouched");
        assert_eq!(custody.untaken(), 0);
    }

    #[test]
    fn a_session_ends_once_and_only_by_its_worker() {
        let mut custody = Custody::default();
        custody.passed(7, connection(1), descriptor());
        assert_eq!(custody.ended(8, 1), None);
        assert!(custody.ended(7, 1).is_some());
        assert_eq!(custody.ended(7, 1), None);
    }
}
