//! What all sessions of a client have in common.

use crate::material::{PemFile, Version};
use crate::peer::TakingAny;
use crate::provider::provider;
use crate::server::{roots, versions};
use crate::session::{Session, Side};
use crate::{Clock, TlsError};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::sync::Arc;

/// Sessions that are remembered in order to be resumed.
const REMEMBERED: usize = 1024;

/// Made once by a process that delivers.
#[derive(Debug)]
pub struct ClientContext {
    config: Arc<ClientConfig>,
    servers: Option<Arc<WebPkiServerVerifier>>,
    clock: Clock,
}

impl ClientContext {
    /// Without any authority: no server counts as verified, and every one is taken. The clock must be kept going.
    ///
    /// # Errors
    /// The library refuses, which it has no reason to.
    pub fn without_roots(clock: Clock) -> Result<Self, TlsError> {
        Self::new(RootCertStore::empty(), clock)
    }

    /// With the authorities that the system trusts; those that cannot be read are left out.
    ///
    /// # Errors
    /// As [`ClientContext::without_roots`].
    pub fn with_system_roots(clock: Clock) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::new(store, clock)
    }

    /// With the authorities in a file.
    ///
    /// # Errors
    /// The file holds none.
    pub fn with_roots(file: &PemFile, clock: Clock) -> Result<Self, TlsError> {
        Self::new(roots(file)?, clock)
    }

    fn new(roots: RootCertStore, clock: Clock) -> Result<Self, TlsError> {
        let servers = if roots.is_empty() {
            None
        } else {
            let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            Some(built.map_err(|error| TlsError::Library(error.to_string()))?)
        };
        let mut config = ClientConfig::builder_with_details(provider(), Arc::new(clock.clone()))
            .with_protocol_versions(versions(Version::V12))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(TakingAny::new()))
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(REMEMBERED);
        Ok(Self { config: Arc::new(config), servers, clock })
    }

    /// A new session with the server of this name, or of this address in text; it has something to send at once. Any
    /// certificate is taken; [`crate::Facts`] says whether it is verified for the name.
    ///
    /// # Errors
    /// The name is none.
    pub fn session(&self, server: &str) -> Result<Session, TlsError> {
        let name = server.trim_end_matches('.').to_owned();
        let name = ServerName::try_from(name).map_err(|_| TlsError::Name(server.to_owned()))?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name.clone())?;
        let side = Side::Client { name, servers: self.servers.clone() };
        Ok(Session::new(connection.into(), side, self.clock.clone()))
    }
}
