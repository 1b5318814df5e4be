//! Who may come in. Pure: it counts, and says yes or no with the reason.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// Counts of open sessions, against limits.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Limits,
    open: u32,
    clients: HashMap<IpAddr, u32>,
}

/// How many sessions may be open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// In all.
    pub(crate) sessions: u32,
    /// Per IPv4 address and per IPv6 /64.
    pub(crate) per_client: u32,
}

/// Why a client is turned away, and what it is told before the connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// The limit on sessions in all is reached.
    Full,
    /// The limit per client is reached.
    Client,
}

impl TurnedAway {
    /// The reply, with CRLF.
    ///
    /// Source: RFC 5321 section 4.2.2 (421), RFC 3463 (4.3.2, 4.7.0).
    pub(crate) fn reply(self) -> &'static str {
        match self {
            Self::Full => "421 4.3.2 too many connections; try again later\r\n",
            Self::Client => "421 4.7.0 too many connections from your address; try again later\r\n",
        }
    }

    /// The limit, in the words of the configuration.
    pub(crate) fn limit(self) -> &'static str {
        match self {
            Self::Full => "sessions",
            Self::Client => "sessions-per-client",
        }
    }
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, open: 0, clients: HashMap::new() }
    }

    /// New limits; open sessions stay.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// A client knocks; `None` is a local program, which only counts in all. If it is admitted, [`Admission::leave`]
    /// must follow.
    pub(crate) fn enter(&mut self, client: Option<IpAddr>) -> Result<(), TurnedAway> {
        if self.open >= self.limits.sessions {
            return Err(TurnedAway::Full);
        }
        if let Some(client) = client {
            let count = self.clients.entry(group(client)).or_default();
            if *count >= self.limits.per_client {
                return Err(TurnedAway::Client);
            }
            *count += 1;
        }
        self.open += 1;
        Ok(())
    }

    /// An admitted client's session is over.
    pub(crate) fn leave(&mut self, client: Option<IpAddr>) {
        self.open = self.open.saturating_sub(1);
        let Some(client) = client.map(group) else { return };
        if let Some(count) = self.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&client);
            }
        }
    }

    /// Open sessions.
    pub(crate) fn open(&self) -> u32 {
        self.open
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 /64, because a single host has all of one.
fn group(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(sessions: u32, per_client: u32) -> Admission {
        Admission::new(Limits { sessions, per_client })
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_limit_in_all_holds_for_everybody() {
        let mut admission = admission(2, 9);
        admission.enter(ip("192.0.2.1")).unwrap();
        admission.enter(None).unwrap();
        assert_eq!(admission.enter(ip("192.0.2.2")), Err(TurnedAway::Full));
        assert_eq!(admission.enter(None), Err(TurnedAway::Full));
        admission.leave(None);
        admission.enter(ip("192.0.2.2")).unwrap();
    }

    #[test]
    fn the_limit_per_client_leaves_others_alone() {
        let mut admission = admission(9, 1);
        admission.enter(ip("192.0.2.1")).unwrap();
        assert_eq!(admission.enter(ip("192.0.2.1")), Err(TurnedAway::Client));
        admission.enter(ip("192.0.2.2")).unwrap();
        admission.leave(ip("192.0.2.1"));
        admission.enter(ip("192.0.2.1")).unwrap();
    }

    #[test]
    fn a_64_is_one_client_and_a_mapped_address_is_its_ipv4_self() {
        let mut admission = admission(9, 1);
        admission.enter(ip("2001:db8::1")).unwrap();
        assert_eq!(admission.enter(ip("2001:db8::ffff:1")), Err(TurnedAway::Client));
        admission.enter(ip("2001:db8:0:1::1")).unwrap();
        admission.enter(ip("192.0.2.1")).unwrap();
        assert_eq!(admission.enter(ip("::ffff:192.0.2.1")), Err(TurnedAway::Client));
    }

    #[test]
    fn nothing_is_kept_of_clients_that_left() {
        let mut admission = admission(9, 9);
        admission.enter(ip("192.0.2.1")).unwrap();
        admission.leave(ip("192.0.2.1"));
        assert!(admission.clients.is_empty());
        assert_eq!(admission.open(), 0);
    }
}
