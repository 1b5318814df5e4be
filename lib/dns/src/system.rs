//! The name servers that the system uses, from the text of `/etc/resolv.conf`.
//!
//! Only `nameserver` lines count: a mail domain is always complete, so search lists must not touch it, and time-outs
//! come from our own configuration. Source: `resolv.conf(5)`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the system says it.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The file of host names that go before the DNS.
pub const HOSTS: &str = "/etc/hosts";

/// The port of the DNS.
const PORT: u16 = 53;

/// The name servers in this text, in its order; the one on this host when there are none, as the system does it.
///
/// An address with a scope (`fe80::1%eth0`) is passed over.
pub fn name_servers(text: &str) -> Vec<SocketAddr> {
    let mut list: Vec<SocketAddr> = text.lines().filter_map(name_server).collect();
    if list.is_empty() {
        list.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT));
    }
    list
}

fn name_server(line: &str) -> Option<SocketAddr> {
    let mut words = line.split_ascii_whitespace();
    if words.next()? != "nameserver" {
        return None;
    }
    Some(SocketAddr::new(words.next()?.parse().ok()?, PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_come_in_their_order_and_all_else_is_passed_over() {
        let text = "# nameserver 192.0.2.9\nsearch a.test\nnameserver 192.0.2.1 # first\n\
                    nameserver\t2001:db8::1\nnameserver fe80::1%eth0\noptions ndots:5\nnameserver";
        let expected: Vec<SocketAddr> =
            vec!["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:53".parse().unwrap()];
        assert_eq!(name_servers(text), expected);
    }

    #[test]
    fn without_any_the_name_server_of_this_host_is_asked() {
        assert_eq!(name_servers(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
