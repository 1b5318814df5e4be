//! The log of an owner: what it decided, one line per decision, in the order of the decisions.
//!
//! [`LogRecord`] says what a line can say, [`Log`] how lines get to the disk and back.

mod file;
mod record;
mod text;

pub(crate) use file::read_lines;
pub use file::{Log, LogSync, Successor};
pub use record::{LogRecord, Reason, Reported, Waiting, WaitingRecipient};
