//! What all sessions of a server have in common.

use crate::address::{Domain, Mailbox, MailboxError};
use crate::limits::Limits;

/// Our name, and the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    hostname: Domain,
    postmaster: Mailbox,
    limits: Limits,
}

impl Config {
    /// A server that calls itself `hostname`.
    ///
    /// # Errors
    /// [`MailboxError::TooLong`] if a mailbox at that name would be too long.
    pub fn new(hostname: Domain, limits: Limits) -> Result<Self, MailboxError> {
        let postmaster = Mailbox::new("postmaster", hostname.clone())?;
        Ok(Self { hostname, postmaster, limits })
    }

    /// The name of the greeting.
    pub fn hostname(&self) -> &Domain {
        &self.hostname
    }

    /// The mailbox that `<Postmaster>` stands for.
    pub fn postmaster(&self) -> &Mailbox {
        &self.postmaster
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}
