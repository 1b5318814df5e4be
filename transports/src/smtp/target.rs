//! What the host of a route means.
//!
//! `example.org` is a domain, whose mail exchangers are asked for. `[relay.example.org]` and `relay.example.org:587` are
//! one host, without MX. An address, bare or in brackets, is taken as it is.

use ipc::resolve::Ask;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The host or domain.
    pub(super) place: Place,
    /// The port, if it is said.
    pub(super) port: Option<u16>,
}

/// A host or a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The resolver has to be asked.
    Ask(Ask),
    /// It is known already.
    Address(IpAddr),
}

impl Target {
    /// Reads the host of a route; `None` if it is none.
    pub(super) fn parse(host: &str) -> Option<Self> {
        let (name, bracketed, port) = split(host)?;
        if let Some(address) = address(name) {
            return Some(Self { place: Place::Address(address), port });
        }
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_') || c >= 0x80;
        if name.is_empty() || !name.bytes().all(plain) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let ask = if bracketed || port.is_some() { Ask::Addresses(name) } else { Ask::Exchangers(name) };
        Some(Self { place: Place::Ask(ask), port })
    }
}

/// The name without brackets and port, whether it had brackets, and the port.
fn split(host: &str) -> Option<(&str, bool, Option<u16>)> {
    if let Some(rest) = host.strip_prefix('[') {
        let (name, after) = rest.split_once(']')?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(number(port)?),
            None if after.is_empty() => None,
            None => return None,
        };
        return Some((name, true, port));
    }
    match host.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((host, false, None)),
        Some((name, port)) => Some((name, false, Some(number(port)?))),
        None => Some((host, false, None)),
    }
}

fn number(port: &str) -> Option<u16> {
    port.parse().ok().filter(|&port| port != 0)
}

/// An address literal without its brackets: RFC 5321 section 4.1.3, and IPv6 also without its tag.
fn address(name: &str) -> Option<IpAddr> {
    let tagged = name.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).and_then(|_| name.get(5..));
    let six = || tagged.unwrap_or(name).parse::<Ipv6Addr>().ok().map(IpAddr::from);
    name.parse::<Ipv4Addr>().ok().map(IpAddr::from).or_else(six)
}

/// The host without brackets and port, for comparing with patterns.
pub(super) fn bare(host: &str) -> &str {
    split(host).map_or(host, |(name, _, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(host: &str) -> Option<(String, Option<u16>)> {
        let target = Target::parse(host)?;
        let place = match target.place {
            Place::Ask(Ask::Exchangers(name)) => format!("mx {name}"),
            Place::Ask(Ask::Addresses(name)) => format!("a {name}"),
            Place::Ask(other) => format!("{other:?}"),
            Place::Address(address) => address.to_string(),
        };
        Some((place, target.port))
    }

    #[test]
    fn a_bare_domain_has_exchangers_and_a_host_has_addresses() {
        assert_eq!(parsed("Example.org"), Some(("mx example.org".into(), None)));
        assert_eq!(parsed("relay.example.org:587"), Some(("a relay.example.org".into(), Some(587))));
        assert_eq!(parsed("[relay.example.org]"), Some(("a relay.example.org".into(), None)));
        assert_eq!(parsed("[relay.example.org]:26"), Some(("a relay.example.org".into(), Some(26))));
    }

    #[test]
    fn addresses_are_taken_as_they_are() {
        assert_eq!(parsed("127.0.0.1:2526"), Some(("127.0.0.1".into(), Some(2526))));
        assert_eq!(parsed("[192.0.2.1]"), Some(("192.0.2.1".into(), None)));
        assert_eq!(parsed("[IPv6:2001:db8::1]"), Some(("2001:db8::1".into(), None)));
        assert_eq!(parsed("[::1]:2525"), Some(("::1".into(), Some(2525))));
        assert_eq!(parsed("::1"), Some(("::1".into(), None)));
    }

    #[test]
    fn what_is_no_host_is_none() {
        for host in ["", ":25", "a b", "[x", "[x]y", "x:", "x:0", "x:99999", "x:y", "[]"] {
            assert_eq!(parsed(host), None, "{host:?}");
        }
    }

    #[test]
    fn patterns_see_the_bare_name() {
        assert_eq!(bare("relay.example.org:587"), "relay.example.org");
        assert_eq!(bare("[192.0.2.1]:25"), "192.0.2.1");
        assert_eq!(bare("example.org"), "example.org");
    }
}
