//! Mailboxes, domains and paths.
//!
//! Decides what is an address: the grammar and the lengths of RFC 5321, no more and no less, save the leniencies that
//! each type documents. It does not decide whether an address exists or may be used.
//!
//! Parsing then printing gives the one canonical text of an address: domain in lower case, local part with the least
//! quoting that is possible, source route dropped. So two texts that mean the same mailbox compare equal.
//!
//! Source: RFC 5321 sections 4.1.2, 4.1.3 and 4.5.3.1.

mod domain;
mod local_part;
mod mailbox;
mod path;

pub use domain::{Domain, DomainError};
pub use local_part::LocalPartError;
pub use mailbox::{Mailbox, MailboxError};
pub(crate) use path::split_path;
pub use path::{ForwardPath, PathError, ReversePath};

#[cfg(test)]
mod tests;
