//! Notices: what Grange tells a sender about recipients, as a message that programs can read as well.
//!
//! A [`Notice`] is a value with all facts in it, times and ids included; [`Notice::compose`] turns it into the content
//! of a message: `multipart/report` with a text for people, a `message/delivery-status` for programs and the header
//! section of the message that it is about. That header section is copied and never parsed.
//!
//! A notice has a [`Mailbox`](crate::address::Mailbox) to go to, so there is no way to build one for a message that
//! itself had the null reverse-path; its own envelope sender must be [`ReversePath::Null`](crate::address::ReversePath).
//!
//! Sources: RFC 3461 section 6 (when to send), RFC 3462 (multipart/report), RFC 3464 (delivery-status), RFC 3834
//! section 5 (Auto-Submitted).

mod headers;
mod notice;
mod prose;
mod report;

pub use notice::{Action, Composed, Notice, NoticeRecipient};
