//! The parameters of MAIL and RCPT.

use super::{CommandError, values};
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
    /// ORCPT: `addr-type;xtext` as it came, the type utf-8 in its ASCII form (RFC 3461 section 4.2, RFC 6533 section 3).
    pub orcpt: Option<String>,
}

impl MailParameters {
    /// Parses what follows the path of MAIL.
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        let mut found = Self::default();
        let mut body = None;
        for parameter in split(text) {
            let (keyword, value) = halves(parameter);
            match keyword.to_ascii_uppercase().as_str() {
                "SIZE" => set(&mut found.size, "SIZE", value, values::size)?,
                "BODY" => set(&mut body, "BODY", value, values::body)?,
                "SMTPUTF8" => flag(&mut found.utf8, "SMTPUTF8", value)?,
                "RET" => set(&mut found.ret, "RET", value, values::ret)?,
                "ENVID" => set(&mut found.envid, "ENVID", value, values::envid)?,
                "AUTH" => set(&mut found.auth, "AUTH", value, values::auth)?,
                "BY" => set(&mut found.by, "BY", value, values::by)?,
                "HOLDFOR" => set(&mut found.hold, "HOLDFOR", value, values::hold_for)?,
                "HOLDUNTIL" => set(&mut found.hold, "HOLDUNTIL", value, values::hold_until)?,
                "MT-PRIORITY" => set(&mut found.priority, "MT-PRIORITY", value, values::priority)?,
                "REQUIRETLS" => flag(&mut found.require_tls, "REQUIRETLS", value)?,
                _ => return Err(unknown(parameter)),
            }
        }
        found.body = body.unwrap_or_default();
        Ok(found)
    }

    /// The keywords of what was asked for, so that a session can refuse those that it does not offer. `SIZE` and
    /// `BODY=7BIT` or `BODY=8BITMIME` are always offered and not among them; `BODY=BINARYMIME` is called `BINARYMIME`.
    pub fn keywords(&self) -> impl Iterator<Item = &'static str> {
        let hold = self.hold.map(|hold| if matches!(hold, Hold::For(_)) { "HOLDFOR" } else { "HOLDUNTIL" });
        let given = [
            (self.body == BodyKind::BinaryMime, "BINARYMIME"),
            (self.utf8, "SMTPUTF8"),
            (self.ret.is_some(), "RET"),
            (self.envid.is_some(), "ENVID"),
            (self.auth.is_some(), "AUTH"),
            (self.by.is_some(), "BY"),
            (self.priority.is_some(), "MT-PRIORITY"),
            (self.require_tls, "REQUIRETLS"),
        ];
        given.into_iter().filter_map(|(given, keyword)| given.then_some(keyword)).chain(hold)
    }
}

impl RcptParameters {
    /// Parses what follows the path of RCPT.
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        let mut found = Self::default();
        for parameter in split(text) {
            let (keyword, value) = halves(parameter);
            match keyword.to_ascii_uppercase().as_str() {
                "NOTIFY" => set(&mut found.notify, "NOTIFY", value, values::notify)?,
                "ORCPT" => set(&mut found.orcpt, "ORCPT", value, values::orcpt)?,
                _ => return Err(unknown(parameter)),
            }
        }
        Ok(found)
    }

    /// The keywords of what was asked for, so that a session can refuse those that it does not offer.
    pub fn keywords(&self) -> impl Iterator<Item = &'static str> {
        let given = [(self.notify.is_some(), "NOTIFY"), (self.orcpt.is_some(), "ORCPT")];
        given.into_iter().filter_map(|(given, keyword)| given.then_some(keyword))
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split_ascii_whitespace()
}

fn halves(parameter: &str) -> (&str, Option<&str>) {
    parameter.split_once('=').map_or((parameter, None), |(keyword, value)| (keyword, Some(value)))
}

/// The error for a parameter that no extension defines, or that is none.
///
/// Source: RFC 5321 section 4.1.2 (`esmtp-keyword`), section 4.1.1.11 (555).
fn unknown(parameter: &str) -> CommandError {
    let (keyword, _) = halves(parameter);
    let stands = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    if keyword.is_empty() || keyword.starts_with('-') || !keyword.bytes().all(stands) {
        return CommandError::Parameter;
    }
    CommandError::UnknownParameter { keyword: keyword.chars().take(MAX_ECHO).collect() }
}

/// Fills `slot` with what `read` makes of the value, unless it is full.
fn set<T>(
    slot: &mut Option<T>,
    keyword: &'static str,
    value: Option<&str>,
    read: fn(&str) -> Option<T>,
) -> Result<(), CommandError> {
    let value = value.and_then(read).ok_or(CommandError::Value { keyword })?;
    if slot.replace(value).is_some() { Err(CommandError::Repeated { keyword }) } else { Ok(()) }
}

/// A parameter without a value.
fn flag(slot: &mut bool, keyword: &'static str, value: Option<&str>) -> Result<(), CommandError> {
    match value {
        Some(_) => Err(CommandError::Value { keyword }),
        None if std::mem::replace(slot, true) => Err(CommandError::Repeated { keyword }),
        None => Ok(()),
    }
}

/// How much of an unknown keyword is told back.
const MAX_ECHO: usize = 32;
