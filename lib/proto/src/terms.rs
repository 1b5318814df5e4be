//! What the sender asked for beside sender and recipients: the parameters of MAIL and RCPT, as they travel with a message.

use serde::{Deserialize, Serialize};

/// What holds for the whole message. The default is what a client says that says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// BODY: what octets the content may hold.
    pub body: BodyKind,
    /// SMTPUTF8: addresses or header fields may hold UTF-8 (RFC 6531 section 3.4).
    pub utf8: bool,
    /// REQUIRETLS: every hop must use TLS and honour this, too (RFC 8689 section 2).
    pub require_tls: bool,
    /// RET: how much of the message a notice of failure gives back (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// ENVID: the sender's name for this transmission, in the xtext form in which it came (RFC 3461 section 4.4).
    pub envid: Option<String>,
    /// MT-PRIORITY: from -9 to 9 (RFC 6710 section 3); `None` counts as 0.
    pub priority: Option<i8>,
    /// BY: when the message must have arrived (RFC 2852 section 4).
    pub deliver_by: Option<DeliverBy>,
    /// HOLDFOR or HOLDUNTIL: not to be released before, in milliseconds since 1970 (UTC) (RFC 4865 section 4).
    pub hold_until: Option<u64>,
    /// AUTH: who submitted the message first, in the xtext form in which it came, `<>` if that is unknown (RFC 4954
    /// section 5).
    pub auth: Option<String>,
}

/// What holds for one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecipientTerms {
    /// NOTIFY; `None` if nothing was said, which asks for notices of failure and delay as ever (RFC 3461 section 4.1).
    pub notify: Option<Notify>,
    /// ORCPT: `addr-type;xtext` as it came (RFC 3461 section 4.2).
    pub orcpt: Option<String>,
}

/// What octets a content may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BodyKind {
    /// `7BIT`, or nothing said.
    #[default]
    SevenBit,
    /// `8BITMIME` (RFC 6152 section 2).
    EightBitMime,
    /// `BINARYMIME`: any octets, in lines or not (RFC 3030 section 3).
    BinaryMime,
}

/// How much of a message a notice gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ret {
    /// `FULL`
    Full,
    /// `HDRS`
    Headers,
}

/// The events of which a sender wants to hear; with none of them, `NEVER`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Notify {
    /// `SUCCESS`
    pub success: bool,
    /// `FAILURE`
    pub failure: bool,
    /// `DELAY`
    pub delay: bool,
}

/// By when a message must have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeliverBy {
    /// In milliseconds since 1970 (UTC).
    pub until: u64,
    /// What happens then.
    pub mode: ByMode,
    /// `T`: each hop that relays reports so.
    pub trace: bool,
}

/// What happens to a message that is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ByMode {
    /// `R`: it is returned.
    Return,
    /// `N`: the sender is told, and delivery goes on.
    Notify,
}

impl BodyKind {
    /// The value of the BODY parameter.
    pub fn word(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        }
    }
}

impl Notify {
    /// What a sender wants to hear who said nothing: `FAILURE,DELAY`.
    pub const USUAL: Self = Self { success: false, failure: true, delay: true };

    /// `NEVER`
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };
}

impl RecipientTerms {
    /// The events of which the sender wants to hear.
    pub fn wishes(&self) -> Notify {
        self.notify.unwrap_or(Notify::USUAL)
    }
}
