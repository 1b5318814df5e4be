//! What the configuration says about admission.

use super::counts::Limits;
use farm::config::{Network, Rule};
use std::net::IpAddr;

/// What the configuration says about admission.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `[admission]`
    pub(crate) config: farm::config::Admission,
    /// How many sessions may be open.
    pub(crate) limits: Limits,
    /// Whose clients are never examined.
    pub(crate) relay_networks: Vec<Network>,
}

/// How closely the clients of a listener are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scrutiny {
    /// Every rule: mail comes from strangers.
    Full,
    /// Counts, rates and the access table: people connect from anywhere and prove later who they are, and a client
    /// that begins with TLS talks first.
    Basic,
}

impl Settings {
    /// This rule only says what it would have done.
    pub(super) fn warns(&self, rule: Rule) -> bool {
        self.config.warn.contains(&rule)
    }

    /// The network from which this client may relay.
    pub(super) fn relay_network(&self, client: IpAddr) -> Option<&Network> {
        self.relay_networks.iter().find(|network| network.contains(client))
    }

    /// This peer is a balancer that speaks for others.
    pub(crate) fn is_balancer(&self, peer: IpAddr) -> bool {
        self.config.proxy_networks.iter().any(|network| network.contains(peer))
    }
}
