//! The log of an owner: what it decided, one line per decision, in the order of the decisions.
//!
//! [`LogRecord`] says what a line can say, [`Log`] how lines get to the disk and [`Lines`] how they come back.

mod file;
mod lines;
mod record;
mod special;
mod successor;
mod text;
mod waiting;

pub use file::{Log, LogSync};
pub(crate) use lines::read_lines;
pub use lines::{Lines, LogLine};
pub use record::{LogRecord, Reason, Reported, Waiting, WaitingRecipient};
pub use successor::Successor;
pub use waiting::{Part, WaitingFacts, WaitingHead, WaitingLine};
