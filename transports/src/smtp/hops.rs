//! Where to connect: the resolver's answer as a list of sockets, or as the fate of whoever waits.

use ipc::resolve::{Exchanger, Resolved};
use proto::disposition::{Disposition, Outcome};
use proto::message::printable;
use proto::status::Status;
use std::net::{IpAddr, SocketAddr};

/// One address to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    /// For dispositions and the journal: `mx1.example.net[198.51.100.4]`.
    pub(super) remote: String,
    /// What it is called, for TLS: `mx1.example.net`, or its address.
    pub(super) name: String,
    /// Where to connect.
    pub(super) address: SocketAddr,
}

impl Hop {
    /// An address that needed no resolver.
    pub(super) fn literal(address: IpAddr, port: u16) -> Self {
        let (remote, name) = (format!("[{address}]"), address.to_string());
        Self { remote, name, address: SocketAddr::new(address, port) }
    }
}

/// What the resolver's answer means: where to try, or what becomes of everybody who waits for the host.
pub(super) fn of(answer: Resolved, name: &str, port: u16) -> Result<Vec<Hop>, Disposition> {
    let fate = |outcome, status, words: String| Err(Disposition::local(outcome, status, printable(&words)));
    match answer {
        Resolved::Found(exchangers) => {
            let hops: Vec<Hop> = exchangers.iter().flat_map(|one| hops_of(one, port)).take(MOST).collect();
            if hops.is_empty() {
                let words = format!("no address of a mail exchanger of {name} can be found now");
                return fate(Outcome::HostDeferred, Status::transient(4, 3), words);
            }
            Ok(hops)
        }
        Resolved::NullMx => {
            let words = format!("{name} accepts no mail (null MX)");
            fate(Outcome::Failed, Status::permanent(1, 10), words)
        }
        Resolved::NotFound { why } => {
            fate(Outcome::Failed, Status::permanent(1, 2), format!("host or domain {name} not found: {why}"))
        }
        Resolved::Temporary { why } => {
            fate(Outcome::HostDeferred, Status::transient(4, 3), format!("looking up {name}: {why}"))
        }
        // Answers to questions that are not asked here.
        Resolved::Listed { .. } | Resolved::Named { .. } => {
            fate(Outcome::HostDeferred, Status::transient(4, 3), format!("looking up {name}: no answer"))
        }
    }
}

fn hops_of(exchanger: &Exchanger, port: u16) -> impl Iterator<Item = Hop> {
    exchanger.addresses.iter().map(move |&address| Hop {
        remote: format!("{}[{address}]", exchanger.name),
        name: exchanger.name.clone(),
        address: SocketAddr::new(address, port),
    })
}

/// How many addresses of a domain are tried at most in one attempt.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanger(name: &str, addresses: &[&str]) -> Exchanger {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Exchanger { name: name.into(), preference: 0, addresses }
    }

    #[test]
    fn the_order_is_the_resolvers() {
        let found = Resolved::Found(vec![
            exchanger("mx1", &["2001:db8::1", "192.0.2.1"]),
            exchanger("mx2", &[]),
            exchanger("mx3", &["192.0.2.3"]),
        ]);
        let hops = of(found, "x", 25).unwrap();
        let remotes: Vec<&str> = hops.iter().map(|hop| hop.remote.as_str()).collect();
        assert_eq!(remotes, ["mx1[2001:db8::1]", "mx1[192.0.2.1]", "mx3[192.0.2.3]"]);
        assert_eq!(hops[0].address.to_string(), "[2001:db8::1]:25");
    }

    #[test]
    fn each_other_answer_is_a_fate() {
        let fate = |answer| {
            let fate = of(answer, "example.org", 25).unwrap_err();
            (fate.outcome, fate.status.to_string())
        };
        let why = || "x".to_owned();
        assert_eq!(fate(Resolved::NullMx), (Outcome::Failed, "5.1.10".into()));
        assert_eq!(fate(Resolved::NotFound { why: why() }), (Outcome::Failed, "5.1.2".into()));
        assert_eq!(fate(Resolved::Temporary { why: why() }), (Outcome::HostDeferred, "4.4.3".into()));
        let nowhere = Resolved::Found(vec![exchanger("mx", &[])]);
        assert_eq!(fate(nowhere), (Outcome::HostDeferred, "4.4.3".into()));
    }
}
