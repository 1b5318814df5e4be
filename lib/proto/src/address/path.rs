//! The arguments of MAIL and RCPT.

use super::{Domain, DomainError, Mailbox, MailboxError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The reverse-path of MAIL: where notices go; null for a notice itself (RFC 5321 section 4.5.5).
///
/// Parsed from the text with its angle brackets. A source route is accepted and dropped (RFC 5321 appendix C).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReversePath {
    /// `<>`
    Null,
    /// `<mailbox>`
    Mailbox(Mailbox),
}

/// The forward-path of RCPT.
///
/// Parsed from the text with its angle brackets. A source route is accepted and dropped (RFC 5321 appendix C).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain, in any case (RFC 5321 section 4.1.1.3): the postmaster of this host.
    Postmaster,
    /// `<mailbox>`
    Mailbox(Mailbox),
}

/// Why a text is not a path; offsets count octets from its opening bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with `<`, or the closing `>` is missing or not at the end.
    #[error("the address must stand in angle brackets")]
    Brackets,
    /// Longer than 256 octets.
    #[error("the path has {length} octets; 256 are allowed")]
    TooLong {
        /// The length in octets, brackets included.
        length: usize,
    },
    /// `<>` where a mailbox is needed.
    #[error("the address is empty")]
    Null,
    /// A source route that is none.
    #[error("octet {at} of the source route cannot stand there")]
    Route {
        /// Where the faulty element begins.
        at: usize,
    },
    /// What the path leads to is no mailbox.
    #[error("{source}")]
    Mailbox {
        /// Where the mailbox begins.
        at: usize,
        /// What is wrong with it.
        source: MailboxError,
    },
}

impl ReversePath {
    /// The mailbox, unless the path is null.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether it holds UTF-8: then MAIL needs SMTPUTF8.
    pub fn is_utf8(&self) -> bool {
        self.mailbox().is_some_and(Mailbox::is_utf8)
    }
}

impl ForwardPath {
    /// Whether it holds UTF-8: then MAIL needs SMTPUTF8.
    pub fn is_utf8(&self) -> bool {
        match self {
            Self::Postmaster => false,
            Self::Mailbox(mailbox) => mailbox.is_utf8(),
        }
    }
}

impl FromStr for ReversePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match inside(text)? {
            "" => Ok(Self::Null),
            inner => mailbox(inner).map(Self::Mailbox),
        }
    }
}

impl FromStr for ForwardPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match inside(text)? {
            "" => Err(PathError::Null),
            inner if inner.eq_ignore_ascii_case("postmaster") => Ok(Self::Postmaster),
            inner => mailbox(inner).map(Self::Mailbox),
        }
    }
}

/// Splits the path off the argument of a command: the text up to the bracket that closes it, and what follows.
///
/// A bracket inside a quoted local part closes nothing.
pub(crate) fn split_path(text: &str) -> Result<(&str, &str), PathError> {
    if !text.starts_with('<') {
        return Err(PathError::Brackets);
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return text.split_at_checked(at + 1).ok_or(PathError::Brackets),
            _ => {}
        }
    }
    Err(PathError::Brackets)
}

fn inside(text: &str) -> Result<&str, PathError> {
    if text.len() > MAX_LENGTH {
        return Err(PathError::TooLong { length: text.len() });
    }
    text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).ok_or(PathError::Brackets)
}

fn mailbox(inner: &str) -> Result<Mailbox, PathError> {
    let at = if inner.starts_with('@') { route_length(inner)? } else { 0 };
    let text = inner.get(at..).unwrap_or_default();
    text.parse().map_err(|source| PathError::Mailbox { at: at + 1, source })
}

/// The length of `@a,@b:` at the beginning of `inner`.
fn route_length(inner: &str) -> Result<usize, PathError> {
    let mut at = 0;
    loop {
        let fault = PathError::Route { at: at + 1 };
        let element = inner.get(at..).and_then(|t| t.strip_prefix('@')).ok_or(fault)?;
        let length = element_length(element).ok_or(fault)?;
        let domain: Result<Domain, DomainError> = element.get(..length).unwrap_or_default().parse();
        domain.map_err(|_| fault)?;
        at += 1 + length + 1;
        if element.as_bytes().get(length) == Some(&b':') {
            return Ok(at);
        }
    }
}

/// The length of the domain before the `,` or `:` that ends it; a literal has colons of its own.
fn element_length(element: &str) -> Option<usize> {
    let literal = if element.starts_with('[') { element.find(']')? } else { 0 };
    element.get(literal..)?.find([',', ':']).map(|length| literal + length)
}

impl fmt::Display for ReversePath {
    /// With the angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

impl fmt::Display for ForwardPath {
    /// With the angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<Postmaster>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// RFC 5321 section 4.5.3.1.3.
const MAX_LENGTH: usize = 256;
