//! One connection, of either side.

use crate::identity::Chooser;
use crate::words::broken;
use crate::{Broken, Certificate, Clock, Facts, PeerCertificate};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::{Connection, ProtocolVersion};
use std::io::{self, Read, Write};
use std::sync::Arc;

/// Which side we are, and what is needed to judge the other one.
#[derive(Debug)]
pub(crate) enum Side {
    /// We are the server.
    Server { chooser: Arc<Chooser>, clients: Option<Arc<dyn ClientCertVerifier>> },
    /// We are the client.
    Client { name: ServerName<'static>, servers: Option<Arc<WebPkiServerVerifier>> },
}

/// A TLS connection: feed it with [`Session::receive`] and [`Session::read`], then [`Session::send`] what it has to
/// say, until [`Session::is_handshaking`] is false; from then on plaintext goes both ways. After a [`Broken`] there may
/// still be an alert to send.
#[derive(Debug)]
pub struct Session {
    connection: Connection,
    side: Side,
    clock: Clock,
    /// Octets from the network that have not been looked at.
    incoming: Vec<u8>,
    /// Octets of plaintext that wait for a reader.
    waiting: usize,
    ended: bool,
    broken: Option<Broken>,
}

impl Session {
    pub(crate) fn new(connection: Connection, side: Side, clock: Clock) -> Self {
        Self { connection, side, clock, incoming: Vec::new(), waiting: 0, ended: false, broken: None }
    }

    /// Takes octets from the network. They are looked at by [`Session::read`].
    pub fn receive(&mut self, octets: &[u8]) {
        self.incoming.extend_from_slice(octets);
    }

    /// Goes on with what was received; gives the number of octets of plaintext that were put into `room`. During the
    /// handshake there are none.
    ///
    /// # Errors
    /// The session has failed; every further call fails in the same way.
    pub fn read(&mut self, room: &mut [u8]) -> Result<usize, Broken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let (mut done, mut used) = (0, 0);
        let result = loop {
            let taken = self.take_plaintext(room.get_mut(done..).unwrap_or_default());
            self.waiting = self.waiting.saturating_sub(taken);
            done += taken;
            if done == room.len() && !room.is_empty() {
                break Ok(done);
            }
            let mut rest = self.incoming.get(used..).unwrap_or_default();
            if rest.is_empty() || self.ended {
                used = self.incoming.len();
                break Ok(done);
            }
            match self.connection.read_tls(&mut rest) {
                Ok(taken) => used += taken,
                // Plaintext waits for a reader with room.
                Err(_) if room.is_empty() => break Ok(done),
                Err(_) => break Err(Broken("a message is too long".into())),
            }
            match self.connection.process_new_packets() {
                Ok(state) => {
                    self.ended |= state.peer_has_closed();
                    self.waiting = state.plaintext_bytes_to_read();
                }
                Err(error) => break Err(broken(&error)),
            }
        };
        self.incoming.drain(..used);
        if self.incoming.is_empty() {
            // An idle session holds no buffer.
            self.incoming = Vec::new();
        }
        self.broken = result.as_ref().err().cloned();
        result
    }

    fn take_plaintext(&mut self, room: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(rest) = room.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.connection.reader().read(rest) {
                Ok(octets) if octets > 0 => done += octets,
                _nothing_more => break,
            }
        }
        done
    }

    /// Another [`Session::read`] may give something without another octet from the network.
    pub fn has_more(&self) -> bool {
        !self.incoming.is_empty() || self.waiting > 0
    }

    /// Encrypts plaintext; gives the number of octets taken. Some may be left when much waits to be sent.
    pub fn write(&mut self, plaintext: &[u8]) -> usize {
        // It fails only by taking nothing.
        self.connection.writer().write(plaintext).unwrap_or(0)
    }

    /// Something waits to be sent.
    pub fn wants_to_send(&self) -> bool {
        self.connection.wants_write()
    }

    /// Sends as much as `network` takes, until nothing waits.
    ///
    /// # Errors
    /// As the network; `WouldBlock` leaves the rest for later.
    pub fn send(&mut self, network: &mut dyn Write) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(network) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says that nothing follows (close_notify); it waits to be sent.
    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// The handshake is not over.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// The peer has said that nothing follows. A connection that ends without that was cut.
    pub fn peer_has_closed(&self) -> bool {
        self.ended
    }

    /// What was agreed; `None` before the end of the handshake.
    pub fn facts(&self) -> Option<Facts> {
        if self.is_handshaking() {
            return None;
        }
        let name = match (&self.connection, &self.side) {
            (Connection::Server(server), _) => server.server_name().map(str::to_owned),
            (Connection::Client(_), Side::Client { name: ServerName::DnsName(name), .. }) => {
                Some(name.as_ref().to_owned())
            }
            _ => None,
        };
        Some(Facts { peer: self.peer(), ..Facts::of(&self.connection, name.as_deref()) })
    }

    fn peer(&self) -> Option<PeerCertificate> {
        let (first, others) = self.connection.peer_certificates()?.split_first()?;
        Some(PeerCertificate { certificate: Certificate::read(first)?, verified: self.verify(first, others) })
    }

    fn verify(&self, first: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Result<(), String> {
        let now = self.clock.unix_time();
        let verdict = match &self.side {
            Side::Server { clients: Some(clients), .. } => {
                clients.verify_client_cert(first, others, now).map(|_| ())
            }
            Side::Client { name, servers: Some(servers) } => {
                servers.verify_server_cert(first, others, name, &[], now).map(|_| ())
            }
            Side::Server { clients: None, .. } | Side::Client { servers: None, .. } => {
                return Err("no authority is trusted".into());
            }
        };
        verdict.map_err(|error| error.to_string())
    }

    /// The channel binding `tls-exporter` (RFC 9266); `None` before the end of the handshake, and with TLS 1.2, where
    /// it would need what the library does not tell: whether the master secret is bound to the session (RFC 7627).
    pub fn exporter(&self) -> Option<[u8; 32]> {
        if self.connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return None;
        }
        self.connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()
    }

    /// The channel binding `tls-server-end-point` (RFC 5929 section 4), if it is defined for the server's certificate.
    pub fn server_end_point(&self) -> Option<Vec<u8>> {
        match &self.side {
            Side::Server { chooser, .. } => chooser.chosen()?.end_point.clone(),
            Side::Client { .. } => {
                let first = self.connection.peer_certificates()?.first()?;
                Certificate::read(first)?.end_point
            }
        }
    }
}
