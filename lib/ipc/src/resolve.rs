//! Whoever asks ↔ dns: typed questions, typed answers.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// To the resolver.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Query {
    /// To be repeated in the answer.
    pub ticket: u64,
    /// What is asked.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ask {
    /// The exchangers of a domain (RFC 5321 section 5.1): MX, or the domain itself.
    Exchangers(String),
    /// The addresses of one host, without MX.
    Addresses(String),
    /// What a DNS list says about a client (RFC 5782): its A records, which are codes and no addresses of hosts.
    List {
        /// The list, as `zen.example.org`.
        zone: String,
        /// Whom it is asked about.
        client: IpAddr,
    },
    /// What this address is called: a name of the reverse zone that leads back to the address.
    Name(IpAddr),
}

/// From the resolver.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    /// The ticket of the query.
    pub ticket: u64,
    /// What came of it.
    pub result: Resolved,
}

/// What came of a query. "Not found" and "not now" are different answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolved {
    /// Exchangers in the order in which to try them: by preference, equals shuffled. Never empty.
    Found(Vec<Exchanger>),
    /// The domain accepts no mail (null MX, RFC 7505).
    NullMx,
    /// To [`Ask::List`]: the list was asked.
    Listed {
        /// The codes, sorted; none if the client is not in the list.
        codes: Vec<Ipv4Addr>,
        /// How long this holds, in seconds.
        ttl: u32,
    },
    /// To [`Ask::Name`]: the reverse zone was asked.
    Named {
        /// The name that leads back, in lower case and without a closing dot; none if there is no such name.
        name: Option<String>,
        /// How long this holds, in seconds.
        ttl: u32,
    },
    /// The domain does not exist, or has neither MX nor addresses.
    NotFound {
        /// In one line.
        why: String,
    },
    /// No answer now: time-out, SERVFAIL, bogus.
    Temporary {
        /// In one line.
        why: String,
    },
}

/// One host to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanger {
    /// Its name, in lower case and without a closing dot.
    pub name: String,
    /// Its preference; 0 for a host without MX.
    pub preference: u16,
    /// Its addresses, IPv6 and IPv4, shuffled; may be empty when this one name could not be resolved now.
    pub addresses: Vec<IpAddr>,
}
