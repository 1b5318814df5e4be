//! TLS on a connection: the handshake, its failure, and what is known afterwards.
//!
//! Where TLS is not demanded, a failure leads to a new connection to the same address in plain text: encryption that does
//! not come about must not cost the message (RFC 7435 section 3).

use super::connection::{Connection, Event};
use farm::clock::Moment;
use proto::client::Protection;
use std::path::PathBuf;
use tls::{ClientContext, Clock, PemFile, TlsError};

/// What all connections need for TLS; the system's authorities are read when the first one does.
#[derive(Debug)]
pub(super) struct Trust {
    clock: Clock,
    /// The file with the authorities, if not the system's.
    file: Option<PathBuf>,
    context: Option<ClientContext>,
}

impl Trust {
    /// With the authorities in this file, or else the system's; nothing is read yet.
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self { clock: Clock::new(0), file, context: None }
    }

    fn read(&self) -> Result<ClientContext, TlsError> {
        match &self.file {
            Some(file) => ClientContext::with_roots(&PemFile::read(file)?, self.clock.clone()),
            None => ClientContext::with_system_roots(self.clock.clone()),
        }
    }

    /// A session with the server of this name. Where nobody has to prove anything, authorities that cannot be read stop
    /// nothing.
    fn session(&mut self, server: &str, proof: bool, now: Moment) -> Result<tls::Session, TlsError> {
        self.clock.tell(now.utc / 1000);
        let context = match self.context.take().map_or_else(|| self.read(), Ok) {
            Ok(context) => context,
            Err(error) if proof => return Err(error),
            Err(error) => {
                log::error!("tls-ca: {error}; servers are not verified");
                return ClientContext::without_roots(self.clock.clone())?.session(server);
            }
        };
        self.context.insert(context).session(server)
    }
}

impl Connection {
    /// Whether the session waits for [`Connection::secure`].
    pub(super) fn wants_tls(&self) -> bool {
        self.starts_tls && !self.closed && self.wire.session().is_none()
    }

    /// Begins the handshake that the server has agreed to.
    pub(super) fn secure(&mut self, trust: &mut Trust, now: Moment) {
        match trust.session(&self.hop.name, self.protection() == Protection::RequireTls, now) {
            Ok(session) => {
                self.wire.secure(session);
                self.handshake(now.mono);
            }
            Err(error) => self.insecure(&error.to_string(), now.mono),
        }
    }

    /// Goes on with the handshake as far as it goes.
    pub(super) fn handshake(&mut self, now: u64) {
        match self.wire.flush() {
            Ok(room) => self.writable &= room,
            Err(error) => return self.insecure(&error.to_string(), now),
        }
        if self.wire.is_handshaking() || !self.starts_tls {
            return;
        }
        let Some(facts) = self.wire.session().and_then(tls::Session::facts) else { return };
        self.starts_tls = false;
        self.tls = facts.version.to_string();
        let verified = match facts.peer {
            Some(peer) => peer.verified,
            None => Err("it has none".to_owned()),
        };
        if let Some(session) = &mut self.session {
            session.secured(verified, now);
        }
        self.feed(b"", now);
    }

    /// The handshake has come to nothing.
    pub(super) fn insecure(&mut self, why: &str, now: u64) {
        self.starts_tls = false;
        if self.protection() == Protection::May {
            self.events.push(Event::Insecure(why.to_owned()));
            self.closed = true;
            return;
        }
        if let Some(session) = &mut self.session {
            session.unsecured(why, now);
        }
        self.feed(b"", now);
    }
}
