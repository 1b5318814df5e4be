//! What all new sessions have in common: names, limits, who may relay.

use farm::config::{Common, Network, SmtpServer};
use farm::exit::{Exit, Fatal};
use proto::limits::Limits;
use proto::server::Config;
use std::net::IpAddr;
use std::sync::Arc;

/// The configuration as sessions see it. A session keeps the limits with which it began.
#[derive(Debug)]
pub(super) struct House {
    /// The name of this host in trace fields.
    pub(super) hostname: String,
    /// For [`proto::server::Session`].
    pub(super) config: Arc<Config>,
    /// Octets of memory at which this worker wishes to be replaced.
    pub(super) recycle_memory: u64,
    relay_networks: Vec<Network>,
}

impl House {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The host name is none, or too long to have a postmaster.
    pub(super) fn new(common: &Common, section: &SmtpServer) -> Result<Self, Fatal> {
        let bad = |why: String| Fatal::new(Exit::Config, format!("hostname \"{}\": {why}", common.hostname));
        let hostname =
            common.hostname.parse().map_err(|e: proto::address::DomainError| bad(e.to_string()))?;
        let config = Config::new(hostname, limits(section)).map_err(|e| bad(e.to_string()))?;
        Ok(Self {
            hostname: common.hostname.clone(),
            config: Arc::new(config),
            recycle_memory: section.recycle_memory,
            relay_networks: section.relay_networks.clone(),
        })
    }

    /// Whether a client at this address may send to any domain.
    pub(super) fn may_relay(&self, client: IpAddr) -> bool {
        self.relay_networks.iter().any(|network| network.contains(client))
    }
}

fn limits(section: &SmtpServer) -> Limits {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        command_line: size(section.command_line),
        message_size: section.message_size,
        recipients: size(section.recipients),
        bad_commands: section.command_errors,
        command_wait: section.command_timeout,
        data_wait: Limits::default().data_wait.min(section.data_timeout),
        block_wait: section.data_timeout,
        verdict_wait: section.route_timeout,
    }
}
