//! What lists and the reverse zone say about a client.
//!
//! Decides which answers of a list count, and which of a client's names is its own: a name in the reverse zone is only
//! what the owner of the address claims, so it counts if its addresses lead back. It asks nobody.
//!
//! Sources: RFC 5782 (lists: section 2.1 the codes lie in 127.0.0.0/8), RFC 1035 section 3.5 and RFC 3596 section 2.5
//! (reverse zones).

use crate::answer::{Addresses, Dated, Negative};
use crate::exchangers::Mx;
use ipc::resolve::Resolved;
use proto::address::Domain;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

/// What a list's answer means. Addresses outside 127.0.0.0/8 are not its word: some resolver made them up, or the
/// list is dead and its domain was sold.
pub fn listed(answer: Dated<Ipv4Addr>) -> Resolved {
    let ttl = answer.ttl;
    match answer.found {
        Ok(codes) => {
            if codes.iter().any(is_error) {
                let why = "the list does not answer us: it has an error code in 127.255.255.0/24".to_owned();
                return Resolved::Temporary { why };
            }
            let found = codes.len();
            let mut codes: Vec<Ipv4Addr> = codes.into_iter().filter(Ipv4Addr::is_loopback).collect();
            codes.sort_unstable();
            codes.dedup();
            if codes.is_empty() && found > 0 {
                let why = "the list answers with addresses outside 127.0.0.0/8".to_owned();
                return Resolved::Temporary { why };
            }
            codes.truncate(MOST_CODES);
            Resolved::Listed { codes, ttl }
        }
        Err(Negative::NoName | Negative::NoData) => Resolved::Listed { codes: Vec::new(), ttl },
        Err(Negative::Unknown { why }) => Resolved::Temporary { why },
    }
}

/// Lists of Spamhaus, and others after them, answer so whom they do not serve, about every client: too many questions,
/// questions by way of an open resolver, a wrong zone.
fn is_error(code: &Ipv4Addr) -> bool {
    code.octets().starts_with(&[127, 255, 255])
}

/// The names to confirm and how long they hold.
///
/// # Errors
/// The answer, if it is already known.
pub fn candidates(answer: Dated<String>) -> Result<(Vec<String>, u32), Resolved> {
    let ttl = answer.ttl;
    match answer.found {
        Ok(mut names) => {
            names.retain(|name| matches!(name.parse(), Ok(Domain::Name(_))));
            names.truncate(MOST_NAMES);
            if names.is_empty() { Err(Resolved::Named { name: None, ttl }) } else { Ok((names, ttl)) }
        }
        Err(Negative::NoName | Negative::NoData) => Err(Resolved::Named { name: None, ttl }),
        Err(Negative::Unknown { why }) => Err(Resolved::Temporary { why }),
    }
}

/// The first of these names that leads back to the client.
pub fn confirmed(client: IpAddr, hosts: &[(Mx, Addresses)], ttl: u32) -> Resolved {
    let leads_back = |addresses: &Addresses| match addresses {
        Addresses::Known(known) => known.iter().any(|address| address.to_canonical() == client),
        Addresses::None { .. } | Addresses::Unknown { .. } => false,
    };
    if let Some((host, _)) = hosts.iter().find(|(_, addresses)| leads_back(addresses)) {
        return Resolved::Named { name: Some(host.name.clone()), ttl };
    }
    let doubt = hosts.iter().find_map(|(_, addresses)| match addresses {
        Addresses::Unknown { why } => Some(why.clone()),
        _ => None,
    });
    doubt.map_or(Resolved::Named { name: None, ttl }, |why| Resolved::Temporary { why })
}

/// The name of an address in the reverse zone.
pub fn reverse_name(client: IpAddr) -> String {
    name_in_list(client, if client.is_ipv4() { "in-addr.arpa" } else { "ip6.arpa" })
}

/// The name at which a list holds an address: octets (IPv6: nibbles) in reverse, then the zone.
///
/// Source: RFC 5782 sections 2.1 and 2.4.
pub fn name_in_list(client: IpAddr, zone: &str) -> String {
    let mut name = String::with_capacity(64 + zone.len());
    match client {
        IpAddr::V4(address) => {
            for octet in address.octets().iter().rev() {
                let _a_string_takes_all = write!(name, "{octet}.");
            }
        }
        IpAddr::V6(address) => {
            for octet in address.octets().iter().rev() {
                let _a_string_takes_all = write!(name, "{:x}.{:x}.", octet & 15, octet >> 4);
            }
        }
    }
    name + zone
}

/// Codes of one name that are told.
const MOST_CODES: usize = 32;

/// Names of one address that are confirmed; who has hundreds has none of his own.
const MOST_NAMES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn dated<T>(found: Result<Vec<T>, Negative>) -> Dated<T> {
        Dated { found, ttl: 60 }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn host(name: &str, addresses: Addresses) -> (Mx, Addresses) {
        (Mx { preference: 0, name: name.into() }, addresses)
    }

    #[test]
    fn codes_lie_in_127_and_anything_else_or_an_error_of_the_list_is_no_answer() {
        let two = Ipv4Addr::new(127, 0, 0, 2);
        let stray = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(listed(dated(Ok(vec![two, stray, two]))), Resolved::Listed { codes: vec![two], ttl: 60 });
        assert!(matches!(listed(dated(Ok(vec![stray]))), Resolved::Temporary { .. }));
        let refused = Ipv4Addr::new(127, 255, 255, 254);
        assert!(matches!(listed(dated(Ok(vec![refused]))), Resolved::Temporary { .. }));
        for none in [Negative::NoName, Negative::NoData] {
            assert_eq!(listed(dated(Err(none))), Resolved::Listed { codes: vec![], ttl: 60 });
        }
        let unknown = Negative::Unknown { why: "silence".into() };
        assert_eq!(listed(dated(Err(unknown))), Resolved::Temporary { why: "silence".into() });
    }

    #[test]
    fn a_name_counts_only_if_it_leads_back() {
        let client = ip("192.0.2.1");
        let mine = Addresses::Known(vec![ip("::ffff:192.0.2.1")]);
        let other = Addresses::Known(vec![ip("192.0.2.2")]);
        let named = |name: Option<&str>| Resolved::Named { name: name.map(Into::into), ttl: 9 };
        let hosts = [host("claimed.test", other.clone()), host("own.test", mine)];
        assert_eq!(confirmed(client, &hosts, 9), named(Some("own.test")));
        assert_eq!(confirmed(client, &[host("claimed.test", other.clone())], 9), named(None));
        let late = Addresses::Unknown { why: "late".into() };
        let doubtful = [host("a.test", other), host("b.test", late)];
        assert_eq!(confirmed(client, &doubtful, 9), Resolved::Temporary { why: "late".into() });
    }

    #[test]
    fn without_a_pointer_there_is_no_name_and_nothing_to_confirm() {
        let none = Resolved::Named { name: None, ttl: 60 };
        assert_eq!(candidates(dated(Err(Negative::NoName))), Err(none.clone()));
        let odd = ["", "a(b.test", "a\\032b.test"].map(String::from).to_vec();
        assert_eq!(candidates(dated(Ok(odd))), Err(none), "what is no name of a host");
        assert_eq!(candidates(dated(Ok(vec!["a.test".into()]))), Ok((vec!["a.test".into()], 60)));
    }

    #[test]
    fn reverse_names_are_those_of_the_registries() {
        assert_eq!(reverse_name(ip("192.0.2.1")), "1.2.0.192.in-addr.arpa");
        let six = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa";
        assert_eq!(reverse_name(ip("4321:0:1:2:3:4:567:89ab")), six);
        assert_eq!(name_in_list(ip("192.0.2.99"), "bad.example.com"), "99.2.0.192.bad.example.com");
    }
}
