//! What all sessions of a server have in common.

use crate::identity::{Chooser, Identities, certificates};
use crate::material::{Material, PemFile, Version};
use crate::peer::Asking;
use crate::provider::provider;
use crate::session::{Session, Side};
use crate::tickets::Tickets;
use crate::{Clock, TlsError};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConnection, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;

/// Made of a [`Material`] once; sessions that began with another one go on with that.
#[derive(Debug)]
pub struct ServerContext {
    config: ServerConfig,
    identities: Arc<Identities>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    clock: Clock,
    warnings: Vec<Warning>,
}

/// What is dubious about a file although it can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its name.
    pub file: String,
    /// What is dubious, and what to do.
    pub why: String,
}

impl ServerContext {
    /// Reads and checks everything; `None` if there is no certificate. The clock must be kept going.
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn new(material: &Material, clock: Clock) -> Result<Option<Self>, TlsError> {
        let (identities, warnings) = Identities::new(&material.pairs, clock.seconds())?;
        let clients = material.client_ca.as_ref().map(verifier).transpose()?;
        if material.pairs.is_empty() {
            return Ok(None);
        }
        let identities = Arc::new(identities);
        let builder = ServerConfig::builder_with_details(provider(), Arc::new(clock.clone()))
            .with_protocol_versions(versions(material.min_version))?;
        let builder = match &clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::new(Asking(Arc::clone(clients)))),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Chooser::new(&identities)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match &material.tickets {
            Some(keys) => {
                config.ticketer = Arc::new(Tickets::new(keys.clone(), identities.digest(), clock.clone()))
            }
            None => config.send_tls13_tickets = 0,
        }
        Ok(Some(Self { config, identities, clients, clock, warnings }))
    }

    /// What is dubious about its files, at the time when they were read.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A new session; the client speaks first.
    ///
    /// # Errors
    /// The library refuses, which it has no reason to.
    pub fn session(&self) -> Result<Session, TlsError> {
        let chooser = Arc::new(Chooser::new(&self.identities));
        let mut config = self.config.clone();
        config.cert_resolver = Arc::<Chooser>::clone(&chooser);
        let connection = ServerConnection::new(Arc::new(config))?;
        let side = Side::Server { chooser, clients: self.clients.clone() };
        Ok(Session::new(connection.into(), side, self.clock.clone()))
    }
}

/// From 1.2 on, and from 1.3 on.
static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static NEWEST: [&SupportedProtocolVersion; 1] = [&TLS13];

/// The versions from the least one on.
pub(crate) fn versions(least: Version) -> &'static [&'static SupportedProtocolVersion] {
    match least {
        Version::V12 => &BOTH,
        Version::V13 => &NEWEST,
    }
}

/// Who verifies clients' certificates against the authorities in a file.
fn verifier(file: &PemFile) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = Arc::new(roots(file)?);
    WebPkiClientVerifier::builder_with_provider(roots, provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| TlsError::file(&file.name, error.to_string()))
}

/// The authorities in a file.
pub(crate) fn roots(file: &PemFile) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|_| TlsError::file(&file.name, "one of its certificates cannot be an authority"))?;
    }
    Ok(roots)
}
