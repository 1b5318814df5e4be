//! Replies: what a server says, and how a client reads it.
//!
//! A [`Reply`] is a value; [`Reply::write_to`] prints it in the form of the wire, [`ReplyParser`] reads that form back
//! from any split of it. Whatever the text holds, no control octet leaves or enters through here, and no line that
//! leaves is longer than a client has to take.
//!
//! Sources: RFC 5321 sections 4.2 and 4.5.3.1.5, RFC 2034 section 3 (enhanced status codes in replies).

mod cause;
mod parser;

pub use cause::Cause;
pub use parser::{ReplyError, ReplyParser};

use crate::status::Status;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The reply to a command. Two are equal if they look the same on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    /// The reply code, 200 to 599.
    pub code: u16,
    /// The enhanced status code; stands on every line.
    pub status: Option<Status>,
    /// The text, a line each, without codes and line ends; none is as good as one that is empty.
    pub lines: Vec<String>,
    /// Why something is refused, for the journal; stays in this process.
    #[serde(skip)]
    pub cause: Option<Box<Cause>>,
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        (self.code, self.status, &self.lines) == (other.code, other.status, &other.lines)
    }
}

impl Eq for Reply {}

impl Reply {
    /// A reply of one line with an enhanced status code.
    pub fn new(code: u16, status: Status, text: impl Into<String>) -> Self {
        Self { code, status: Some(status), lines: vec![text.into()], cause: None }
    }

    /// A reply of one line without one: the greeting, and the replies to HELO, EHLO, DATA and HELP.
    pub fn plain(code: u16, text: impl Into<String>) -> Self {
        Self { code, status: None, lines: vec![text.into()], cause: None }
    }

    /// The same with the reason for the journal.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// The first digit of the code: 2 success, 3 go on, 4 not now, 5 never.
    pub fn class(&self) -> u16 {
        self.code / 100
    }

    /// The text on one line.
    pub fn text(&self) -> String {
        self.lines.join(" / ")
    }

    /// Appends the form of the wire: every line with its code, CRLF at the end of each.
    ///
    /// An octet that is not printable ASCII becomes `?`, and a line is cut at 512 octets, its CRLF included.
    pub fn write_to(&self, output: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (i, text) in self.lines.iter().enumerate() {
            self.write_line(if i == last { ' ' } else { '-' }, text, output);
        }
        if self.lines.is_empty() {
            self.write_line(' ', "", output);
        }
    }

    fn write_line(&self, mark: char, text: &str, output: &mut Vec<u8>) {
        let status = self.status.map(|status| format!("{status} ")).unwrap_or_default();
        let line = format!("{}{mark}{status}{text}", self.code);
        let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
        output.extend(line.chars().map(printable).filter_map(|c| u8::try_from(c).ok()).take(MAX_LINE - 2));
        output.extend_from_slice(b"\r\n");
    }
}

impl fmt::Display for Reply {
    /// On one line, for the journal: `250 2.0.0 first line / second line`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, " {}", self.text())
    }
}

/// Longest line written, in octets with its CRLF: RFC 5321 section 4.5.3.1.5.
const MAX_LINE: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply) -> String {
        let mut output = Vec::new();
        reply.write_to(&mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn every_line_carries_both_codes() {
        let mut reply = Reply::new(550, Status::permanent(1, 1), "no such user");
        reply.lines.push("ask postmaster".to_owned());
        assert_eq!(written(&reply), "550-5.1.1 no such user\r\n550 5.1.1 ask postmaster\r\n");
        assert_eq!(reply.to_string(), "550 5.1.1 no such user / ask postmaster");
    }

    #[test]
    fn text_cannot_forge_a_second_reply() {
        let reply = Reply::plain(550, "no\r\n250 yes\0\u{fc}");
        assert_eq!(written(&reply), "550 no??250 yes??\r\n");
    }

    #[test]
    fn a_long_line_is_cut_at_512_octets() {
        let line = written(&Reply::plain(250, "x".repeat(2000)));
        assert_eq!(line.len(), 512);
        assert!(line.ends_with("x\r\n"));
    }

    #[test]
    fn no_text_is_still_a_line() {
        assert_eq!(written(&Reply { code: 250, status: None, lines: Vec::new(), cause: None }), "250 \r\n");
    }
}
