//! Counts of open sessions, against limits.

use super::group::group;
use std::collections::HashMap;
use std::net::IpAddr;

/// Counts of open sessions.
#[derive(Debug)]
pub(crate) struct Counts {
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

impl Counts {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, open: 0, clients: HashMap::new() }
    }

    /// New limits; open sessions stay.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Somebody knocks; `false` if there is no place for anybody. Else [`Counts::leave`] must follow.
    pub(crate) fn enter(&mut self) -> bool {
        let place = self.open < self.limits.sessions;
        self.open += u32::from(place);
        place
    }

    /// The one who entered is this client; how many sessions it has now.
    pub(crate) fn identify(&mut self, client: IpAddr) -> u32 {
        let count = self.clients.entry(group(client)).or_default();
        *count += 1;
        *count
    }

    /// Open sessions of this client.
    pub(crate) fn of(&self, client: IpAddr) -> u32 {
        self.clients.get(&group(client)).copied().unwrap_or_default()
    }

    /// A session is over; `None` if it was never identified, or is a local program's.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sessions: u32) -> Counts {
        Counts::new(Limits { sessions, per_client: 9 })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_limit_in_all_holds_for_everybody() {
        let mut counts = counts(2);
        assert!(counts.enter() && counts.enter());
        assert!(!counts.enter());
        counts.leave(None);
        assert!(counts.enter());
    }

    #[test]
    fn each_client_is_counted_for_itself() {
        let mut counts = counts(9);
        assert_eq!(
            [ip("192.0.2.1"), ip("192.0.2.1"), ip("192.0.2.2")].map(|one| counts.identify(one)),
            [1, 2, 1]
        );
        counts.leave(Some(ip("192.0.2.1")));
        assert_eq!((counts.of(ip("192.0.2.1")), counts.of(ip("192.0.2.2"))), (1, 1));
    }

    #[test]
    fn nothing_is_kept_of_clients_that_left() {
        let mut counts = counts(9);
        assert!(counts.enter());
        counts.identify(ip("192.0.2.1"));
        counts.leave(Some(ip("192.0.2.1")));
        assert!(counts.clients.is_empty());
        assert_eq!(counts.open(), 0);
    }
}
