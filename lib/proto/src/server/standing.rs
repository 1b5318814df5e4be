//! What a session may do: its listener's service, the client's privileges, what protects the connection.

use crate::reply::Reply;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a listener is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Service {
    /// Mail between hosts (RFC 5321).
    #[default]
    Relay,
    /// New mail from users (RFC 6409).
    Submission,
    /// Mail from a host that keeps the queue itself (RFC 2033).
    Lmtp,
}

impl Service {
    /// The word for it in the configuration and in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Relay => "smtp",
            Self::Submission => "submission",
            Self::Lmtp => "lmtp",
        }
    }
}

/// What this client may do beyond sending mail. By default nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Privileges {
    /// It may send to any domain; in a submission, without AUTH. Its AUTH parameter and its priorities are believed.
    pub relay: bool,
    /// VRFY is answered.
    pub vrfy: bool,
    /// EXPN is answered.
    pub expn: bool,
    /// ETRN is offered.
    pub etrn: bool,
    /// XCLIENT is offered.
    pub xclient: bool,
    /// XFORWARD is offered.
    pub xforward: bool,
    /// XPLAY is taken; it is never announced.
    pub play: bool,
    /// There is a policy: [`Action::Judge`](super::Action::Judge) is given.
    pub policy: bool,
}

/// The mechanisms of AUTH; with none at all, AUTH is not offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mechanisms {
    /// Offered while the connection is in the clear, in upper case.
    pub plain: Arc<[String]>,
    /// Offered under TLS.
    pub secured: Arc<[String]>,
}

impl Mechanisms {
    /// Whether AUTH is offered at all, now or under TLS.
    pub fn any(&self) -> bool {
        !self.plain.is_empty() || !self.secured.is_empty()
    }
}

/// Where a session starts from. The default is a client of a relay that may do nothing special.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// What the listener is for.
    pub service: Service,
    /// What the client may do.
    pub privileges: Privileges,
    /// The mechanisms of AUTH.
    pub mechanisms: Mechanisms,
    /// STARTTLS is offered while the connection is in the clear.
    pub starttls: bool,
    /// The client begins with a handshake (RFC 8314 section 3.3): [`Session::secured`](super::Session::secured) comes
    /// first, then the greeting.
    pub implicit_tls: bool,
    /// Nothing but STARTTLS is taken before it (`530 5.7.0`, RFC 3207 section 4).
    pub require_tls: bool,
    /// MAIL is taken after AUTH only (`530 5.7.0`, RFC 4954 section 6), unless the client may relay.
    pub require_auth: bool,
    /// The connection is protected from its beginning.
    pub security: Option<Box<Security>>,
    /// The client is not welcome: the greeting is this 554, and only QUIT is taken (RFC 5321 section 3.1); with a 421 the
    /// connection is closed behind it.
    pub refusal: Option<Box<Reply>>,
    /// The UTC time at which the session begins, in milliseconds since 1970.
    pub utc: u64,
}

/// How a connection is protected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// `TLSv1.3`
    pub version: String,
    /// `TLS13_AES_256_GCM_SHA384`
    pub cipher: String,
    /// The server's name that the client asked for.
    pub sni: Option<String>,
    /// The client's certificate, if it gave one.
    pub certificate: Option<Certificate>,
}

impl Security {
    /// Version and cipher with a space between them, as in an [`Origin`](crate::envelope::Origin).
    pub fn text(&self) -> String {
        format!("{} {}", self.version, self.cipher)
    }
}

/// A client's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// It leads to one of the authorities that the operator trusts.
    pub verified: bool,
    /// Its subject, for people.
    pub subject: String,
    /// The names of its holder: mail addresses and domain names.
    pub names: Vec<String>,
    /// SHA-256 of the certificate, in hexadecimal.
    pub fingerprint: String,
}
