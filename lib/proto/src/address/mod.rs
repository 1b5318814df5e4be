//! Mailboxes, domains and paths.
//!
//! Decides what is an address: the grammar and the lengths of RFC 5321, no more and no less, save the leniencies that
//! each type documents. It does not decide whether an address exists or may be used.
//!
//! Parsing then printing gives the one canonical text of an address: domain in lower case, local part with the least
//! quoting that is possible, source route dropped. What is in UTF-8 stays in UTF-8, and is compared by its canonical
//! form: A-labels, normal form C. So two texts that mean the same mailbox compare equal.
//!
//! Sources: RFC 5321 sections 4.1.2, 4.1.3 and 4.5.3.1; RFC 6531 section 3.3.

mod domain;
mod local_part;
mod mailbox;
mod path;
pub mod utf8_xtext;

pub use domain::{Domain, DomainError};
pub use local_part::LocalPartError;
pub use mailbox::{Mailbox, MailboxError, folded};
pub(crate) use path::split_path;
pub use path::{ForwardPath, PathError, ReversePath};

#[cfg(test)]
mod tests;
