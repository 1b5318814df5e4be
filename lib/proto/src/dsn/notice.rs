//! The facts of a notice, and the message made of them.

use super::{Original, names, prose, report};
use crate::address::Mailbox;
use crate::base64;
use crate::envelope::Shape;
use crate::id::SpoolId;
use crate::message::{date, shape_of};
use crate::status::Status;
use std::borrow::Cow;
use std::fmt;

/// A report to the sender of a message about one or more of its recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The id of the notice itself; its Message-ID and its boundary are derived from it.
    pub id: SpoolId,
    /// The id of the message it is about.
    pub about: SpoolId,
    /// The name of this host.
    pub reporting_mta: String,
    /// When the notice is made, in milliseconds since 1970 (UTC).
    pub now: u64,
    /// When the message it is about arrived, in milliseconds since 1970 (UTC).
    pub arrival_date: u64,
    /// The sender of that message: to whom the notice goes.
    pub original_sender: Mailbox,
    /// Of whom it tells.
    pub recipients: Vec<NoticeRecipient>,
    /// What goes back of the message it is about.
    pub original: Original,
    /// The sender's name for the transmission of that message: ENVID as it came.
    pub envid: Option<String>,
    /// By when that message was to arrive, in milliseconds since 1970 (UTC).
    pub deliver_by: Option<u64>,
    /// The notice may hold UTF-8 in addresses and header fields: its sender can read that (RFC 6533).
    pub utf8: bool,
}

/// What a notice says about one recipient.
///
/// Source: RFC 3464 section 2.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRecipient {
    /// The recipient as the last system knew it.
    pub final_recipient: Mailbox,
    /// The recipient as the sender gave it: ORCPT as it came.
    pub original_recipient: Option<String>,
    /// What became of the message.
    pub action: Action,
    /// Why, as a code.
    pub status: Status,
    /// Who said so, in the form of [`Disposition::remote`](crate::disposition::Disposition): `mx1.example.net[198.51.100.4]`;
    /// empty if nobody was reached.
    pub remote_mta: String,
    /// What was said: the reply of the remote system, or our own words if there is none.
    pub diagnostic: String,
    /// When delivery was last tried, in milliseconds since 1970 (UTC); `None` if it never was.
    pub last_attempt: Option<u64>,
    /// Until when it will be tried again, in milliseconds since 1970 (UTC); printed for [`Action::Delayed`] only.
    pub will_retry_until: Option<u64>,
}

impl NoticeRecipient {
    /// The diagnostic is a reply of the remote system, with its code, and not in our own words.
    pub(super) fn is_quoted(&self) -> bool {
        let mut octets = self.diagnostic.bytes();
        let code = octets.by_ref().take(3).filter(u8::is_ascii_digit).count() == 3;
        !self.remote_mta.is_empty() && code && matches!(octets.next(), None | Some(b' ' | b'-'))
    }
}

/// What became of the message for a recipient.
///
/// Source: RFC 3464 section 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It could not be delivered, and will not be tried again.
    Failed,
    /// It could not be delivered yet, and will be tried again.
    Delayed,
    /// It is in the mailbox.
    Delivered,
    /// It was passed to a system that does not promise to report.
    Relayed,
    /// It was delivered to a list or an alias, and went on to several others.
    Expanded,
}

/// The content of a notice, ready for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The message: CRLF line ends, no dot stuffing, no line longer than 998 octets.
    pub content: Vec<u8>,
    /// Its shape.
    pub shape: Shape,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        })
    }
}

impl Notice {
    /// Builds the message.
    ///
    /// The same notice always gives the same octets, so that one which is made again after a crash is no new message.
    pub fn compose(&self) -> Composed {
        let copy = self.original.copy();
        let boundary = self.boundary(&copy);
        let (prose, report) = (prose::text(self), report::delivery_status(self));
        let bodies = [prose.as_bytes(), report.as_bytes(), &copy];
        let kinds = if self.utf8 { UTF8 } else { ASCII };
        let kinds = [kinds.0, kinds.1, self.original.kind(self.utf8)];

        // The way back of a sender whose address is ASCII may be without SMTPUTF8 (RFC 6533 section 4.5).
        let seven_bit = self.utf8 && !self.original_sender.is_utf8();
        let bodies = bodies.map(|body| encoded(body, seven_bit));
        let eight_bit = bodies.iter().any(|(encoding, _)| *encoding == "8bit");
        let encoding = if eight_bit { "8bit" } else { "7bit" };
        let mut content = self.header_section(&boundary, encoding).into_bytes();
        for (kind, (encoding, body)) in kinds.into_iter().zip(&bodies) {
            let head = format!(
                "--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            );
            content.extend_from_slice(head.as_bytes());
            content.extend_from_slice(body);
            content.extend_from_slice(b"\r\n");
        }
        content.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());

        Composed { shape: shape_of(&content), content }
    }

    /// The worst of the actions: what the subject speaks of.
    pub(super) fn gravest(&self) -> Action {
        let any = |action| self.recipients.iter().any(|recipient| recipient.action == action);
        let order = [Action::Failed, Action::Delayed, Action::Relayed, Action::Expanded];
        order.into_iter().find(|&action| any(action)).unwrap_or(Action::Delivered)
    }

    fn header_section(&self, boundary: &str, encoding: &str) -> String {
        let host = &self.reporting_mta;
        let fields = [
            ("From", format!("Mail Delivery System <MAILER-DAEMON@{host}>")),
            ("To", format!("<{}>", names::address(&self.original_sender, self.utf8))),
            ("Subject", prose::subject(self.gravest()).to_owned()),
            ("Date", date(self.now)),
            ("Message-ID", format!("<{}@{host}>", self.id)),
            ("Auto-Submitted", "auto-replied".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            (
                "Content-Type",
                format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\""),
            ),
            ("Content-Transfer-Encoding", encoding.to_owned()),
        ];
        let mut section = String::new();
        for (name, value) in fields {
            report::field(&mut section, name, &value);
        }
        section.push_str("\r\n");
        section
    }

    /// A boundary that does not occur in the copied headers; the other parts are ours and cannot hold it, since no
    /// line of theirs begins with two hyphens.
    fn boundary(&self, copy: &[u8]) -> String {
        let mut boundary = format!("grange-{}", self.id);
        while memchr::memmem::find(copy, boundary.as_bytes()).is_some() {
            boundary.push_str("-x");
        }
        boundary
    }
}

/// The media types of the parts for people and for programs.
const ASCII: (&str, &str) = ("text/plain; charset=us-ascii", "message/delivery-status");

/// The same where they may hold UTF-8.
const UTF8: (&str, &str) = ("text/plain; charset=utf-8", "message/global-delivery-status");

/// A body with the name of its encoding: as it is, unless that must be ASCII and is not.
fn encoded(body: &[u8], seven_bit: bool) -> (&'static str, Cow<'_, [u8]>) {
    match (body.is_ascii(), seven_bit) {
        (true, _) => ("7bit", Cow::Borrowed(body)),
        (false, false) => ("8bit", Cow::Borrowed(body)),
        (false, true) => {
            let lines: Vec<String> = body.chunks(LINE).map(base64::encode).collect();
            ("base64", Cow::Owned(lines.join("\r\n").into_bytes()))
        }
    }
}

/// Octets that a line of base64 stands for (RFC 2045 section 6.8: 76 characters).
const LINE: usize = 57;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
