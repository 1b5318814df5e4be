//! Enhanced mail system status codes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An enhanced status code `class.subject.detail`.
///
/// Source: RFC 3463 section 2; class is 2 (success), 4 (persistent transient failure) or 5 (permanent failure),
/// subject and detail have one to three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status {
    class: u8,
    subject: u16,
    detail: u16,
}

/// The text is not an enhanced status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enhanced status code; write class.subject.detail as in 5.1.1")]
pub struct StatusError;

impl Status {
    /// 2.0.0: success without detail.
    pub const OK: Self = Self { class: 2, subject: 0, detail: 0 };

    /// A success, 2.subject.detail.
    pub const fn success(subject: u16, detail: u16) -> Self {
        Self { class: 2, subject, detail }
    }

    /// A persistent transient failure, 4.subject.detail.
    pub const fn transient(subject: u16, detail: u16) -> Self {
        Self { class: 4, subject, detail }
    }

    /// A permanent failure, 5.subject.detail.
    pub const fn permanent(subject: u16, detail: u16) -> Self {
        Self { class: 5, subject, detail }
    }

    /// The class: 2, 4 or 5.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// The same subject and detail under another class; used when a transient failure becomes final by expiry.
    pub const fn with_class(self, class: u8) -> Self {
        Self { class, ..self }
    }

    /// Splits a leading enhanced status code off the text of a reply: `5.1.1 no such user` gives the code and
    /// `no such user`.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        first.parse().ok().map(|status| (status, rest))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        let number = |part: Option<&str>| -> Result<u16, StatusError> {
            let part = part.ok_or(StatusError)?;
            let plausible = (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
            if plausible { part.parse().map_err(|_| StatusError) } else { Err(StatusError) }
        };
        let mut parts = text.split('.');
        let class = match parts.next() {
            Some("2") => 2,
            Some("4") => 4,
            Some("5") => 5,
            _ => return Err(StatusError),
        };
        let status = Self { class, subject: number(parts.next())?, detail: number(parts.next())? };
        if parts.next().is_some() { Err(StatusError) } else { Ok(status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_printing() {
        for text in ["2.0.0", "4.7.1", "5.1.1", "5.999.999"] {
            assert_eq!(text.parse::<Status>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "3.0.0", "5.1", "5.1.1.1", "5.1.1000", "5..1", "5.1.x", "+5.1.1"] {
            assert_eq!(text.parse::<Status>(), Err(StatusError), "{text}");
        }
    }

    #[test]
    fn a_reply_text_is_split() {
        assert_eq!(Status::split("5.1.1 no such user"), Some((Status::permanent(1, 1), "no such user")));
        assert_eq!(Status::split("no such user"), None);
    }
}
