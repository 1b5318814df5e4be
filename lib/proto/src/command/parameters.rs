//! The parameters of MAIL and RCPT.

use super::CommandError;
use crate::terms::{BodyKind, ByMode, Notify, Ret};

/// What the client declares about the message that it is about to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// SIZE: the estimated length of the content in octets (RFC 1870 section 5). A number too large for 64 bits is the
    /// largest one.
    pub size: Option<u64>,
    /// BODY: what octets the content may hold (RFC 6152 section 2).
    pub body: BodyKind,
    /// SMTPUTF8 (RFC 6531 section 3.4).
    pub utf8: bool,
    /// RET (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// ENVID, xtext as it came (RFC 3461 section 4.4).
    pub envid: Option<String>,
    /// AUTH, xtext as it came, or `<>` (RFC 4954 section 5).
    pub auth: Option<String>,
    /// BY (RFC 2852 section 4).
    pub by: Option<By>,
    /// HOLDFOR or HOLDUNTIL (RFC 4865 section 4).
    pub hold: Option<Hold>,
    /// MT-PRIORITY (RFC 6710 section 3).
    pub priority: Option<i8>,
    /// REQUIRETLS (RFC 8689 section 2).
    pub require_tls: bool,
}

/// BY: time and manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// Seconds from now; negative if the time has passed already, which only `N` may.
    pub seconds: i64,
    /// What happens when the time has passed.
    pub mode: ByMode,
    /// `T`: each hop that relays reports so.
    pub trace: bool,
}

/// HOLDFOR or HOLDUNTIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// So many seconds from now.
    For(u64),
    /// Until then, in milliseconds since 1970 (UTC).
    Until(u64),
}

/// What the client asks for, for one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RcptParameters {
    /// NOTIFY (RFC 3461 section 4.1).
    pub notify: Option<Notify>,
    /// ORCPT: `addr-type;xtext` as it came (RFC 3461 section 4.2).
    pub orcpt: Option<String>,
}

impl MailParameters {
    /// Parses what follows the path of MAIL.
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        let (mut size, mut body) = (None, None);
        for parameter in split(text) {
            let (keyword, value) = parameter.split_once('=').map_or((parameter, None), |(k, v)| (k, Some(v)));
            match keyword.to_ascii_uppercase().as_str() {
                "SIZE" => once(&mut size, parse_size(value)?, "SIZE")?,
                "BODY" => once(&mut body, parse_body(value)?, "BODY")?,
                _ => return Err(unknown(parameter)),
            }
        }
        Ok(Self { size, body: body.unwrap_or_default(), ..Self::default() })
    }
}

pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split_ascii_whitespace()
}

/// The error for a parameter that no extension on offer defines, or that is none.
///
/// Source: RFC 5321 section 4.1.2 (`esmtp-keyword`), section 4.1.1.11 (555).
pub(super) fn unknown(parameter: &str) -> CommandError {
    let keyword = parameter.split('=').next().unwrap_or_default();
    let stands = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    if keyword.is_empty() || keyword.starts_with('-') || !keyword.bytes().all(stands) {
        return CommandError::Parameter;
    }
    CommandError::UnknownParameter { keyword: keyword.chars().take(MAX_ECHO).collect() }
}

fn once<T>(slot: &mut Option<T>, value: T, keyword: &'static str) -> Result<(), CommandError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(CommandError::Repeated { keyword }),
    }
}

/// Source: RFC 1870 section 4, `size-value = 1*20DIGIT`.
fn parse_size(value: Option<&str>) -> Result<u64, CommandError> {
    let digits = value.filter(|v| (1..=20).contains(&v.len()) && v.bytes().all(|c| c.is_ascii_digit()));
    digits.map(|digits| digits.parse().unwrap_or(u64::MAX)).ok_or(CommandError::Value { keyword: "SIZE" })
}

fn parse_body(value: Option<&str>) -> Result<BodyKind, CommandError> {
    match value {
        Some(v) if v.eq_ignore_ascii_case("7BIT") => Ok(BodyKind::SevenBit),
        Some(v) if v.eq_ignore_ascii_case("8BITMIME") => Ok(BodyKind::EightBitMime),
        _ => Err(CommandError::Value { keyword: "BODY" }),
    }
}

/// How much of an unknown keyword is told back.
const MAX_ECHO: usize = 32;
