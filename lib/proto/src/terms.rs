//! What the sender asked for beside sender and recipients: the parameters of MAIL and RCPT, as they travel with a message.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

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

/// What a queue must remember of the terms while the message waits; the default is a plain message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Special {
    /// MT-PRIORITY, from -9 to 9.
    pub priority: i8,
    /// BY.
    pub deliver_by: Option<DeliverBy>,
    /// Not to be released before, and how long it waits counts from then; in milliseconds since 1970 (UTC).
    pub hold_until: Option<u64>,
    /// Somebody is to hear of success.
    pub success: bool,
    /// The sender was told that the message is late (RFC 2852 section 4.1, mode N).
    pub told: bool,
}

impl Special {
    /// What is special about a message with these terms.
    pub fn of<'a>(terms: &Terms, mut recipients: impl Iterator<Item = &'a RecipientTerms>) -> Self {
        Self {
            priority: terms.priority.unwrap_or(0),
            deliver_by: terms.deliver_by,
            hold_until: terms.hold_until,
            success: recipients.any(|terms| terms.wishes().success),
            told: false,
        }
    }

    /// Nothing is.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
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

impl Ret {
    /// The value of the RET parameter.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        }
    }
}

impl FromStr for Ret {
    type Err = NoSuchWord;

    fn from_str(text: &str) -> Result<Self, NoSuchWord> {
        let words = [Self::Full, Self::Headers];
        words.into_iter().find(|ret| text.eq_ignore_ascii_case(ret.word())).ok_or(NoSuchWord)
    }
}

/// A word that is none of those that may stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such word")]
pub struct NoSuchWord;

/// As the value of NOTIFY: `NEVER`, or events separated by commas.
impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (event, set) in EVENTS.into_iter().zip([self.success, self.failure, self.delay]) {
            if set {
                write!(f, "{gap}{event}")?;
                gap = ",";
            }
        }
        if gap.is_empty() { f.write_str("NEVER") } else { Ok(()) }
    }
}

/// Source: RFC 3461 section 4.1: `NEVER` stands alone.
impl FromStr for Notify {
    type Err = NoSuchWord;

    fn from_str(text: &str) -> Result<Self, NoSuchWord> {
        if text.eq_ignore_ascii_case("NEVER") {
            return Ok(Self::NEVER);
        }
        let is_event = |word: &str| EVENTS.iter().any(|event| word.eq_ignore_ascii_case(event));
        let [success, failure, delay] =
            EVENTS.map(|event| text.split(',').any(|word| word.eq_ignore_ascii_case(event)));
        if text.split(',').all(is_event) { Ok(Self { success, failure, delay }) } else { Err(NoSuchWord) }
    }
}

const EVENTS: [&str; 3] = ["SUCCESS", "FAILURE", "DELAY"];

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
