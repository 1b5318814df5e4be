//! Notices: what Grange tells a sender about recipients, as a message that programs can read as well.
//!
//! A [`Notice`] is a value with all facts in it, times and ids included; [`Notice::compose`] turns it into the content
//! of a message: `multipart/report` with a text for people, a `message/delivery-status` for programs and the header
//! section of the message that it is about, or all of it. Either is copied and never parsed. To a sender in whose message
//! addresses were in UTF-8 it goes in the forms that allow that.
//!
//! A notice has a [`Mailbox`](crate::address::Mailbox) to go to, so there is no way to build one for a message that
//! itself had the null reverse-path; its own envelope sender must be [`ReversePath::Null`](crate::address::ReversePath).
//!
//! Sources: RFC 3461 section 6 (when to send), RFC 6522 (multipart/report), RFC 3464 (delivery-status), RFC 6533 (the same
//! in UTF-8), RFC 3834 section 5 (Auto-Submitted).

mod headers;
mod names;
mod notice;
mod original;
mod prose;
mod report;

pub use notice::{Action, Composed, Notice, NoticeRecipient};
pub use original::Original;
