//! What lies in files, on its way from the process that may read them to those that use it.

use crate::TlsError;
use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// All that a server needs. It travels between processes; who decodes it makes a [`crate::ServerContext`] of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Certificates with their keys; the first is the default. Without any there is no TLS.
    pub pairs: Vec<PemPair>,
    /// The authorities whose clients' certificates count as verified; with it clients are asked for one.
    pub client_ca: Option<PemFile>,
    /// The least version.
    pub min_version: Version,
    /// How tickets are sealed; without it sessions are not resumed.
    pub tickets: Option<TicketKeys>,
}

/// A chain and the key of its first certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PemPair {
    /// Certificates, the server's own first.
    pub chain: PemFile,
    /// The key.
    pub key: PemFile,
}

/// A file in PEM (RFC 7468), as it was read. Its `Debug` does not show what is in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PemFile {
    /// Its name, for messages.
    pub name: String,
    /// What is in it.
    pub octets: Vec<u8>,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// TLS 1.2.
    #[default]
    V12,
    /// TLS 1.3.
    V13,
}

/// A secret that all processes share, and how long a key made of it is used. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketKeys {
    pub(crate) secret: [u8; 32],
    /// Seconds; a ticket is taken back as long as its key is the current one or the one before.
    pub(crate) rotation: u64,
}

impl PemFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(file: &Path) -> Result<Self, TlsError> {
        let name = file.display().to_string();
        match std::fs::read(file) {
            Ok(octets) => Ok(Self { name, octets }),
            Err(error) => Err(TlsError::Unreadable { file: name, why: error.to_string() }),
        }
    }
}

impl TicketKeys {
    /// Draws a secret. Its keys change every `rotation` seconds.
    ///
    /// # Errors
    /// The system has no random octets.
    pub fn draw(rotation: u64) -> Result<Self, TlsError> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| TlsError::Library("no random octets".into()))?;
        Ok(Self { secret, rotation: rotation.max(1) })
    }

    /// The same secret with keys that change every `rotation` seconds.
    pub fn rotating(&self, rotation: u64) -> Self {
        Self { secret: self.secret, rotation: rotation.max(1) }
    }
}

impl fmt::Debug for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PemFile({}, {} octets)", self.name, self.octets.len())
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketKeys(every {} s)", self.rotation)
    }
}
