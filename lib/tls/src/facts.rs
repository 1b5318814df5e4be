//! What a handshake has agreed on.

use crate::Certificate;
use rustls::{CommonState, HandshakeKind, ProtocolVersion};

/// What the two sides have agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The suite by its registered name: `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The key exchange: `X25519MLKEM768`; empty if none was made, because a session of TLS 1.2 was resumed.
    pub group: String,
    /// The name that the client asked for, in lower case.
    pub server_name: Option<String>,
    /// An earlier session was resumed.
    pub resumed: bool,
    /// The certificate of the other side, if it has one.
    pub peer: Option<PeerCertificate>,
}

/// The certificate of the other side. It has proved that it has the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// What it says.
    pub certificate: Certificate,
    /// Whether an authority that is trusted here vouches for it, and, for a server, for the name that was wanted; if
    /// not, why not.
    pub verified: Result<(), String>,
}

impl Facts {
    /// What the connection says about itself; the peer is told apart.
    pub(crate) fn of(common: &CommonState, server_name: Option<&str>) -> Self {
        let version = match common.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "TLSv1.2",
        };
        let cipher = common.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let group = common.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
        Self {
            version,
            // The library marks the suites of TLS 1.3 in its own way.
            cipher: cipher.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
            group: group.unwrap_or_default(),
            server_name: server_name.map(str::to_ascii_lowercase),
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
            peer: None,
        }
    }
}
