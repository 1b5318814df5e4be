//! Securing a session: STARTTLS (RFC 3207), and TLS from the first octet (RFC 8314 section 3.3).
//!
//! A handshake is a few turns of its seat, like anything else that a client does; the session's deadline bounds it.

use super::conversation::Conversation;
use super::desk::Desk;
use farm::journal::SessionEvent;
use proto::server::{Certificate, Security};
use std::fmt::Write;
use tls::{Facts, PeerCertificate, Session};

/// What binds an exchange of AUTH to the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bindings {
    /// `tls-exporter` (RFC 9266); none with TLS 1.2.
    pub(super) exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` (RFC 5929 section 4); none for Ed25519.
    pub(super) end_point: Option<Vec<u8>>,
}

impl Conversation {
    /// The handshake is over: nothing that the client has said before counts.
    pub(super) fn secured(&mut self, desk: &Desk, tls: &Session, greets: bool) {
        let Some(facts) = tls.facts() else { return };
        let bindings = Bindings { exporter: tls.exporter(), end_point: tls.server_end_point() };
        self.bindings = Some(Box::new(bindings));
        self.session.secured(security(facts), desk.now.mono);
        self.forget_forward();
        self.forget_member(desk);
        self.offer_certified(desk);
        if greets {
            self.greet();
        }
    }

    /// The client sent octets in the clear behind STARTTLS; they are gone.
    pub(super) fn injected(&self, desk: &mut Desk, octets: usize) {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let client = &self.client.text;
        desk.note_session(self.number, SessionEvent::Plaintext { client, octets });
    }
}

fn security(facts: Facts) -> Security {
    Security {
        version: facts.version.to_owned(),
        cipher: facts.cipher,
        sni: facts.server_name,
        certificate: facts.peer.map(certificate),
    }
}

fn certificate(peer: PeerCertificate) -> Certificate {
    let PeerCertificate { certificate, verified } = peer;
    let mut fingerprint = String::with_capacity(64);
    for octet in certificate.fingerprint {
        let _a_string_takes_all = write!(fingerprint, "{octet:02x}");
    }
    let names = certificate.mailboxes.into_iter().chain(certificate.hosts).collect();
    Certificate { verified: verified.is_ok(), subject: certificate.subject, names, fingerprint }
}
