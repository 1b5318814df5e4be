//! What an agent must know of the configuration.

use farm::config::{Channel, Common};
use farm::exit::{Exit, Fatal};
use ipc::codec;

/// The configuration of one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What every program needs.
    pub common: Common,
    /// Its `[channel.NAME]`.
    pub channel: Channel,
}

impl Settings {
    /// Joins what the supervisor sends.
    ///
    /// # Errors
    /// The channel is not configured.
    pub fn new(common: Common, channel: Option<Channel>) -> Result<Self, Fatal> {
        let missing = || Fatal::new(Exit::Config, "the channel is not configured");
        Ok(Self { common, channel: channel.ok_or_else(missing)? })
    }

    /// Reads a section as it comes with a reload.
    ///
    /// # Errors
    /// It is of another build, or the channel is no longer configured.
    pub fn decode(section: &[u8]) -> Result<Self, Fatal> {
        let (common, channel) =
            codec::decode(section).map_err(Fatal::doing(Exit::Software, "configuration"))?;
        Self::new(common, channel)
    }

    /// This process's part of a number that is for all agents of the channel together; at least 1.
    pub fn share(&self, all_together: u32) -> u32 {
        all_together.div_ceil(self.channel.agents.max(1)).max(1)
    }
}
