//! What a notice gives back of the message that it is about.

use super::headers;
use std::borrow::Cow;

/// As much of the message as goes back, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Original {
    /// Its header section; at most 64 KiB of it are copied.
    Headers(Vec<u8>),
    /// All of it: CRLF line ends, no line longer than 998 octets, no octet that could end a line elsewhere. What is not like
    /// that must be given as headers only.
    Full(Vec<u8>),
}

impl Original {
    /// The octets that go back.
    pub(super) fn copy(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Headers(section) => Cow::Owned(headers::copy(section)),
            Self::Full(content) => Cow::Borrowed(content),
        }
    }

    /// The media type of the part (RFC 6522 section 3 and 4, RFC 6533 sections 5 and 6).
    pub(super) fn kind(&self, utf8: bool) -> &'static str {
        match (self, utf8) {
            (Self::Headers(_), false) => "text/rfc822-headers",
            (Self::Headers(_), true) => "message/global-headers",
            (Self::Full(_), false) => "message/rfc822",
            (Self::Full(_), true) => "message/global",
        }
    }

    /// Its name for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Headers(_) => "The header of your message",
            Self::Full(_) => "Your message",
        }
    }
}
